"""What a policy officer is told of a table: who falls through, who falls twice, which rules nobody meets."""

import random
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from songhe.engines.policy import Domain, Finding, Kind, Model, evaluate, inspect, load_model
from songhe.engines.policy.provenance import inspect_clauses, inspect_figures
from songhe.engines.policy.tests.dmn import decision, given, literal, model_text, table

WHOLE = {"年龄": Domain("[0..120]", whole=True), "等级": Domain("0, 1, 2")}
ORDERED = '<output name="结果"><outputValues><text>"甲", "乙", "丙"</text></outputValues></output>'


def one_table(policy: str, rules: list[str], *types: str, outputs: str = '<output name="结果"/>') -> Model:
    named = [each.split(":") for each in types or ("年龄:number",)]
    inputs = " ".join(name for name, _type in named)
    return load_model(
        model_text(
            '<itemDefinition name="清单" isCollection="true"><typeRef>string</typeRef></itemDefinition>',
            *(given(name, type_) for name, type_ in named),
            decision("津贴", table(policy, rules, outputs, inputs), " ".join(f"i-{name}" for name, _type in named)),
        )
    )


def told(model: Model, domains: Mapping[str, Domain] = WHOLE, **more: Any) -> list[str]:
    return [str(finding) for finding in inspect(model, domains=domains, **more) if not finding.is_remark]


def test_a_gap_is_told_with_a_person_who_falls_into_it() -> None:
    model = one_table("", ["[60..79] → 1", "> 80 → 2", "< 60 → 0"])
    (gap,) = inspect(model, domains=WHOLE, file="津贴.dmn")[:1]
    assert (gap.kind, gap.decision, gap.example) == (Kind.GAP, "津贴", {"年龄": Decimal(80)})
    assert str(gap) == "津贴.dmn：决策“津贴”有空档：年龄为80的人没有规则可用，也没有默认输出。"


def test_half_a_year_is_a_gap_only_where_years_need_not_be_whole() -> None:
    model = one_table("", ["<= 59 → 1", ">= 60 → 2"])
    assert told(model) == []
    assert told(model, {}) == ["决策“津贴”有空档：年龄为59.5的人没有规则可用，也没有默认输出。"]


def test_a_default_or_collecting_leaves_no_gap() -> None:
    default = '<output name="结果"><defaultOutputEntry><text>0</text></defaultOutputEntry></output>'
    assert told(one_table("", [">= 60 → 1"], outputs=default)) == []
    assert told(one_table('hitPolicy="COLLECT"', [">= 60 → 1"])) == []


def test_what_only_an_unknown_fact_falls_through_is_a_remark() -> None:
    model = one_table("", [">= 60 → 1", "< 60 → 0"])
    (remark,) = inspect(model, domains=WHOLE)
    assert remark.is_remark
    assert remark.kind == Kind.UNKNOWN_FACT
    assert remark.sentence == "决策“津贴”有空档：年龄不明的人没有规则可用，也没有默认输出。"


def test_an_overlap_is_told_with_both_rules_and_a_person() -> None:
    rules = ["< 60 | - → 0", "[60..80] | - → 1", ">= 80 | 0, 1 → 2", "> 80 | 2 → 3"]
    found = inspect(one_table("", rules, "年龄:number", "等级:number"), domains=WHOLE)
    (overlap,) = [each for each in found if not each.is_remark]
    assert overlap.kind == Kind.OVERLAP
    assert overlap.rules == (2, 3)
    assert overlap.example == {"年龄": Decimal(80), "等级": Decimal(0)}
    assert "第 2 条和第 3 条规则重叠：年龄为80、等级为0的人两条都符合，而命中策略是“唯一”" in overlap.sentence


def test_rules_that_agree_may_hit_together_where_any_will_do() -> None:
    assert told(one_table('hitPolicy="ANY"', [">= 60 → 1", ">= 80 → 1", "< 60 → 0"])) == []
    assert "两条的输出却不同" in told(one_table('hitPolicy="ANY"', [">= 60 → 1", ">= 80 → 2", "< 60 → 0"]))[0]


