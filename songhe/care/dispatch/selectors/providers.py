"""Weighing which provider should take an order, by the place's own table of points (the parameters ``选商.*``).

Every provider that may take it gets points for what the table names; the most points come first, and each is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count
from django.utils import timezone

from songhe.care.dispatch.models import CarerWish
from songhe.care.orders.flow import OPEN, OrderState
from songhe.care.orders.models import GIVEN, Order
from songhe.core.areas.models import Area
from songhe.core.calendar.services import month_of
from songhe.core.console.display import yuan
from songhe.core.parameters.selectors import parameters_on
from songhe.core.scope.services import Scope, use
from songhe.core.validity import in_force
from songhe.engines.dispatch.ranking import Travel, kilometres
from songhe.registers.catalogue.models import ProviderService
from songhe.registers.contracts.models import OrderShare
from songhe.registers.contracts.selectors import shares_on
from songhe.registers.providers.models import Provider
from songhe.registers.workforce.models import Staff

# How much there is of something, and how that is said.
Fact = tuple[Decimal, str]

TABLE = "选商."
NAMED, WISHED, FORMER = "周期订单指定", "老人希望其护理员", "上次服务"
QUALITY, DISTANCE, LOAD, PRICE = "质量分每百分", "距离每公里", "人均在办每单", "价格每元"
SHARE = "合同份额每百分点"


@dataclass(frozen=True)
class ProviderChoice:
    """A provider that could take an order: its price in fen, its points, and what each of them is for."""

    provider_id: UUID
    name: str
    price_fen: int
    points: float
    reasons: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return what is kept of the choice."""
        return {**asdict(self), "provider_id": str(self.provider_id)}


def points_table(on: date) -> dict[str, Decimal]:
    """Return the place's points by criterion; what it does not name counts nothing."""
    return {name.removeprefix(TABLE): value for name, value in parameters_on(on).items() if name.startswith(TABLE)}


def rank_providers(order: Order) -> list[ProviderChoice]:
    """Return the active providers that serve the order's community and offer its service then, the best first.

    Of two with as many points the cheaper comes first.
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
    facts, table = _Facts(order, list(found)), points_table(day)
    choices = [_choice(offer, facts.of(offer.provider_id), table) for offer in found.values()]
    return sorted(choices, key=lambda each: (-each.points, each.price_fen, str(each.provider_id)))


def _choice(
    offer: ProviderService, facts: Mapping[str, tuple[Decimal, str]], table: Mapping[str, Decimal]
) -> ProviderChoice:
    quality = offer.provider.quality_score
    known = dict(facts)
    if quality is not None:
        known[QUALITY] = (Decimal(quality) / 100, f"质量分 {quality}")
    known[PRICE] = (Decimal(offer.price_fen) / 100, f"价格 {yuan(offer.price_fen)} 元")
    total, reasons = Decimal(0), []
    for name, (amount, words) in known.items():
        points = round(amount * table.get(name, Decimal(0)), 1)
        total += points
        reasons.append(f"{words}（{float(points):+g} 分）" if points else words)
    return ProviderChoice(offer.provider_id, offer.provider.name, offer.price_fen, float(total), tuple(reasons))


class _Facts:
    """What is known of providers with regard to one order, each looked up once for all of them."""

    def __init__(self, order: Order, providers: list[UUID]) -> None:
        self.named = order.standing_order.provider_id if order.standing_order else None
        self.former = (
            Order.objects.filter(elder_id=order.elder_id, provider_id__in=providers)
            .exclude(pk=order.pk)
            .order_by("-placed_at")
            .values_list("provider_id", flat=True)
            .first()
        )
        self.wished = set(
            CarerWish.objects.filter(
                elder_id=order.elder_id, kind=CarerWish.Kind.WISHED, staff__isnull=False, ended_at__isnull=True
            ).values_list("provider_id", flat=True)
        )
        open_orders = Order.objects.filter(provider_id__in=providers, state__in=OPEN).order_by()
        self.orders = dict(open_orders.values_list("provider_id").annotate(Count("id")))
        self.staff: Counter[UUID] = Counter()
        self.away: dict[UUID, float] = {}
        self.shares = _shares(order, providers)
        self._bases(order, providers)

    def _bases(self, order: Order, providers: list[UUID]) -> None:
        elder = order.elder
        rows = Staff.objects.filter(provider_id__in=providers, state=Staff.State.ACTIVE).order_by()
        for provider_id, latitude, longitude in rows.values_list("provider_id", "latitude", "longitude"):
            self.staff[provider_id] += 1
            if latitude is None or longitude is None or elder.latitude is None or elder.longitude is None:
                continue
            away = kilometres(latitude, longitude, elder.latitude, elder.longitude) * Travel().detour
            self.away[provider_id] = min(away, self.away.get(provider_id, away))

    def of(self, provider_id: UUID) -> dict[str, Fact]:
        """Return what the table may give points for, how much of it there is, and how that is said."""
        found: dict[str, Fact] = {}
        if provider_id == self.named:
            found[NAMED] = (Decimal(1), NAMED)
        if provider_id in self.wished:
            found[WISHED] = (Decimal(1), WISHED)
        if provider_id == self.former:
            found[FORMER] = (Decimal(1), "上次为这位老人服务")
        if provider_id in self.away:
            away = round(Decimal(self.away[provider_id]), 1)
            found[DISTANCE] = (away, f"最近的护理员距老人 {away} 公里")
        if provider_id in self.shares:
            found[SHARE] = self.shares[provider_id]
        orders, staff = self.orders.get(provider_id, 0), self.staff[provider_id]
        found[LOAD] = (Decimal(orders) / max(1, staff), f"{staff} 名护理员在办 {orders} 单")
        return found


def _shares(order: Order, providers: list[UUID]) -> dict[UUID, Fact]:
    """Return by how many percentage points each provider that has a share is behind it; one that is not has 0.

    Counted are the orders of the category wanted in the order's month in the contract's division that some provider
    has, the order itself aside. A share is the region's affair: whoever dispatches, all of them are counted.
    """
    day = timezone.localtime(order.wanted_from).date()
    shares = shares_on(providers, order.service.category_id, day, area=order.area_id)
    given: dict[int, Counter[UUID]] = {}
    for share in shares.values():
        if share.area_id not in given:
            given[share.area_id] = _given(order, day, share.area)
    return {provider_id: _behind(share, given[share.area_id], day) for provider_id, share in shares.items()}


def _behind(share: OrderShare, given: Counter[UUID], day: date) -> Fact:
    own, whole = given[share.provider_id], given.total()
    part = round(Decimal(100 * own) / whole, 1) if whole else Decimal(0)
    words = f"合同份额 {share.percent}%，{share.area.name}{day.month}月{share.category.name}已派 {own}/{whole} 单"
    return max(Decimal(0), share.percent - part), f"{words}（{part}%）" if whole else words


def _given(order: Order, day: date, area: Area) -> Counter[UUID]:
    """Return how many orders each provider has; Order's index ``order_given`` holds all that this reads."""
    first, next_first = (timezone.make_aware(datetime.combine(each, time())) for each in month_of(day))
    rows = Order.objects.filter(
        GIVEN,
        wanted_from__gte=first,
        wanted_from__lt=next_first,
        area__gte=area.code,
        area__lt=area.upper,
        service__category=order.service.category_id,
    )
    with use(Scope.system()):
        given = Counter(dict(rows.order_by().values_list("provider_id").annotate(orders=Count("*"))))
    if order.provider_id is not None and order.state != OrderState.CANCELLED:
        given[order.provider_id] -= 1
    return given
