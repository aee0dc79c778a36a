"""What the rules doubt about a visit, who judges it, what becomes of the money; each fault beside its sound twin."""

from datetime import datetime, time, timedelta

import pytest
from django.utils import timezone

from songhe.care.orders.flow import OrderState
from songhe.care.orders.models import Order
from songhe.care.visits import services
from songhe.care.visits.models import Doubt, Visit
from songhe.care.visits.services import Presence
from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.calendar.services import at, today
from songhe.core.errors import Refused
from songhe.core.flow import services as flow
from songhe.core.ledger.audit import verify
from songhe.core.ledger.services import balance
from songhe.registers.elders.models import Elder
from songhe.registers.workforce.models import Staff

HOME = (30.51, 117.05)
# A third of a kilometre, and more than a kilometre, to the north.
NEAR, FAR = (30.513, 117.05), (30.522, 117.05)


def moment(hour, minute=0):
    return timezone.make_aware(datetime.combine(today(), time(hour, minute)))


@pytest.fixture
def person(town):
    found = town.poor()
    Elder.objects.filter(pk=found.pk).update(latitude=HOME[0], longitude=HOME[1])
    found.refresh_from_db()
    return found


def planned(town, person, hour=10):
    order = town.order(person, hour=hour)
    Order.objects.filter(pk=order.pk).update(provider=town.provider)
    order = flow.fire(order, "assign", user=None)
    return services.plan(order=order, staff=town.staff, start=moment(hour), user=None)


def served(town, visit, *, share=1.0, place=HOME, code="", late=timedelta(0)):
    """Go and come back: for a share of the minutes ordered, at a place or with a code, told so much later."""
    carer, begin = town.people[Role.CARER], visit.planned.lower
    end = begin + timedelta(minutes=round(visit.order.minutes * share))
    latitude, longitude = place
    with at(begin):
        services.check_in(visit_id=visit.pk, user=carer, presence=Presence(begin, latitude, longitude, code))
    with at(end + late):
        services.check_out(visit_id=visit.pk, user=carer, presence=Presence(end, latitude, longitude))
        return services.examine(visit_id=visit.pk)


def rules_of(visit):
    return set(visit.doubts.values_list("rule", flat=True))


@pytest.mark.parametrize(
    ("sound", "doubtful", "rule"),
    [
        ({"share": 0.8}, {"share": 0.7}, Doubt.Rule.TOO_SHORT),
        ({"place": NEAR}, {"place": FAR}, Doubt.Rule.TOO_FAR),
        ({"place": HOME}, {"place": (None, None)}, Doubt.Rule.TOO_FAR),
        ({"late": timedelta(hours=24)}, {"late": timedelta(hours=25)}, Doubt.Rule.BACK_FILLED),
    ],
    ids=["short", "far", "nowhere", "late"],
)
def test_each_rule_doubts_just_beyond_its_limit(town, person, sound, doubtful, rule):
    first = served(town, planned(town, person, 10), **sound)
    second = served(town, planned(town, person, 14), **doubtful)
    assert (first.state, rules_of(first)) == ("verified", set())
    assert (second.state, rules_of(second)) == ("doubtful", {rule})


def test_the_code_at_the_door_proves_the_place(town, person):
    code = services.give_home_code(elder_id=person.pk)
    visit = served(town, planned(town, person), place=FAR, code=code.token)
    assert (visit.state, visit.check_in_proof) == ("verified", Visit.Proof.HOME_CODE)


def test_another_doors_code_is_refused_and_nothing_is_noted(town, person):
    services.give_home_code(elder_id=person.pk)
    other = services.give_home_code(elder_id=town.poor().pk)
    visit = planned(town, person)
    with pytest.raises(Refused, match="不是这位老人家的二维码"):
        served(town, visit, code=other.token)
    visit.refresh_from_db()
    assert (visit.state, visit.check_in_at, visit.order.state) == ("planned", None, OrderState.ASSIGNED)


