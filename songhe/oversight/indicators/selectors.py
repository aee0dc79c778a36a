"""Computing indicators for any area of the tree and any period."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from songhe.core.areas.models import Area
from songhe.oversight.indicators.measures import MEASURES, Period
from songhe.oversight.indicators.models import Indicator


@dataclass(frozen=True)
class Figure:
    """An indicator's value with the two counts it is made of; ``met`` is None where there is no target."""

    indicator: Indicator
    numerator: int
    denominator: int | None
    value: Decimal | None

    @property
    def met(self) -> bool | None:
        """Tell whether the target is reached."""
        if self.indicator.target is None or self.value is None:
            return None
        return self.value >= self.indicator.target


def figure(indicator: Indicator, area: Area, period: Period) -> Figure:
    """Compute one indicator for an area's subtree and a period; without a denominator it is the count itself."""
    numerator = MEASURES[indicator.numerator].value(area, period)
    if not indicator.denominator:
        return Figure(indicator, numerator, None, Decimal(numerator))
    denominator = MEASURES[indicator.denominator].value(area, period)
    if denominator == 0:
        return Figure(indicator, numerator, denominator, None)
    value = (Decimal(numerator) * indicator.factor / denominator).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return Figure(indicator, numerator, denominator, value)


def figures(area: Area, period: Period) -> list[Figure]:
    """Compute every indicator of the place."""
    return [figure(indicator, area, period) for indicator in Indicator.objects.all()]