def test_a_rule_behind_others_that_take_all_its_persons_is_told() -> None:
    model = one_table('hitPolicy="FIRST"', [">= 60 → 1", "< 60 → 0", ">= 80 → 2", "null → 3"])
    assert told(model) == ["决策“津贴”第 3 条规则轮不到：符合它的人都先符合第 1 条。"]
    together = one_table('hitPolicy="FIRST"', ["[0..70] → 1", ">= 65 → 0", "[60..80] → 2", "- → 3"])
    assert told(together) == ["决策“津贴”第 3 条规则轮不到：符合它的人都先符合第 1、2 条。"]


def test_a_rule_of_less_weight_than_all_beside_it_is_told() -> None:
    rules = ['>= 60 → "甲"', '>= 80 → "丙"', '< 60 → "乙"']
    model = one_table('hitPolicy="PRIORITY"', rules, outputs=ORDERED)
    assert told(model) == ["决策“津贴”第 2 条规则轮不到：符合它的人都先符合第 1 条。"]


def test_a_rule_that_nobody_can_meet_is_told_with_its_column() -> None:
    assert told(one_table("", [">= 60 → 1", "< 60 → 0", "[90..70] → 2"])) == [
        "决策“津贴”第 3 条规则不会有人符合（“年龄”列没有这样的值）。"
    ]
    assert "第 2 条规则不会有人符合" in told(one_table("", ["0, 1, 2 → 1", "3 → 2"], "等级:number"))[0]


def test_what_a_decision_before_never_answers_is_known() -> None:
    upper = decision("档", table("", ['>= 80 → "高"', '[60..80) → "中"', '< 60 → "低"', 'null → "低"']), "i-年龄")
    lower = decision("津贴", table("", ['"高" → 2', '"中" → 1'], inputs="档"), "d-档")
    model = load_model(model_text(given("年龄", "number"), upper, lower))
    (gap,) = inspect(model, domains=WHOLE)
    assert "的人（档为“低”）没有规则可用" in gap.sentence
    assert evaluate(model, gap.example).results["津贴"] is None
    served = decision("津贴", table("", ['"高" → 2', '"中" → 1', '"低" → 0', '"无" → 0'], inputs="档"), "d-档")
    model = load_model(model_text(given("年龄", "number"), upper, served))
    assert told(model) == ["决策“津贴”第 4 条规则不会有人符合。"]


def test_a_fact_and_what_was_made_of_it_are_one_person() -> None:
    """No person is old and of the low grade, so nothing is missing."""
    upper = decision("档", table("", ['>= 80 → "高"', '< 80 → "低"', 'null → "低"']), "i-年龄")
    rules = ['"高" | >= 80 → 2', '"低" | < 80 → 1', '"低" | null → 0']
    lower = decision("津贴", table("", rules, inputs="档 年龄"), "d-档 i-年龄")
    assert told(load_model(model_text(given("年龄", "number"), upper, lower))) == []


def test_lists_are_tried_in_their_combinations() -> None:
    rules = [
        'list contains(?, "低保") → 1',
        'list contains(?, "特困") → 2',
        'not(list contains(?, "低保") or list contains(?, "特困")) → 0',
    ]
    (overlap,) = [each for each in inspect(one_table("", rules, "类别:清单")) if each.kind == Kind.OVERLAP]
    assert sorted(overlap.example["类别"]) == ["低保", "特困"]
    assert told(one_table('hitPolicy="FIRST"', rules, "类别:清单")) == []


def test_parameters_are_numbers_and_their_absence_is_no_verdict() -> None:
    logic = table("", ["< 参数.起始 → 0", ">= 参数.高龄 → 1"])
    model = load_model(
        model_text(given("年龄", "number"), given("参数"), decision("津贴", logic, "i-年龄 i-参数", "number"))
    )
    assert "年龄为70的人" in told(model, constants={"参数": {"起始": 60, "高龄": 80}})[0]
    assert told(model, constants={"参数": {"起始": 60, "高龄": 60}}) == []
    assert [finding.kind for finding in inspect(model)] == [Kind.UNCHECKED]


