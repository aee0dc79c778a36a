"""Labels: written as conditions, tried, put to use over a population, kept with dates and reasons, given up."""

from datetime import date, timedelta

import pytest
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from songhe.core.calendar.services import at, today
from songhe.core.errors import Refused
from songhe.core.scope.services import Scope, use
from songhe.core.validity import last_day
from songhe.registers.elders import services
from songhe.registers.elders.labelling import facts
from songhe.registers.elders.labelling import services as labels
from songhe.registers.elders.labelling.jobs import compute_labels
from songhe.registers.elders.models import Elder, Label, LabelRule
from songhe.registers.elders.selectors import facts_for_policy, facts_frame
from songhe.registers.elders.tests.people import elder
from tests.people import Person

OLD_ALONE = '年龄 >= 80 and 居住状况 = "独居"'
DAY = date(2026, 11, 20)


@pytest.fixture
def people(places):
    with at(DAY):
        old = elder(places["east"], "独居老", birth_date=date(1940, 1, 2), living_situation="alone")
        young = elder(places["east"], "独居少", birth_date=date(1960, 1, 2), living_situation="alone", order=14)
        far = elder(places["far"], "远处老", birth_date=date(1941, 1, 2), living_situation="alone", order=16)
        services.record_difficulty(elder_id=young.pk, kind="minimum_living", first=date(2026, 1, 1))
    return {"old": old, "young": young, "far": far}


def rule(places, clerk, condition=OLD_ALONE, name="高龄独居", area="street"):
    return labels.draft(area=places[area], name=name, condition=condition, why="重点探访", user=clerk)


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("年龄 >= ", "条件写得不对"),
        ("年纪 > 3", "没有这样的事实或函数：年纪"),
        ("import(年龄)", "没有这样的事实或函数：import"),
        ("1 = 1", "没有用到任何事实"),
    ],
)
def test_what_is_no_condition_is_refused_in_words(places, clerk, condition, said):
    with pytest.raises(Refused, match=said.replace("(", r"\(")):
        rule(places, clerk, condition)
    assert not LabelRule.objects.exists()


def test_whom_the_condition_is_true_of_bears_the_label_with_the_facts_by_which(people, places, clerk):
    with at(DAY):
        made = rule(places, clerk)
        labels.enact(label_rule=made, user=clerk)
        label = Label.objects.get()
        assert (label.elder_id, label.facts) == (people["old"].pk, {"年龄": "86", "居住状况": "独居"})
        made.refresh_from_db()
        assert (label.validity.lower, made.computed_on) == (DAY, DAY)


def test_labels_follow_the_roll_by_night_and_tell_when(people, places, clerk):
    with at(DAY):
        labels.enact(label_rule=rule(places, clerk, '"低保" in (困难类别)', "低保"), user=clerk)
        labels.enact(label_rule=rule(places, clerk), user=clerk)
    with at(DAY + timedelta(days=3)):
        services.amend(elder_id=people["old"].pk, living_situation="with_children")
        services.move(elder_id=people["young"].pk, area=places["west"], on=today())
        assert compute_labels() == 2
        assert compute_labels() == 2
    was = Label.objects.get(elder=people["old"])
    assert (was.validity.lower, last_day(was.validity)) == (DAY, DAY + timedelta(days=2))
    kept = Label.objects.get(elder=people["young"])
    assert (kept.area_id, kept.validity.upper) == (places["west"].pk, None)
    with at(DAY + timedelta(days=9)):
        services.amend(elder_id=people["old"].pk, living_situation="alone")
        compute_labels()
    assert Label.objects.filter(elder=people["old"]).count() == 2


def test_who_died_bears_none(people, places, clerk):
    with at(DAY):
        labels.enact(label_rule=rule(places, clerk), user=clerk)
    with at(DAY + timedelta(days=1)):
        services.record_death(elder_id=people["old"].pk, on=today())
        compute_labels()
    assert last_day(Label.objects.get().validity) == DAY


def test_a_rule_in_use_keeps_what_it_says_and_one_given_up_is_borne_by_nobody(people, places, clerk):
    with at(DAY):
        made = labels.enact(label_rule=rule(places, clerk), user=clerk)
        with pytest.raises(Refused, match="不能改条件"):
            labels.amend(label_rule=made, name=made.name, condition="年龄 > 70", why=made.why, tone="red")
    with at(DAY + timedelta(days=5)):
        with pytest.raises(Refused, match="理由"):
            labels.retire(label_rule=made, user=clerk, reason="")
        labels.retire(label_rule=made, user=clerk, reason="改用新口径")
        assert last_day(Label.objects.get().validity) == DAY + timedelta(days=4)
        again = rule(places, clerk, "年龄 >= 85")
        assert again.name == made.name


