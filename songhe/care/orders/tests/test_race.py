"""One wish sent twice at the same moment, on two real connections; and what happens when nothing is locked."""

import time

import pytest
from django.db import IntegrityError

from songhe.care.orders import services
from songhe.care.orders.models import Order
from songhe.care.orders.tests.conftest import MORNING
from songhe.care.orders.tests.town import Town
from songhe.core.calendar.services import at
from songhe.core.ledger.services import balance
from songhe.core.scope.services import Scope, use
from songhe.core.testing.races import together


@pytest.fixture
def town(transactional_db, monkeypatch):
    with use(Scope.system()), at(MORNING):
        town = Town()
        town.person = town.poor()
    price_on = services.price_on

    def dawdle(**asked):
        # Whoever has found no earlier order waits before placing one, so that two can look before either writes.
        time.sleep(0.4)
        return price_on(**asked)

    monkeypatch.setattr(services, "price_on", dawdle)
    return town


def sent_twice(town):
    def send():
        with use(Scope.system()), at(MORNING):
            return town.order(town.person, idempotency_key="one-click")

    return together(send, send)


def test_one_wish_sent_twice_at_once_is_one_order(town):
    first, second = sent_twice(town)
    assert isinstance(first, Order) and first == second
    with use(Scope.system()):
        assert Order.objects.get() == first
        assert balance(town.credit.account_id) == 20000 - first.credit_fen


def test_control_without_the_lock_the_second_sender_meets_an_error(town, monkeypatch):
    monkeypatch.setattr(services, "lock_key", lambda key: None)
    results = sent_twice(town)
    assert sorted(type(result) for result in results if not isinstance(result, Order)) == [IntegrityError]
