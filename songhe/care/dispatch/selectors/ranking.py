"""Weighing who should take an order: providers by what they offer here, carers by skill, free time and way."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Q
from django.utils import timezone

from songhe.care.orders.flow import OPEN
from songhe.care.orders.models import Order
from songhe.care.visits.selectors import busy, usual_carers
from songhe.core.validity import in_force
from songhe.engines.dispatch import Carer, Stay, Travel, VisitWish, rank
from songhe.registers.catalogue.models import ProviderService
from songhe.registers.providers.models import Provider
from songhe.registers.workforce.selectors import carers_for


@dataclass(frozen=True)
class ProviderChoice:
    """A provider that could take an order, with its price in fen and what speaks for it."""

    provider_id: UUID
    name: str
    price_fen: int
    reasons: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return what is kept of the choice."""
        return {**asdict(self), "provider_id": str(self.provider_id)}


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


def rank_providers(order: Order) -> list[ProviderChoice]:
    """Return the active providers that serve the order's community and offer its service then, the best first.

    The provider a standing order names comes first, then the elder's former one, then quality, then who has fewer open
    orders, then the price.
    """
    day = timezone.localtime(order.wanted_from).date()
    offers = (
        ProviderService.objects.filter(
            in_force(day),
            in_force(day, through="provider__areas"),
            service_id=order.service_id,
            provider__state=Provider.State.ACTIVE,
            provider__areas__area__code__lte=order.area_id,
            provider__areas__area__upper__gt=order.area_id,
        )
        .select_related("provider")
        .distinct()
    )
    found = {offer.provider_id: offer for offer in offers}
    load = dict(
        Order.objects.filter(provider_id__in=found, state__in=OPEN)
        .order_by()
        .values_list("provider_id")
        .annotate(Count("id"))
    )
    former = (
        Order.objects.filter(elder_id=order.elder_id, provider_id__in=found)
        .filter(~Q(pk=order.pk))
        .order_by("-placed_at")
        .values_list("provider_id", flat=True)
        .first()
    )
    named = order.standing_order.provider_id if order.standing_order else None
    ranked = sorted(
        found.values(),
        key=lambda offer: (
            offer.provider_id != named,
            offer.provider_id != former,
            -(offer.provider.quality_score or 0),
            load.get(offer.provider_id, 0),
            offer.price_fen,
            str(offer.provider_id),
        ),
    )
    return [
        ProviderChoice(
            provider_id=offer.provider_id,
            name=offer.provider.name,
            price_fen=offer.price_fen,
            reasons=_provider_reasons(
                offer,
                load.get(offer.provider_id, 0),
                former=offer.provider_id == former,
                named=offer.provider_id == named,
            ),
        )
        for offer in ranked
    ]


def _provider_reasons(offer: ProviderService, load: int, *, former: bool, named: bool) -> tuple[str, ...]:
    reasons = ["周期订单指定"] if named else []
    if former:
        reasons.append("上次为这位老人服务")
    if offer.provider.quality_score is not None:
        reasons.append(f"质量分 {offer.provider.quality_score}")
    reasons.append(f"在办订单 {load} 单")
    return tuple(reasons)


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
