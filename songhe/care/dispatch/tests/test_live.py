"""The day under way: sick calls, emergencies, answers from carers, colleagues who take over."""

from datetime import timedelta

import pytest

from songhe.care.dispatch import services
from songhe.care.dispatch.forms import NearestForm
from songhe.care.dispatch.jobs import expire_notices
from songhe.care.dispatch.models import DayPlan, Notice, PlanStop, Swap
from songhe.care.dispatch.selectors.nearest import nearest
from songhe.care.orders.flow import OrderState
from songhe.care.visits import services as visits
from songhe.care.visits.flow import VisitState
from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.calendar.services import at, today
from songhe.core.errors import Refused
from songhe.core.scope.services import use


def as_carer(round_, carer, name):
    return User.objects.create(
        username=name, display_name=name, role=Role.CARER, provider_id=round_.provider.pk, staff_id=carer.pk
    )


def sent(round_, order, carer, hour):
    """Publish a plan of one visit."""
    plan = round_.plan()
    services.move(plan_id=plan.pk, order_id=order.pk, staff_id=carer.pk, start=hour * 60, user=round_.manager)
    services.publish(plan_id=plan.pk, user=round_.manager)
    return order.visits.exclude(state=VisitState.CANCELLED).get()


def test_a_sick_carers_open_visits_go_to_others_and_what_has_begun_stays(round_):
    sick, other, _third = round_.carers
    begun, later, untouched = round_.given(hour=9), round_.given(hour=13), round_.given(hour=13, step=(1, 0))
    for order, carer, hour in ((begun, sick, 9), (later, sick, 13), (untouched, other, 13)):
        sent(round_, order, carer, hour)
    me = as_carer(round_, sick, "t-sick")
    with at(round_.moment(9, 10)):
        visits.check_in(visit_id=begun.visits.get().pk, user=me, presence=visits.Presence(at=round_.moment(9, 5)))
        plan = services.carer_away(staff_id=sick.pk, day=round_.moment(9).date(), user=round_.manager)
        stops = {stop.order_id: stop for stop in PlanStop.objects.filter(plan=plan)}
        assert (stops[begun.pk].staff, stops[begun.pk].frozen) == (sick, True)
        assert stops[later.pk].staff not in (None, sick)
        assert (stops[untouched.pk].staff, stops[untouched.pk].during) == (other, untouched.visits.get().planned)
        assert plan.kind == DayPlan.Kind.ADD and "病假" in plan.note
        done = services.publish(plan_id=plan.pk, user=round_.manager)
    assert (done.planned, done.moved, done.withdrawn) == (0, 1, 0)
    assert later.visits.get().staff == stops[later.pk].staff
    assert Notice.objects.filter(visit__order=later, staff=sick, state=Notice.State.WITHDRAWN).exists()
    assert Notice.objects.filter(visit__order=later, staff=stops[later.pk].staff, state=Notice.State.SENT).exists()


def test_an_emergency_goes_to_the_nearest_and_on_to_the_next_when_nobody_answers(round_):
    with at(round_.moment(10)):
        order = round_.given(hour=10, step=(2, 0))
        first = services.send_nearest(order_id=order.pk, user=round_.manager)
        assert first.staff == round_.carers[2] and first.planned.lower - round_.moment(10) <= timedelta(minutes=10)
        notice = Notice.objects.get(visit=first)
        assert notice.urgent and notice.due_at == round_.moment(10, 5)
        with pytest.raises(Refused, match="不用再派"):
            services.send_nearest(order_id=order.pk, user=round_.manager)
        expire_notices()
        assert Notice.objects.get(pk=notice.pk).state == Notice.State.SENT
    with at(round_.moment(10, 6)):
        expire_notices()
    first.refresh_from_db()
    second = order.visits.exclude(pk=first.pk).get()
    assert (first.state, second.staff) == (VisitState.CANCELLED, round_.carers[1])
    me = as_carer(round_, round_.carers[1], "t-second")
    with at(round_.moment(10, 7)), use(me.scope()):
        services.decline(visit_id=second.pk, user=me, reason="车坏了")
    third = order.visits.exclude(pk__in=[first.pk, second.pk]).get()
    assert third.staff == round_.carers[0]
    with at(round_.moment(10, 20)):
        expire_notices()
    # Nobody else is left: the last one asked keeps it, and the dispatcher sees that no answer came.
    third.refresh_from_db()
    assert third.state == VisitState.PLANNED and Notice.objects.get(visit=third).state == Notice.State.EXPIRED


