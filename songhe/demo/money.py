"""The money of a demo region: its past months closed, settled and paid."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils import timezone

from songhe.core.calendar.services import at, month_of
from songhe.core.flow import services as flow
from songhe.core.scope.services import Scope, use
from songhe.demo.region import Region
from songhe.money.payments import services as payments
from songhe.money.payments.selectors import payable_from
from songhe.money.settlement import services as settlement
from songhe.money.settlement.models import Statement
from songhe.registers.funds.models import Pot
from songhe.rights.policy import services as policy

# How many of its steps a statement has taken when it waits for …
SENT, CONFIRMED, CHECKED, PAYABLE = 1, 2, 3, 4


def live(region: Region) -> None:
    """Close and settle the past months: the oldest ones are paid, of the last one something lies on every desk."""
    past = region.months()[:-1]
    users = region.users
    with use(Scope.system()):
        for provider in region.providers:
            payments.set_payee(
                provider=provider,
                account_name=provider.name,
                bank_name="演示银行",
                account_number="6222000000000000000",
            )
    for number, month in enumerate(past):
        _first, next_first = month_of(month)
        with at(_stamp(next_first + timedelta(days=1), time(9))), use(Scope.system()):
            policy.close_month(month=month, on=next_first)
            settlement.draw(month=month, user=users["county"])
            for place, statement in enumerate(Statement.objects.filter(month=month).order_by("id")):
                _through(statement, region, most=PAYABLE if number < len(past) - 1 else _desk(statement, place, region))
        if number < len(past) - 1:
            with at(_stamp(next_first + timedelta(days=5), time(15))), use(Scope.system()):
                _pay(region)


def _desk(statement: Statement, place: int, region: Region) -> int:
    """Return how far a statement of the last month has come: the demo's own manager has theirs still to confirm."""
    if statement.provider_id == region.users["provider"].provider_id:
        return SENT
    return (CONFIRMED, CHECKED, PAYABLE)[place % 3]


def _through(statement: Statement, region: Region, *, most: int) -> None:
    users = region.users
    manager = _manager_of(statement, region)
    steps: tuple[Callable[[], object], ...] = (
        lambda: flow.fire(statement, "send", user=users["county"]),
        lambda: flow.fire(statement, "confirm", user=manager),
        lambda: settlement.check(statement=statement, user=users["checker"]),
        lambda: settlement.approve(statement=statement, user=users["approver"]),
    )
    for take in steps[:most]:
        take()


def _manager_of(statement: Statement, region: Region) -> Any:
    """Return who confirms for the provider; the demo has one manager, the system stands in for the others."""
    manager = region.users["provider"]
    return manager if manager.provider_id == statement.provider_id else None


def _pay(region: Region) -> None:
    for pot in _pots_due():
        batch = payments.make_batch(pot=pot, user=region.users["cashier"])
        payments.pay(batch=batch, user=region.users["cashier"])


def _pots_due() -> Iterator[Pot]:
    for pot in Pot.objects.all():
        if payable_from(pot):
            yield pot


def _stamp(day: date, moment: time) -> datetime:
    return timezone.make_aware(datetime.combine(day, moment))