def test_a_missing_fact_is_not_true_rather_than_an_error(people, places, clerk):
    with at(DAY):
        labels.enact(label_rule=rule(places, clerk, "能力等级 >= 3"), user=clerk)
        assert not Label.objects.exists()
        services.record_level(elder_id=people["old"].pk, level=3, on=DAY)
        compute_labels()
        assert Label.objects.get().facts == {"能力等级": "重度失能"}


CONDITIONS = st.sampled_from(
    [
        OLD_ALONE,
        "年龄 between 60 and 70",
        'list contains(困难类别, "低保")',
        'count(困难类别) > 0 or 性别 = "女"',
        "户籍在本市 = false and 残疾等级 <= 2",
        'not(居住状况 in ("独居", "空巢")) and 能力等级 >= 1',
        "能力等级 = null",
        "残疾等级 != null and 年龄 < 90",
    ]
)


@settings(max_examples=16, deadline=None)
@given(text=CONDITIONS)
def test_over_a_population_and_for_one_person_the_answer_is_one(text):
    """The batch judges distinct facts of a frame; each elder judged alone must come out the same."""
    condition = facts.read(text)
    frame = _frame()
    found = set(facts.holders(frame, condition)["elder_id"])
    for row in frame.iter_rows(named=True):
        assert condition.holds(facts.in_words(row)) == (row["elder_id"] in found)


def _frame():
    import polars as pl

    rows = [
        (str(number), age, sex, home, living, kinds, grade, level)
        for number, (age, sex, home, living, kinds, grade, level) in enumerate(
            (age, sex, home, living, kinds, grade, level)
            for age in (60, 70, 80, 91)
            for sex, home in (("female", True), ("male", False))
            for living in ("alone", "empty_nest", "other")
            for kinds, grade in (([], None), (["minimum_living"], None), (["disabled_severe", "minimum_living"], 1))
            for level in (None, 0, 4)
        )
    ]
    names = ["elder_id", "年龄", "性别", "户籍在本市", "居住状况", "困难类别", "残疾等级", "能力等级"]
    return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None).with_columns(居住区划=pl.lit(1))


def test_the_frame_of_a_population_says_what_the_facts_of_one_elder_say(people, places):
    with at(DAY):
        services.record_level(elder_id=people["young"].pk, level=2, on=DAY)
        frame = {row["elder_id"]: row for row in facts_frame(places["city"], DAY).iter_rows(named=True)}
        for person in Elder.objects.all():
            alone = facts.in_words(facts_for_policy(person, DAY))
            batch = facts.in_words(frame[str(person.pk)])
            assert {name: batch[name] for name in facts.FACTS} == {name: alone[name] for name in facts.FACTS}


def test_a_clerk_writes_tries_uses_and_filters_by_a_label(people, places, clerk):
    street = Person("test-clerk")
    new = reverse("console:elders-label-rule-create")
    wrong = street.presses(new, name="高龄独居", condition="年纪 > 80", why="重点探访", tone="red")
    assert "没有这样的事实" in wrong.content.decode() and "年纪 &gt; 80" in wrong.content.decode()
    street.sends(new, name="高龄独居", condition=OLD_ALONE, why="重点探访", tone="red")
    made = LabelRule.objects.get()
    page = street.opens(reverse("console:elders-label-rule-detail", args=[made.pk]))
    assert "独居老" in page and "独居少" not in page and "松东社区" in page
    street.sends(reverse("console:elders-label-rule-step", args=[made.pk, "enact"]))
    listed = street.opens(reverse("console:elders-elder-list") + f"?label={made.pk}")
    assert "独居老" in listed and "独居少" not in listed
    assert "高龄独居" in street.opens(reverse("console:elders-elder-detail", args=[people["old"].pk]))
    assert "86" in street.opens(reverse("console:elders-label-list"))
    street.sends(reverse("console:elders-label-rule-step", args=[made.pk, "retire"]), reason="试用完毕")
    assert f"{made.pk}" not in street.opens(reverse("console:elders-elder-list"))


def test_a_street_beside_neither_sees_the_rule_nor_who_bears_it(people, places, clerk):
    made = labels.enact(label_rule=rule(places, clerk), user=clerk)
    city = rule(places, clerk, name="全市", area="city")
    with use(Scope.area(places["other_street"].code, places["other_street"].upper)):
        assert set(LabelRule.objects.values_list("pk", flat=True)) == {city.pk} != {made.pk}
        assert not Label.objects.exists()
