"""A day planned: from orders to a draft, by hand and by the engine, published whole or not at all."""

from datetime import timedelta

import pytest

from songhe.care.dispatch import services
from songhe.care.dispatch.flow import PlanState
from songhe.care.dispatch.models import Assignment, CarerWish, DayPlan, PlanMove, PlanRun, PlanStop
from songhe.care.dispatch.planning import person_of, problem_of, read_day
from songhe.care.dispatch.selectors.desk import sheet
from songhe.care.dispatch.services import running, shifting
from songhe.care.dispatch.services.plans import standings
from songhe.care.orders import services as orders
from songhe.care.orders.flow import OrderState
from songhe.care.visits import services as visits
from songhe.care.visits.flow import VisitState
from songhe.care.visits.models import Visit
from songhe.core.accounts.roles import Role
from songhe.core.calendar.services import at, today
from songhe.core.errors import Changed, Refused
from songhe.core.parameters.models import Parameter
from songhe.core.scope.services import use
from songhe.registers.workforce.models import Shift
from songhe.registers.workforce.services import note_absence


def stop_of(plan, order):
    return PlanStop.objects.get(plan=plan, order=order)


def minute(round_, stop):
    return round((stop.during.lower - round_.moment(0)).total_seconds() / 60)


def test_a_draft_shows_the_day_as_it_is_and_the_engine_fills_it(round_):
    waiting = [round_.given(hour=9 + number % 3, step=(number, 1)) for number in range(6)]
    plan = round_.plan()
    assert plan.stops.filter(staff__isnull=True).count() == 6
    assert "还没有排" in plan.stops.first().reason
    run = round_.compute(plan)
    assert (run.percent, run.failure, run.stage) == (100, "", "完成")
    assert not plan.stops.filter(staff__isnull=True).exists()
    for order in waiting:
        stop = stop_of(plan, order)
        assert order.wanted_from <= stop.during.lower <= order.wanted_to - timedelta(minutes=order.minutes)
    assert sum(each["visits"] for each in plan.carers.values()) == 6
    assert not any(each["breaches"] for each in plan.carers.values())
    assert not Visit.objects.exists()


def test_publishing_makes_every_visit_and_says_what_it_did(round_):
    waiting = [round_.given(hour=9 + number, step=(number, 0)) for number in range(3)]
    plan = round_.plan()
    round_.compute(plan)
    done = services.publish(plan_id=plan.pk, user=round_.manager)
    assert (done.planned, done.moved, done.withdrawn, done.open) == (3, 0, 0, 0)
    plan.refresh_from_db()
    assert plan.state == PlanState.PUBLISHED and plan.published_by == round_.manager
    for order in waiting:
        order.refresh_from_db()
        visit = order.visits.get()
        assert (order.state, visit.state) == (OrderState.ASSIGNED, VisitState.PLANNED)
        assert (visit.staff_id, visit.planned) == (stop_of(plan, order).staff_id, stop_of(plan, order).during)
        assert Assignment.objects.get(order=order).suggested
    with pytest.raises(Refused, match="不能再改"):
        services.publish(plan_id=plan.pk, user=round_.manager)


def test_skills_wishes_and_leave_are_kept_and_what_nobody_can_do_says_why(round_):
    first, second, third = round_.carers
    barred = round_.given(hour=9)
    CarerWish.objects.create(
        elder_id=barred.elder_id, area_id=barred.area_id, provider=round_.provider, kind="barred", staff=first,
        reason="说话听不懂",
    )  # fmt: skip
    note_absence(staff=second, begins=round_.moment(0), ends=round_.moment(23), reason="sick")
    plan = round_.plan()
    round_.compute(plan)
    assert stop_of(plan, barred).staff == third
    note_absence(staff=third, begins=round_.moment(0), ends=round_.moment(23), reason="sick")
    again = round_.plan()
    round_.compute(again)
    reason = stop_of(again, barred).reason
    assert stop_of(again, barred).staff is None and "没有会做的人在班" in reason
    round_.skilled(first, "bath")
    with pytest.raises(Refused, match="老人不希望其上门（说话听不懂）"):
        services.move(plan_id=again.pk, order_id=barred.pk, staff_id=first.pk, start=9 * 60, user=round_.manager)


