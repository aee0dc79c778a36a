"""What carers were told, and what they were asked by colleagues."""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from django.db.models import QuerySet

from songhe.care.dispatch.models import Notice, Swap
from songhe.care.dispatch.planning import bounds
from songhe.care.visits.models import Visit
from songhe.registers.workforce.models import Staff


def notices_of(visits: Iterable[Visit]) -> dict[UUID, Notice]:
    """Return what the present carers of visits were told last, by visit."""
    carers = {visit.pk: visit.staff_id for visit in visits}
    rows = Notice.objects.filter(visit_id__in=carers).exclude(state=Notice.State.WITHDRAWN).order_by("id")
    return {row.visit_id: row for row in rows if row.staff_id == carers[row.visit_id]}


def asked_of(staff_id: UUID) -> QuerySet[Swap]:
    """Return the visits that colleagues ask a carer to make instead of them."""
    rows = Swap.objects.filter(to_staff_id=staff_id, state=Swap.State.ASKED)
    related = ("from_staff", "visit__elder", "visit__area", "visit__service")
    return rows.select_related(*related).order_by("visit__planned")


def open_swap(visit: Visit) -> Swap | None:
    """Return the colleague asked to make a visit, while they have not answered."""
    return Swap.objects.filter(visit=visit, state=Swap.State.ASKED).select_related("to_staff").first()


def colleagues(visit: Visit) -> QuerySet[Staff]:
    """Return who of the same provider could be asked."""
    rows = Staff.objects.filter(provider_id=visit.provider_id, state=Staff.State.ACTIVE)
    return rows.exclude(pk=visit.staff_id).order_by("name", "id")


def to_be_seen_to(provider_id: UUID, day: date) -> QuerySet[Notice]:
    """Return the answers of a day that a dispatcher has to act on: declined, or none in time, and the visit unmade."""
    midnight, next_midnight = bounds(day)
    rows = Notice.objects.filter(provider_id=provider_id, start__gte=midnight, start__lt=next_midnight)
    late = rows.filter(state=Notice.State.EXPIRED, visit__state="planned")
    declined = rows.filter(state=Notice.State.DECLINED, visit__order__state="dispatched")
    return (late | declined).select_related("staff", "visit__elder", "visit__order").order_by("start")
