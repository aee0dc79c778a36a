"""The national voucher: a share of each price, up to a cap a month; the rest is the elder's own."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection

from songhe.care.orders import services as orders
from songhe.care.orders.models import Order
from songhe.care.orders.tests.conftest import MORNING
from songhe.care.orders.tests.town import Town
from songhe.core.calendar.services import at, today
from songhe.core.errors import Refused
from songhe.core.ledger import credits
from songhe.core.ledger.audit import verify
from songhe.core.ledger.services import balance
from songhe.core.scope.services import Scope, use
from songhe.registers.elders.services import record_level
from songhe.registers.elders.tests.people import elder
from songhe.rights.policy import services as policies
from songhe.rights.policy.models import Credit, Policy

CAP, SHARE = 80000, 50


def disabled(town, *, poor=False):
    """An elder moderately disabled, with this month's voucher open; poor, with the safety net's credit too."""
    # The money for vouchers is its own in a place's budget; here it comes from the one line there is.
    Policy.objects.filter(key="nat-service-voucher").update(budget_purpose=town.line.purpose)
    person = town.poor() if poor else elder(town.here, "失能老人", order=98, registered_area=town.here)
    record_level(elder_id=person.pk, level=2, on=today() - timedelta(days=30))
    voucher = Policy.objects.get(key="nat-service-voucher")
    decision = policies.decide(elder_id=person.pk, policy=voucher, on=today(), user=None)
    town.voucher = policies.open_credit(entitlement=decision.entitlement, month=today())
    return person


def leave(credit, fen, *, source):
    """Have something else hold all of a credit but so much."""
    credits.reserve(credit.account, balance(credit.account_id) - fen, source=source, key=f"t-leave:{credit.pk}")


def test_the_voucher_pays_its_share_and_no_more_than_is_left_of_the_month(town):
    person = disabled(town)
    assert (town.voucher.amount_fen, town.voucher.share_percent) == (CAP, SHARE)
    order = town.order(person)
    share = order.price_fen * SHARE // 100
    assert (order.credit, order.credit_fen, order.own_fen) == (town.voucher, share, order.price_fen - share)
    leave(town.voucher, 700, source=person)
    last = town.order(person, hour=12)
    assert (last.credit_fen, last.own_fen) == (700, last.price_fen - 700)
    own = town.order(person, hour=14)
    assert (own.credit, own.credit_fen, own.own_fen) == (None, 0, own.price_fen)
    assert balance(town.voucher.account_id) == 0 and verify().ok


def test_another_price_is_split_anew_and_what_is_cancelled_comes_back(town):
    person = disabled(town)
    order = town.order(person)
    Order.objects.filter(pk=order.pk).update(provider=town.provider)
    order.refresh_from_db()
    orders.reprice(order=order, price_fen=3333)
    assert (order.credit_fen, order.own_fen) == (1666, 1667)
    order.save()
    assert balance(town.voucher.account_id) == CAP - 1666
    orders.cancel(order_id=order.pk, user=None, reason="老人外出")
    assert balance(town.voucher.account_id) == CAP and verify().ok


def test_of_a_credit_and_a_voucher_the_one_that_pays_most_is_taken(town):
    person = disabled(town, poor=True)
    order = town.order(person)
    assert (order.credit, order.own_fen) == (town.credit, 0)
    leave(town.credit, 300, source=person)
    order = town.order(person, hour=12)
    assert (order.credit, order.credit_fen) == (town.voucher, order.price_fen * SHARE // 100)
    assert balance(town.credit.account_id) == 300 and verify().ok


def test_the_turn_of_the_month_opens_vouchers_with_the_share_decided(town):
    person = disabled(town)
    december = (today().replace(day=1) + timedelta(days=40)).replace(day=1)
    assert policies.open_month(month=december, policy=Policy.objects.get(key="nat-service-voucher")) == 1
    opened = Credit.objects.get(elder=person, month=december)
    assert (opened.amount_fen, opened.share_percent) == (CAP, SHARE)


# --- two at once -----------------------------------------------------------------------------------------------


@pytest.fixture
def last_of_the_voucher(transactional_db):
    """A voucher of which 30 yuan are left, and an elder who asks for two services of which it would pay more."""
    with use(Scope.system()), at(MORNING):
        town = Town()
        person = disabled(town)
        price = town.order(person).price_fen
        left = price * SHARE // 100 * 3 // 2
        leave(town.voucher, left, source=person)
        return town, person, price * SHARE // 100, left


def both_ask(town, person):
    start, results = threading.Barrier(2), []

    def ask(hour):
        try:
            start.wait()
            with use(Scope.system()), at(MORNING):
                results.append(town.order(person, hour=hour))
        except Refused as refused:
            results.append(refused)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=(hour,)) for hour in (12, 15)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.fixture
def slow_reader(monkeypatch):
    """Make whoever has read the balance wait before splitting the price."""
    read = orders.balance

    def dawdle(account):
        found = read(account)
        time.sleep(0.4)
        return found

    monkeypatch.setattr(orders, "balance", dawdle)


def test_two_orders_at_once_share_what_is_left(last_of_the_voucher, slow_reader):
    town, person, share, left = last_of_the_voucher
    results = both_ask(town, person)
    assert sorted(order.credit_fen for order in results) == [left - share, share]
    with use(Scope.system()):
        assert balance(town.voucher.account_id) == 0 and verify().ok


def test_control_without_the_lock_both_count_on_it_and_one_is_turned_away(
    last_of_the_voucher, slow_reader, monkeypatch
):
    town, person, _share, left = last_of_the_voucher
    monkeypatch.setattr(orders, "lock_accounts", lambda accounts: None)
    kinds = sorted(type(result).__name__ for result in both_ask(town, person))
    assert kinds == ["Order", "Refused"]
    with use(Scope.system()):
        assert Order.objects.count() == 2 and balance(town.voucher.account_id) < left
