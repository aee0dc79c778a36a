"""A week's steady carers: proposed from repeating orders, adopted whole, taken back whole, known to the day's plan."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client

from songhe.care.dispatch import services
from songhe.care.dispatch.models import CarerWish
from songhe.care.dispatch.planning import bounds, read_day
from songhe.care.dispatch.weekly import propose, steady_of
from songhe.care.orders.models import StandingOrder
from songhe.core.calendar.services import today
from songhe.core.errors import Refused
from songhe.core.scope.services import use
from songhe.core.validity import from_day


@pytest.fixture
def week(round_):
    """Two elders who are visited on three days of this week, and carers on duty all week."""
    round_.monday = today() - timedelta(days=today().weekday())
    round_.people_seen = []
    for carer in round_.carers:
        for day in range(7):
            if (on := round_.monday + timedelta(days=day)) != today():
                round_.on_duty(carer, day=on)
    for step in ((0, 0), (2, 0)):
        elder = round_.poor()
        standing = StandingOrder.objects.create(
            elder=elder, area=elder.area, service=round_.service, provider=round_.provider,
            weekdays=[3, 4, 5], at="10:00", validity=from_day(today()),
        )  # fmt: skip
        for day in (2, 3, 4):
            order = round_.given(day=round_.monday + timedelta(days=day), step=step, person=elder)
            type(order).objects.filter(pk=order.pk).update(standing_order=standing)
        round_.people_seen.append(elder)
    return round_


def chosen(proposal):
    from uuid import UUID

    return {line.visit.elder_id: frozenset([UUID(line.staff_id)]) for line in proposal.lines}


def test_every_repeating_visit_gets_one_carer_within_the_hours(week):
    with use(week.manager.scope()):
        proposal = propose(week.provider.pk, week.monday)
    assert [line.visit.days for line in proposal.lines] == ["周三、四、五"] * 2
    assert all(line.staff_id and "一周 3 次能去 3 次" in line.why for line in proposal.lines)
    assert (proposal.steady.faces, proposal.steady.unserved) == (1.0, 0)
    assert {each.limit for each in proposal.hours} == {2640}
    assert sum(each.days for each in proposal.hours) in {3, 6}


def test_whom_an_elder_does_not_want_is_neither_proposed_nor_adopted(week):
    elder = week.people_seen[0]
    for carer in week.carers[:2]:
        services.note_wish(elder=elder, kind="barred", staff=carer)
    proposal = propose(week.provider.pk, week.monday)
    (line,) = (each for each in proposal.lines if each.visit.elder_id == elder.pk)
    assert line.staff_id == str(week.carers[2].pk)
    assert [key for key, _name in line.carers] == [line.staff_id]
    with pytest.raises(Refused, match="不希望"):
        services.adopt_steady(
            provider_id=week.provider.pk,
            chosen={**chosen(proposal), elder.pk: frozenset([week.carers[0].pk])},
            as_of=None,
        )
    assert not CarerWish.objects.filter(kind="steady").exists()


def adopt(week, elders, carer):
    here = week.provider.pk
    return services.adopt_steady(
        provider_id=here,
        chosen={each.pk: frozenset([carer.pk]) for each in elders},
        as_of=services.steady_as_of(here),
    )


def test_adopted_carers_are_known_to_the_day_and_taken_back_as_one(week):
    first, second = week.people_seen
    here = week.provider.pk
    adopt(week, [first], week.carers[0])
    done = adopt(week, [first, second], week.carers[1])
    assert str(done) == "新定 2 位固定护理员，终止 1 位。"
    day = read_day(here, week.monday + timedelta(days=3))
    assert {entry.task.familiar for entry in day.entries.values()} == {frozenset([str(week.carers[1].pk)])}
    with pytest.raises(Refused, match="没有要改的"):
        adopt(week, [first, second], week.carers[1])
    services.undo_adoption(provider_id=here, as_of=services.steady_as_of(here))
    assert steady_of(here) == {first.pk: {str(week.carers[0].pk)}}
    services.undo_adoption(provider_id=here, as_of=services.steady_as_of(here))
    with pytest.raises(Refused, match="没有可以撤销"):
        services.undo_adoption(provider_id=here, as_of=services.steady_as_of(here))


def test_what_was_chosen_before_somebody_else_adopted_or_took_back_is_refused_and_changes_nothing(week):
    here, (first, second) = week.provider.pk, week.people_seen
    before = services.steady_as_of(here)
    adopt(week, [first], week.carers[0])
    one = services.steady_as_of(here)
    late = {"provider_id": here, "chosen": {second.pk: frozenset([week.carers[1].pk])}}
    with pytest.raises(Refused, match="有人改过"):
        services.adopt_steady(**late, as_of=before)
    with pytest.raises(Refused, match="有人改过"):
        services.undo_adoption(provider_id=here, as_of=before)
    assert steady_of(here) == {first.pk: {str(week.carers[0].pk)}}
    services.undo_adoption(provider_id=here, as_of=one)
    with pytest.raises(Refused, match="有人改过"):
        services.adopt_steady(**late, as_of=one)
    assert steady_of(here) == {}


def test_one_wrong_line_leaves_all_others_untouched(week):
    here, (first, second) = week.provider.pk, week.people_seen
    adopt(week, [first], week.carers[0])
    gone = week.carers[1]
    type(gone).objects.filter(pk=gone.pk).update(state="left")
    for wrong, said in (
        ({second.pk: frozenset([gone.pk])}, "不在岗"),
        ({uuid4(): frozenset([week.carers[2].pk])}, "没有这家服务商的订单"),
    ):
        with pytest.raises(Refused, match=said):
            services.adopt_steady(
                provider_id=here,
                chosen={first.pk: frozenset([week.carers[2].pk]), **wrong},
                as_of=services.steady_as_of(here),
            )
    assert steady_of(here) == {first.pk: {str(week.carers[0].pk)}}


def test_a_manager_proposes_changes_a_line_adopts_and_takes_back(week):
    client = Client()
    client.force_login(week.manager)
    address = _address()
    assert "还没有生成建议" in client.get(address).content.decode()
    asked = {"monday": f"{week.monday:%Y-%m-%d}"}
    page = client.post(address, {**asked, "act": "propose"}).content.decode()
    assert "每位老人见到的护理员" in page
    proposal = propose(week.provider.pk, week.monday)
    lines = {f"line:{line.visit.elder_id}:{line.visit.id}": str(week.carers[2].pk) for line in proposal.lines}
    assert all(name in page for name in lines)
    assert client.post(address, {**asked, **lines, "act": "adopt"}).status_code == 302
    seen = {"as_of": services.steady_as_of(week.provider.pk).isoformat()}
    assert {staff for each in steady_of(week.provider.pk).values() for staff in each} == {str(week.carers[2].pk)}
    late = client.post(address, {**asked, **lines, "act": "adopt"})
    assert late.status_code == 422
    assert "有人改过" in late.content.decode()
    refused = client.post(address, {**asked, **lines, **seen, "act": "adopt"})
    assert refused.status_code == 422
    assert "没有要改的" in refused.content.decode()
    assert f'value="{seen["as_of"]}"' in refused.content.decode()
    assert client.post(address, {**asked, **seen, "act": "undo"}).status_code == 302
    assert steady_of(week.provider.pk) == {}


def test_days_on_which_nobody_is_on_duty_are_left_out_and_named(week):
    wednesday = week.monday + timedelta(days=2)
    for carer in week.carers:
        carer.shifts.filter(during__overlap=bounds(wednesday)).delete()
    proposal = propose(week.provider.pk, week.monday)
    assert all("一周 2 次能去 2 次" in line.why and "周三还没有排班次" in line.why for line in proposal.lines)
    assert (proposal.steady.visits, proposal.steady.unserved, proposal.faults) == (4, 0, ())


def test_a_week_without_repeating_visits_or_shifts_says_so(week):
    with pytest.raises(Refused, match="没有周期订单"):
        propose(week.provider.pk, week.monday + timedelta(days=28))
    with pytest.raises(Refused, match="还没有排班次"):
        propose(week.provider.pk, week.monday + timedelta(days=7))


def _address():
    from songhe.care.dispatch.console import DayPlanPages

    return DayPlanPages().url("week")
