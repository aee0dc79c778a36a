"""Reads on visits."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from songhe.care.visits.flow import VisitState
from songhe.care.visits.models import HomeCode, Visit
from songhe.care.visits.rules import Limits
from songhe.core.parameters.selectors import parameter_on

NOT_HELD = [VisitState.CANCELLED, VisitState.REJECTED]


def limits_on(day: date) -> Limits:
    """Return the place's limits for doubting visits, as in force on a day."""
    return Limits(
        shortest_percent=int(parameter_on("上门.最短时长比例", day)),
        farthest_metres=int(parameter_on("上门.最远签到距离", day)),
        latest_record=timedelta(hours=int(parameter_on("上门.最迟上传时限", day))),
    )


def with_names(visits: QuerySet[Visit]) -> QuerySet[Visit]:
    """Return visits with all that a list of them shows, in one query."""
    return visits.select_related("elder", "staff", "service", "provider", "order", "area")


def of_staff(staff_id: UUID, first: datetime, last: datetime) -> QuerySet[Visit]:
    """Return a carer's visits planned between two moments, in order."""
    return with_names(
        Visit.objects.filter(staff_id=staff_id, planned__overlap=(first, last)).exclude(state__in=NOT_HELD)
    ).order_by("planned")


def busy(staff_ids: Iterable[UUID], first: datetime, last: datetime) -> dict[UUID, list[Visit]]:
    """Return the visits that carers hold between two moments, by carer, in one query."""
    taken: dict[UUID, list[Visit]] = {}
    visits = (
        Visit.objects.filter(staff_id__in=list(staff_ids), planned__overlap=(first, last))
        .exclude(state__in=NOT_HELD)
        .select_related("elder")
        .order_by("planned")
    )
    for visit in visits:
        taken.setdefault(visit.staff_id, []).append(visit)
    return taken


def home_code_of(elder_id: UUID) -> HomeCode | None:
    """Return the code at an elder's door, or None."""
    return HomeCode.objects.filter(elder_id=elder_id, ended_at__isnull=True).first()
