"""A care plan from the first draft to its end, and the orders that it makes and calls off."""

from datetime import time, timedelta

import pytest
from django.db import ProgrammingError, transaction

from songhe.care.orders import services as orders
from songhe.care.orders.flow import OrderState
from songhe.care.orders.models import Order, StandingOrder
from songhe.core.accounts.models import Acting, User
from songhe.core.accounts.roles import Role
from songhe.core.calendar.services import at, today
from songhe.core.errors import Changed, Refused
from songhe.core.flow.models import Todo
from songhe.core.scope.services import Scope, use
from songhe.core.validity import last_day
from songhe.registers.elders.services import record_death
from songhe.rights.careplans import services
from songhe.rights.careplans.models import CarePlan
from songhe.rights.careplans.selectors import week_of

EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)


@pytest.fixture
def adviser(town):
    return User.objects.create(username="t-adviser", display_name="顾问", role=Role.ADVISER, area=town.city)


@pytest.fixture
def draft(town, adviser):
    """A plan of one service every day, from today for ninety days."""
    plan = drawn(town.poor(), adviser)
    services.add_item(plan_id=plan.pk, service_id=town.service.pk, weekdays=EVERY_DAY, at=time(9))
    return plan


def drawn(person, adviser, *, first=None, **more):
    first = first or today()
    more.setdefault("last", first + timedelta(days=90))
    return services.draw_up(elder_id=person.pk, adviser=adviser, goals="居家整洁", first=first, **more)


def agreed(plan, adviser, by="女儿王敏"):
    return services.agree(plan_id=plan.pk, agreed_by=by, user=adviser)


def refreshed(obj):
    obj.refresh_from_db()
    return obj


def test_a_plan_agreed_becomes_orders_of_its_own(town, draft, adviser):
    assert not StandingOrder.objects.exists()
    services.propose(plan_id=draft.pk, user=adviser)
    plan = agreed(draft, adviser)
    assert (plan.state, plan.agreed_by, plan.agreed_on) == ("agreed", "女儿王敏", today())
    standing = StandingOrder.objects.get(care_plan=plan)
    assert (standing.weekdays, standing.validity) == ([*EVERY_DAY], plan.validity)
    assert orders.make_due_orders(until=today() + timedelta(days=2)) == 3
    assert {order.source for order in standing.orders.all()} == {Order.Source.PLAN}
    agreed(plan, adviser)
    assert StandingOrder.objects.count() == 1


def test_an_empty_plan_is_neither_put_nor_agreed(town, adviser):
    plan = drawn(town.poor(), adviser)
    for act in (lambda: services.propose(plan_id=plan.pk, user=adviser), lambda: agreed(plan, adviser)):
        with pytest.raises(Refused, match="至少要有一项服务"):
            act()
    assert refreshed(plan).state == "draft"


def test_what_the_family_has_in_hand_is_not_altered_until_it_is_sent_back(town, draft, adviser):
    item = draft.items.get()
    services.propose(plan_id=draft.pk, user=adviser)
    alterations = [
        lambda: services.add_item(plan_id=draft.pk, service_id=town.service.pk, weekdays=[1], at=time(15)),
        lambda: services.remove_item(plan_id=draft.pk, item_id=item.pk),
        lambda: services.amend(plan_id=draft.pk, goals="x", first=today(), last=today()),
    ]
    for alter in alterations:
        with pytest.raises(Refused, match="不能再改"):
            alter()
    assert refreshed(draft).items.count() == 1 and draft.goals == "居家整洁"
    with pytest.raises(Refused, match="理由"):
        services.decline(plan_id=draft.pk, user=adviser, reason=" ")
    services.decline(plan_id=draft.pk, user=adviser, reason="想改到下午")
    for alter in alterations:
        alter()
    assert refreshed(draft).goals == "x"


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ({"last": -1}, "结束日期不能早于开始日期"),
        ({"last": 30, "review_on": 31}, "复核日期须在计划期间之内"),
        ({"last": 30, "review_on": -1}, "复核日期须在计划期间之内"),
    ],
)
def test_days_that_do_not_follow_are_refused(town, adviser, days, said):
    person = town.poor()
    with pytest.raises(Refused, match=said):
        drawn(person, adviser, **{name: today() + timedelta(days=count) for name, count in days.items()})
    assert drawn(person, adviser, last=today(), review_on=today()).pk


def test_an_elder_has_one_draft_and_one_plan_at_a_time(town, draft, adviser):
    with pytest.raises(Refused, match="正在拟定"):
        drawn(draft.elder, adviser)
    agreed(draft, adviser)
    other = drawn(draft.elder, adviser, first=today() + timedelta(days=5))
    services.add_item(plan_id=other.pk, service_id=town.service.pk, weekdays=[1], at=time(9))
    with pytest.raises(Refused, match="已有执行中的照护计划"):
        agreed(other, adviser)
    assert refreshed(other).state == "draft" and other.agreed_on is None
    assert StandingOrder.objects.filter(care_plan=other).count() == 0


