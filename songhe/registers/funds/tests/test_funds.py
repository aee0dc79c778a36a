"""Money comes in, is tied to its purpose, changed at the day's rate, and stands against its budget."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from songhe.core.errors import Changed, Refused
from songhe.core.ids import uuid7
from songhe.core.ledger import audit, credits
from songhe.core.ledger.models import EntryKind
from songhe.core.ledger.services import balance, correct, post
from songhe.core.ledger.tests.conftest import Thing
from songhe.core.scope.services import Scope, use
from songhe.core.validity import from_day
from songhe.registers.funds import selectors, services
from songhe.registers.funds.models import BudgetLine, Pot, Rate
from songhe.registers.funds.tests.conftest import CITY, DAY, HOME, make_line, make_pot


def test_no_more_comes_in_than_the_document_grants(pot):
    services.receive(pot=pot, amount=4_000_000_000, on=DAY, key="first")
    services.receive(pot=pot, amount=4_000_000_000, on=DAY, key="first")
    with pytest.raises(Refused, match=r"最多还可到账 390,000.00 元"):
        services.receive(pot=pot, amount=39_000_001, on=DAY)
    assert (balance(pot.account), balance(pot.bank)) == (4_000_000_000, -4_000_000_000)


def test_a_purpose_the_pot_is_not_tied_to_is_refused(pot, city):
    with pytest.raises(Refused, match="限定用于居家养老服务购买、设施改造，不能列支“运营补助”"):
        make_line(pot, city, purpose="运营补助")


def test_no_more_is_planned_than_granted_nor_given_than_planned(pot, line, city):
    with pytest.raises(Refused, match="最多还可安排"):
        make_line(pot, city, code="t-2", purpose="设施改造", planned_fen=4_038_000_001)
    services.receive(pot=pot, amount=2_000_000, on=DAY)
    services.appropriate(line=line, fen=600_000, on=DAY)
    with pytest.raises(Refused, match=r"最多还可下达 4,000.00 元"):
        services.appropriate(line=line, fen=400_001, on=DAY)
    services.take_back(line=line, fen=100_000, on=DAY, reason="调减")
    services.appropriate(line=line, fen=500_000, on=DAY)
    assert balance(line.account) == 1_000_000


def test_what_has_not_come_in_is_not_given(line):
    with pytest.raises(Refused, match="“中央资金”余额不足"):
        services.appropriate(line=line, fen=1, on=DAY)


def test_dollars_become_yuan_at_the_rate_of_the_day(city):
    loan = make_pot(city, code="t-wb", name="世行贷款", source="world_bank", currency="USD", amount=4_300_000_000)
    yuan = make_pot(city, code="t-wb-cny", name="世行贷款人民币", source="world_bank")
    Rate.objects.filter(currency="USD").delete()
    services.set_rate(currency="USD", yuan=Decimal("6.8633"), first=date(2018, 8, 1), source="外汇牌价")
    services.set_rate(currency="USD", yuan=Decimal("7.10005"), first=date(2026, 3, 1), source="外汇牌价")
    services.receive(pot=loan, amount=100_000, on=DAY)
    with pytest.raises(Refused, match="没有 2018年07月31日 的美元汇率"):
        services.convert(pot=loan, into=yuan, amount=1, on=date(2018, 7, 31))
    services.convert(pot=loan, into=yuan, amount=10_001, on=DAY, key="c")
    services.convert(pot=loan, into=yuan, amount=10_001, on=DAY, key="c")
    # 10,001 cents × 7.10005 = 71,007.60005 fen.
    assert (balance(loan.account), balance(yuan.account), balance(yuan.bank)) == (89_999, 71_008, -71_008)
    services.convert(pot=loan, into=yuan, amount=1000, on=date(2026, 2, 28))
    assert balance(yuan.account) == 71_008 + 6_863
    with pytest.raises(Refused, match="用途超出"):
        services.convert(
            pot=loan,
            into=make_pot(city, code="t-x", purposes=["别的"], name="别的"),
            amount=1,
            on=DAY,
        )
    with pytest.raises(Refused, match="外币资金须先结汇"):
        make_line(loan, city)
    assert audit.verify().ok


def test_one_rate_at_a_time(city):
    Rate.objects.filter(currency="USD").delete()
    services.set_rate(currency="USD", yuan=Decimal(7), first=date(2026, 1, 1), source="牌价")
    with pytest.raises(IntegrityError), transaction.atomic():
        Rate.objects.create(currency="USD", yuan=Decimal(8), validity=from_day(date(2026, 6, 1)), source="x")


def test_the_line_that_pays_is_the_nearest_that_still_holds_money(pot, full_line, city, county):
    def pays(area, on=DAY):
        line = selectors.budget_line_for(purpose=HOME, area=area, on=on)
        return line.code if line else None

    BudgetLine.objects.exclude(pk=full_line.pk).filter(purpose=HOME).update(purpose="另")
    assert pays(county) == pays(340802001001) == pays(CITY) == "t-home"
    assert pays(110101000000) is None
    assert pays(county, date(2027, 1, 1)) is None
    own = make_line(pot, county, code="t-county", name="区级")
    assert pays(county) == "t-home", "the county's own line holds nothing yet"
    services.appropriate(line=own, fen=5, on=DAY)
    assert (pays(county), pays(CITY)) == ("t-county", "t-home")


def test_money_stands_against_budget_through_its_whole_life(full_line, city, county, django_assert_max_num_queries):
    provider, order = uuid7(), Thing("orders_order")
    credit = credits.open_credit(full_line.account, Thing("policy_credit", area_id=county.code), on=DAY, memo="额度")
    credits.reserve(credit, 5000, source=order, key="hold")
    credits.settle(credit, 3000, source=order, provider_id=provider, key="settle")
    accrued, payable = (make(full_line.account, provider) for make in (credits.accrued, credits.payable))
    post(kind=EntryKind.APPROVE, on=DAY, lines=[(accrued, -3000), (payable, 3000)], memo="审批", key="a")
    paid = post(kind=EntryKind.PAY, on=DAY, lines=[(payable, -2000), (full_line.pot.bank, 2000)], memo="付", key="p")
    assert selectors.commitments_of(full_line) == {"credit": 15000, "reserved": 2000, "payable": 1000}

    def status(first=date(2026, 3, 1), last=date(2026, 3, 31)):
        [found] = [s for s in selectors.money_against_budget(county, first, last) if s.line == full_line]
        return (found.planned, found.given, found.committed, found.paid, found.free)

    with django_assert_max_num_queries(16):
        assert status() == (1_000_000, 1_000_000, 18_000, 2000, 980_000)
    assert status(date(2026, 4, 1), date(2026, 4, 30))[3] == 0
    correct(paid, reason="退回", on=DAY)
    assert status() == (1_000_000, 1_000_000, 20_000, 0, 980_000)


def test_two_clerks_amend_one_pot(pot):
    services.amend_pot(pot=pot, version=pot.version, name="新名")
    with pytest.raises(Changed):
        services.amend_pot(pot=pot, version=pot.version, name="又名")
    services.receive(pot=pot, amount=1000, on=DAY)
    with pytest.raises(Refused, match=r"不能小于已到账的 10.00 元"):
        services.amend_pot(pot=pot, amount=999)


def test_a_purpose_in_use_stays(pot, line):
    with pytest.raises(Refused, match="已有预算项目用于居家养老服务购买"):
        services.amend_pot(pot=pot, purposes=["设施改造"])


def test_staff_see_the_funds_of_their_division_and_above(pot, line, county):
    with use(Scope.area(county.code, county.upper)):
        assert line in BudgetLine.objects.all()
        assert pot in Pot.objects.all()
    with use(Scope.area(110000000000, 120000000000)):
        assert not BudgetLine.objects.filter(pk=line.pk).exists()
    with pytest.raises(DatabaseError), use(Scope.of_provider(uuid7())):
        Pot.objects.filter(pk=pot.pk).exists()


def test_the_database_refuses_a_pot_of_nothing(pot):
    for change in ("amount = 0", "purposes = '{}'", "currency = 'XXX'", "source = 'unknown'"):
        with pytest.raises(DatabaseError), transaction.atomic():
            connection.cursor().execute(f"UPDATE funds_pot SET {change} WHERE id = %s", [pot.pk])
