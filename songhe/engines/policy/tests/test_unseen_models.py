"""Whole models that combine what is easily got wrong, each written from the words of DMN 1.5 (clause in the name)."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

import pyarrow as pa
import pytest

from songhe.engines.policy import as_json, evaluate, load_model
from songhe.engines.policy.tests.dmn import decision, given, literal, model_text, table
from songhe.engines.policy.tests.test_columns import both_ways
from songhe.engines.policy.tests.test_feel import feel


def made(*parts: str, **facts: Any) -> Any:
    """Return what a model's decision “答” says, as JSON has it."""
    return as_json(evaluate(load_model(model_text(*parts)), facts).results["答"])


def knowledge(name: str, parameters: str, body: str, type_name: str = "Any") -> str:
    formal = "".join(f'<formalParameter name="{each}" typeRef="Any"/>' for each in parameters.split())
    return (
        f'<businessKnowledgeModel id="b-{name}" name="{name}"><variable name="{name}" typeRef="{type_name}"/>'
        f"<encapsulatedLogic>{formal}{body}</encapsulatedLogic></businessKnowledgeModel>"
    )


def item(name: str, base: str, allowed: str = "", collection: bool = False) -> str:
    values = f"<allowedValues><text>{escape(allowed)}</text></allowedValues>" if allowed else ""
    return (
        f'<itemDefinition name="{name}" isCollection="{str(collection).lower()}"><typeRef>{base}</typeRef>{values}'
        "</itemDefinition>"
    )


# --- names (10.3.1.2, 10.3.1.3) --------------------------------------------------------------------------------------


def test_names_hold_spaces_signs_and_words_that_mean_something_elsewhere() -> None:
    names = ["Profit and Loss", "days-in-care", "rent/month", "a+b", "a", "b", "only if", "Mother's age", "5 year plan"]
    inputs = [f'<inputData id="n{n}" name="{escape(name)}"/>' for n, name in enumerate(names)]
    needs = "".join(
        f'<informationRequirement><requiredInput href="#n{n}"/></informationRequirement>' for n in range(len(names))
    )
    text = "Profit and Loss * 2 + days-in-care - rent/month + a+b + a + b + only if + Mother's age"
    logic = f'<decision id="d" name="答">{needs}{literal(text)}</decision>'
    facts = dict(zip(names, (100, 7, 3, 1000, 1, 2, 50, 80, 9), strict=True))
    assert made(*inputs, logic, **facts) == 200 + 7 - 3 + 1000 + 1 + 2 + 50 + 80


def test_the_longest_name_is_taken_and_shorter_ones_remain() -> None:
    inputs = given("月"), given("月 收入"), given("月 收入 上限")
    assert (
        made(
            *inputs,
            decision("答", literal("月 收入 上限 - 月 收入 - 月"), "i-月 i-月" + "\u0020"),
            **{"月": 1, "月 收入": 10, "月 收入 上限": 100},
        )
        == 89
    )


def test_members_of_more_than_one_word_are_known_in_other_decisions() -> None:
    entry = '<contextEntry><variable name="每月 金额"/>' + literal("5") + "</contextEntry>"
    parts = (
        decision("框", f"<context>{entry}</context>"),
        decision("写", literal('{first name: 3, "last name": 4, a: {"in ner": 1}}')),
        decision("答", literal("框.每月 金额 + 写.first name + 写.last name + 写.a.in ner"), "d-框 d-写"),
    )
    assert made(*parts) == 13


def test_a_name_given_within_shadows_one_outside() -> None:
    logic = "{年龄: 1, 内: {年龄: 2, 得: 年龄 + 1}, 外: 年龄 + 内.得, 遍: for 年龄 in [10, 20] return 年龄 + 1}"
    assert made(given("年龄"), decision("答", literal(logic), "i-年龄"), 年龄=70) == {
        "年龄": 1,
        "内": {"年龄": 2, "得": 3},
        "外": 4,
        "遍": [11, 21],
    }