def test_a_revision_takes_over_from_its_first_day(town, draft, adviser):
    old = agreed(draft, adviser)
    orders.make_due_orders(until=today() + timedelta(days=3))
    first = today() + timedelta(days=2)
    new = drawn(old.elder, adviser, first=first, revises_id=old.pk)
    assert [item.weekdays for item in new.items.all()] == [[*EVERY_DAY]]
    services.remove_item(plan_id=new.pk, item_id=new.items.get().pk)
    services.add_item(plan_id=new.pk, service_id=town.service.pk, weekdays=[first.isoweekday()], at=time(15))
    agreed(new, adviser)
    assert (refreshed(old).state, last_day(old.validity)) == ("replaced", first - timedelta(days=1))
    states = {order.wanted_from.astimezone().date(): order.state for order in Order.objects.all()}
    kept = {today(): OrderState.ASKED, today() + timedelta(days=1): OrderState.ASKED}
    assert states == kept | {first: OrderState.CANCELLED, first + timedelta(days=1): OrderState.CANCELLED}
    orders.make_due_orders(until=first + timedelta(days=1))
    assert [
        order.standing_order.care_plan
        for order in Order.objects.filter(state=OrderState.ASKED, wanted_from__date__gte=first)
    ] == [new]


def test_only_a_plan_that_is_carried_out_is_revised_and_from_a_later_day(town, draft, adviser):
    with pytest.raises(Refused, match="正在执行的照护计划"):
        drawn(draft.elder, adviser, revises_id=draft.pk)
    old = agreed(draft, adviser)
    new = drawn(old.elder, adviser, revises_id=old.pk)
    with pytest.raises(Refused, match="之后生效"):
        agreed(new, adviser)
    assert (refreshed(old).state, refreshed(new).state) == ("agreed", "draft")


def test_ending_a_plan_calls_off_what_was_to_come_and_keeps_today(town, draft, adviser):
    plan = agreed(draft, adviser)
    orders.make_due_orders(until=today() + timedelta(days=2))
    services.terminate(plan_id=plan.pk, user=adviser, reason="家属自行照料")
    assert (refreshed(plan).state, last_day(plan.validity), plan.ended_reason) == ("ended", today(), "家属自行照料")
    assert [order.state for order in Order.objects.order_by("wanted_from")] == [
        OrderState.ASKED, OrderState.CANCELLED, OrderState.CANCELLED,
    ]  # fmt: skip
    assert orders.make_due_orders(until=today() + timedelta(days=9)) == 0


def test_ending_a_plan_that_has_not_begun_leaves_no_order(town, adviser):
    plan = drawn(town.poor(), adviser, first=today() + timedelta(days=3))
    services.add_item(plan_id=plan.pk, service_id=town.service.pk, weekdays=EVERY_DAY, at=time(9))
    agreed(plan, adviser)
    services.terminate(plan_id=plan.pk, user=adviser, reason="不再需要")
    assert orders.make_due_orders(until=today() + timedelta(days=9)) == 0


def test_a_review_is_a_task_with_a_day_and_sets_the_next(town, adviser):
    plan = drawn(town.poor(), adviser, review_on=today() + timedelta(days=30))
    services.add_item(plan_id=plan.pk, service_id=town.service.pk, weekdays=[1], at=time(9))
    agreed(plan, adviser)

    def due():
        return Todo.objects.get(object_id=plan.pk, state="open").due_on

    assert due() == today() + timedelta(days=30)
    with at(today() + timedelta(days=30)):
        with pytest.raises(Refused, match="今天之后"):
            services.review(plan_id=plan.pk, user=adviser, reason="稳定", review_on=today())
        services.review(plan_id=plan.pk, user=adviser, reason="稳定", review_on=today() + timedelta(days=45))
        assert due() == today() + timedelta(days=45) and refreshed(plan).state == "agreed"


def test_a_month_is_counted_by_the_calendar_and_set_against_the_credit(town, draft):
    week = week_of(draft, today())
    (line,) = week.lines
    assert (line.weekly, line.monthly) == (7, 30)
    assert week.credit_fen == 20000
    assert week.monthly_fen == 30 * (line.fen // 30) and week.own_fen == week.monthly_fen - 20000


def test_two_advisers_on_one_plan_the_second_is_told_to_look_again(town, draft, adviser):
    seen = draft.version
    services.amend(plan_id=draft.pk, goals="一", first=today(), last=today(), version=seen)
    with pytest.raises(Changed):
        services.amend(plan_id=draft.pk, goals="二", first=today(), last=today(), version=seen)
    assert refreshed(draft).goals == "一"


def test_nobody_plans_for_the_dead(town, adviser):
    person = town.poor()
    record_death(elder_id=person.pk, on=today())
    with pytest.raises(Refused, match="不能拟定"):
        drawn(person, adviser)


def test_others_neither_see_nor_decide_a_plan(town, draft, adviser):
    family = User.objects.create(username="t-family", display_name="女儿", role=Role.FAMILY)
    Acting.objects.create(user=family, elder_id=draft.elder_id, relation="女儿")
    seen = {
        "community": town.people[Role.COMMUNITY_CLERK].scope(),
        "elsewhere": Scope.area(town.there.code, town.there.upper),
        "family": family.scope(),
    }
    found = {}
    for who, scope in seen.items():
        with use(scope):
            found[who] = CarePlan.objects.exists()
    assert found == {"community": True, "elsewhere": False, "family": True}
    manager = town.people[Role.PROVIDER_MANAGER]
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic(), use(manager.scope()):
        CarePlan.objects.exists()
    with pytest.raises(Refused, match="不能办理"):
        services.propose(plan_id=draft.pk, user=town.people[Role.CARER])
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic(), use(family.scope()):
        CarePlan.objects.filter(pk=draft.pk).update(goals="x")
