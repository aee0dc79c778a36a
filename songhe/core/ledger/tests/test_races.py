"""Two orders draw on one credit at once, on two real connections; and what happens when the walls are down."""

import threading
import time

import pytest
from django.db import IntegrityError, connection

from songhe.core.errors import Refused
from songhe.core.ledger import audit, credits, services
from songhe.core.ledger.tests.conftest import Thing, make_treasury
from songhe.core.scope.services import Scope, use
from songhe.core.testing.tables import owner_connection


@pytest.fixture
def credit(transactional_db):
    with use(Scope.system()):
        opened = make_treasury().credit(20000)
        # Opening the account of holds makes two first orders wait for each other; these are not the first.
        order = Thing("orders_order")
        credits.reserve(opened, 1, source=order, key="first")
        credits.release_order(order)
        return opened


@pytest.fixture
def slow_reader(monkeypatch):
    """Make whoever has read the balance wait before writing, so that two can read before either writes."""
    read = services.balances

    def dawdle(accounts):
        found = read(accounts)
        time.sleep(0.4)
        return found

    monkeypatch.setattr(services, "balances", dawdle)


def at_once(*tasks):
    """Run tasks in threads of their own, each with its own connection; return what came of each."""
    start = threading.Barrier(len(tasks))
    results = [None] * len(tasks)

    def run(number, task):
        try:
            start.wait()
            with use(Scope.system()):
                results[number] = task()
        except (Refused, IntegrityError) as error:
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(tasks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def draw(credit, fen=15000, key=None):
    order = Thing("orders_order")
    return lambda: credits.reserve(credit, fen, source=order, key=key or f"hold:{order.pk}")


def outcomes(results):
    return sorted(type(result).__name__ for result in results)


def test_of_two_orders_exactly_one_gets_the_credit(credit, slow_reader):
    results = at_once(draw(credit), draw(credit))
    assert outcomes(results) == ["Entry", "Refused"]
    assert "可用 50.00 元，需要 150.00 元" in str(next(r for r in results if isinstance(r, Refused)))
    assert services.balance(credit) == 5000


def test_with_the_locks_forgotten_the_database_still_refuses_one(credit, slow_reader, monkeypatch):
    monkeypatch.setattr(services, "lock_accounts", lambda accounts: None)
    results = at_once(draw(credit), draw(credit))
    assert outcomes(results) == ["Entry", "IntegrityError"]
    assert services.balance(credit) == 5000


def test_control_without_lock_and_trigger_the_credit_is_overdrawn(credit, slow_reader, monkeypatch):
    monkeypatch.setattr(services, "lock_accounts", lambda accounts: None)
    owner = owner_connection()
    try:
        with owner.cursor() as cursor:
            cursor.execute("ALTER TABLE ledger_posting DISABLE TRIGGER floor_holds")
    finally:
        owner.close()
    results = at_once(draw(credit), draw(credit))
    assert outcomes(results) == ["Entry", "Entry"]
    assert services.balance(credit) == -10000
    assert "余额 -100.00 元，低于下限 0.00 元" in str(audit.verify())


def test_one_request_sent_twice_holds_once(credit, slow_reader):
    order = Thing("orders_order")
    twice = [lambda: credits.reserve(credit, 15000, source=order, key="order:hold") for _ in range(2)]
    first, second = at_once(*twice)
    assert first.pk == second.pk
    assert services.balance(credit) == 5000


def test_takers_of_two_accounts_in_opposite_order_do_not_deadlock(credit, slow_reader):
    with use(Scope.system()):
        other = make_treasury().credit(20000)

    def swap(one, two, key):
        lines = [(one, -100), (two, -100), (one.fund_id, 100), (two.fund_id, 100)]
        return lambda: services.post(kind="release", on=one.created_at.date(), lines=lines, memo="", key=key)

    assert outcomes(at_once(swap(credit, other, "a"), swap(other, credit, "b"))) == ["Entry", "Entry"]


def test_who_waits_too_long_is_told_to_try_again(credit):
    held, done = threading.Event(), threading.Event()

    def hold():
        with use(Scope.system()):
            services.lock_accounts([credit])
            held.set()
            done.wait(10)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    try:
        with pytest.raises(Refused, match="请稍候几秒再试"), use(Scope.system()):
            draw(credit)()
    finally:
        done.set()
        holder.join()
    assert services.balance(credit) == 20000