def test_a_familiar_carer_is_worth_some_way_and_a_complaint_keeps_away(round_):
    person = round_.poor()
    near, far, _last = round_.carers
    with at(round_.moment(9, day=today() - timedelta(days=5))):
        round_.on_duty(far)
        old = round_.given(hour=10, person=person)
        services.to_carer(
            order_id=old.pk, staff_id=far.pk, start=old.wanted_from, user=round_.manager, overrule_reason="熟"
        )
        visit = old.visits.get()
        Visit.objects.filter(pk=visit.pk).update(
            state="verified",
            verified_at=old.wanted_to,
            check_in_at=old.wanted_from,
            check_out_at=old.wanted_to,
            minutes=60,
        )
    order = round_.given(hour=10, person=person)
    plan = round_.plan()
    round_.compute(plan)
    assert stop_of(plan, order).staff == far
    orders.complain(order_id=old.pk, text="不耐心")
    again = round_.plan()
    round_.compute(again)
    assert stop_of(again, order).staff not in (None, far)
    assert near in round_.carers


def test_what_has_begun_is_frozen_and_what_was_published_stays_unless_planned_anew(round_):
    begun, published, new = (round_.given(hour=hour) for hour in (9, 11, 14))
    carer = round_.carers[0]
    for order in (begun, published):
        services.dispatch(order_id=order.pk, user=round_.manager)
    mine = {order.pk: order.visits.get() for order in (begun, published)}
    with at(round_.moment(9, 5)):
        user = round_.people[Role.CARER]
        user.staff_id = mine[begun.pk].staff_id
        visits.check_in(visit_id=mine[begun.pk].pk, user=user, presence=visits.Presence(at=round_.moment(9, 3)))
        plan = round_.plan()
        assert stop_of(plan, begun).frozen and not stop_of(plan, published).frozen
        round_.compute(plan)
        for order in (begun, published):
            stop = stop_of(plan, order)
            assert (stop.staff_id, stop.during) == (mine[order.pk].staff_id, mine[order.pk].planned)
        assert stop_of(plan, new).staff is not None
        with pytest.raises(Refused, match="已经开始"):
            services.move(plan_id=plan.pk, order_id=begun.pk, staff_id=carer.pk, start=900, user=round_.manager)


def test_published_hours_count_as_hours(round_):
    """Who has worked the contract through by what is published is spared where a colleague is near."""
    busy, idle, _third = round_.carers
    assert Parameter.objects.filter(name="派单.每日工时").update(value=120)
    published = round_.plan_of(busy, 8, 14)
    new = round_.given(hour=10)
    plan = round_.plan()
    day = read_day(plan.provider_id, plan.day)
    posed = problem_of(day, standings(plan, day))
    of_busy = [each for each in posed.problem.carers if person_of(each.id) == str(busy.pk)]
    of_idle = [each for each in posed.problem.carers if person_of(each.id) == str(idle.pk)]
    assert sum(each.contract - each.done for each in of_busy) == 0 and {each.done for each in of_busy} == {120.0}
    assert [(each.contract, each.done) for each in of_idle] == [(120.0, 0.0)]
    round_.compute(plan)
    assert stop_of(plan, new).staff == idle and len(published) == 2