# --- decision tables (8) ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "answer"),
    [
        ('hitPolicy="COLLECT"', ["b", "a", "b"]),
        ('hitPolicy="RULE ORDER"', ["b", "a", "b"]),
        ('hitPolicy="OUTPUT ORDER"', ["a", "b", "b"]),
        ('hitPolicy="PRIORITY"', "a"),
        ('hitPolicy="FIRST"', "b"),
        ('hitPolicy="COLLECT" aggregation="COUNT"', 3),
        ('hitPolicy="COLLECT" aggregation="MIN"', "a"),
        ('hitPolicy="COLLECT" aggregation="MAX"', "b"),
        ('hitPolicy="UNIQUE"', None),
        ('hitPolicy="ANY"', None),
    ],
    ids=["collect", "rule-order", "output-order", "priority", "first", "count", "min", "max", "unique", "any"],
)
def test_several_hits_with_duplicates(policy: str, answer: Any) -> None:
    outputs = '<output name="档"><outputValues><text>"a","b","c"</text></outputValues></output>'
    rules = ['- → "b"', '>= 60 → "a"', '[60..80) → "b"', '< 0 → "c"']
    assert made(given("年龄"), decision("答", table(policy, rules, outputs), "i-年龄"), 年龄=70) == answer


def test_a_sum_of_duplicates_counts_each_of_them() -> None:
    rules = ["> 60 → 100.10", "> 65 → 100.10", "> 90 → 1"]
    policy = 'hitPolicy="COLLECT" aggregation="SUM"'
    assert made(given("年龄"), decision("答", table(policy, rules), "i-年龄"), 年龄=70) == "200.2"


def test_no_hit_collects_nothing_and_counts_none() -> None:
    for aggregation, answer in (("", []), ('aggregation="COUNT"', 0), ('aggregation="SUM"', None)):
        logic = table(f'hitPolicy="COLLECT" {aggregation}', ["> 60 → 1"])
        assert made(given("年龄"), decision("答", logic, "i-年龄"), 年龄=5) in (answer, None)


@pytest.mark.parametrize(
    ("cell", "value", "hit"),
    [
        ("-", None, True),
        ("null", None, True),
        ("not(null)", None, False),
        ("not(null)", 1, True),
        ("< 5", None, False),
        ("not(< 5)", None, False),
        ("(5..10]", 5, False),
        ("]5..10]", 10, True),
        ("[5..10[", 10, False),
        ("1, 2, [5..7)", 6, True),
        ("not(1, [5..7))", 6, False),
        ("? > 5 and ? < 7", 6, True),
        ("modulo(?, 2) = 0", 6, True),
        ("? in [1..3]", 2, True),
        ("不限, 3", 3, True),
        ("下限 + 1", 6, True),
        ("[下限..下限 * 2)", 9, True),
        ("> 下限, null", None, True),
        ("= 5", 5, True),
        ("!= 5", 6, True),
        ("some x in [1, 6] satisfies x = ?", 6, True),
        ("count(?) > 1", [1, 2], True),
        ("list contains(?, 3)", [1, 3], True),
        ("every x in ? satisfies x > 0", [1, -3], False),
        ("6", [6], True),
        ("true", False, False),
        ("date(\"2026-01-01\")", date(2026, 1, 1), True),
        ('< @"2026-01-01"', date(2025, 12, 31), True),
        ('starts with(?, "低")', "低保", True),
        ('"低保", "特困"', "特困", True),
        ('not("低保", "特困")', "特困", False),
        ('{a: 1}', {"a": 1}, True),
        ('? instance of number', "x", False),
        ("1..10", 5, None),
    ],
)  # fmt: skip
def test_a_cell(cell: str, value: Any, hit: bool | None) -> None:
    parts = (
        given("值"),
        given("下限"),
        given("不限"),
        decision("答", table('hitPolicy="FIRST"', [f"{cell} → true", "- → false"], inputs="值"), "i-值 i-下限 i-不限"),
    )
    if hit is None:
        with pytest.raises(Exception, match="第 1 条规则“值”列"):
            made(*parts, 值=value, 下限=5, 不限=3)
    else:
        assert made(*parts, 值=value, 下限=5, 不限=3) is hit


