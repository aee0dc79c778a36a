"""Decision models: what each hit policy answers, how decisions stand on each other, and what is refused and why."""

from pathlib import Path
from time import process_time
from typing import Any

import pytest

from songhe.engines.policy import PolicyError, as_json, check, evaluate, load_model, try_examples
from songhe.engines.policy.tests.dmn import decision, given, literal, model_text, table


def made(logic: str, facts: dict[str, Any]) -> Any:
    model = load_model(model_text(given("年龄"), decision("津贴", logic, "i-年龄")))
    return as_json(evaluate(model, facts).results["津贴"])


BANDS = [">= 60 → 1", ">= 80 → 5", ">= 100 → 3"]
ORDERED = '<output name="结果"><outputValues><text>"甲", "乙", "丙"</text></outputValues></output>'
DEFAULT = '<output name="结果"><defaultOutputEntry><text>0</text></defaultOutputEntry></output>'


@pytest.mark.parametrize(
    ("policy", "age", "answer"),
    [
        ('hitPolicy="UNIQUE"', 70, 1),
        ('hitPolicy="UNIQUE"', 85, None),
        ('hitPolicy="FIRST"', 101, 1),
        ('hitPolicy="RULE ORDER"', 101, [1, 5, 3]),
        ('hitPolicy="COLLECT"', 85, [1, 5]),
        ('hitPolicy="COLLECT" aggregation="MAX"', 101, 5),
        ('hitPolicy="COLLECT" aggregation="MIN"', 101, 1),
        ('hitPolicy="COLLECT" aggregation="SUM"', 101, 9),
        ('hitPolicy="COLLECT" aggregation="COUNT"', 101, 3),
        ('hitPolicy="COLLECT" aggregation="COUNT"', 10, 0),
        ('hitPolicy="COLLECT" aggregation="SUM"', 10, None),
        ('hitPolicy="COLLECT"', 10, None),
        ("", 70, 1),
    ],
)
def test_a_hit_policy_answers(policy: str, age: int, answer: Any) -> None:
    assert made(table(policy, BANDS), {"年龄": age}) == answer


def test_any_answers_when_the_rules_agree() -> None:
    rules = ['>= 60 → "老"', '>= 80 → "老"', '>= 100 → "寿"']
    assert made(table('hitPolicy="ANY"', rules), {"年龄": 85}) == "老"
    assert made(table('hitPolicy="ANY"', rules), {"年龄": 101}) is None


def test_priority_and_output_order_follow_the_values_of_the_output() -> None:
    rules = ['>= 60 → "丙"', '>= 80 → "甲"', '>= 100 → "乙"']
    assert made(table('hitPolicy="PRIORITY"', rules, ORDERED), {"年龄": 101}) == "甲"
    assert made(table('hitPolicy="OUTPUT ORDER"', rules, ORDERED), {"年龄": 101}) == ["甲", "乙", "丙"]


def test_priority_of_several_outputs_looks_at_the_first_and_then_the_next() -> None:
    outputs = (
        '<output name="类"><outputValues><text>"甲", "乙"</text></outputValues></output>'
        '<output name="档"><outputValues><text>1, 2, 3</text></outputValues></output>'
    )
    rules = ['- → "乙" | 1', '- → "甲" | 3', '- → "甲" | 2']
    assert made(table('hitPolicy="PRIORITY"', rules, outputs), {}) == {"类": "甲", "档": 2}


def test_the_default_answers_when_no_rule_hits() -> None:
    assert made(table('hitPolicy="UNIQUE"', BANDS, DEFAULT), {"年龄": 10}) == 0


def test_decisions_stand_on_each_other_and_each_is_made_once() -> None:
    model = load_model(
        model_text(
            decision("总额", literal("基础 + 高龄"), "d-基础 d-高龄"),
            decision("高龄", literal("基础 * 2"), "d-基础"),
            decision("基础", literal("年龄 + 1"), "i-年龄"),
            given("年龄"),
        )
    )
    evaluation = evaluate(model, {"年龄": 59}, "总额")
    assert as_json(evaluation.results) == {"基础": 60, "高龄": 120, "总额": 180}
    assert [hit.decision for hit in evaluation.trace] == ["基础", "高龄", "总额"]
    assert list(evaluate(model, {"年龄": 59}, "基础").results) == ["基础"]