@pytest.mark.parametrize("at_hour", [(7, 0), (11, 45)], ids=["early", "midday"])
def test_lunch_is_planned_around_what_is_published_and_after_it_began(round_, at_hour):
    """A published visit near noon, or planning at a quarter to twelve, leaves room for lunch, and the plan keeps it."""
    carer = round_.carers[0]
    for other in round_.carers[1:]:
        Shift.objects.filter(staff=other).delete()
    round_.plan_of(carer, 10, 12)
    waiting = [round_.given(hour=hour) for hour in (13, 14)]
    with at(round_.moment(*at_hour)):
        plan = round_.plan()
        day = read_day(plan.provider_id, plan.day)
        rests = [rest for each in problem_of(day, standings(plan, day)).problem.carers for rest in each.rests]
        assert len(rests) == 1
        round_.compute(plan)
        assert all(stop_of(plan, order).staff == carer for order in waiting)
        assert not any("午休" in text for row in sheet(plan)["stops"] for text in row["troubles"])


def test_who_had_lunch_is_given_none_again(round_):
    carer = round_.carers[0]
    round_.plan_of(carer, 9, 15)
    with at(round_.moment(12, 30)):
        plan = round_.plan()
        day = read_day(plan.provider_id, plan.day)
        of = {person_of(each.id): each.rests for each in problem_of(day, standings(plan, day)).problem.carers}
        assert of[str(carer.pk)] == ()


def test_planned_anew_a_told_carer_is_changed_only_where_that_saves_what_the_place_asks(round_, settings):
    near, far = round_.carers[0], round_.carers[2]
    order = round_.given(hour=9)
    first = round_.plan()
    services.move(plan_id=first.pk, order_id=order.pk, staff_id=far.pk, start=540, user=round_.manager)
    services.publish(plan_id=first.pk, user=round_.manager)
    # However many carers a place calls many, the plan keeps the same rules.
    for settings.WIDE_DAY_CARERS in (128, 1):
        again = round_.plan(DayPlan.Kind.ANEW)
        round_.compute(again)
        assert stop_of(again, order).staff == far
    assert Parameter.objects.filter(name="派单.改派折算").update(value=0)
    again = round_.plan(DayPlan.Kind.ANEW)
    round_.compute(again)
    assert stop_of(again, order).staff == near


def test_moving_by_hand_tells_first_refuses_what_cannot_be_and_is_undone(round_):
    first, second, _third = round_.carers
    one, two = round_.given(hour=9), round_.given(hour=10, step=(4, 4))
    plan = round_.plan()

    def move(order, carer, start):
        services.move(plan_id=plan.pk, order_id=order.pk, staff_id=carer and carer.pk, start=start, user=round_.manager)

    move(one, first, 9 * 60)
    told = shifting.consequence(plan=plan, order_id=two.pk, staff_id=first.pk, start=10 * 60)
    assert told.possible and any("分钟，差" in breach.text for breach in told.breaches) and told.sums.travel > 0
    hopeless = shifting.consequence(plan=plan, order_id=two.pk, staff_id=first.pk, start=9 * 60 + 30)
    assert not hopeless.possible and "重叠" in hopeless.breaches[0].text
    with pytest.raises(Refused, match="重叠"):
        move(two, first, 9 * 60 + 30)
    with pytest.raises(Refused, match="不在班"):
        move(two, first, 19 * 60)
    move(two, second, 10 * 60)
    plan.refresh_from_db()
    assert {staff: sums["visits"] for staff, sums in plan.carers.items()} == {str(first.pk): 1, str(second.pk): 1}
    move(two, None, None)
    services.undo(plan_id=plan.pk, user=round_.manager)
    stop = stop_of(plan, two)
    assert (stop.staff, minute(round_, stop)) == (second, 600)
    services.undo(plan_id=plan.pk, user=round_.manager)
    assert stop_of(plan, two).staff is None and PlanMove.objects.filter(plan=plan).count() == 5
    services.undo(plan_id=plan.pk, user=round_.manager)
    with pytest.raises(Refused, match="没有可以撤销"):
        services.undo(plan_id=plan.pk, user=round_.manager)