@pytest.mark.parametrize("whose", ["nobodys", "tomorrows"])
def test_whom_the_elder_refused_is_not_sent_in_an_emergency_either(round_, whose):
    with at(round_.moment(10)):
        person = round_.poor()
        tomorrow = today() + timedelta(days=1)
        order = round_.given(step=(2, 0), person=person, day=tomorrow)
        if whose == "nobodys":
            order = round_.order(person, hour=11)
        nearest_of_all = round_.carers[2]
        assert nearest(order)[0].staff_id == nearest_of_all.pk
        services.note_wish(elder=person, kind="barred", staff=nearest_of_all)
        assert nearest_of_all.pk not in {each.staff_id for each in nearest(order)}
        clerk = round_.people[Role.COUNTY_CLERK]
        assert services.send_nearest(order_id=order.pk, user=clerk).staff == round_.carers[1]


def begun(round_, carer, user, hour, minute, *, planned=None):
    """A visit at the carer's base that they checked in to."""
    order = round_.given(hour=hour)
    visit = sent(round_, order, carer, planned or hour)
    with at(round_.moment(hour, minute)):
        presence = visits.Presence(at=round_.moment(hour, minute))
        return order, visits.check_in(visit_id=visit.pk, user=user, presence=presence)


def test_who_is_still_in_a_visit_is_free_when_it_is_expected_to_end(round_):
    carer, next_one, _third = round_.carers
    me = as_carer(round_, carer, "t-me")
    begun(round_, carer, me, 9, 20)
    urgent = round_.given(hour=10)
    with at(round_.moment(9, 50)):
        # An hour from the check-in, not from the planned start.
        mine = next(each for each in nearest(urgent) if each.staff_id == carer.pk)
        assert (mine.start, mine.minutes) == (round_.moment(10, 20), 30)
    with at(round_.moment(10, 30)):
        # Past that it is expected to take a quarter of an hour more, and the next carer is there sooner.
        mine = next(each for each in nearest(urgent) if each.staff_id == carer.pk)
        assert mine.start == round_.moment(10, 45)
        first = NearestForm(record=urgent).fields["arrival"].initial.splitlines()[0]
        assert first == f"{next_one.name} 预计 5 分钟到（10:35，路上 3 分钟）"
        assert services.send_nearest(order_id=urgent.pk, user=round_.manager).staff == next_one


def test_what_follows_a_visit_that_takes_longer_is_expected_later(round_):
    carer = round_.carers[0]
    me = as_carer(round_, carer, "t-me")
    follows = round_.given(hour=10)
    sent(round_, follows, carer, 10)
    begun(round_, carer, me, 9, 0)
    urgent = round_.given(hour=11)
    with at(round_.moment(10, 20)):
        # Until 10:35 here, an hour at the next elder's: too late for an emergency.
        assert carer.pk not in {each.staff_id for each in nearest(urgent)}
    with at(round_.moment(10, 20)):
        visits.check_in(visit_id=follows.visits.get().pk, user=me, presence=visits.Presence(at=round_.moment(10, 10)))
        # Nobody checked out of the first, and the carer is at the next elder's all the same: free at 11:10.
        mine = next(each for each in nearest(urgent) if each.staff_id == carer.pk)
        assert mine.start == round_.moment(11, 10)