def test_business_knowledge_is_called_by_place_by_name_and_by_invocation() -> None:
    knowledge = (
        '<businessKnowledgeModel id="k" name="按月 折算"><encapsulatedLogic>'
        f'<formalParameter name="年额"/><formalParameter name="月数"/>{literal("年额 / 月数")}'
        "</encapsulatedLogic></businessKnowledgeModel>"
    )
    invocation = (
        f"<invocation>{literal('按月 折算')}<binding><parameter name='年额'/>{literal('2400')}</binding>"
        f"<binding><parameter name='月数'/>{literal('12')}</binding></invocation>"
    )
    model = load_model(
        model_text(
            knowledge,
            decision("甲", literal("按月 折算(1200, 12)")),
            decision("乙", literal("按月 折算(月数: 6, 年额: 1200)")),
            decision("丙", invocation),
        )
    )
    assert as_json(evaluate(model, {}).results) == {"甲": 100, "乙": 200, "丙": 200}
    assert check(model) == []


def test_a_context_sees_what_stands_above_and_ends_in_its_result() -> None:
    entries = (
        f"<contextEntry><variable name='每次'/>{literal('30')}</contextEntry>"
        f"<contextEntry><variable name='四 次'/>{literal('每次 * 4')}</contextEntry>"
    )
    model = load_model(
        model_text(
            decision("全部", f"<context>{entries}</context>"),
            decision("结果", f"<context>{entries}<contextEntry>{literal('四 次 + 1')}</contextEntry></context>"),
        )
    )
    assert as_json(evaluate(model, {}).results) == {"全部": {"每次": 30, "四 次": 120}, "结果": 121}


def test_a_relation_is_rows_that_can_be_filtered() -> None:
    relation = (
        '<relation><column name="岁"/><column name="元"/>'
        f"<row>{literal('80')}{literal('50')}</row><row>{literal('90')}{literal('100')}</row></relation>"
    )
    model = load_model(
        model_text(
            given("年龄"), decision("表", relation), decision("津贴", literal("max(表[岁 <= 年龄].元)"), "d-表 i-年龄")
        )
    )
    assert as_json(evaluate(model, {"年龄": 85}).results["津贴"]) == 50
    assert as_json(evaluate(model, {"年龄": 95}).results["津贴"]) == 100


def test_the_trace_says_in_chinese_what_was_seen_which_rules_hit_and_by_which_clause() -> None:
    logic = table('hitPolicy="COLLECT" aggregation="SUM"', [">= 80 → 5000 ; 办法第三条", ">= 90 → 10000 ; 办法第四条"])
    model = load_model(
        model_text(
            '<itemDefinition name="分"><typeRef>number</typeRef></itemDefinition>',
            given("年龄"),
            decision("津贴", logic, "i-年龄", "分"),
            decision("告知", literal('if 津贴 > 0 then "可领" else "不可领"'), "d-津贴"),
        )
    )
    assert evaluate(model, {"年龄": 92}).explain() == [
        "1. 津贴：年龄为92，符合第 1、2 条规则（办法第三条；办法第四条），得出“150.00 元”。",
        "2. 告知：津贴为15000，得出“可领”。",
    ]
    assert evaluate(model, {"年龄": 60}, "津贴").explain() == ["1. 津贴：年龄为60，没有符合的规则，得出“（无）”。"]
    assert evaluate(model, {"年龄": 92}, "津贴").trace_as_json() == [
        {
            "decision": "津贴",
            "inputs": {"年龄": 92},
            "rules": [1, 2],
            "clauses": ["办法第三条", "办法第四条"],
            "output": 15000,
            "note": "",
        }
    ]


def test_codes_are_explained_by_their_names() -> None:
    model = load_model(model_text(given("居住"), decision("独居", literal('居住 = "alone"'), "i-居住")))
    assert evaluate(model, {"居住": "alone"}).explain({"alone": "独居"}) == ["1. 独居：居住为独居，得出“是”。"]


def test_rules_of_a_unique_table_that_overlap_are_told() -> None:
    model = load_model(model_text(given("年龄"), decision("津贴", table("", BANDS), "i-年龄")))
    hit = evaluate(model, {"年龄": 85}).trace[0]
    assert hit.rules == (1, 2)
    assert "几条规则同时符合" in hit.sentence({})


