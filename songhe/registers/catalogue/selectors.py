"""Reads on the catalogue: what may be ordered, at what price, from whom."""

from dataclasses import dataclass
from datetime import date

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from songhe.core.validity import in_force
from songhe.registers.catalogue.models import ProviderService, Service, ServicePrice


@dataclass(frozen=True)
class Price:
    """The guided price of one unit in fen, and whether public money may pay it."""

    price_fen: int
    credit_pays: bool


def price_on(*, service: Service, on: date) -> Price | None:
    """Return a service's guided price on a day: the public one where there is one, else the private; None without."""
    prices = {price.payer: price.price_fen for price in ServicePrice.objects.filter(in_force(on), service=service)}
    if ServicePrice.Payer.PUBLIC in prices:
        return Price(prices[ServicePrice.Payer.PUBLIC], credit_pays=True)
    if ServicePrice.Payer.SELF in prices:
        return Price(prices[ServicePrice.Payer.SELF], credit_pays=False)
    return None


def priced_services(on: date) -> QuerySet[Service]:
    """Return the open services with their guided prices of a day as ``public_fen`` and ``self_fen``, in one query."""

    def price(payer: str) -> Subquery:
        return Subquery(
            ServicePrice.objects.filter(in_force(on), service=OuterRef("pk"), payer=payer).values("price_fen")[:1]
        )

    return (
        Service.objects.filter(state=Service.State.OPEN)
        .annotate(public_fen=price(ServicePrice.Payer.PUBLIC), self_fen=price(ServicePrice.Payer.SELF))
        .filter(Q(public_fen__isnull=False) | Q(self_fen__isnull=False))
        .select_related("category")
        .order_by(F("category__position"), "code")
    )


def ceiling_on(*, service: Service, on: date) -> int | None:
    """Return the most a provider may ask for a unit on a day, in fen: the highest ceiling, or guided price without one.

    None where no price is guided that day.
    """
    rows = list(ServicePrice.objects.filter(in_force(on), service=service))
    return max((row.ceiling_fen or row.price_fen for row in rows), default=None)


def with_guide(on: date) -> QuerySet[ProviderService]:
    """Return published prices, each with a day's guided private (or public) price as ``guided_fen``."""
    guided = ServicePrice.objects.filter(in_force(on), service=OuterRef("service")).order_by("-payer")
    return ProviderService.objects.annotate(guided_fen=Subquery(guided.values("price_fen")[:1]))


def offers_on(on: date) -> QuerySet[ProviderService]:
    """Return what providers publish on a day beside the guided price."""
    return with_guide(on).filter(in_force(on))


def search(queryset: QuerySet[Service], text: str) -> QuerySet[Service]:
    """Find services by code or part of the name."""
    text = text.strip()
    return queryset.filter(Q(code__istartswith=text) | Q(name__icontains=text))
