"""A contract's prices and shares: one at a time, within its term, the narrowest first."""

from contextlib import suppress
from datetime import date
from functools import partial
from threading import Barrier, BrokenBarrierError

import pytest
from django.db import IntegrityError, transaction

from songhe.core.errors import Refused
from songhe.core.ids import uuid7
from songhe.core.scope.services import Scope, use
from songhe.core.testing.races import together
from songhe.core.validity import from_day, last_day
from songhe.registers.catalogue.models import Category, Service
from songhe.registers.contracts import selectors, services
from songhe.registers.contracts.models import Contract, ContractPrice, OrderShare
from songhe.registers.funds.tests.conftest import CITY, make_area
from songhe.registers.providers.models import Provider

MARCH = date(2026, 3, 1)


@pytest.fixture
def city(system):
    return make_area(CITY, CITY + 10**8, "安庆市", "city")


@pytest.fixture
def provider(city):
    return Provider.objects.create(name="测试服务商", credit_code="91340800MA2TESTA19", kind="company", area=city)


@pytest.fixture
def service(city):
    category = Category.objects.create(code="t", name="测试类")
    return Service.objects.create(code="t-1", category=category, name="助浴", unit="time", minutes=60)


def sign(provider, area, number="HT-1", **changed):
    terms = {"signed_on": MARCH, "first": date(2026, 1, 1), "last": date(2026, 12, 31), **changed}
    return services.sign(number=number, name="居家服务合同", provider=provider, area=area, **terms)


def test_a_new_price_ends_the_one_before(provider, service, city):
    contract = sign(provider, city)
    services.set_price(contract=contract, service=service, price_fen=5000)
    services.set_price(contract=contract, service=service, price_fen=6000, first=MARCH)
    services.set_price(contract=contract, service=service, price_fen=6000, first=date(2026, 4, 1))

    def on(day):
        price = selectors.price_on(provider, service, day)
        return price.price_fen if price else None

    assert [on(date(2025, 12, 31)), on(date(2026, 2, 28)), on(MARCH), on(date(2026, 12, 31))] == [
        None,
        5000,
        6000,
        6000,
    ]
    assert on(date(2027, 1, 1)) is None
    assert contract.prices.count() == 2
    services.set_price(contract=contract, service=service, price_fen=5500, first=date(2026, 2, 1))
    assert [on(date(2026, 1, 31)), on(date(2026, 2, 1)), on(MARCH)] == [5000, 5500, 6000]


def test_a_price_entered_late_ends_where_the_next_begins(provider, service, city):
    contract = sign(provider, city)
    services.set_price(contract=contract, service=service, price_fen=6000, first=MARCH)
    services.set_price(contract=contract, service=service, price_fen=5000)
    assert selectors.price_on(provider, service, date(2026, 2, 28)).price_fen == 5000
    assert selectors.price_on(provider, service, MARCH).price_fen == 6000


def test_a_price_lies_within_its_contract(provider, service, city):
    contract = sign(provider, city)
    with pytest.raises(Refused, match="须在合同期限内"):
        services.set_price(contract=contract, service=service, price_fen=1, first=date(2027, 1, 1))
    with pytest.raises(Refused, match="结算价必须大于零"):
        services.set_price(contract=contract, service=service, price_fen=0)


def test_two_contracts_do_not_price_one_service_here_at_once(provider, service, city):
    services.set_price(contract=sign(provider, city), service=service, price_fen=5000)
    other = sign(provider, city, "HT-2")
    with pytest.raises(Refused, match="此期间已有这项服务的合同价格"):
        services.set_price(contract=other, service=service, price_fen=4000)
    with pytest.raises(IntegrityError), transaction.atomic():
        ContractPrice.objects.create(
            contract=other, provider=provider, area=city, service=service, price_fen=1, validity=from_day(MARCH)
        )


def test_the_contract_of_the_nearest_division_prices(provider, service, city):
    county = make_area(340802000000, 340803000000, "迎江区", "county")
    services.set_price(contract=sign(provider, city), service=service, price_fen=5000)
    services.set_price(contract=sign(provider, county, "HT-2"), service=service, price_fen=5500)

    def at(area):
        price = selectors.price_on(provider, service, MARCH, area=area)
        return price.price_fen if price else None

    assert [at(340802001001), at(340803001001), at(110101001001)] == [5500, 5000, None]


def test_an_early_end_ends_the_prices(provider, service, city):
    contract = sign(provider, city)
    services.set_price(contract=contract, service=service, price_fen=5000)
    with pytest.raises(Refused, match="早于约定的终止日期"):
        services.end(contract=contract, last=date(2026, 12, 31), reason="违约")
    with pytest.raises(Refused, match="提前终止的原因"):
        services.end(contract=contract, last=MARCH, reason=" ")
    ended = services.end(contract=contract, last=MARCH, reason="违约")
    assert ended.validity.upper == date(2026, 3, 2)
    assert selectors.price_on(provider, service, MARCH).price_fen == 5000
    assert selectors.price_on(provider, service, date(2026, 3, 2)) is None