def test_what_was_moved_by_hand_or_held_stays_while_the_rest_is_planned_anew(round_):
    first, second, third = round_.carers
    by_hand, held, free = (round_.given(hour=9 + number, step=(number, 0)) for number in range(3))
    plan = round_.plan(kind=DayPlan.Kind.ANEW)
    services.move(plan_id=plan.pk, order_id=by_hand.pk, staff_id=third.pk, start=9 * 60 + 25, user=round_.manager)
    services.move(plan_id=plan.pk, order_id=held.pk, staff_id=third.pk, start=10 * 60 + 50, user=round_.manager)
    services.hold(plan_id=plan.pk, order_id=held.pk, held=True)
    PlanStop.objects.filter(plan=plan, order=held).update(by_hand=False)
    round_.compute(plan)
    assert minute(round_, stop_of(plan, by_hand)) == 9 * 60 + 25 and stop_of(plan, by_hand).staff == third
    assert stop_of(plan, held).staff == third and stop_of(plan, free).staff is not None
    assert {first, second}.isdisjoint({stop_of(plan, held).staff})


def test_two_drafts_lie_side_by_side_and_publishing_one_supersedes_the_other(round_):
    order = round_.given(hour=9)
    here, there = round_.carers[:2]
    drafts = [round_.plan(), round_.plan(kind=DayPlan.Kind.ANEW)]
    for plan, carer in zip(drafts, (here, there), strict=True):
        services.move(plan_id=plan.pk, order_id=order.pk, staff_id=carer.pk, start=9 * 60, user=round_.manager)
    services.publish(plan_id=drafts[0].pk, user=round_.manager)
    with pytest.raises(Changed, match="请先刷新"):
        services.publish(plan_id=drafts[1].pk, user=round_.manager)
    assert order.visits.get().staff == here
    services.refresh(plan_id=drafts[1].pk)
    services.move(plan_id=drafts[1].pk, order_id=order.pk, staff_id=there.pk, start=9 * 60, user=round_.manager)
    done = services.publish(plan_id=drafts[1].pk, user=round_.manager)
    assert (done.planned, done.moved) == (0, 1) and order.visits.get().staff == there
    states = [DayPlan.objects.get(pk=plan.pk).state for plan in drafts]
    assert states == [PlanState.SUPERSEDED, PlanState.PUBLISHED]


def test_two_carers_change_visits_with_each_other(round_):
    first, second, _third = round_.carers
    one, two = round_.given(hour=9), round_.given(hour=9, step=(1, 0))
    plan = round_.plan()
    for order, carer in ((one, first), (two, second)):
        services.move(plan_id=plan.pk, order_id=order.pk, staff_id=carer.pk, start=9 * 60, user=round_.manager)
    services.publish(plan_id=plan.pk, user=round_.manager)
    again = round_.plan()
    services.move(plan_id=again.pk, order_id=one.pk, staff_id=None, start=None, user=round_.manager)
    services.move(plan_id=again.pk, order_id=two.pk, staff_id=first.pk, start=9 * 60, user=round_.manager)
    services.move(plan_id=again.pk, order_id=one.pk, staff_id=second.pk, start=9 * 60, user=round_.manager)
    assert services.publish(plan_id=again.pk, user=round_.manager).moved == 2
    assert (one.visits.get().staff, two.visits.get().staff) == (second, first)


def test_a_plan_that_leaves_a_visit_out_takes_it_back(round_):
    order = round_.given(hour=9)
    services.dispatch(order_id=order.pk, user=round_.manager)
    plan = round_.plan()
    services.move(plan_id=plan.pk, order_id=order.pk, staff_id=None, start=None, user=round_.manager)
    assert services.publish(plan_id=plan.pk, user=round_.manager).withdrawn == 1
    order.refresh_from_db()
    assert (order.state, order.visits.get().state) == (OrderState.DISPATCHED, VisitState.CANCELLED)


