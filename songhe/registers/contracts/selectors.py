"""Reads on contracts."""

from collections.abc import Iterable
from datetime import date, timedelta
from uuid import UUID

from django.db.models import QuerySet

from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.validity import in_force
from songhe.registers.catalogue.models import Category, Service
from songhe.registers.contracts.models import Contract, ContractPrice, OrderShare
from songhe.registers.providers.models import Provider


def price_on(
    provider: Provider | UUID, service: Service | UUID, on: date, *, area: Area | int | None = None
) -> ContractPrice | None:
    """Return the price a provider's service is settled at on a day, or None where no contract names one.

    With an ``area``, only contracts that reach it count; the narrowest comes first.
    """
    prices = ContractPrice.objects.filter(
        in_force(on),
        provider_id=provider.pk if isinstance(provider, Provider) else provider,
        service_id=service.pk if isinstance(service, Service) else service,
    )
    if area is not None:
        code = area.code if isinstance(area, Area) else area
        prices = prices.filter(area__code__lte=code, area__upper__gt=code)
    return prices.select_related("contract").order_by("-area__code", "area__upper", "-id").first()


def shares_on(
    providers: Iterable[UUID], category: Category | UUID, on: date, *, area: Area | int
) -> dict[UUID, OrderShare]:
    """Return what part of the orders of a category each of these providers is promised in a community on a day.

    Of two shares the narrowest division's counts; a provider without one is left out.
    """
    code = area.code if isinstance(area, Area) else area
    rows = OrderShare.objects.filter(
        in_force(on), category=category, provider_id__in=list(providers), area__code__lte=code, area__upper__gt=code
    )
    # The widest first, so that a narrower one replaces it.
    rows = rows.select_related("area", "category").order_by("area__code", "-area__upper")
    return {row.provider_id: row for row in rows if row.percent}


def contracts_on(provider: Provider | UUID, on: date) -> QuerySet[Contract]:
    """Return a provider's contracts in force on a day."""
    pk = provider.pk if isinstance(provider, Provider) else provider
    return Contract.objects.filter(in_force(on), provider_id=pk).select_related("area")


def ending_within(days: int) -> QuerySet[Contract]:
    """Return the contracts in force that end within so many days, the soonest first."""
    return (
        Contract.objects.filter(in_force(today()), validity__endswith__lte=today() + timedelta(days=days))
        .select_related("provider", "area")
        .order_by("validity")
    )