def test_dates_and_moments_are_tried_on_both_sides() -> None:
    model = one_table("", ['< date("1946-05-01") → 1', '> date("1946-05-01") → 2'], "出生:date")
    assert told(model, {}) == ["决策“津贴”有空档：出生为1946年5月1日的人没有规则可用，也没有默认输出。"]


def test_answers_outside_the_allowed_values_and_inputs_nobody_gives_are_told() -> None:
    model = one_table("", ['- → "丁"'], outputs=ORDERED)
    assert told(model) == ["决策“津贴”第 1 条规则“结果”列的丁不在允许值内。"]
    assert told(one_table("", ["- → 1"]), supplied={"岁"}) == ["没有谁提供输入“年龄”，决策“津贴”要用它。"]


def test_a_table_too_large_is_not_judged() -> None:
    names = "甲乙丙丁戊己庚辛"
    rules = [" | ".join(str((n * 7 + k) % 40) for k in range(len(names))) + f" → {n}" for n in range(400)]
    rules += [" | ".join(f">= {n}" if k == n % 8 else "-" for k in range(len(names))) + f" → {n}" for n in range(40)]
    model = one_table('hitPolicy="FIRST"', rules, *(f"{name}:number" for name in names))
    (remark,) = inspect(model)
    assert remark.kind == Kind.UNCHECKED
    assert "决策表太大" in remark.sentence


def test_allowed_values_of_an_inputs_type_bound_it() -> None:
    allowed = "<typeRef>number</typeRef><allowedValues><text>1, 2</text></allowedValues>"
    served = decision("津贴", table("", ["1 → 1", "2 → 2"], inputs="级别"), "i-级别")
    type_ = f'<itemDefinition name="级">{allowed}</itemDefinition>'
    assert told(load_model(model_text(type_, given("级别", "级"), served)), {}) == []


# --- figures and clauses -------------------------------------------------------------------------------------------


def test_figures_that_have_no_value_on_a_day_of_the_law_are_told_with_place_and_days() -> None:
    logic = table("", [">= 参数.起始 → 参数.额度 ; 《办法》第三条", "- → 0 ; 《通知》", "null → 0"])
    model = load_model(model_text(given("年龄"), given("参数"), decision("津贴", logic, "i-年龄 i-参数")))
    spans = {"起始": [(date(2024, 1, 1), date(2024, 12, 31)), (date(2025, 3, 1), None)]}
    found = [str(each) for each in inspect_figures(model, "参数", spans, date(2024, 6, 1))]
    assert found == [
        "决策“津贴”第 1 条规则“年龄”列用了参数“起始”，但它在 2025年01月01日至 2025年02月28日没有数值。",
        "决策“津贴”第 1 条规则“结果”列用了参数“额度”，但参数表里没有它。",
    ]
    assert inspect_figures(model, "参数", spans | {"额度": [(date(2025, 3, 1), None)]}, date(2025, 3, 1)) == []
    ends = {"起始": [(date(2024, 1, 1), date(2024, 12, 31))], "额度": [(date(2024, 1, 1), None)]}
    assert inspect_figures(model, "参数", ends, date(2024, 1, 1), date(2024, 12, 31)) == []
    assert "2025年01月01日起没有数值" in str(inspect_figures(model, "参数", ends, date(2024, 1, 1))[0])
    assert [str(each) for each in inspect_clauses(model, {"办法"})] == [
        "决策“津贴”第 2 条规则依据的《通知》不在政策文件库中。",
        "决策“津贴”第 3 条规则没有写依据。",
    ]


# --- property: the checker against trying every person ------------------------------------------------------------

CELLS = {
    "年龄": [
        "-",
        "-",
        "< 60",
        ">= 60",
        "[60..80)",
        "(60..80]",
        ">= 80",
        "60, 80",
        "not(70)",
        "null",
        "not(null)",
        "> 100",
        "[90..80]",
    ],
    "等级": ["-", "0", "1", "1, 2", "> 0", "not(0)", "null", "3"],
    "类别": ["-", '"低保"', '"低保", "特困"', 'not("低保")', "null", '"其他"'],
    "在册": ["-", "true", "false", "not(true)", "null"],
}
TYPES = {"年龄": "number", "等级": "number", "类别": "string", "在册": "boolean"}
EVERYBODY: dict[str, list[Any]] = {
    "年龄": [None, *range(0, 121, 15), *range(58, 82), 89, 91, 99, 100, 101],
    "等级": [None, 0, 1, 2],
    "类别": [None, "低保", "特困", "其他", "无"],
    "在册": [None, True, False],
}
POLICIES = ["UNIQUE", "ANY", "FIRST", "PRIORITY", "COLLECT"]


