from datetime import date

import pytest

from songhe.core.calendar.services import at
from songhe.core.scope.services import Scope, use
from songhe.registers.elders import services
from songhe.registers.elders.models import Elder
from songhe.registers.elders.selectors import facts_for_policy, facts_frame, find_caller, listed, search_elders
from songhe.registers.elders.tests.people import elder, number


@pytest.fixture
def people(places):
    ming = elder(places["east"], "王小明", order=13, phone="13800138001")
    services.link_contact(elder_id=ming.pk, name="王芳", relation="女儿", phone="13900139001")
    elder(places["east"], "王晓梅", order=14, phone="05565512345")
    elder(places["west"], "欧阳修", order=15)
    elder(places["far"], "王小明", order=17, phone="13800138002")
    return ming


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("王", ["王小明", "王小明", "王晓梅"]),
        ("王小明", ["王小明", "王小明"]),
        ("小明", ["王小明", "王小明"]),
        ("wangx", ["王小明", "王小明", "王晓梅"]),
        ("WXM", ["王小明", "王小明", "王晓梅"]),
        ("王xm", ["王小明", "王小明", "王晓梅"]),
        ("修", ["欧阳修"]),
        ("ouyang", ["欧阳修"]),
        ("13800138001", ["王小明"]),
        ("１３８ ００１３ ８００１", ["王小明"]),
        ("13900139001", ["王小明"]),
        ("0556-5512345", ["王晓梅"]),
        (number(order=15), ["欧阳修"]),
        (number(order=15).lower(), ["欧阳修"]),
        ("1380013", []),
        ("%", []),
        ("王%", []),
        ("赵", []),
    ],
)
def test_search(people, text, names):
    assert sorted(e.name for e in search_elders(listed(), text)) == names


def test_search_and_lists_stay_within_scope(people, places):
    with use(Scope.area(places["street"].code, places["street"].upper)):
        assert [e.pk for e in search_elders(listed(), "王小明")] == [people.pk]
        assert not search_elders(listed(), number(order=17)).exists()


def test_the_caller_is_recognised(people, places):
    assert [(c.elder.name, c.relation, c.name) for c in find_caller("13800138001")] == [("王小明", "本人", "王小明")]
    assert [(c.elder.pk, c.relation, c.name) for c in find_caller("+8613900139001")] == [(people.pk, "女儿", "王芳")]
    assert find_caller("12349") == find_caller("13000000000") == []
    with use(Scope.area(places["other_street"].code, places["other_street"].upper)):
        assert find_caller("13800138001") == find_caller("13900139001") == []


def test_facts_are_those_of_the_day(places):
    with at(date(2025, 3, 1)):
        made = elder(
            places["east"], birth_date=date(1945, 2, 28), living_situation="alone", registered_area=places["far"]
        )
        services.record_difficulty(
            elder_id=made.pk, kind="minimum_living", first=date(2024, 1, 1), last=date(2024, 12, 31)
        )
        services.record_difficulty(elder_id=made.pk, kind="disabled_severe", first=date(2025, 1, 1), grade=2)
        services.record_level(elder_id=made.pk, level=3, on=date(2025, 2, 1))
        made = Elder.objects.get(pk=made.pk)
    assert facts_for_policy(made, date(2024, 6, 1)) == {
        "年龄": 79,
        "性别": "female",
        "在册": True,
        "户籍在本市": True,
        "居住区划": places["east"].pk,
        "居住状况": "alone",
        "困难类别": ["minimum_living"],
        "残疾等级": None,
        "能力等级": None,
    }
    now = facts_for_policy(made, date(2025, 3, 1))
    assert (now["年龄"], now["困难类别"], now["残疾等级"], now["能力等级"]) == (80, ["disabled_severe"], 2, 3)


def test_the_frame_says_of_each_what_facts_say(people, places):
    on = date(2025, 3, 1)
    with at(on):
        leap = elder(places["east"], "闰生", birth_date=date(1948, 2, 29), order=21, registered_area=places["city"])
        services.record_difficulty(elder_id=leap.pk, kind="low_income", first=on)
        services.record_difficulty(elder_id=leap.pk, kind="disabled", first=on, grade=4)
        gone = elder(places["east"], "已故", order=23)
        services.record_death(elder_id=gone.pk, on=on)
    for day in (date(2025, 2, 28), on):
        frame = facts_frame(places["street"], day)
        rows = {row.pop("elder_id"): row for row in frame.to_dicts()}
        expected = {
            str(e.pk): facts_for_policy(e, day)
            for e in Elder.objects.filter(area_id__lt=places["street"].upper, state="active")
        }
        assert rows == expected


def test_a_frame_of_nobody_is_empty(places):
    assert facts_frame(places["far"], date(2025, 3, 1)).height == 0