NUMERIC = [
    "-",
    "null",
    "not(null)",
    "< 5",
    "not(< 5)",
    "(5..10]",
    "]5..10]",
    "[5..10[",
    "1, 2, [5..7)",
    "not(1, [5..7))",
]
NUMERIC += [
    "? > 5 and ? < 7",
    "modulo(?, 2) = 0",
    "? in [1..3]",
    "不限, 3",
    "下限 + 1",
    "[下限..下限 * 2)",
    "> 下限, null",
]
NUMERIC += ["= 5", "!= 5", "some x in [1, 6] satisfies x = ?", "? between 2 and 不限", "not(? = null)", "6"]


@pytest.mark.parametrize("policy", ["FIRST", "UNIQUE", "COLLECT"])
@pytest.mark.parametrize("cell", NUMERIC)
def test_a_cell_over_a_population(cell: str, policy: str) -> None:
    rules = [f"{cell} | - → 1", "[2..9] | not(4) → 2", "null | 4 → 1", "- | 4 → 3"]
    logic = table(f'hitPolicy="{policy}"', rules, inputs="值 级")
    model = load_model(
        model_text(*map(given, ("值", "级", "下限", "不限")), decision("答", logic, "i-值 i-级 i-下限 i-不限"))
    )
    people = [{"值": value, "级": level} for value in (None, *range(-1, 12)) for level in (None, 3, 4)]
    assert both_ways(model, people, {"值": pa.int64(), "级": pa.int64()}, 下限=5, 不限=3) == len(people)


def test_an_input_may_be_any_expression_and_its_allowed_values_bound_it() -> None:
    logic = (
        '<decisionTable hitPolicy="UNIQUE"><input label="周岁"><inputExpression><text>'
        'years and months duration(生日, 今天).years</text></inputExpression></input><output name="档"/>'
        "<rule><inputEntry><text>[60..80)</text></inputEntry><outputEntry><text>1</text></outputEntry></rule>"
        "<rule><inputEntry><text>>= 80</text></inputEntry><outputEntry><text>周岁值</text></outputEntry></rule>"
        "</decisionTable>"
    )
    parts = (
        given("生日", "date"),
        given("今天", "date"),
        given("周岁值"),
        decision("答", logic, "i-生日 i-今天 i-周岁值"),
    )
    assert made(*parts, 生日="1946-11-26", 今天="2026-11-25", 周岁值=9) == 1
    assert made(*parts, 生日="1946-11-25", 今天="2026-11-25", 周岁值=9) == 9
    assert made(*parts, 生日=None, 今天="2026-11-25", 周岁值=9) is None


def test_several_outputs_make_a_context_and_defaults_fill_it() -> None:
    outputs = (
        '<output name="档"><defaultOutputEntry><text>"无"</text></defaultOutputEntry></output>'
        '<output name="每月 金额"><defaultOutputEntry><text>0</text></defaultOutputEntry></output>'
    )
    rules = ['>= 80 → "甲" | 500', '[60..80) → "乙" | 年龄 * 2']
    parts = given("年龄"), decision("档次", table("", rules, outputs), "i-年龄")
    after = decision("答", literal('档次.档 + ":" + string(档次.每月 金额)'), "d-档次")
    assert [made(*parts, after, 年龄=age) for age in (85, 61, 5)] == ["甲:500", "乙:122", "无:0"]


# --- knowledge, functions and types (6, 7, 10.3.2.9, 10.3.2.13) --------------------------------------------------


def test_knowledge_calls_itself_and_others() -> None:
    factorial = knowledge("阶乘", "n", literal("if n <= 1 then 1 else n * 阶乘(n - 1)"))
    choose = knowledge("组合", "n k", literal("阶乘(n) / (阶乘(k) * 阶乘(n - k))"))
    assert made(factorial, choose, decision("答", literal("[组合(5, 2), 组合(k: 3, n: 5), 阶乘(30)]"))) == [
        10,
        10,
        int(Decimal("265252859812191058636308480000000")),
    ]