def test_nothing_is_half_published(round_):
    """A carer on leave since the draft was made: the other visits are not made either."""
    one, two = round_.given(hour=9), round_.given(hour=14)
    plan = round_.plan()
    for order, carer in zip((one, two), round_.carers, strict=False):
        start = round((order.wanted_from - round_.moment(0)).total_seconds() / 60)
        services.move(plan_id=plan.pk, order_id=order.pk, staff_id=carer.pk, start=start, user=round_.manager)
    note_absence(staff=round_.carers[1], begins=round_.moment(0), ends=round_.moment(23), reason="sick")
    with pytest.raises(Refused, match="不在班"):
        services.publish(plan_id=plan.pk, user=round_.manager)
    assert not Visit.objects.exists() and DayPlan.objects.get(pk=plan.pk).state == PlanState.DRAFT
    one.refresh_from_db()
    assert one.state == OrderState.DISPATCHED


def test_new_and_cancelled_orders_come_in_by_refreshing(round_):
    stays, goes = round_.given(hour=9), round_.given(hour=11)
    plan = round_.plan()
    services.move(plan_id=plan.pk, order_id=stays.pk, staff_id=round_.carers[0].pk, start=9 * 60, user=round_.manager)
    orders.cancel(order_id=goes.pk, user=None, reason="外出")
    comes = round_.given(hour=15)
    services.refresh(plan_id=plan.pk)
    assert set(plan.stops.values_list("order", flat=True)) == {stays.pk, comes.pk}
    assert stop_of(plan, stays).staff == round_.carers[0]


def test_a_run_is_stopped_given_up_and_never_two_at_once(round_):
    round_.given(hour=9)
    plan = round_.plan()
    run = services.ask_run(plan_id=plan.pk, user=round_.manager)
    with pytest.raises(Refused, match="正在计算"):
        services.ask_run(plan_id=plan.pk, user=round_.manager)
    with pytest.raises(Refused, match="正在计算"):
        services.publish(plan_id=plan.pk, user=round_.manager)
    with pytest.raises(Refused, match="还在进行"):
        services.give_up(plan_id=plan.pk)
    with at(round_.moment(7, 30)):
        services.give_up(plan_id=plan.pk)
    run.refresh_from_db()
    assert run.failure == "计算中断，已放弃"
    # The job that comes too late changes nothing.
    services.run(run_id=run.pk)
    assert plan.stops.get().staff is None
    services.ask_run(plan_id=plan.pk, user=round_.manager)
    services.stop(plan_id=plan.pk)
    second = PlanRun.objects.get(plan=plan, finished_at__isnull=True)
    running.run(run_id=second.pk)
    second.refresh_from_db()
    assert second.finished_at is not None and plan.stops.get().staff is not None


def test_a_day_gone_or_empty_cannot_be_planned(round_):
    with pytest.raises(Refused, match="没有要排的订单"):
        round_.plan()
    with pytest.raises(Refused, match="已经过去"):
        round_.plan(day=today() - timedelta(days=1))


def test_another_providers_dispatcher_sees_and_does_nothing(round_):
    order = round_.given(hour=9)
    plan = round_.plan()
    other = round_.manager_of_another()
    with use(other.scope()):
        assert not DayPlan.objects.exists() and not PlanStop.objects.exists() and not PlanRun.objects.exists()
        with pytest.raises(DayPlan.DoesNotExist):
            services.publish(plan_id=plan.pk, user=other)
        with pytest.raises(Refused, match="没有要排的订单"):
            services.make_plan(provider=other_provider(other), day=today(), user=other)
    # The control: its own manager sees and does all of it, under the same wall.
    with use(round_.manager.scope()):
        round_.compute(DayPlan.objects.get(pk=plan.pk))
        assert services.publish(plan_id=plan.pk, user=round_.manager).planned == 1
    assert order.visits.exists()


def other_provider(user):
    from songhe.registers.providers.models import Provider

    return Provider.objects.get(pk=user.provider_id)
