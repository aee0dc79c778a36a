"""Reads on the workforce: who could go out to an elder on a day."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from songhe.core.crypto.sealing import blind_index
from songhe.core.scope.services import Scope, use
from songhe.core.validity import in_force
from songhe.registers.workforce.models import Absence, Certificate, Shift, Staff, StaffSkill

Span = tuple[datetime, datetime]


class AsksSkills(Protocol):
    """A service, as far as the workforce needs to know it."""

    @property
    def skills(self) -> Sequence[str]:
        """What the carer must be able to do."""
        ...


@dataclass(frozen=True)
class OnDuty:
    """A carer of a day: what they can do, when they are there, where they set out and how they travel."""

    staff_id: UUID
    name: str
    provider_id: UUID
    skills: tuple[str, ...]
    shifts: tuple[Span, ...]
    latitude: float | None
    longitude: float | None
    transport: str


def carers_for(*, service: AsksSkills, area: int, on: date, provider: UUID | None = None) -> list[OnDuty]:
    """Return the active carers of a provider (or of all) with their skills and hours of a day, in four queries.

    Those without the service's skills are among them, so that whoever dispatches sees why they cannot go.
    """
    staff = Staff.objects.filter(state=Staff.State.ACTIVE).order_by("id")
    if provider is not None:
        staff = staff.filter(provider_id=provider)
    people = list(staff)
    ids = [each.pk for each in people]
    skills: dict[UUID, set[str]] = defaultdict(set)
    for staff_id, code in StaffSkill.objects.filter(in_force(on), staff_id__in=ids).values_list(
        "staff_id", "skill__code"
    ):
        skills[staff_id].add(code)
    morning = timezone.make_aware(datetime.combine(on, time()))
    day = (morning, morning + timedelta(days=1))
    shifts = _spans(Shift.objects.filter(staff_id__in=ids, during__overlap=day))
    absences = _spans(Absence.objects.filter(staff_id__in=ids, during__overlap=day))
    return [
        OnDuty(
            staff_id=each.pk,
            name=each.name,
            provider_id=each.provider_id,
            skills=tuple(sorted(skills[each.pk])),
            shifts=tuple(_without(shifts[each.pk], absences[each.pk])),
            latitude=each.latitude,
            longitude=each.longitude,
            transport=each.transport,
        )
        for each in people
    ]


def names_of_carers(staff_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the names of those who come to a home, also for a family, who sees nothing else of a provider's staff.

    Whoever calls it has read ``staff_ids`` under the reader's own scope: from visits that concern the reader.
    """
    with use(Scope.system()):
        return dict(Staff.objects.filter(pk__in=set(staff_ids)).values_list("pk", "name"))


def search(queryset: QuerySet[Staff], text: str) -> QuerySet[Staff]:
    """Find people by part of the name, or by a whole phone or identity number."""
    text = text.strip()
    return queryset.filter(
        Q(name__icontains=text)
        | Q(phone_index=blind_index(text, purpose="phone_index"))
        | Q(id_number_index=blind_index(text, purpose="id_number_index"))
    )


def certificates_running_out(by: date, *, rows: QuerySet[Certificate] | None = None) -> QuerySet[Certificate]:
    """Return the certificates of people in service that end by a day and that no later one of the same name follows."""
    base = Certificate.objects.all() if rows is None else rows
    later = Certificate.objects.filter(staff=OuterRef("staff"), name=OuterRef("name")).exclude(pk=OuterRef("pk"))
    followed = later.filter(
        Q(validity__endswith__gt=OuterRef("validity__endswith")) | Q(validity__endswith__isnull=True)
    )
    return base.filter(~Exists(followed), validity__endswith__lte=by + timedelta(days=1)).exclude(
        staff__state=Staff.State.LEFT
    )


def _spans(rows: QuerySet[Shift] | QuerySet[Absence]) -> dict[UUID, list[Span]]:
    found: dict[UUID, list[Span]] = defaultdict(list)
    for row in rows.order_by("during"):
        found[row.staff_id].append((row.during.lower, row.during.upper))
    return found


def _without(shifts: list[Span], absences: list[Span]) -> list[Span]:
    """Cut absences out of shifts."""
    left = shifts
    for gone, back in absences:
        left = [
            piece
            for start, end in left
            for piece in ((start, min(end, gone)), (max(start, back), end))
            if piece[0] < piece[1]
        ]
    return left