def test_functions_are_values_that_keep_what_they_saw() -> None:
    logic = "{加: function(n) function(x) x + n, 加五: 加(5), 得: for f in [加五, 加(1)] return f(10)}.得"
    assert made(decision("答", literal(logic))) == [15, 11]


def test_a_functions_item_definition_and_instance_of() -> None:
    types = (
        '<itemDefinition name="算"><functionItem outputTypeRef="number"><parameters name="x" typeRef="number"/>'
        "</functionItem></itemDefinition>"
    )
    applied = knowledge("两次", "f x", literal("f(f(x))"))
    text = (
        "[两次(function(x: number) x * 3, 2), (function(x) x) instance of function<number>->number, 1 instance of 岁数]"
    )
    assert made(types, item("岁数", "number", "[0..150]"), applied, decision("答", literal(text))) == [18, True, True]


@pytest.mark.parametrize(
    ("type_name", "text", "answer"),
    [
        ("岁数", "151", None),
        ("岁数", "150", 150),
        ("岁数", "[70]", 70),
        ("岁数们", "[70, 80]", [70, 80]),
        ("岁数们", "70", [70]),
        ("岁数们", "[70, 200]", None),
        ("档", '"甲"', "甲"),
        ("档", '"戊"', None),
        ("number", '"7"', None),
        ("string", "7", None),
        ("date and time", '@"2026-01-01"', "2026-01-01T00:00:00Z"),
    ],
)
def test_a_decision_gives_what_its_type_lets_through(type_name: str, text: str, answer: Any) -> None:
    types = (
        item("岁数", "number", "[0..150]"),
        item("岁数们", "岁数", collection=True),
        item("档", "string", '"甲","乙"'),
    )
    assert made(*types, decision("答", literal(text), type_name=type_name)) == answer


def test_contexts_of_contexts_lists_and_filters() -> None:
    people = (
        '[{姓名: "张", 家: {人口: 2, 月收入: 3000}, 类: ["低保"]}, {姓名: "李", 家: {人口: 0, 月收入: 1}, 类: []},'
        ' {姓名: "王", 家: null, 类: ["特困", "残疾"]}]'
    )
    cases = {
        "人们[家.人口 > 0].姓名": ["张"],
        '人们[list contains(类, "特困")][1].姓名': "王",
        "人们[家.月收入 / 家.人口 < 2000].姓名": ["张"],
        "人们.家.人口": [2, 0, None],
        "count(人们[家 = null])": 1,
        "人们[-1].类[2]": "残疾",
        "人们[item.姓名 != \"张\"].姓名": ["李", "王"],
        "count(人们[count(类) > 5])": 0,
        "sum(for p in 人们[家 != null] return p.家.月收入)": 3001,
        "flatten(人们.类)": ["低保", "特困", "残疾"],
        "人们[5].姓名": None,
        "sort(人们, function(a, b) count(a.类) > count(b.类)).姓名": ["王", "张", "李"],
        "人们[some t in 类 satisfies t = \"残疾\"].姓名": ["王"],
    }  # fmt: skip
    for text, answer in cases.items():
        assert made(decision("人们", literal(people)), decision("答", literal(text), "d-人们")) == answer, text


# --- texts, numbers, time (10.3.1.2, 10.3.2.3, 10.3.4) ---------------------------------------------------------------


