"""What dispatch came to over a stretch of days: punctuality, continuity, travel, utilisation, refusals.

Each group is a provider or a street; what is counted is what the person may see.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import (
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    Func,
    OuterRef,
    Q,
    Sum,
    TextField,
)

from songhe.care.dispatch.flow import PlanState
from songhe.care.dispatch.models import DayPlan, Notice, PlanStop
from songhe.care.dispatch.planning import bounds, rules_on
from songhe.care.visits.flow import VisitState
from songhe.care.visits.models import Visit
from songhe.core.areas.models import Area
from songhe.core.areas.selectors import at_level
from songhe.registers.providers.models import Provider
from songhe.registers.workforce.models import Shift

PROVIDER, STREET = "provider", "street"
# Where the place says nothing: how many minutes after the told time still count as on time.
TOLERANCE = 15
NOT_MADE = [VisitState.PLANNED, VisitState.CANCELLED, VisitState.REJECTED]
MINUTE = timedelta(minutes=1)
ASKED = {
    "asked": Count("pk"),
    "declined": Count("pk", filter=Q(state=Notice.State.DECLINED)),
    "expired": Count("pk", filter=Q(state=Notice.State.EXPIRED)),
}


@dataclass(frozen=True)
class Outcome:
    """A group's figures; minutes are whole, None where nothing says how much.

    ``rostered`` is the service within rosters and ``routed`` that of visits in published plans: days without a roster
    or a plan say nothing of how time was spent.
    """

    name: str
    visits: int = 0
    on_time: int = 0
    elders: int = 0
    pairings: int = 0
    service: int = 0
    rostered: int = 0
    routed: int = 0
    travel: int | None = None
    duty: int | None = None
    asked: int = 0
    declined: int = 0
    expired: int = 0

    @property
    def punctuality(self) -> float | None:
        """Per cent of the visits that began on time."""
        return _percent(self.on_time, self.visits)

    @property
    def carers_an_elder(self) -> float | None:
        """How many different carers an elder saw."""
        return round(self.pairings / self.elders, 2) if self.elders else None

    @property
    def travel_share(self) -> float | None:
        """Per cent of the planned work that is way."""
        return None if self.travel is None else _percent(self.travel, self.travel + self.routed)

    @property
    def utilisation(self) -> float | None:
        """Per cent of the rostered time spent at elders' homes."""
        return None if self.duty is None else _percent(self.rostered, self.duty)

    @property
    def refusals(self) -> float | None:
        """Per cent of the notices that were declined or not answered in time."""
        return _percent(self.declined + self.expired, self.asked)


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None


def outcomes(first: date, last: date, by: str = PROVIDER) -> tuple[list[Outcome], Outcome]:
    """Return the figures of each group between two days, both included, the most visits first, and those of all.

    Ways are those of the published plans and duty is that of the rosters; both are a provider's, not a street's.
    """
    begins, ends = bounds(first)[0], bounds(last)[1]
    group = F("provider_id") if by == PROVIDER else at_level("area_id", Area.Level.TOWNSHIP)
    made = Visit.objects.filter(
        check_in_at__isnull=False, planned__startswith__gte=begins, planned__startswith__lt=ends
    ).exclude(state__in=NOT_MADE)
    told = Notice.objects.filter(start__gte=begins, start__lt=ends).exclude(state=Notice.State.WITHDRAWN)
    groups: dict[Any, Counter[str]] = defaultdict(Counter)
    whole: Counter[str] = Counter()
    for rows, counted in ((made, _made_counts(last)), (told, ASKED)):
        whole.update(_minutes(rows.aggregate(**counted)))
        for row in rows.order_by().values(group=group).annotate(**counted):
            figures: dict[str, Any] = {**row}
            groups[figures.pop("group")].update(_minutes(figures))
    travel, duty = _travel(first, last), _duty(begins, ends)
    names = _names(groups, by)
    found = [
        Outcome(
            names.get(key, "—"),
            **counts,
            travel=travel.get(key) if by == PROVIDER else None,
            duty=duty.get(key) if by == PROVIDER else None,
        )
        for key, counts in groups.items()
    ]
    total = Outcome("合计", **whole, travel=sum(travel.values()) or None, duty=sum(duty.values()) or None)
    return sorted(found, key=lambda each: (-each.visits, each.name)), total


def _made_counts(on: date) -> dict[str, Any]:
    served = F("check_out_at") - F("check_in_at")
    roster = Shift.objects.filter(staff=OuterRef("staff"), during__overlap=OuterRef("planned"))
    stop = PlanStop.objects.filter(visit=OuterRef("pk"), plan__state=PlanState.PUBLISHED)
    tolerance = timedelta(minutes=rules_on(on)[1].get("准点允差", TOLERANCE))
    return {
        "visits": Count("pk"),
        "on_time": Count("pk", filter=Q(check_in_at__lte=F("planned__startswith") + tolerance)),
        "elders": Count("elder_id", distinct=True),
        "pairings": Count(Func(F("elder_id"), F("staff_id"), function="ROW", output_field=TextField()), distinct=True),
        "service": Sum(served, output_field=DurationField()),
        "rostered": Sum(served, filter=Exists(roster), output_field=DurationField()),
        "routed": Sum(served, filter=Exists(stop), output_field=DurationField()),
    }


def _minutes(row: Mapping[str, Any]) -> dict[str, int]:
    return {name: value // MINUTE if isinstance(value, timedelta) else value or 0 for name, value in row.items()}


def _travel(first: date, last: date) -> dict[Any, int]:
    """Return the minutes of way in each provider's published plans."""
    found: Counter[Any] = Counter()
    plans = DayPlan.objects.filter(day__range=(first, last), state=PlanState.PUBLISHED).order_by()
    for provider_id, carers in plans.values_list("provider_id", "carers").iterator():
        found[provider_id] += sum(each["travel"] for each in carers.values())
    return dict(found)


def _duty(begins: datetime, ends: datetime) -> dict[Any, int]:
    """Return the rostered minutes of each provider."""
    length = ExpressionWrapper(F("during__endswith") - F("during__startswith"), output_field=DurationField())
    rows = Shift.objects.filter(during__startswith__gte=begins, during__startswith__lt=ends).order_by()
    counted = rows.values("staff__provider_id").annotate(length=Sum(length, output_field=DurationField()))
    return {row["staff__provider_id"]: row["length"] // MINUTE for row in counted}


def _names(groups: Collection[Any], by: str) -> dict[Any, str]:
    if by == PROVIDER:
        return {each.pk: str(each) for each in Provider.objects.filter(pk__in=groups)}
    return dict(Area.objects.filter(pk__in=groups).values_list("pk", "full_name"))