@pytest.fixture
def other(city):
    return Provider.objects.create(name="另一服务商", credit_code="91340800MA2TESTB27", kind="company", area=city)


def share_on(provider, service, day, *, area):
    return selectors.shares_on([provider.pk], service.category, day, area=area).get(provider.pk)


def test_a_share_of_the_orders_ends_the_one_before_and_nought_ends_it(provider, service, city):
    contract = sign(provider, city)
    agree = partial(services.set_share, contract=contract, category=service.category)
    agree(percent=30)
    agree(percent=40, first=MARCH)
    agree(percent=40, first=date(2026, 4, 1))
    agree(percent=0, first=date(2026, 6, 1))

    def on(day):
        share = share_on(provider, service, day, area=city)
        return share and share.percent

    assert [on(day) for day in (date(2025, 12, 31), date(2026, 2, 28), MARCH, date(2026, 5, 31))] == [None, 30, 40, 40]
    assert on(date(2026, 6, 1)) is None and contract.order_shares.count() == 3
    with pytest.raises(Refused, match="份额的起始日期须在合同期限内"):
        agree(percent=10, first=date(2027, 1, 1))
    with pytest.raises(Refused, match="此期间已有这个类别的派单份额"):
        services.set_share(contract=sign(provider, city, "HT-2"), category=service.category, percent=10)
    services.end(contract=contract, last=date(2026, 6, 30), reason="违约")
    assert last_day(contract.order_shares.get(percent=0).validity) == date(2026, 6, 30)


def test_the_share_of_the_narrowest_division_counts(provider, service, city):
    county = make_area(340802000000, 340803000000, "迎江区", "county")
    services.set_share(contract=sign(provider, city), category=service.category, percent=30)
    services.set_share(contract=sign(provider, county, "HT-2"), category=service.category, percent=50)
    shares = [share_on(provider, service, MARCH, area=area) for area in (340802001001, 340803001001, 110101001001)]
    assert [share and share.percent for share in shares] == [50, 30, None]


def test_the_shares_of_all_providers_come_to_no_more_than_the_whole_on_any_day(provider, other, service, city):
    first, second = sign(provider, city), sign(other, city, "HT-2")
    agree = partial(services.set_share, category=service.category)
    agree(contract=first, percent=30)
    agree(contract=first, percent=60, first=MARCH)
    with pytest.raises(Refused, match="“测试类”在 2026年03月01日 已约定给其他服务商 60%，最多还能约定 40%") as refused:
        agree(contract=second, percent=70)
    assert refused.value.field == "percent" and not second.order_shares.exists()
    agree(contract=second, percent=40)
    # What the one gives up the other may have.
    agree(contract=first, percent=50, first=MARCH)
    agree(contract=second, percent=50, first=MARCH)
    elsewhere = Category.objects.create(code="u", name="另一类")
    agree(contract=second, category=elsewhere, percent=100)
    with pytest.raises(IntegrityError, match="add up to 150 per cent"), transaction.atomic():
        OrderShare.objects.filter(contract=second, percent=50).update(percent=100)


@pytest.mark.parametrize("locked", [True, False])
def test_two_shares_agreed_at_once_do_not_come_to_more_than_the_whole(transactional_db, monkeypatch, locked):
    with use(Scope.system()):
        place = make_area(CITY, CITY + 10**8, "安庆市", "city")
        category = Category.objects.create(code="t", name="测试类")
        contracts = [
            sign(Provider.objects.create(name=code, credit_code=code, kind="company", area=place), place, code)
            for code in ("91340800MA2TESTA19", "91340800MA2TESTB27")
        ]
    both_have_looked = Barrier(2)
    look = services._leaves_room

    def look_together(*given):
        look(*given)
        with suppress(BrokenBarrierError):
            both_have_looked.wait(timeout=1)

    monkeypatch.setattr(services, "_leaves_room", look_together)
    if not locked:
        monkeypatch.setattr(services, "lock_key", lambda key: None)

    def agree(contract):
        def act():
            with use(Scope.system()):
                return services.set_share(contract=contract, category=category, percent=60)

        return act

    results = together(*(agree(contract) for contract in contracts))
    # With the lock forgotten both have looked and found room; the database still takes only one of them.
    expected = Refused if locked else IntegrityError
    assert sum(isinstance(result, expected) for result in results) == 1, results
    with use(Scope.system()):
        assert OrderShare.objects.count() == 1


def test_a_number_is_given_once_and_terms_run_forward(provider, city):
    sign(provider, city)
    with pytest.raises(Refused, match="已有此编号的合同"):
        sign(provider, city)
    with pytest.raises(Refused, match="不能早于起始日期"):
        sign(provider, city, "HT-9", last=date(2025, 1, 1))


def test_a_provider_sees_its_own_contracts_only(provider, city):
    contract = sign(provider, city)
    with use(Scope.of_provider(provider.pk)):
        assert list(Contract.objects.all()) == [contract]
    with use(Scope.of_provider(uuid7())):
        assert not Contract.objects.exists()
