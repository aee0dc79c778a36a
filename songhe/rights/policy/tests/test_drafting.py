"""What a table's cells are for people who read no FEEL."""

from datetime import date

import pytest

from songhe.packs.loader import load_pack
from songhe.rights.policy.drafting import cell_in_words, figure_in_words, figures_in_words, lines_of
from songhe.rights.policy.rules import WORDS


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("true", "为是"),
        ("not(true)", "为否或不明"),
        ("null", "不明"),
        (">= 参数.最低年龄", "不小于参数.最低年龄"),
        ("[60..80)", "从 60（含）到 80（不含）"),
        ("(参数.起..参数.止]", "从 参数.起（不含）到 参数.止（含）"),
        ('"alone", "empty_nest"', "为独居、空巢"),
        ('not("institution")', "不为机构养老"),
        ('list contains(?, "destitute") or list contains(?, "low_income")', "含特困供养或低收入"),
        # What asks more stays as it is written, whole.
        ("? in [1..2]", " ? in [1..2]"),
        ('list contains(?, "a") or count(?) > 1', ' list contains(?, "a") or count(?) > 1'),
        ('list contains(?, "a") or list contains(?, "b") and list contains(?, "c")', None),
        ("> 5, 3", " > 5, 3"),
    ],
)
def test_a_cell_in_words(cell: str, words: str | None) -> None:
    assert cell_in_words(cell, WORDS) == (f" {cell}" if words is None else words)


def test_no_code_is_left_in_the_rules_of_a_pack() -> None:
    rule = next(each for each in load_pack("anqing").policies if each.key == "aq-safety-net-services")
    lines = [line for found in lines_of(rule.model.read_text("utf-8"), WORDS).values() for line in found]
    assert "对象类别：居住状况为机构养老 → 已入住机构" in lines
    assert not [line for line in lines for code in WORDS if code in line]


def test_rules_call_parameters_by_their_names_with_their_values() -> None:
    pack = load_pack("wuhan")
    rule = next(each for each in pack.policies if each.key == "wh-care-subsidy")
    values = figures_in_words(pack.parameters_of(rule), date(2026, 3, 1))
    text = rule.model.read_text("utf-8")
    lines = [line for found in lines_of(text, WORDS, values).values() for line in found]
    assert "参数." not in "".join(lines)
    assert [line for line in lines if "最低年龄（60 周岁）" in line]
    assert [line for line in lines if line.endswith("→ 甲档完全（800.00 元）")]
    # Without values, as two versions are compared, the names alone.
    assert [line for found in lines_of(text, WORDS).values() for line in found if line.endswith("→ 甲档完全")]


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [("20000", "分", "200.00 元"), ("60", "周岁", "60 周岁"), ("1.5", "", "1.5"), ("二百", "分", "二百 分")],
)
def test_a_figure_in_words(value: str, unit: str, words: str) -> None:
    assert figure_in_words(value, unit) == words