def test_two_visits_at_one_time_are_doubted(town, person):
    early, late = planned(town, person, 10), planned(town, person, 14)
    served(town, early)
    with at(moment(14)):
        Visit.objects.filter(pk=late.pk).update(planned=(moment(10, 1) + timedelta(hours=4), moment(16)))
    carer = town.people[Role.CARER]
    begin, end = moment(10, 20), moment(10, 20) + timedelta(minutes=late.order.minutes)
    with at(end):
        services.check_in(visit_id=late.pk, user=carer, presence=Presence(begin, *HOME))
        services.check_out(visit_id=late.pk, user=carer, presence=Presence(end, *HOME))
        found = services.examine(visit_id=late.pk)
    assert rules_of(found) == {Doubt.Rule.OVERLAPPING}


def test_what_is_entered_afterwards_is_always_doubted_and_says_why(town, person):
    visit, carer = planned(town, person), town.people[Role.CARER]
    times = {"check_in_at": moment(10), "check_out_at": moment(11)}
    with at(moment(18)):
        with pytest.raises(Refused, match="说明原因"):
            services.back_fill(visit_id=visit.pk, user=carer, note=" ", **times)
        visit.refresh_from_db()
        assert visit.check_in_at is None
        services.back_fill(visit_id=visit.pk, user=carer, note="手机没电", **times)
        found = services.examine(visit_id=visit.pk)
    assert found.state == "doubtful" and Doubt.Rule.BACK_FILLED in rules_of(found)


@pytest.mark.parametrize("counts", [True, False])
def test_a_person_judges_with_a_reason_and_the_money_follows(town, person, counts):
    visit = served(town, planned(town, person), share=0.5)
    clerk, before = town.people[Role.STREET_CLERK], balance(town.credit.account_id)
    with pytest.raises(Refused, match="判定理由"):
        services.judge(visit_id=visit.pk, user=clerk, counts=counts, reason=" ")
    assert balance(town.credit.account_id) == before
    services.judge(visit_id=visit.pk, user=clerk, counts=counts, reason="电话核实")
    visit.refresh_from_db()
    order = Order.objects.get(pk=visit.order_id)
    given_back = 0 if counts else order.credit_fen
    assert (visit.state, order.state) == (("verified", "closed") if counts else ("rejected", "cancelled"))
    assert balance(town.credit.account_id) == before + given_back and verify().ok
    (doubt,) = visit.doubts.all()
    assert (doubt.upheld, doubt.judged_by, doubt.judgement) == (not counts, clerk, "电话核实")
    with pytest.raises(Refused):
        services.judge(visit_id=visit.pk, user=clerk, counts=not counts, reason="再想想")


def test_who_went_does_not_judge_and_who_did_not_go_does_not_check_in(town, person):
    visit = served(town, planned(town, person), share=0.5)
    with pytest.raises(Refused, match="不能办理"):
        services.judge(visit_id=visit.pk, user=town.people[Role.CARER], counts=True, reason="属实")
    other = Staff.objects.create(provider=town.provider, area=town.here, name="护理员乙", sex="female")
    stranger = User.objects.create(
        username="t-other", display_name="乙", role=Role.CARER, provider_id=town.provider.pk, staff_id=other.pk
    )
    mine = planned(town, person, 14)
    with at(moment(14)), pytest.raises(Refused, match="派给了其他护理员"):
        services.check_in(visit_id=mine.pk, user=stranger, presence=Presence(moment(14), *HOME))


def test_a_phone_that_sends_again_changes_nothing(town, person):
    visit, carer = planned(town, person), town.people[Role.CARER]
    for presence in (Presence(moment(10), *HOME), Presence(moment(10, 5), *FAR)):
        with at(moment(10, 6)):
            visit = services.check_in(visit_id=visit.pk, user=carer, presence=presence)
    assert (visit.check_in_at, visit.check_in_latitude) == (moment(10), HOME[0])


@pytest.mark.parametrize(("at_hour", "clock", "said"), [(12, 10, "晚于现在"), (9, 10, "签退时间早于签到")])
def test_a_phones_wrong_clock_is_said(town, person, at_hour, clock, said):
    visit, carer = planned(town, person), town.people[Role.CARER]
    with at(moment(clock)), pytest.raises(Refused, match=said):
        if at_hour < clock:
            services.check_in(visit_id=visit.pk, user=carer, presence=Presence(moment(clock), *HOME))
            services.check_out(visit_id=visit.pk, user=carer, presence=Presence(moment(at_hour), *HOME))
        else:
            services.check_in(visit_id=visit.pk, user=carer, presence=Presence(moment(at_hour), *HOME))
