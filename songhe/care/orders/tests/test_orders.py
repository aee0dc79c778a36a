"""Orders: how they are paid, cancelled, asked for anew, repeated, and what happens when the elder moves or dies."""

from datetime import date, time, timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from songhe.care.orders import services
from songhe.care.orders.flow import OrderState
from songhe.care.orders.jobs import make_standing_orders
from songhe.care.orders.models import Complaint, Order, StandingOrder
from songhe.core.accounts.roles import Role
from songhe.core.calendar.services import at, today
from songhe.core.console.filters import filterset_for
from songhe.core.errors import Refused
from songhe.core.flow import services as flow
from songhe.core.ledger.audit import verify
from songhe.core.ledger.services import balance
from songhe.core.scope.services import Scope, use
from songhe.registers.catalogue.models import ServicePrice
from songhe.registers.elders.services import move, record_death
from songhe.rights.policy.models import Entitlement


def test_the_credit_pays_as_far_as_it_reaches_and_the_elder_the_rest(town):
    person = town.poor()
    price = town.order(person).price_fen
    fits, rest = divmod(20000, price)
    paid = [town.order(person, hour=11 + number) for number in range(fits)]
    split = [(order.credit_fen, order.own_fen) for order in paid]
    assert split == [(price, 0)] * (fits - 1) + [(rest, price - rest)]
    assert balance(town.credit.account_id) == 0
    own = town.order(person, hour=18, use_credit=False)
    assert (own.credit_fen, own.own_fen, own.credit) == (0, price, None)
    assert verify().ok


def test_the_same_key_again_is_the_same_order(town):
    person = town.poor()
    first = town.order(person, idempotency_key="x")
    assert town.order(person, idempotency_key="x") == first
    assert balance(town.credit.account_id) == 20000 - first.credit_fen


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"hour": 3}, "期望时间已经过去"),
        ({"day": date(2009, 1, 1)}, "期望时间已经过去"),
        ({"day": date(2026, 11, 11), "hour": 9}, None),
    ],
)
def test_what_cannot_be_served_is_refused_in_words_and_holds_nothing(town, wrong, said):
    person = town.poor()
    if said is None:
        assert town.order(person, **wrong).pk
        return
    with pytest.raises(Refused, match=said):
        town.order(person, **wrong)
    assert not Order.objects.exists() and balance(town.credit.account_id) == 20000


def test_a_service_without_a_price_that_day_is_refused(town):
    person = town.poor()
    ServicePrice.objects.filter(service=town.service).update(validity=(date(2020, 1, 1), date(2021, 1, 1)))
    with pytest.raises(Refused, match="没有公布价格"):
        town.order(person)


def test_cancelling_gives_the_hold_back_once(town):
    person = town.poor()
    order = town.order(person)
    clerk = town.people[Role.STREET_CLERK]
    with pytest.raises(Refused, match="必须填写理由"):
        services.cancel(order_id=order.pk, user=clerk, reason=" ")
    services.cancel(order_id=order.pk, user=clerk, reason="老人外出")
    assert balance(town.credit.account_id) == 20000
    with pytest.raises(Refused, match="已取消"):
        services.cancel(order_id=order.pk, user=clerk, reason="再来")
    assert balance(town.credit.account_id) == 20000 and verify().ok


def test_only_who_may_cancels(town):
    order = town.order(town.poor())
    with pytest.raises(Refused, match="不能办理"):
        services.cancel(order_id=order.pk, user=town.people[Role.COMMUNITY_CLERK], reason="试试")
    order.refresh_from_db()
    assert order.state == OrderState.ASKED


def test_asking_for_another_time_cancels_and_places_the_same(town):
    old = town.order(town.poor(), note="敲门")
    when = old.wanted_from + timedelta(hours=3)
    new = services.rebook(order_id=old.pk, user=town.people[Role.STREET_CLERK], wanted_from=when, reason="要午睡")
    old.refresh_from_db()
    assert (old.state, new.state, new.rebooked_from, new.note) == ("cancelled", "asked", old, "敲门")
    assert balance(town.credit.account_id) == 20000 - new.credit_fen


