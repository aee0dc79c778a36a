"""A month's credit: opened, held, earned, given back, closed."""

import pytest

from songhe.core.errors import Refused
from songhe.core.ids import uuid7
from songhe.core.ledger import credits, services
from songhe.core.ledger.models import AccountKind, Entry
from songhe.core.ledger.selectors import held_by
from songhe.core.ledger.tests.conftest import DAY, Thing
from songhe.core.ledger.tests.test_entries import commit_checks


def held(order):
    return sum(held_by(order.pk, AccountKind.RESERVED).values())


def test_many_credits_open_in_one_entry(treasury):
    made = [Thing("policy_credit", amount_fen=fen) for fen in (20000, 30000)]
    opened = credits.open_credits(treasury.line, made, on=DAY, memo="三月额度 2 人")
    assert services.balances(opened.values()) == {opened[made[0].pk].pk: 20000, opened[made[1].pk].pk: 30000}
    assert services.balance(treasury.line) == 950_000
    assert Entry.objects.filter(kind="open").count() == 1
    assert opened[made[0].pk].elder_id == made[0].elder_id
    commit_checks()


def test_a_budget_line_that_does_not_reach_opens_nothing(treasury):
    with pytest.raises(Refused, match="余额不足"):
        treasury.credit(1_000_001)


def test_an_order_holds_and_gives_back(treasury, order):
    credit = treasury.credit()
    credits.reserve(credit, 15000, source=order, key="hold")
    credits.reserve(credit, 15000, source=order, key="hold")
    assert (services.balance(credit), held(order)) == (5000, 15000)
    with pytest.raises(Refused, match=r"可用 50.00 元，需要 50.01 元"):
        credits.reserve(credit, 5001, source=Thing("orders_order"), key="more")
    credits.release(credit, 4000, source=order, key="part")
    assert (services.balance(credit), held(order)) == (9000, 11000)
    credits.release_order(order)
    assert credits.release_order(order) == []
    assert (services.balance(credit), held(order)) == (20000, 0)
    # The same order may hold and give back again.
    credits.reserve(credit, 100, source=order, key="again")
    credits.release_order(order)
    assert services.balance(credit) == 20000
    commit_checks()


def test_one_order_cannot_use_what_another_holds(treasury, order):
    credit = treasury.credit()
    other = Thing("orders_order")
    credits.reserve(credit, 15000, source=other, key="other")
    credits.reserve(credit, 1000, source=order, key="mine")
    for verb in (credits.release, credits.settle):
        extra = {"provider_id": uuid7()} if verb is credits.settle else {}
        with pytest.raises(Refused, match=r"该订单占用的额度为 10.00 元，不能动用 10.01 元"):
            verb(credit, 1001, source=order, key="too much", **extra)
    assert held(other) == 15000


def test_a_verified_visit_is_earned_by_its_provider(treasury, order):
    credit, provider = treasury.credit(), uuid7()
    credits.reserve(credit, 15000, source=order, key="hold")
    credits.settle_order(order, provider_id=provider, on=DAY)
    credits.settle_order(order, provider_id=provider, on=DAY)
    earned = credits.accrued(treasury.line, provider)
    assert (services.balance(earned), held(order), earned.provider_id) == (15000, 0, provider)
    assert services.balance(credits.payable(treasury.line, provider)) == 0
    commit_checks()


def test_an_order_may_hold_of_two_credits(treasury, order):
    one, two, provider = treasury.credit(), treasury.credit(), uuid7()
    credits.reserve(one, 100, source=order, key="one")
    credits.reserve(two, 200, source=order, key="two")
    assert len(credits.settle_order(order, provider_id=provider, on=DAY)) == 2
    assert (services.balance(credits.accrued(treasury.line, provider)), held(order)) == (300, 0)


def test_a_closed_month_keeps_what_orders_hold(treasury, order):
    credit, untouched = treasury.credit(), treasury.credit(7000)
    credits.reserve(credit, 15000, source=order, key="hold")
    entries = credits.expire([credit, untouched], on=DAY)
    assert [entry.memo for entry in entries] == ["额度清零 2 户"]
    assert credits.expire([credit, untouched], on=DAY) == []
    assert services.balances([credit, untouched]) == {credit.pk: 0, untouched.pk: 0}
    assert services.balance(treasury.line) == 1_000_000 - 15000
    credit.refresh_from_db()
    with pytest.raises(Refused, match="已于 2026年03月01日 清零"):
        credits.reserve(credit, 1, source=order, key="late")
    # What is given back after the month's end goes to the budget line, not to a dead credit.
    credits.release_order(order)
    assert (services.balance(credit), services.balance(treasury.line)) == (0, 1_000_000)
    commit_checks()
