"""Reads on visits of care: who is due, who is late, how many were seen."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from songhe.care.outreach.flow import CallState, ProblemState
from songhe.care.outreach.models import Call, Charge, Problem
from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.calendar.services import month_of, today
from songhe.registers.elders.selectors import within_scope


def open_charges(area: Area | None = None) -> QuerySet[Charge]:
    """Return who must be seen now, in an area's subtree if one is named."""
    rows = Charge.objects.filter(validity__endswith=None)
    return rows if area is None else rows.filter(area_id__gte=area.code, area_id__lt=area.upper)


def charges() -> QuerySet[Charge]:
    """Return who must be seen now, in scope."""
    return within_scope(open_charges())


def calls_of(user: User, on: date) -> QuerySet[Call]:
    """Return the visits a person is to make up to a day, the oldest first."""
    rows = Call.objects.filter(visitor=user, state=CallState.PLANNED, planned_on__lte=on)
    return rows.select_related("elder", "area", "charge__frequency").order_by("planned_on", "elder__name_pinyin")


def due_of(user: User, until: date) -> QuerySet[Charge]:
    """Return whom a person has to see by a day and has planned no visit to."""
    planned = Call.objects.filter(charge=OuterRef("pk"), state=CallState.PLANNED)
    rows = open_charges().filter(~Exists(planned), visitor=user, due_on__lte=until)
    return rows.select_related("elder", "area", "frequency").order_by("due_on", "elder__name_pinyin")


def problems_of(user: User) -> QuerySet[Problem]:
    """Return the open problems that a person found."""
    rows = Problem.objects.filter(call__visitor=user).exclude(state=ProblemState.SETTLED)
    return rows.select_related("elder", "area").order_by("due_on")


@dataclass(frozen=True)
class Coverage:
    """How many were to be seen in a month and how many of them were, in one division."""

    area: Area
    due: int
    seen: int
    late: int
    problems: int

    @property
    def percent(self) -> str:
        """The share seen, in words."""
        return f"{100 * self.seen / self.due:.1f} %" if self.due else "—"


def seen_in(rows: QuerySet[Charge], first: date, next_first: date) -> QuerySet[Charge]:
    """Keep those who were met on a visit between two days, the last not counted."""
    met = Call.objects.filter(
        elder=OuterRef("elder"), state=CallState.DONE, done_on__gte=first, done_on__lt=next_first
    ).exclude(result=Call.Result.NOT_SEEN)
    return rows.filter(Exists(met))


def in_month(first: date, next_first: date) -> QuerySet[Charge]:
    """Return who was to be seen at any time between two days, the last not counted."""
    return Charge.objects.filter(validity__overlap=(first, next_first))


def coverage(area: Area, month: date) -> list[Coverage]:
    """Return the figures of a month for each division below an area (or the area itself, if it is the lowest)."""
    first, next_first = month_of(month)
    below = list(Area.objects.filter(parent=area).order_by("code")) or [area]
    return [_coverage(each, first, next_first) for each in below]


def _coverage(area: Area, first: date, next_first: date) -> Coverage:
    here = Q(area_id__gte=area.code, area_id__lt=area.upper)
    due = in_month(first, next_first).filter(here)
    problems = Problem.objects.filter(here).exclude(state=ProblemState.SETTLED)
    late = problems.filter(due_on__lt=today()).count()
    counts = due.aggregate(due=Count("elder", distinct=True))
    seen = seen_in(due, first, next_first).aggregate(seen=Count("elder", distinct=True))
    return Coverage(area, counts["due"], seen["seen"], late, problems.count())
