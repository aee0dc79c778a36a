"""What a plan asks for in a week and costs in a month."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date

from django.db.models.functions import Coalesce

from songhe.registers.catalogue.selectors import priced_services
from songhe.rights.careplans.models import CarePlan, PlanItem
from songhe.rights.policy.models import Policy
from songhe.rights.policy.selectors import entitlements_on


@dataclass(frozen=True)
class Line:
    """One service of a plan: how often, and what it costs by guided prices, in fen; None where nothing is published."""

    item: PlanItem
    weekly: int
    monthly: int
    fen: int | None


@dataclass(frozen=True)
class Week:
    """A plan's services, what a month of them costs, and the month's credit to set against it, in fen."""

    lines: list[Line]
    weekly: int
    monthly_fen: int
    credit_fen: int

    @property
    def own_fen(self) -> int:
        """What the credit does not cover."""
        return max(0, self.monthly_fen - self.credit_fen)


def week_of(plan: CarePlan, day: date) -> Week:
    """Return a plan's services as they fall in the month of a day, in a fixed number of queries."""
    items = list(plan.items.select_related("service").order_by("at", "id"))
    priced = priced_services(day).filter(pk__in=[item.service_id for item in items])
    prices = dict(priced.values_list("pk", Coalesce("public_fen", "self_fen")))
    lines = [_line(item, prices.get(item.service_id), day) for item in items]
    due = entitlements_on(plan.elder_id, day).filter(policy__form=Policy.Form.CREDIT)
    return Week(
        lines=lines,
        weekly=sum(line.weekly for line in lines),
        monthly_fen=sum(line.fen or 0 for line in lines),
        credit_fen=sum(entitlement.monthly_fen or 0 for entitlement in due),
    )


def _line(item: PlanItem, price: int | None, day: date) -> Line:
    first_weekday, days = monthrange(day.year, day.month)
    times = sum((first_weekday + number) % 7 + 1 in item.weekdays for number in range(days))
    return Line(item, len(item.weekdays), times, None if price is None else price * times)