@pytest.mark.parametrize("seed", range(60))
def test_the_checker_says_what_trying_every_person_says(seed: int) -> None:
    draw = random.Random(seed)
    names = draw.sample(sorted(CELLS), draw.choice([1, 2, 2, 3]))
    policy = draw.choice(POLICIES)
    rules = [
        " | ".join(draw.choice(CELLS[name]) for name in names) + f' → "{draw.choice("甲乙丙")}"'
        for _ in range(draw.randrange(1, 7))
    ]
    types = [f"{name}:{TYPES[name]}" for name in names]
    model = one_table(f'hitPolicy="{policy}"', rules, *types, outputs=ORDERED)
    found = inspect(model, domains=WHOLE)
    hits = every_persons_hits(rules, names, types)
    unserved = {facts for facts, rules_hit in hits.items() if not rules_hit}
    single = policy != "COLLECT"
    assert any(f.kind == Kind.GAP for f in found) == (single and any(None not in facts for facts in unserved))
    if not any(f.kind == Kind.GAP for f in found):
        assert any(f.kind == Kind.UNKNOWN_FACT for f in found) == (single and bool(unserved))
    assert {f.rules for f in found if f.kind == Kind.OVERLAP} == overlapping(policy, rules, hits)
    hit = {number for rules_hit in hits.values() for number in rules_hit}
    assert {f.rules[0] for f in found if f.kind == Kind.UNREACHABLE} == set(range(1, len(rules) + 1)) - hit
    counting = {number for rules_hit in hits.values() for number in those_that_count(policy, rules, rules_hit)}
    assert {f.rules[0] for f in found if f.kind == Kind.COVERED} == hit - counting
    for finding in found:
        the_example_shows_it(model, finding)


def every_persons_hits(rules: list[str], names: list[str], types: list[str]) -> dict[tuple[Any, ...], tuple[int, ...]]:
    collecting = one_table('hitPolicy="COLLECT"', rules, *types, outputs=ORDERED)
    return {
        facts: evaluate(collecting, dict(zip(names, facts, strict=True))).trace[0].rules
        for facts in product(*(EVERYBODY[name] for name in names))
    }


def overlapping(policy: str, rules: list[str], hits: dict[tuple[Any, ...], tuple[int, ...]]) -> set[tuple[int, int]]:
    pairs = {(one, two) for found in hits.values() for one in found for two in found if one < two}
    if policy == "UNIQUE":
        return pairs
    return {(one, two) for one, two in pairs if rules[one - 1][-2] != rules[two - 1][-2]} if policy == "ANY" else set()


def those_that_count(policy: str, rules: list[str], hits: tuple[int, ...]) -> tuple[int, ...]:
    if policy == "FIRST":
        return hits[:1]
    return (min(hits, key=lambda n: "甲乙丙".index(rules[n - 1][-2])),) if policy == "PRIORITY" and hits else hits


def the_example_shows_it(model: Model, finding: Finding) -> None:
    if finding.kind in (Kind.GAP, Kind.UNKNOWN_FACT):
        assert evaluate(model, finding.example).trace[0].rules == ()
    if finding.kind == Kind.OVERLAP:
        assert set(finding.rules) <= set(evaluate(model, finding.example).trace[0].rules)


def test_an_expression_before_the_table_is_tried_too() -> None:
    before = decision("岁", literal("年龄 + 1"), "i-年龄")
    after = decision("津贴", table("", ["< 60 → 0", "> 60 → 1"], inputs="岁"), "d-岁")
    model = load_model(model_text(given("年龄", "number"), before, after))
    gaps = [each for each in inspect(model, domains=WHOLE) if each.kind == Kind.GAP]
    assert all(evaluate(model, each.example).results["津贴"] is None for each in gaps)