def test_numbers_keep_thirty_four_digits_to_the_end() -> None:
    assert made(decision("答", literal("1 / 3"))) == "0." + "3" * 34
    assert made(decision("答", literal("2 / 3"))) == "0." + "6" * 33 + "7"
    assert made(decision("答", literal("9999999999999999999999999999999999 + 1"))) == 10**34
    assert made(decision("答", literal("0.1 * 3 = 0.3 and 1.0 = 1 and 1e-6143 > 0"))) is True


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r'"\uD842\uDFB7野家"', "𠮷野家"),
        (r'"\U020BB7野家"', "𠮷野家"),
        (r'string length("\uD842\uDFB7野家")', 3),
        (r'substring("\U020BB7野家", 2, 1)', "野"),
        (r'"一\t二\n三\"四\\五"', '一\t二\n三"四\\五'),
        (r'"\\u0041"', "\\u0041"),
        ('"多\n行"', "多\n行"),
        ('"/* 不是注 */ // 也不是"', "/* 不是注 */ // 也不是"),
        ('@"2026-07-01T01:30:00@Europe/London" < @"2026-07-01T01:00:00Z"', True),
        ('@"2026-01-01T01:30:00@Europe/London" < @"2026-01-01T01:00:00Z"', False),
        ('@"2026-01-01T08:00:00@Asia/Shanghai" = @"2026-01-01T00:00:00Z"', True),
        ('@"2026-01-01T08:00:00@Asia/Shanghai" - @"2025-12-31T00:00:00Z"', "P1D"),
        ('@"2026-01-01T08:00:00+08:00".time offset', "PT8H"),
        ('string(@"2026-01-01T08:00:00@Asia/Shanghai")', "2026-01-01T08:00:00@Asia/Shanghai"),
        ('@"10:11:12.5"', "10:11:12.5"),
        ('@"10:11:12.5+08:00"', "10:11:12.5+08:00"),
        ('@"2024-02-29" + @"P4Y"', "2028-02-29"),
        ('@"2024-02-29" + @"P1Y" + @"P1Y"', "2026-02-28"),
        ('@"2026-12-31" + @"P2M"', "2027-02-28"),
        ('years and months duration(@"1966-11-30", @"2026-11-29")', "P59Y11M"),
        ('@"2026-11-25" - @"1966-11-25" > @"P21900D"', True),
        ('(@"2026-11-25" - @"2026-11-20").days', 5),
        ('@"2026-11-25" in [@"2026-01-01"..@"2026-12-31"]', True),
        ('for d in [@"2026-02-27"..@"2026-03-01"] return string(d)', ["2026-02-27", "2026-02-28", "2026-03-01"]),
        ('duration("P1DT25H")', "P2DT1H"),
        ('@"-P14M"', "-P1Y2M"),
        ('-@"P1Y2M" = @"-P14M"', True),
    ],
)  # fmt: skip
def test_texts_and_times(text: str, answer: Any) -> None:
    assert as_json(feel(text)) == answer


def test_a_service_of_decisions_is_called_by_name_with_nulls() -> None:
    text = model_text(
        given("年龄", "number"),
        decision("高龄", literal("年龄 >= 80"), "i-年龄", "boolean"),
        decision("额", literal("if 高龄 then 100 else if 高龄 = null then -1 else 0"), "d-高龄", "number"),
        '<decisionService id="s" name="津贴"><outputDecision href="#d-额"/><encapsulatedDecision href="#d-高龄"/>'
        '<inputData href="#i-年龄"/></decisionService>',
        '<decision id="d-答" name="答"><knowledgeRequirement><requiredKnowledge href="#s"/></knowledgeRequirement>'
        f"{literal('[津贴(85), 津贴(年龄: 60), 津贴(null)]')}</decision>",
    )
    assert as_json(evaluate(load_model(text), {}).results["答"]) == [100, 0, -1]


def test_a_moment_with_a_zone_decides() -> None:
    parts = (
        given("申请 时间", "dateTime"),
        decision("答", literal('申请 时间 < @"2026-01-01T00:00:00@Asia/Shanghai"'), "i-申请" + "\u0020"),
    )
    text = model_text(*parts).replace("href='#i-申请'", "href='#i-申请 时间'")
    model = load_model(text)
    assert evaluate(model, {"申请 时间": "2025-12-31T15:59:59Z"}).results["答"] is True
    assert evaluate(model, {"申请 时间": "2025-12-31T16:00:00Z"}).results["答"] is False
    assert evaluate(model, {"申请 时间": datetime.fromisoformat("2025-12-31T23:00:00+08:00")}).results["答"] is True