def test_nobody_near_is_said_in_words_and_changes_nothing(round_):
    with at(round_.moment(20)):
        order = round_.given(hour=20)
        with pytest.raises(Refused, match="没有能赶到"):
            services.send_nearest(order_id=order.pk, user=round_.manager)
    order.refresh_from_db()
    assert order.state == OrderState.DISPATCHED and not order.visits.exists()


def test_a_carer_acknowledges_or_declines_with_a_reason(round_):
    order, carer = round_.given(hour=9), round_.carers[0]
    visit = sent(round_, order, carer, 9)
    me, colleague = as_carer(round_, carer, "t-me"), as_carer(round_, round_.carers[1], "t-colleague")
    with use(colleague.scope()), pytest.raises(Refused, match="派给了其他护理员"):
        services.acknowledge(visit_id=visit.pk, user=colleague)
    with use(me.scope()):
        for _again in range(2):
            assert services.acknowledge(visit_id=visit.pk, user=me).state == Notice.State.ACKNOWLEDGED
        with pytest.raises(Refused, match="写明不能去的原因"):
            services.decline(visit_id=visit.pk, user=me, reason=" ")
        services.decline(visit_id=visit.pk, user=me, reason="孩子发烧")
    order.refresh_from_db()
    visit.refresh_from_db()
    assert (order.state, visit.state) == (OrderState.DISPATCHED, VisitState.CANCELLED)
    # Who declined is not asked again for the same order.
    plan = round_.plan()
    with pytest.raises(Refused, match="孩子发烧"):
        services.move(plan_id=plan.pk, order_id=order.pk, staff_id=carer.pk, start=540, user=round_.manager)


def test_a_visit_changes_hands_when_the_colleague_agrees(round_):
    order, carer, colleague = round_.given(hour=9), *round_.carers[:2]
    visit = sent(round_, order, carer, 9)
    me, other = as_carer(round_, carer, "t-me"), as_carer(round_, colleague, "t-other")
    with use(me.scope()):
        swap = services.ask_swap(visit_id=visit.pk, to_staff_id=colleague.pk, reason="看病", user=me)
        with pytest.raises(Refused, match="请的是别的同事"):
            services.answer_swap(swap_id=swap.pk, user=me, agrees=True)
        with pytest.raises(Refused, match="已经请了同事"):
            services.ask_swap(visit_id=visit.pk, to_staff_id=round_.carers[2].pk, reason="看病", user=me)
    with use(other.scope()):
        services.answer_swap(swap_id=swap.pk, user=other, agrees=True)
    visit.refresh_from_db()
    assert visit.staff == colleague and Swap.objects.get().state == Swap.State.AGREED
    assert Notice.objects.get(visit=visit, staff=colleague).state == Notice.State.ACKNOWLEDGED


def test_a_busy_colleague_is_not_even_asked(round_):
    order, carer, colleague = round_.given(hour=9), *round_.carers[:2]
    visit = sent(round_, order, carer, 9)
    sent(round_, round_.given(hour=9, step=(1, 0)), colleague, 9)
    me = as_carer(round_, carer, "t-me")
    with use(me.scope()), pytest.raises(Refused, match="重叠"):
        services.ask_swap(visit_id=visit.pk, to_staff_id=colleague.pk, reason="看病", user=me)
    assert not Swap.objects.exists()


def test_wishes_name_one_thing_and_end(round_):
    person = round_.poor()
    with pytest.raises(Refused, match="二者选一"):
        services.note_wish(elder=person, kind="wished", user=round_.manager)
    wish = services.note_wish(elder=person, kind="barred", sex="male", user=round_.manager)
    with pytest.raises(Refused, match="同样的意愿"):
        services.note_wish(elder=person, kind="barred", sex="male", user=round_.manager)
    services.end_wish(wish_id=wish.pk)
    assert services.note_wish(elder=person, kind="barred", sex="male", user=round_.manager).ended_at is None
