"""What happens to elders within the elders' own room: what an event closes, the work it leaves, and taking it back."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.urls import reverse

from songhe.core.calendar.services import at, today
from songhe.core.errors import Refused
from songhe.core.flow.models import Todo
from songhe.core.scope.services import Scope, use
from songhe.core.testing.dumps import rows_of_rooms
from songhe.core.validity import last_day
from songhe.registers.elders import effects, life, services
from songhe.registers.elders.console import ElderPages
from songhe.registers.elders.jobs import note_round_ages
from songhe.registers.elders.models import Elder, FollowUp, LifeEvent
from songhe.registers.elders.past import past_of
from songhe.registers.elders.tests.people import elder
from tests.people import Person


def test_a_death_ends_what_was_the_elders_and_leaves_the_widow_to_be_seen(places):
    man = elder(places["east"], "王大山", order=11, living_situation="with_spouse")
    woman = elder(places["east"], "李秀英", order=14, living_situation="with_spouse")
    services.form_household(elder_ids=[man.pk, woman.pk])
    services.record_difficulty(elder_id=man.pk, kind="low_income", first=date(2020, 1, 1))
    services.appoint_guardian(elder_id=man.pk, kind="legal", name="王小", relation="子", first=date(2020, 1, 1))
    services.disclose(elder_id=man.pk, provider_id=uuid4(), recipient="松鹤居家", purpose="上门", basis="订单")
    services.record_death(elder_id=man.pk, on=today(), source="家属告知")
    event = man.life_events.get(kind="died")
    assert {effect.what for effect in event.effects.all()} == {
        "终止困难类别：低收入", "终止监护：王小（子）", "终止向松鹤居家提供信息",
    }  # fmt: skip
    assert last_day(man.guardians.get().validity) == today()
    left = event.follow_ups.get()
    assert "李秀英" in left.what and left.state == "open"
    assert Todo.objects.filter(object_id=left.pk, state="open").exists()


def test_a_mistaken_death_is_put_back_to_the_byte(places):
    made = elder(places["east"])
    services.record_difficulty(elder_id=made.pk, kind="low_income", first=date(2020, 1, 1))
    services.disclose(elder_id=made.pk, provider_id=uuid4(), purpose="上门", basis="订单")
    tables = ("elders_elder", "elders_difficulty", "elders_disclosure", "elders_guardian")
    before = {table: rows for table, rows in rows_of_rooms().items() if table in tables}
    services.record_death(elder_id=made.pk, on=today() - timedelta(days=3), source="殡葬信息比对")
    services.reinstate(elder_id=made.pk, on=today(), reason="同名误登")
    after = rows_of_rooms()
    assert {table for table in before if before[table] != after[table]} == set()
    assert made.life_events.get(kind="died").retracted_by.kind == "corrected"
    assert not FollowUp.objects.filter(state="open").exists()


def test_what_was_changed_since_is_not_overwritten_but_listed(places):
    made = elder(places["east"])
    difficulty = services.record_difficulty(elder_id=made.pk, kind="low_income", first=date(2020, 1, 1))
    services.record_death(elder_id=made.pk, on=today())
    services.end_difficulty(difficulty_id=difficulty.pk, last_day=date(2024, 12, 31), reason="核查后提前终止")
    services.reinstate(elder_id=made.pk, on=today(), reason="误登")
    difficulty.refresh_from_db()
    assert last_day(difficulty.validity) == date(2024, 12, 31)
    assert "终止困难类别：低收入" in FollowUp.objects.get(state="open").what


def test_who_comes_back_begins_anew_and_who_never_left_does_not(places):
    for mistaken in (False, True):
        made = elder(places["east"], order=12 + 2 * mistaken)
        services.disclose(elder_id=made.pk, provider_id=uuid4(), purpose="上门", basis="订单")
        services.move_away(elder_id=made.pk, on=today(), destination="合肥")
        services.reinstate(elder_id=made.pk, on=today(), reason="回来了", mistaken=mistaken)
        assert (made.disclosures.get().until is None) == mistaken
        assert made.life_events.filter(kind="corrected" if mistaken else "returned").exists()


def test_work_that_an_event_left_is_settled_with_words_and_once(places, clerk):
    made = elder(places["east"], living_situation="with_spouse")
    life.bereave(elder_id=made.pk, on=today(), living_situation="alone")
    assert Elder.objects.get(pk=made.pk).living_situation == "alone"
    left = FollowUp.objects.get()
    with pytest.raises(Refused, match="理由"):
        effects.settle(follow_up=left, user=clerk, reason=" ")
    done = effects.settle(follow_up=left, user=clerk, reason="已上门，女儿每周来")
    assert (done.state, done.outcome) == ("done", "已上门，女儿每周来")
    with pytest.raises(Refused, match="已办结"):
        effects.drop(follow_up=done, user=clerk, reason="再来")


def test_bereaved_is_not_with_spouse(places):
    made = elder(places["east"], living_situation="with_spouse")
    with pytest.raises(Refused, match="与配偶同住"):
        life.bereave(elder_id=made.pk, on=today(), living_situation="with_spouse")
    assert not LifeEvent.objects.exists()


def test_into_an_institution_and_out_again_to_where_they_lived(places):
    made = elder(places["east"], living_situation="empty_nest")
    life.enter_institution(elder_id=made.pk, on=today() - timedelta(days=9), name="松江区福利院")
    with pytest.raises(Refused, match="已登记为机构养老"):
        life.enter_institution(elder_id=made.pk, on=today(), name="松江区福利院")
    life.leave_institution(elder_id=made.pk, on=today())
    assert Elder.objects.get(pk=made.pk).living_situation == "empty_nest"
    with pytest.raises(Refused, match="没有登记"):
        life.leave_institution(elder_id=made.pk, on=today())


def test_events_that_change_records_have_services_of_their_own(places):
    made = elder(places["east"])
    with pytest.raises(Refused, match="相应的按钮"):
        services.note_event(elder_id=made.pk, kind="died", on=today())


@pytest.mark.parametrize(
    ("born", "day", "turned"),
    [
        (date(1946, 11, 20), date(2026, 11, 19), None),
        (date(1946, 11, 20), date(2026, 11, 20), ("满 80 周岁", date(2026, 11, 20))),
        (date(1946, 11, 1), date(2026, 11, 20), ("满 80 周岁", date(2026, 11, 1))),
        (date(1967, 2, 28), date(2027, 3, 2), ("满 60 周岁", date(2027, 2, 28))),
        # Born on a leap day: a year of age is full on 1 March of a common year.
        (date(1936, 2, 29), date(2026, 3, 2), ("满 90 周岁", date(2026, 3, 1))),
        (date(1948, 2, 29), date(2028, 3, 2), ("满 80 周岁", date(2028, 2, 29))),
        (date(1947, 11, 20), date(2026, 11, 20), None),
    ],
)
def test_round_ages_are_noted_on_their_day_once(places, born, day, turned):
    with at(date(2024, 1, 1)):
        made = elder(places["east"], birth_date=born)
    with at(day):
        assert note_round_ages() == (turned is not None)
        assert note_round_ages() == 0
    found = [(event.detail, event.on) for event in made.life_events.all()]
    assert found == ([turned] if turned else [])
    if turned:
        assert made.age_on(turned[1]) == int(turned[0][2:4]) == made.age_on(turned[1] - timedelta(days=1)) + 1


def test_nobody_turns_before_they_came_onto_the_roll_or_after_they_left_it(places):
    day = date(2026, 11, 20)
    with at(day):
        elder(places["east"], birth_date=date(1946, 11, 10))
        gone = elder(places["east"], birth_date=day.replace(year=1936), order=14)
        services.move_away(elder_id=gone.pk, on=day)
        assert note_round_ages() == 0


def test_the_record_of_a_day_is_what_was_written_then(places, clerk):
    with at(date(2025, 3, 1)):
        made = elder(places["east"], address="松一路 1 号")
        services.record_difficulty(elder_id=made.pk, kind="low_income", first=date(2025, 1, 1), last=date(2025, 12, 31))
    history = Elder.pgh_event_model.objects.filter(pgh_obj_id=made.pk)
    first = history.order_by("pgh_line").first()
    with use(Scope.area(places["street"].code, places["street"].upper)):
        past = past_of(made, date(2025, 6, 1), clerk)
        assert past.too_early and past.recorded_at == first.pgh_created_at
        assert ("居住地址", "松一路 1 号") in past.particulars
        assert [(row.noun, str(row.obj), row.afterwards) for row in past.in_force] == [("困难类别", "低收入", True)]
        assert past_of(made, date(2026, 1, 1), clerk).in_force == []
        services.amend(elder_id=made.pk, address="松一路 9 号")
        now_told = past_of(made, today(), clerk)
        assert ("居住地址", "松一路 9 号") in now_told.particulars and not now_told.too_early


def test_a_clerk_registers_a_death_sees_what_followed_and_settles_the_rest(places, clerk):
    man = elder(places["east"], "王大山", order=11, living_situation="with_spouse")
    woman = elder(places["east"], "李秀英", order=14, living_situation="with_spouse")
    services.form_household(elder_ids=[man.pk, woman.pk])
    services.record_difficulty(elder_id=man.pk, kind="low_income", first=date(2020, 1, 1))
    street = Person("test-clerk")
    detail = reverse("console:elders-elder-detail", args=[man.pk])
    street.sends(reverse("console:elders-elder-do", args=[man.pk, "death"]), on=today().isoformat(), source="家属告知")
    number = [tab.label for tab in ElderPages.tabs].index("大事记")
    page = street.opens(f"{detail}?tab={number}")
    assert "终止困难类别：低收入" in page and "李秀英" in page
    listed = street.opens(reverse("console:elders-follow-up-list") + "?state=open")
    assert "安排" in listed and "李秀英与配偶同住" in listed
    left = FollowUp.objects.get()
    street.sends(reverse("console:elders-follow-up-step", args=[left.pk, "settle"]), reason="已登记丧偶，女儿接回同住")
    assert "女儿接回同住" in street.opens(reverse("console:elders-follow-up-detail", args=[left.pk]))
    past = reverse("console:elders-elder-past", args=[man.pk])
    assert "低收入" in street.opens(f"{past}?on={today() - timedelta(days=1)}")
    assert "不能查看今天以后" in street.opens(f"{past}?on={today() + timedelta(days=1)}")
    assert "已去世" in street.opens(past)
