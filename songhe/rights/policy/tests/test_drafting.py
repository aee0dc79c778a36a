"""What a table's cells are for people who read no FEEL."""

import pytest

from songhe.packs.loader import load_pack
from songhe.rights.policy.drafting import cell_in_words, lines_of
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
    assert '对象类别：居住状况为机构养老 → "已入住机构"' in lines
    assert not [line for line in lines for code in WORDS if code in line]