def test_a_text_given_for_a_date_is_a_date_and_what_is_none_is_told() -> None:
    model = load_model(
        model_text(given("出生日期", "date"), decision("岁", literal("出生日期.year"), "i-出生日期", "number"))
    )
    assert as_json(evaluate(model, {"出生日期": "1946-05-01"}).results["岁"]) == 1946
    with pytest.raises(PolicyError, match="输入“出生日期”应为 date，得到“昨天”"):
        evaluate(model, {"出生日期": "昨天"})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('<!DOCTYPE d [<!ENTITY a "b">]>' + model_text(), "不得含有 DOCTYPE"),
        ("<definitions>", "不是有效的 XML：第 1 行第 14 个字符"),
        ("<html/>", "最外层应为 definitions，而不是 html"),
        (model_text(decision("甲", literal("1 +"))), "决策“甲”表达式：表达式“1 +”第 4 个字符处应为表达式"),
        (model_text(decision("甲", literal("1"), "i-无")), "决策“甲”依赖的“i-无”不在模型中"),
        (model_text(decision("甲", literal("1")), decision("甲", literal("2"))), "决策“甲”出现了两次"),
        (model_text(decision("甲", table('hitPolicy="LAST"', BANDS))), "命中策略“LAST”不存在，应为 UNIQUE"),
        (model_text(decision("甲", table("", ["60 → 1", "[60.. → 2"]))), "决策“甲”第 2 条规则“年龄”列"),
        (model_text(decision("甲", table("", ["60 → 1 +"]))), "决策“甲”第 1 条规则“结果”列"),
        (model_text(decision("甲", table("", ["60 | 70 → 1"]))), "第 1 条规则应有 1 个输入格，实有 2 个"),
        (model_text(decision("甲", table("", ["60 → 1"], ""))), "没有输出列"),
        (model_text(decision("甲", "<conditional/>")), "决策“甲”缺少 if"),
    ],
)
def test_what_cannot_be_read_is_told_by_place(text: str, told: str) -> None:
    with pytest.raises(PolicyError) as caught:
        load_model(text)
    assert told in str(caught.value)


def test_the_error_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "津贴.dmn"
    path.write_text(model_text(decision("甲", literal("1 +"))), encoding="utf-8")
    with pytest.raises(PolicyError, match=r"^津贴\.dmn：决策“甲”"):
        load_model(path)
    path.write_bytes("<definitions name='老'/>".encode("gbk"))
    with pytest.raises(PolicyError, match=r"^津贴\.dmn：应为 UTF-8"):
        load_model(path)


def test_a_decision_that_is_not_there_and_one_that_needs_itself_are_told() -> None:
    model = load_model(
        model_text(
            decision("甲", literal("乙"), "d-乙"), decision("乙", literal("甲"), "d-甲"), decision("丙", literal("1"))
        )
    )
    with pytest.raises(PolicyError, match="没有决策“丁”"):
        evaluate(model, {}, "丁")
    with pytest.raises(PolicyError, match="甲 → 乙 → 甲"):
        evaluate(model, {}, "甲")
    assert check(model) == ["决策“甲”依赖自己：甲 → 乙 → 甲。", "决策“乙”依赖自己：乙 → 甲 → 乙。"]


UNKNOWN = "，但它既不是该决策依赖的输入或决策，也不是已有的函数。"


def test_checking_finds_names_that_nobody_gives() -> None:
    model = load_model(
        model_text(
            given("年龄"),
            given("残疾"),
            decision("津贴", table("", [">= 参数.起始 → 基数"]), "i-年龄"),
            decision("月额", literal("floor(津贴) + foor(津贴) + 残疾"), "d-津贴"),
        )
    )
    assert check(model) == [
        f"决策“津贴”第 1 条规则“年龄”列用了“参数”{UNKNOWN}",
        f"决策“津贴”第 1 条规则“结果”列用了“基数”{UNKNOWN}",
        f"决策“月额”表达式“floor(津贴) + foor(津贴) + 残疾”用了“foor”{UNKNOWN}",
        f"决策“月额”表达式“floor(津贴) + foor(津贴) + 残疾”用了“残疾”{UNKNOWN}",
    ]


def test_two_thousand_persons_a_second() -> None:
    """A simple table is interpreted at least 2,000 times in a second of one core."""
    model = load_model(
        model_text(given("年龄"), decision("津贴", table('hitPolicy="COLLECT" aggregation="MAX"', BANDS), "i-年龄"))
    )
    evaluate(model, {"年龄": 60})
    start = process_time()
    for age in range(2000):
        evaluate(model, {"年龄": age % 110})
    assert process_time() - start < 1


def test_examples_that_the_model_contradicts_are_told() -> None:
    model = load_model(
        model_text(given("年龄", "number"), decision("津贴", table("", [">= 80 → 50", "< 80 → 0"]), "i-年龄", "number"))
    )
    rows = [{"例": "甲", "年龄": "80", "津贴": "50"}, {"例": "乙", "年龄": "79", "津贴": "50"}]
    assert try_examples(model, rows, {}) == ["第 2 行“乙”：津贴应为“50”，得出“0”。"]
    # As a database's JSON gives it back: the name may stand anywhere.
    assert try_examples(model, [{"津贴": "50", "年龄": "79", "测试人员": "丙"}], {}) == [
        "第 1 行“丙”：津贴应为“50”，得出“0”。"
    ]
    with pytest.raises(PolicyError, match="“岁”列既不是输入，也不是决策"):
        try_examples(model, [{"例": "甲", "岁": "80"}], {})
    with pytest.raises(PolicyError, match="“年龄”列应为数字，得到“八十”"):
        try_examples(model, [{"例": "甲", "年龄": "八十", "津贴": "50"}], {})
