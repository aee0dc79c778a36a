"""What becomes of money, plans, orders, visits and beds when something happens to the elder they are for."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from songhe.care.orders import services as orders
from songhe.care.orders.flow import OrderState
from songhe.care.orders.models import Order
from songhe.care.visits import services as visits
from songhe.care.visits.models import HomeCode
from songhe.care.visits.selectors import home_code_of
from songhe.care.visits.services import Presence
from songhe.core.accounts.roles import Role
from songhe.core.calendar.services import at, today
from songhe.core.errors import Refused
from songhe.core.flow import services as flow
from songhe.core.flow.models import Todo
from songhe.core.ledger.audit import verify
from songhe.core.ledger.services import balance
from songhe.core.scope.services import Scope, use
from songhe.core.testing.dumps import rows_of_rooms
from songhe.core.validity import last_day
from songhe.registers.catalogue.models import Service
from songhe.registers.elders import life
from songhe.registers.elders.jobs import note_round_ages
from songhe.registers.elders.models import Effect, FollowUp
from songhe.registers.elders.services import move, move_away, record_death, record_level, reinstate
from songhe.registers.elders.tests.people import elder
from songhe.registers.facilities import services as facilities
from songhe.registers.facilities.models import BedStay, FacilityKind
from songhe.rights.assessment import services as assessments
from songhe.rights.assessment.models import Assessment
from songhe.rights.careplans import services as careplans
from songhe.rights.careplans.models import CarePlan
from songhe.rights.policy.models import Adjustment, Entitlement, Finding, Policy


def moment(day, hour):
    return timezone.make_aware(datetime.combine(day, time(hour)))


def served(town, person, *, day, hour=10):
    """An order that a carer served on a day, and that was verified."""
    with at(moment(day, 8)):
        order = town.order(person, hour=hour, day=day)
        Order.objects.filter(pk=order.pk).update(provider=town.provider)
        order = flow.fire(order, "assign", user=None)
        visit = visits.plan(order=order, staff=town.staff, start=moment(day, hour), user=None)
    carer = town.people[Role.CARER]
    with at(moment(day, hour)):
        visits.check_in(visit_id=visit.pk, user=carer, presence=Presence(at=moment(day, hour)))
    with at(moment(day, hour + 2)):
        visits.check_out(visit_id=visit.pk, user=carer, presence=Presence(at=moment(day, hour + 2)))
        visits.examine(visit_id=visit.pk)
        visit.refresh_from_db()
        if visit.state == "doubtful":
            visits.judge_valid(visit_id=visit.pk, user=town.people[Role.STREET_CLERK], reason="属实")
    return order


def bed(town):
    kind = FacilityKind.objects.first()
    place = facilities.found(name="松鹤颐养", kind=kind, area=town.here, floor_area_m2=Decimal(500), opened_on=today())
    room = facilities.add_room(facility=place, number="101", area_m2=Decimal(20))
    return facilities.add_bed(room=room, number="1", first=today() - timedelta(days=30))


def plan(town, person):
    item = careplans.Item(service_id=town.service.pk, weekdays=(1, 2, 3, 4, 5, 6, 7), at=time(9))
    drawn = careplans.draw_up(
        elder_id=person.pk, adviser=town.people[Role.STREET_CLERK], goals="整洁", first=today(),
        last=today() + timedelta(days=90), items=[item],
    )  # fmt: skip
    return careplans.agree(plan_id=drawn.pk)


def test_a_death_in_mid_month_ends_all_and_lists_what_was_spent_after_it(town):
    """The elder died on the 12th; it is told on the 20th, when the 11th and the 15th have been served and posted."""
    person = town.poor()
    before, spent = served(town, person, day=date(2026, 11, 11)), served(town, person, day=date(2026, 11, 15))
    line = balance(town.line.account_id)
    with at(moment(date(2026, 11, 20), 9)):
        agreed = plan(town, person)
        open_order = town.order(person, day=today() + timedelta(days=1))
        record_death(elder_id=person.pk, on=date(2026, 11, 12), source="殡葬信息比对")
        town.credit.refresh_from_db()
        agreed.refresh_from_db()
        open_order.refresh_from_db()
        entitlement = Entitlement.objects.get(elder=person)
        assert last_day(entitlement.validity) == date(2026, 11, 12)
        assert open_order.state == OrderState.CANCELLED
        assert (
            last_day(agreed.validity) == agreed.validity.lower
        )  # it began after the death: no more than a day is left
        assert last_day(person.standing_orders.get().validity) == person.standing_orders.get().validity.lower
        # What neither visit used is back on the budget line; what they used is not lost from sight.
        used = before.credit_fen + spent.credit_fen
        assert balance(town.credit.account_id) == 0 and town.credit.expired_on == today()
        assert balance(town.line.account_id) == line + 20000 - used
        take_back = FollowUp.objects.get(kind="take_back")
        assert take_back.amount_fen == spent.credit_fen and spent.number in take_back.what
        assert not FollowUp.objects.filter(what__contains=before.number).exists()
        assert verify().ok
        with pytest.raises(Refused, match="不能下单"):
            town.order(person, day=today() + timedelta(days=2))


def test_a_death_noted_by_mistake_gives_everything_back(town):
    person = town.poor()
    served(town, person, day=today())
    with at(moment(date(2026, 11, 12), 9)):
        agreed = plan(town, person)
        stay = facilities.move_in(bed=bed(town), elder=person, kind="short", first=today())
        order = town.order(person, day=today() + timedelta(days=3), hour=15)
        kept = ("policy_entitlement", "policy_credit", "careplans_careplan", "orders_standingorder",
                "facilities_bedstay", "elders_difficulty", "elders_disclosure", "elders_elder")  # fmt: skip
        was = {table: rows for table, rows in rows_of_rooms().items() if table in kept}
        free, line = balance(town.credit.account_id), balance(town.line.account_id)
        record_death(elder_id=person.pk, on=date(2026, 11, 12))
        stay.refresh_from_db()
        assert stay.validity.upper == date(2026, 11, 13)
        assert balance(town.line.account_id) == line + free + order.credit_fen
        reinstate(elder_id=person.pk, on=today(), reason="同名误登")
        now = rows_of_rooms()
        assert {table for table in was if was[table] != now[table]} == set()
        again = Order.objects.get(rebooked_from=order)
        assert (again.wanted_from, again.credit_fen) == (order.wanted_from, order.credit_fen)
        assert (balance(town.credit.account_id), balance(town.line.account_id)) == (free, line)
        assert not FollowUp.objects.filter(state="open").exists() and verify().ok
        agreed.refresh_from_db()
        assert last_day(agreed.validity) == today() + timedelta(days=90)


def test_a_bed_taken_meanwhile_is_not_taken_back(town):
    person, other = town.poor(), town.poor()
    place = bed(town)
    stay = facilities.move_in(bed=place, elder=person, kind="short", first=today())
    record_death(elder_id=person.pk, on=today())
    facilities.move_in(bed=place, elder=other, kind="short", first=today() + timedelta(days=1))
    reinstate(elder_id=person.pk, on=today(), reason="误登")
    stay.refresh_from_db()
    assert stay.validity.upper == today() + timedelta(days=1)
    assert "退住" in FollowUp.objects.get(state="open", elder=person).what


def test_a_mistake_found_next_month_opens_that_months_credit_and_lists_what_was_missed(town):
    person = town.poor()
    record_death(elder_id=person.pk, on=today())
    with at(moment(date(2026, 12, 2), 9)):
        reinstate(elder_id=person.pk, on=today(), reason="误登")
        months = {credit.month.month: credit.expired_on for credit in person.credits.all()}
        assert months[11] is not None and months[12] is None
        assert "11月额度" in FollowUp.objects.get(state="open").what and verify().ok


def test_cash_paid_for_months_after_the_death_is_to_be_taken_back(town):
    person = town.poor()
    entitlement = Entitlement.objects.get(elder=person)
    Policy.objects.filter(pk=town.policy.pk).update(form=Policy.Form.CASH)
    with at(moment(date(2027, 1, 20), 9)):
        record_death(elder_id=person.pk, on=date(2026, 11, 12))
    take_back = FollowUp.objects.get(kind="take_back", elder=person)
    assert take_back.amount_fen == 2 * entitlement.monthly_fen


def test_who_leaves_the_region_is_treated_alike(town):
    person = town.poor()
    order = town.order(person)
    move_away(elder_id=person.pk, on=today(), destination="合肥")
    order.refresh_from_db()
    assert order.state == OrderState.CANCELLED
    assert Entitlement.objects.get(elder=person).ended_reason == "迁出本地"
    assert balance(town.credit.account_id) == 0 and verify().ok


def test_in_an_institution_care_at_home_ends_and_the_rest_goes_on(town):
    person = town.poor()
    elsewhere = Service.objects.filter(at_home=False, minutes__gt=0, prices__isnull=False).first()
    home = town.order(person, day=today() + timedelta(days=1))
    out = orders.place(
        elder_id=person.pk, service_id=elsewhere.pk, wanted_from=moment(today(), 16), source="call", user=None
    )
    drawn = plan(town, person)
    stay = facilities.move_in(bed=bed(town), elder=person, kind="long", first=today())
    for row in (home, out, drawn, person):
        row.refresh_from_db()
    assert (home.state, out.state) == (OrderState.CANCELLED, OrderState.ASKED)
    assert person.living_situation == "institution" and last_day(drawn.validity) == today()
    assert last_day(person.standing_orders.get().validity) == today()
    with at(today() + timedelta(days=5)):
        facilities.move_out(bed_stay=BedStay.objects.get(pk=stay.pk), leaves_on=today())
        person.refresh_from_db()
    assert person.living_situation == "other"
    assert [event.kind for event in person.life_events.all()] == ["left_institution", "institution"]


def test_another_level_is_decided_anew_with_the_month_to_be_paid(town):
    person = town.poor()
    before = Entitlement.objects.get(elder=person).monthly_fen
    record_level(elder_id=person.pk, level=3, on=today())
    event = person.life_events.get(kind="level")
    assert event.detail == "未评估 → 重度失能"
    present = Entitlement.objects.filter(elder=person, validity__endswith=None).get(policy=town.policy)
    changed = present.monthly_fen != before
    assert Adjustment.objects.filter(elder=person).exists() == changed
    assert event.effects.exists()
    assert (
        Effect.objects.filter(event=event, table="policy_finding").count()
        == Finding.objects.filter(elder=person).count()
    )


def test_the_day_of_eighty_finds_what_the_law_gives_from_then(town):
    with at(moment(date(2026, 11, 1), 9)):
        person = elder(town.here, "寿星", birth_date=date(1946, 11, 10), registered_area=town.here, order=222)
    with at(moment(date(2026, 11, 9), 9)):
        assert note_round_ages() == 0
    with at(moment(date(2026, 11, 10), 9)):
        assert note_round_ages() == 1
        found = set(Finding.objects.filter(elder=person).values_list("policy__key", flat=True))
        told = set(Effect.objects.filter(event__elder=person, table="policy_finding").values_list("what", flat=True))
    assert len(found) == len(told) > 0


def test_who_is_bereaved_and_alone_is_looked_at(town):
    person = town.poor()
    life.bereave(elder_id=person.pk, on=today(), living_situation="alone")
    assert "列入探访" in FollowUp.objects.get(elder=person).what


def test_what_is_under_way_and_the_door_go_to_the_new_community(town):
    person = town.poor()
    clerks = {place: Scope.area(place.code, place.upper) for place in (town.here, town.there)}
    applied = assessments.apply(elder_id=person.pk, reason="first", applicant="本人", user=None)
    agreed, old_code = plan(town, person), visits.give_home_code(elder_id=person.pk)
    tomorrow = today() + timedelta(days=1)
    with at(moment(tomorrow, 9)):
        move(elder_id=person.pk, area=town.there, on=tomorrow, address="新居1号")
    for place, theirs in ((town.here, False), (town.there, True)):
        with use(clerks[place]):
            assert Assessment.objects.filter(pk=applied.pk).exists() is theirs
            assert CarePlan.objects.filter(pk=agreed.pk).exists() is theirs
            assert Todo.objects.filter(object_id=applied.pk, state="open").exists() is theirs
            assert HomeCode.objects.filter(elder=person, ended_at=None).exists() is theirs
            assert FollowUp.objects.filter(what__contains="家门二维码", state="open").exists() is theirs
    assert home_code_of(person.pk).token != old_code.token


def test_no_door_no_code(town):
    person = town.poor()
    tomorrow = today() + timedelta(days=1)
    with at(moment(tomorrow, 9)):
        move(elder_id=person.pk, area=town.there, on=tomorrow, address="新居1号")
    assert not HomeCode.objects.exists() and not FollowUp.objects.filter(what__contains="二维码").exists()
