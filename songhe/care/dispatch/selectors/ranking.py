"""Weighing which carer of a provider should make an order: by skill, free time and way."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from songhe.care.orders.models import Order
from songhe.care.visits.selectors import busy, usual_carers
from songhe.engines.dispatch import Carer, Stay, Travel, VisitWish, rank
from songhe.registers.workforce.selectors import carers_for


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
    """Return the carers of the order's provider, those who can come first, in the order the engine ranks them."""
    zone = timezone.get_current_timezone()
    midnight = timezone.localtime(order.wanted_from, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    next_midnight = midnight + timedelta(days=1)
    staff = carers_for(service=order.service, area=order.area_id, on=midnight.date(), provider=order.provider_id)
    held = busy([each.staff_id for each in staff], midnight, next_midnight)

    def minute(moment: datetime) -> int:
        return max(0, min(1440, round((moment - midnight).total_seconds() / 60)))

    elder = order.elder
    wish = VisitWish(
        id=str(order.pk),
        skills=frozenset(order.service.skills),
        minutes=order.minutes,
        earliest=minute(order.wanted_from),
        latest=minute(order.wanted_to - timedelta(minutes=order.minutes)),
        latitude=elder.latitude,
        longitude=elder.longitude,
        preferred=tuple(str(carer) for carer in usual_carers(order.elder_id)),
    )
    carers = [
        Carer(
            id=str(each.staff_id),
            skills=frozenset(each.skills),
            shifts=tuple((minute(lower), minute(upper)) for lower, upper in each.shifts),
            latitude=each.latitude,
            longitude=each.longitude,
            mode=each.transport,
            stays=tuple(
                Stay(
                    start=minute(visit.planned.lower),
                    end=minute(visit.planned.upper),
                    latitude=visit.elder.latitude,
                    longitude=visit.elder.longitude,
                )
                for visit in held.get(each.staff_id, [])
            ),
        )
        for each in staff
    ]
    names = {str(each.staff_id): each.name for each in staff}
    return [
        CarerChoice(
            staff_id=UUID(candidate.carer_id),
            name=names[candidate.carer_id],
            start=midnight + timedelta(minutes=candidate.start) if candidate.start is not None else None,
            travel_minutes=candidate.travel_minutes,
            able=candidate.feasible,
            reasons=tuple(candidate.reasons),
        )
        for candidate in rank(wish, carers, Travel())
    ]