def test_a_refused_new_time_leaves_the_old_order_as_it_was(town):
    old = town.order(town.poor())
    with pytest.raises(Refused, match="已经过去"):
        services.rebook(
            order_id=old.pk,
            user=town.people[Role.STREET_CLERK],
            wanted_from=old.wanted_from - timedelta(days=1),
            reason="写错",
        )
    old.refresh_from_db()
    assert old.state == OrderState.ASKED and balance(town.credit.account_id) == 20000 - old.credit_fen


def test_a_complaint_is_answered_in_words(town):
    order = town.order(town.poor())
    with pytest.raises(Refused, match="写明投诉"):
        services.complain(order_id=order.pk, text="  ")
    complaint = services.complain(order_id=order.pk, text="没有按时来")
    with pytest.raises(Refused, match="答复"):
        services.answer_complaint(complaint_id=complaint.pk, answer="")
    answered = services.answer_complaint(complaint_id=complaint.pk, answer="已道歉并改派")
    assert (answered.state, answered.answered_at is not None) == (Complaint.State.ANSWERED, True)


def test_the_providers_manager_reprices_and_the_credit_still_pays(town):
    """The provider sees the elder's credit but not its account."""
    person = town.poor()
    town.tell_provider(person)
    order = town.order(person)
    Order.objects.filter(pk=order.pk).update(provider=town.provider)
    flow.fire(order, "dispatch", user=None)
    with use(town.people[Role.PROVIDER_MANAGER].scope()):
        own = Order.objects.get(pk=order.pk)
        services.reprice(order=own, price_fen=4000)
        own.save()
    assert (own.price_fen, own.credit_fen, own.own_fen) == (4000, 4000, 0)
    assert balance(town.credit.account_id) == 16000 and verify().ok


def test_an_order_is_repriced_as_often_as_another_provider_is_chosen(town):
    order = town.order(town.poor())
    for price in (4000, 3500, 3500, 4000, 0, 4000):
        services.reprice(order=order, price_fen=price)
        assert (order.price_fen, order.credit_fen) == (price, price)
        assert balance(town.credit.account_id) == 20000 - price
    order.save()
    services.cancel(order_id=order.pk, user=None, reason="老人外出")
    assert balance(town.credit.account_id) == 20000 and verify().ok


def test_money_is_asked_for_in_yuan(town):
    order = town.order(town.poor())
    shown = filterset_for(Order, ["price_fen"])
    cent, yuan = Decimal("0.01"), Decimal(order.price_fen) / 100
    assert shown(queryset=Order.objects.all()).form.fields["price_fen"].label == "价格（元）"
    for low, high, found in ((yuan, yuan, [order]), (yuan + cent, "", []), ("", yuan - cent, [])):
        asked = {"price_fen_min": low, "price_fen_max": high}
        assert list(shown(asked, queryset=Order.objects.all()).qs) == found


def test_others_neither_see_nor_change_an_order(town):
    order = town.order(town.poor())
    elsewhere = Scope.area(town.there.code, town.there.upper)
    another = Scope.of_provider(town.line.pk)
    family = Scope.of_persons([town.line.pk])
    for scope in (elsewhere, another, family):
        with use(scope):
            assert not Order.objects.exists()
            assert not StandingOrder.objects.exists()
        with use(scope), pytest.raises(Order.DoesNotExist):
            services.cancel(order_id=order.pk, user=None, reason="越权")
    # The control: whose it is sees it.
    with use(Scope.area(town.here.code, town.here.upper)):
        assert Order.objects.get() == order
        assert Order.objects.filter(pk=order.pk).update(note="改") == 1
    with use(Scope.of_persons([order.elder_id])):
        assert Order.objects.get() == order
        # The family reads it; only the order's people write it.
        with pytest.raises(Exception, match="permission denied"), transaction.atomic():
            Order.objects.filter(pk=order.pk).update(note="改")


def repeat(town, person, weekdays=(2, 4), first=None):
    return services.repeat(
        elder_id=person.pk,
        service_id=town.service.pk,
        weekdays=list(weekdays),
        at=time(9),
        first=first or today(),
        last=None,
    )


