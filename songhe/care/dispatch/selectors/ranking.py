"""Weighing which carer of a provider should make an order: by skill, free time, way, and whom the elder wants."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from songhe.care.dispatch.planning import Wishes, bounds, minute_of, people_of, rules_on
from songhe.care.orders.models import Order
from songhe.care.visits.selectors import busy
from songhe.engines.dispatch import Carer, Stay, Travel, VisitWish, rank


@dataclass(frozen=True)
class CarerChoice:
    """A carer that could take an order, when they could be there, and what speaks for or against it."""

    staff_id: UUID
    name: str
    start: datetime | None
    travel_minutes: int
    able: bool
    reasons: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return what is kept of the choice."""
        return {
            **asdict(self),
            "staff_id": str(self.staff_id),
            "start": self.start.isoformat() if self.start else None,
        }


def rank_carers(order: Order) -> list[CarerChoice]:
    """Return the carers of the order's provider, those who can come first, in the order the engine ranks them.

    Whom the elder refused or complained of, and who declined this order, is among those who cannot, with the reason.
    """
    if order.provider_id is None:
        return []
    day = timezone.localtime(order.wanted_from).date()
    midnight, next_midnight = bounds(day)
    _rules, figures = rules_on(day)
    people = people_of(order.provider_id, day, midnight, set())
    asked = [{"id": order.pk, "elder_id": order.elder_id}]
    wishes = Wishes(order.provider_id, asked, people, day, figures)
    held = busy([UUID(each) for each in people], midnight, next_midnight)
    elder = order.elder
    steady = wishes.steady.get(elder.pk, set())
    wish = VisitWish(
        id=str(order.pk),
        skills=frozenset(order.service.skills),
        minutes=order.minutes,
        earliest=minute_of(order.wanted_from, midnight),
        latest=minute_of(order.wanted_to - timedelta(minutes=order.minutes), midnight),
        latitude=elder.latitude,
        longitude=elder.longitude,
        preferred={
            staff: "固定护理员" if staff in steady else "曾为这位老人服务"
            for staff in wishes.familiar.get(elder.pk, ())
        },
        wished=frozenset(wishes.wished.get(elder.pk, ())),
        barred={**wishes.barred.get(elder.pk, {}), **wishes.declined.get(order.pk, {})},
        stranger=float(figures.get("生面孔折算", 0)),
    )
    carers = [
        Carer(
            id=each.id,
            skills=each.skills,
            shifts=each.shifts,
            latitude=each.latitude,
            longitude=each.longitude,
            mode=each.mode,
            stays=tuple(
                Stay(
                    start=minute_of(visit.planned.lower, midnight),
                    end=minute_of(visit.planned.upper, midnight),
                    latitude=visit.elder.latitude,
                    longitude=visit.elder.longitude,
                )
                for visit in held.get(UUID(each.id), [])
            ),
        )
        for each in people.values()
    ]
    return [
        CarerChoice(
            staff_id=UUID(candidate.carer_id),
            name=people[candidate.carer_id].name,
            start=midnight + timedelta(minutes=candidate.start) if candidate.start is not None else None,
            travel_minutes=candidate.travel_minutes,
            able=candidate.feasible,
            reasons=tuple(candidate.reasons),
        )
        for candidate in rank(wish, carers, Travel())
    ]
