"""The money of a demo region: its past months closed, settled and paid."""

from collections.abc import Iterator
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


def live(region: Region) -> None:
    """Close and settle the past months: the oldest ones are paid, the last one is on the approver's desk."""
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
            for statement in Statement.objects.filter(month=month):
                _through(statement, region, approve=number < len(past) - 1)
        if number < len(past) - 1:
            with at(_stamp(next_first + timedelta(days=5), time(15))), use(Scope.system()):
                _pay(region)


def _through(statement: Statement, region: Region, *, approve: bool) -> None:
    users = region.users
    manager = _manager_of(statement, region)
    flow.fire(statement, "send", user=users["county"])
    flow.fire(statement, "confirm", user=manager)
    if approve:
        settlement.check(statement=statement, user=users["checker"])
        settlement.approve(statement=statement, user=users["approver"])


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