def test_what_repeats_is_made_a_week_ahead_by_itself_and_once(town):
    person = town.poor()
    repeat(town, person)
    for _night in range(2):
        make_standing_orders()
    days = [order.wanted_from.astimezone().date() for order in Order.objects.order_by("wanted_from")]
    assert days == [date(2026, 11, 10), date(2026, 11, 12), date(2026, 11, 17)]
    with at(date(2026, 11, 12)):
        make_standing_orders()
    assert Order.objects.count() == 4


def test_what_one_standing_order_meets_holds_no_other_up_and_is_written_on_it(town, monkeypatch):
    unlucky, lucky = repeat(town, town.poor()), repeat(town, town.poor())
    real = services.place

    def place(**asked):
        if asked["elder_id"] == unlucky.elder_id:
            raise Refused("没有公布价格，不能下单。")
        return real(**asked)

    monkeypatch.setattr(services, "place", place)
    make_standing_orders()
    unlucky.refresh_from_db()
    assert "11月10日：没有公布价格" in unlucky.held_up
    assert set(Order.objects.values_list("standing_order", flat=True)) == {lucky.pk}
    # Once it can be served, the next night makes what was left out.
    monkeypatch.setattr(services, "place", real)
    make_standing_orders()
    unlucky.refresh_from_db()
    assert unlucky.held_up == "" and unlucky.orders.count() == lucky.orders.count() == 3


def test_orders_of_next_month_wait_for_its_credit(town):
    standing = repeat(town, town.poor(), weekdays=range(1, 8))
    with at(date(2026, 11, 28)):
        make_standing_orders()
    days = {order.wanted_from.astimezone().date() for order in standing.orders.all()}
    assert days == {date(2026, 11, 28), date(2026, 11, 29), date(2026, 11, 30)}


def move_next_day(town, person):
    tomorrow = today() + timedelta(days=1)
    with at(tomorrow):
        move(elder_id=person.pk, area=town.there, on=tomorrow, address="新居1号")


def test_who_moves_within_the_region_keeps_what_is_due_and_is_asked_for_anew(town):
    person = town.poor()
    standing = repeat(town, person)
    old = town.order(person, day=today() + timedelta(days=2))
    move_next_day(town, person)
    old.refresh_from_db()
    standing.refresh_from_db()
    town.credit.refresh_from_db()
    new = Order.objects.get(rebooked_from=old)
    assert (old.state, new.state) == (OrderState.CANCELLED, OrderState.ASKED)
    there = town.there.code
    assert {new.area_id, standing.area_id, town.credit.area_id, town.credit.account.area_id} == {there}
    assert Entitlement.objects.get(elder=person).area_id == there
    assert balance(town.credit.account_id) == 20000 - new.credit_fen and verify().ok
    with use(Scope.area(town.here.code, town.here.upper)):
        assert set(Order.objects.all()) == {old}


def test_a_policy_that_does_not_reach_the_new_home_ends_with_its_credit(town):
    town.policy.area_id = 340802000000
    town.policy.save()
    person = town.poor()
    old = town.order(person, day=today() + timedelta(days=2))
    before = balance(town.line.account_id)
    move_next_day(town, person)
    town.credit.refresh_from_db()
    new = Order.objects.get(rebooked_from=old)
    assert town.credit.expired_on == today() + timedelta(days=1) and balance(town.credit.account_id) == 0
    assert balance(town.line.account_id) == before + 20000
    assert (new.credit_fen, new.own_fen) == (0, new.price_fen) and verify().ok


def test_death_ends_what_was_asked_for(town):
    line = balance(town.line.account_id)
    person = town.poor()
    standing, order = repeat(town, person), town.order(person)
    record_death(elder_id=person.pk, on=today())
    order.refresh_from_db()
    standing.refresh_from_db()
    assert order.state == OrderState.CANCELLED and standing.ended_reason == "老人去世"
    assert balance(town.credit.account_id) == 0 and balance(town.line.account_id) == line
    with pytest.raises(Refused, match="不能下单"):
        town.order(person)
