"""Reading figures as in force on a day."""

from datetime import date
from decimal import Decimal

from songhe.core.errors import Refused
from songhe.core.parameters.models import Parameter
from songhe.core.validity import in_force


def parameter_on(name: str, on: date) -> Decimal:
    """Return a figure as in force on a day.

    Raises:
        Refused: the place has no such figure on that day; names it, so that whoever keeps the pack can enter it.
    """
    value = Parameter.objects.filter(in_force(on), name=name).values_list("value", flat=True).first()
    if value is None:
        raise Refused(f"缺少参数“{name}”在 {on:%Y年%m月%d日} 的数值，请在政策参数中补充。")
    return value


def parameters_on(on: date) -> dict[str, Decimal]:
    """Return every figure in force on a day, by name."""
    return dict(Parameter.objects.filter(in_force(on)).values_list("name", "value"))
