"""The national scales: their shape, where their levels change, and what changes a level."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songhe.engines.scales import Scale, ScaleError, load_scale, score
from songhe.packs.loader import PACKS

FOLDER = PACKS / "national" / "scales"
GB = load_scale(FOLDER / "gbt-42195-2022.yaml")
MZ = load_scale(FOLDER / "mzt-039-2013.yaml")
OPTIONS = {
    scale.key: {item.code: [option.score for option in item.options] for item in scale.items} for scale in (GB, MZ)
}


def best(scale: Scale) -> dict[str, int]:
    """Return the answers of somebody who lacks nothing."""
    choose = {"high": max, "low": min}
    return {
        item.code: choose[group.better](OPTIONS[scale.key][item.code]) for group in scale.groups for item in group.items
    }


def totalling(points: int) -> dict[str, int]:
    """Return answers to GB/T 42195 that add up to so many points, taken from the last items first."""
    answers, lost = best(GB), 90 - points
    for code in reversed(answers):
        taken = min(lost, answers[code])
        answers[code] -= taken
        lost -= taken
    return answers


def test_the_standard_has_26_items_in_4_groups_and_90_points() -> None:
    assert [(group.code, len(group.items), sum(item.most for item in group.items)) for group in GB.groups] == [
        ("B1", 8, 32),
        ("B2", 4, 15),
        ("B3", 9, 28),
        ("B4", 5, 15),
    ]
    assert (GB.item_count, GB.most) == (26, 90)
    assert all(OPTIONS[GB.key][item.code] == list(range(item.most, -1, -1)) for item in GB.items)
    assert all(option.text for item in GB.items for option in item.options)


@pytest.mark.parametrize(
    ("points", "level"),
    [(0, 4), (29, 4), (30, 3), (45, 3), (46, 2), (65, 2), (66, 1), (89, 1), (90, 0)],
)
def test_a_level_changes_where_the_standard_says(points: int, level: int) -> None:
    result = score(GB, totalling(points), {})
    assert (result.total, result.preliminary_level, result.level) == (points, level, level)


@pytest.mark.parametrize(
    ("circumstances", "raised"),
    [
        ({}, False),
        ({"痴呆": True}, True),
        ({"精神障碍": True}, True),
        ({"跌倒次数": 1}, False),
        ({"跌倒次数": 2}, True),
        ({"跌倒次数": 1, "噎食次数": 1}, True),
        ({"走失次数": 1, "自伤次数": 0, "其他风险次数": 1}, True),
        ({"痴呆": True, "精神障碍": True, "跌倒次数": 3}, True),
    ],
)
def test_a_condition_makes_the_level_one_step_heavier_once(circumstances: dict[str, Any], raised: bool) -> None:
    result = score(GB, totalling(70), circumstances)
    assert (result.preliminary_level, result.level) == (1, 2 if raised else 1)
    assert bool(result.changes) is raised


def test_the_heaviest_level_stays_and_says_so() -> None:
    result = score(GB, totalling(10), {"痴呆": True})
    assert result.level == 4
    assert "初步等级已是最重一级，不再上调" in result.explain()


def test_coma_sets_the_level_without_a_single_answer() -> None:
    for scale, level, name in ((GB, 4, "能力完全丧失（完全失能）"), (MZ, 3, "重度失能")):
        result = score(scale, {}, {"昏迷": True})
        assert (result.level, result.total) == (level, None)
        assert result.explain()[-1] == f"最终等级：{name}"
        assert len(result.explain()) == 2 and "昏迷" in result.explain()[0]


def test_coma_found_as_an_item_of_the_older_scale_sets_the_level_too() -> None:
    assert score(MZ, {"G.1": 3}, {}).level == 3
    assert score(MZ, best(MZ) | {"G.1": 3}, {}).level == 3
    assert score(MZ, best(MZ) | {"G.1": 2}, {}).level == 1


def test_the_result_is_explained_item_by_item() -> None:
    lines = score(GB, totalling(65) | {"B.1.1": 4}, {"痴呆": True}).explain()
    assert lines[:2] == ["自理能力：32 分", "　进食：4 / 4，独立进食，不呛咳"]
    assert len(lines) == 4 + 26 + 3
    assert lines[-3:] == [
        "总分 65 分，初步等级：能力中度受损（中度失能）",
        "等级变更：确诊为痴呆（F00–F03），上调一个等级",
        "最终等级：能力重度受损（重度失能）",
    ]
    assert "感知觉与沟通：0 分，分级 0" in score(MZ, best(MZ), {}).explain()


def test_every_missing_and_wrong_answer_is_told_at_once() -> None:
    answers = best(GB) | {"B.1.1": 5, "B.2.4": "3", "B.9.9": 1, "B.3.7": True}
    del answers["B.1.2"]
    with pytest.raises(ScaleError) as caught:
        score(GB, answers, {"痴呆": "是", "跌倒次数": -1, "coma": True})
    assert str(caught.value).splitlines()[1:] == [
        "确诊为痴呆（F00–F03）：“是”应为是或否",
        "近 30 天跌倒次数：“-1”应为不小于 0 的整数",
        "coma：量表没有这一情况",
        "B.1.1 进食：5 不是可选的得分（4、3、2、1、0）",
        "B.2.4 上下楼梯：3 不是可选的得分（3、2、1、0）",
        "B.3.7 攻击行为：True 不是可选的得分（1、0）",
        "B.9.9：量表没有这一项",
        "B.1.2 修饰：没有填写",
    ]


def graded(day: int, mind: int, senses: int, society: int) -> dict[str, int]:
    """Return answers to MZ/T 039 whose four groups have these grades."""
    answers = best(MZ)
    answers |= [{}, {"D.1": 5}, {"D.1": 0, "D.4": 0, "D.5": 0, "D.6": 0}, {f"D.{number}": 0 for number in range(1, 9)}][
        day
    ]
    answers |= [{}, {"J.2": 1}, {"J.2": 2}, {"J.1": 2, "J.2": 2}][mind]
    answers["G.2"] = [0, 2, 3, 4][senses]
    answers |= {code: [0, 1, 2, 3][society] for code in ("S.1", "S.2", "S.3", "S.4", "S.5")}
    return answers


@pytest.mark.parametrize(
    ("grades", "level"),
    [
        ((0, 0, 0, 0), 0),
        ((0, 0, 0, 1), 0),
        ((0, 0, 0, 2), 1),
        ((0, 0, 0, 3), 1),
        ((0, 1, 0, 0), 1),
        ((0, 3, 3, 3), 1),
        ((1, 0, 0, 0), 1),
        ((1, 3, 0, 2), 1),
        ((1, 2, 2, 2), 2),
        ((1, 3, 2, 2), 2),
        ((2, 0, 0, 0), 2),
        ((2, 1, 1, 1), 2),
        ((2, 2, 2, 1), 2),
        ((2, 2, 2, 2), 3),
        ((2, 0, 3, 0), 3),
        ((3, 0, 0, 0), 3),
    ],
)
def test_the_older_scale_combines_its_groups_grades(grades: tuple[int, int, int, int], level: int) -> None:
    result = score(MZ, graded(*grades), {})
    assert tuple(result.grades.values()) == grades
    assert result.level == level


@pytest.mark.parametrize(("points", "grade"), [(100, 0), (95, 1), (65, 1), (60, 2), (45, 2), (40, 3), (0, 3)])
def test_the_older_scale_grades_daily_life_by_points(points: int, grade: int) -> None:
    answers, lost = best(MZ), 100 - points
    for code in (f"D.{number}" for number in range(1, 11)):
        taken = min(lost, answers[code])
        answers[code] -= taken
        lost -= taken
    assert score(MZ, answers, {}).grades["D"] == grade


def scored(data: st.DataObject, scale: Scale) -> dict[str, int]:
    return {code: data.draw(st.sampled_from(scores), label=code) for code, scores in OPTIONS[scale.key].items()}


@pytest.mark.parametrize("scale", [GB, MZ], ids=lambda scale: scale.key)
@given(data=st.data())
def test_a_better_answer_never_makes_a_heavier_level(scale: Scale, data: st.DataObject) -> None:
    answers = scored(data, scale)
    group = data.draw(st.sampled_from(scale.groups))
    item = data.draw(st.sampled_from(group.items))
    better = {
        score_
        for score_ in OPTIONS[scale.key][item.code]
        if (score_ >= answers[item.code] if group.better == "high" else score_ <= answers[item.code])
    }
    improved = answers | {item.code: data.draw(st.sampled_from(sorted(better)))}
    assert score(scale, improved, {}).level <= score(scale, answers, {}).level


@pytest.mark.parametrize("scale", [GB, MZ], ids=lambda scale: scale.key)
@given(data=st.data())
def test_every_set_of_answers_has_a_level_and_a_condition_adds_at_most_one(scale: Scale, data: st.DataObject) -> None:
    answers = scored(data, scale)
    plain = score(scale, answers, {})
    number = next(each.key for each in scale.circumstances if each.kind == "number")
    changed = score(scale, answers, {number: data.draw(st.integers(0, 5))})
    assert 0 <= plain.level <= changed.level <= min(plain.level + 1, scale.worst_level)


def test_the_files_are_marked_and_tell_what_is_in_doubt() -> None:
    for scale in (GB, MZ):
        assert scale.source and scale.remarks and scale.reasons and scale.validity_months
    assert (GB.mark, MZ.mark) == ("verified", "single_source")


def test_no_scale_file_was_forgotten_here() -> None:
    assert sorted(path.name for path in Path(FOLDER).glob("*.yaml")) == [f"{GB.key}.yaml", f"{MZ.key}.yaml"]
