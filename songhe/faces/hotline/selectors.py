"""What an operator sees of the caller."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from songhe.care.orders.flow import OrderState
from songhe.care.orders.models import Order
from songhe.core.accounts.models import User
from songhe.core.calendar.services import month_of, today
from songhe.core.ledger.services import balance
from songhe.faces.hotline.models import Call
from songhe.registers.elders.models import Elder
from songhe.rights.policy.models import Credit
from songhe.rights.policy.selectors import credit_for, entitlements_on


@dataclass(frozen=True)
class Caller:
    """An elder as the operator needs them: who, what they are due, what is left, what is under way."""

    elder: Elder
    entitlements: list[Any]
    credit: Credit | None
    left_fen: int
    difficulties: list[Any]
    contacts: list[Any]
    orders: list[Order]


def caller(elder: Elder) -> Caller:
    """Return all an operator sees of an elder, in a fixed number of queries."""
    first, _next = month_of(today())
    credit = credit_for(elder_id=elder.pk, month=first)
    return Caller(
        elder=elder,
        entitlements=list(entitlements_on(elder.pk, today())),
        credit=credit,
        left_fen=balance(credit.account_id) if credit else 0,
        difficulties=list(elder.difficulties.filter(validity__contains=today())),
        contacts=list(elder.contacts.order_by("order")),
        orders=list(Order.objects.filter(elder=elder).select_related("service", "provider").order_by("-placed_at")[:8]),
    )


def calls_today(operator: User) -> QuerySet[Call]:
    """Return the operator's calls of today, newest first."""
    return (
        Call.objects.filter(operator=operator, started_at__date=today())
        .select_related("elder", "order__service")
        .order_by("-id")
    )


def waiting_orders() -> QuerySet[Order]:
    """Return the orders nobody is assigned to yet, the most pressing first."""
    return (
        Order.objects.filter(state__in=[OrderState.ASKED, OrderState.DISPATCHED])
        .select_related("elder", "service", "provider", "area")
        .order_by("-urgent", "wanted_from")
    )
