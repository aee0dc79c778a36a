"""FEEL's whole range (DMN 1.5, clause 10.3): types, ranges, functions as values, built-in functions, boxed ones."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from songhe.engines.policy import PolicyError, as_json, check, evaluate, load_model
from songhe.engines.policy.evaluation import invoke
from songhe.engines.policy.interpreter import plain
from songhe.engines.policy.temporal import Months
from songhe.engines.policy.tests.dmn import decision, given, literal, model_text, table
from songhe.engines.policy.tests.test_feel import feel

STRINGS = [
    ('matches("foobar", "^fo*b")', True),
    ('matches("FoO", "foo", "i")', True),
    ('matches("a\\nb", "a.b")', False),
    ('matches("a\\nb", "a.b", "s")', True),
    ('matches("a", "[")', None),
    ('matches("a", "a", "z")', None),
    ('matches("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "(a+)+$")', None),
    ('replace("abracadabra", "bra", "*")', "a*cada*"),
    ('replace("2026-11", "(\\\\d+)-(\\\\d+)", "$2/$1")', "11/2026"),
    ('replace("a.b", ".", "-", "q")', "a-b"),
    ('split("甲;乙;;丙", ";")', ["甲", "乙", "", "丙"]),
    ('split("a1b22c", "[0-9]+")', ["a", "b", "c"]),
    ('string join(["a", null, "b"], "-", "<", ">")', "<a-b>"),
    ('substring("\\U01F40Eab", 2)', "ab"),
    ('string length("\\uD83D\\uDC0E")', 1),
    ('substring("abc", 5)', None),
    ('substring("abc", 2, 0)', None),
    ('substring after("foobar", "ob")', "ar"),
    ('substring after("foobar", "x")', ""),
    ('substring before("foobar", "x")', ""),
    ('number("1 000,5", " ", ",")', Decimal("1000.5")),
    ('number("1,000", ",", ",")', None),
    ('number(" 1")', None),
    ('string([1, "a", null, true])', '[1, "a", null, true]'),
    ('string({a: 1, b: "x"})', '{a: 1, b: "x"}'),
    ("string([1..3))", "[1..3)"),
    ("string(null)", None),
    ('upper case(string: "ab")', "AB"),
    ('upper case(text: "ab")', None),
    ('contains(["abc"], "b")', True),
]
NUMBERS = [
    ("round up(5.5, 0)", 6),
    ("round up(-5.5, 0)", -6),
    ("round down(-5.5, 0)", -5),
    ("round half up(-5.5, 0)", -6),
    ("round half down(5.5, 0)", 5),
    ("round half down(-1.126, 2)", Decimal("-1.13")),
    ("decimal(2.515, 2)", Decimal("2.52")),
    ("decimal(1234, -2)", 1200),
    ("decimal(1, 7000)", None),
    ("floor(1.56, 1)", Decimal("1.5")),
    ("ceiling(n: -1.5)", -1),
    ("modulo(-12, 5)", 3),
    ("modulo(12, -5)", -3),
    ("modulo(10.1, 4.5)", Decimal("1.1")),
    ("modulo(dividend: 7, divisor: 4)", 3),
    ("sqrt(16)", 4),
    ("sqrt(-1)", None),
    ("decimal(exp(1), 4)", Decimal("2.7183")),
    ("decimal(log(10), 4)", Decimal("2.3026")),
    ("log(0)", None),
    ("odd(-3)", True),
    ("even(0)", True),
    ("even(0.5)", False),
    ("2 ** -1", Decimal("0.5")),
    ("2 ** 0.5 > 1.41", True),
    ("10 ** 1000000000", None),
    ("--1", 1),
    ("0.1 + 0.2 = 0.3", True),
    ("1.00 = 1", True),
    ("12345678901234567890.12345678901234 + 0.00000000000001", Decimal("12345678901234567890.12345678901235")),
]
LISTS = [
    ("mode([6, 3, 9, 6, 6])", [6]),
    ("mode(6, 1, 9, 6, 1)", [1, 6]),
    ("mode([])", []),
    ("decimal(stddev(2, 4, 7, 5), 6)", Decimal("2.081666")),
    ("stddev([1])", None),
    ("median([])", None),
    ("product([2, 3, 4])", 24),
    ("product([])", None),
    ("sum(null)", None),
    ("count(null)", None),
    ("count([null])", 1),
    ("count(3)", 1),
    ("all([])", True),
    ("any([])", False),
    ("all(null)", None),
    ("min(list: [2, 1])", 1),
    ('max([date("2026-01-01"), date("2026-01-02")]).day', 2),
    ('max("a", "b")', "b"),
    ("list replace([2, 4, 7, 8], 3, 6)", [2, 4, 6, 8]),
    ("list replace([2, 4, 7, 8], -1, 9)", [2, 4, 7, 9]),
    ("list replace([2, 4, 7, 8], function(item, newItem) item < newItem, 5)", [5, 5, 7, 8]),
    ("list replace([1], 2, 6)", None),
    ("insert before([1, 3], 1, 2)", [2, 1, 3]),
    ("insert before([1, 3], 0, 2)", None),
    ("remove([1, 2, 3], -1)", [1, 2]),
    ("remove([1], 2)", None),
    ("sublist([4, 5, 6], 1, 2)", [4, 5]),
    ("sublist([4, 5, 6], -2, 1)", [5]),
    ("sublist([4, 5, 6], 2, 5)", None),
    ("append([1], 2, 3)", [1, 2, 3]),
    ("append(1, 2)", [1, 2]),
    ("concatenate([1, 2], [3])", [1, 2, 3]),
    ("concatenate([1], null)", None),
    ("union([1, 2], [2, 3])", [1, 2, 3]),
    ("distinct values([1, 2, 3, 2, 1, null])", [1, 2, 3, None]),
    ("flatten([[1, 2], [[3]], 4])", [1, 2, 3, 4]),
    ("index of([1, 2, 3, 2], 2)", [2, 4]),
    ("reverse([1, 2, 3])", [3, 2, 1]),
    ("sort([3, 1, 4], function(x, y) x < y)", [1, 3, 4]),
    ("sort([3, 1, 4], function(x: number, y: number) x > y)", [4, 3, 1]),
    ("sort(precedes: function(a, b) a < b, list: [2, 1])", [1, 2]),
    ("sort([1, 2], 3)", None),
    ("[1, 2, 3, 4][item > 2]", [3, 4]),
    ("[1, 2, 3][1 + 1]", 2),
    ("[1, 2, 3][count([1, 2])]", 2),
    ("[1, 2, 3][5]", None),
    ("[][1]", None),
    ("([1, 2])[2]", 2),
    ("[{a: 1, b: 2}, {a: 3, b: 4}][a = 3].b", [4]),
    ("[{item: 1}, {item: 2}][item >= 2]", [{"item": 2}]),
    ("[[1, 2], [3]][1][2]", 2),
    ("for x in 1..3 return x * x", [1, 4, 9]),
    ("for x in [1..3] return x", [1, 2, 3]),
    ("for x in [1, 2], y in [x, x + 1] return x * y", [1, 2, 4, 6]),
    ("for i in 0..4 return if i = 0 then 1 else i * partial[-1]", [1, 1, 2, 6, 24]),
    ("for x in null return x", None),
    ("some x in [1, 2], y in [2, 3] satisfies x = y", True),
    ("every x in [] satisfies false", True),
    ("some x in null satisfies true", None),
    ("1 in [[0..2], 5]", True),
    ("[1, [2, true]] = [1, [2, true]]", True),
    ("[1] = [true]", False),
]
CONTEXTS = [
    ('get value({a: {b: 7}}, ["a", "b"])', 7),
    ('get value(m: {a: 1}, key: "a")', 1),
    ('get value({a: 1}, "b")', None),
    ("get entries({a: 1})", [{"key": "a", "value": 1}]),
    ('context([{key: "a", value: 1}, {key: "b", value: 2}])', {"a": 1, "b": 2}),
    ('context([{key: "a", value: 1}, {key: "a", value: 2}])', None),
    ('context put({x: 1}, "y", 2)', {"x": 1, "y": 2}),
    ('context put({x: 1}, ["y", "z"], 2)', {"x": 1, "y": {"z": 2}}),
    ('context put({x: 1}, keys: ["y"], value: 2)', "syntax"),
    ("context merge([{x: 1, y: 0}, {y: 2}])", {"x": 1, "y": 2}),
    ('{"a b": 1, c: a b + 1}.c', 2),
    ("{f: function(x) x + 1, y: f(2)}.y", 3),
    ("{f: function(n) if n < 2 then 1 else n * f(n - 1), y: f(5)}.y", 120),
    ("{f: function(x) x * 2}.f(4)", 8),
    ("(function(a, b) a - b)(b: 1, a: 3)", 2),
    ("(function(a, b) a - b)(1)", None),
    ("(function(a, b) a - b)(c: 1, a: 3)", None),
    ("(function(a: string) a)(1)", None),
    ('(function(x) external {java: {class: "java.lang.Runtime", method signature: "exit(int)"}})(1)', None),
    ("{a: 1}.b", None),
    ("{a: {b: {c: 3}}}.a.b.c", 3),
]
TYPES = [
    ("1 instance of number", True),
    ('"a" instance of string', True),
    ("1 instance of string", False),
    ("null instance of number", False),
    ("null instance of Null", True),
    ("1 instance of Any", True),
    ("[1, 2] instance of list<number>", True),
    ('[1, "a"] instance of list<number>', False),
    ("{a: 1} instance of context<a: number>", True),
    ("{a: 1} instance of context<a: number, b: string>", False),
    ("[1..2] instance of range<number>", True),
    ("(function(x) x) instance of function<number> -> number", True),
    ('@"2026-01-01" instance of date', True),
    ('@"2026-01-01T00:00:00" instance of date', False),
    ('@"2026-01-01T00:00:00" instance of date and time', True),
    ('@"P1Y" instance of years and months duration', True),
    ('@"P1D" instance of days and time duration', True),
    ('is(@"08:00:00Z", @"08:00:00+00:00")', True),
    ('is(@"2026-01-01T08:00:00Z", @"2026-01-01T16:00:00+08:00")', False),
    ('@"2026-01-01T08:00:00Z" = @"2026-01-01T16:00:00+08:00"', True),
    ("is(1, 1.0)", True),
    ('is(date("2012-12-25"), time("23:00:50"))', False),
]
RANGES = [
    ("before(1, 10)", True),
    ("before([1..5], 10)", True),
    ("before([1..5], [5..8])", False),
    ("before([1..5), [5..8])", True),
    ("before([1..5], (5..8])", True),
    ("after((5..10], [1..5))", True),
    ("after(12, [2..5])", True),
    ("meets([1..5], [5..10])", True),
    ("meets([1..5], (5..8])", False),
    ("met by([5..10], [1..5])", True),
    ("overlaps([1..5], [3..8])", True),
    ("overlaps([1..5], [5..8])", True),
    ("overlaps([1..5), [5..8])", False),
    ("overlaps before([1..5], [3..8])", True),
    ("overlaps before([1..5], [5..8])", True),
    ("overlaps before([1..5], (1..5])", True),
    ("overlaps before([1..8], [3..5])", False),
    ("overlaps after([3..8], [1..5])", True),
    ("overlaps after((5..8], [1..5])", False),
    ("finishes(10, [1..10])", True),
    ("finishes([5..10], [1..10])", True),
    ("finishes([5..10), [1..10])", False),
    ("finished by([1..10], 10)", True),
    ("includes([1..10], 5)", True),
    ("includes([1..10), 10)", False),
    ("includes([1..10], (1..10))", True),
    ("during([4..6], [1..10])", True),
    ("during(10, [1..10))", False),
    ("starts(1, [1..10])", True),
    ("starts([1..5], [1..10])", True),
    ("starts((1..5], [1..10])", False),
    ("started by([1..10], [1..5])", True),
    ("coincides([1..5], [1..5])", True),
    ("coincides(3, 4)", False),
    ("before(point1: 1, point2: 2)", True),
    ("includes(range: [1..3], point: 2)", True),
    ("before(null, 1)", None),
    ("[1..5].start", 1),
    ("(1..5].start included", False),
    ("(>= 5).start", 5),
    ("(>= 5).end", None),
    ("7 in (>= 5)", True),
    ('range("[18..21)").end', 21),
    ('range("[21..18]")', None),
    ('range("[a..b]")', None),
    ("5 in (> 4, 2)", True),
    ("[1..3] = [1..3]", True),
]
DATES = [
    ('date and time("2026-11-24T08:30:00@Asia/Shanghai").timezone', "Asia/Shanghai"),
    ('date and time("2026-11-24T08:30:00@Asia/Shanghai").time offset', timedelta(hours=8)),
    ("date and time(2026, 11, 24, 8, 30, 0)", datetime(2026, 11, 24, 8, 30)),  # noqa: DTZ001
    ('date and time(date: date("2026-11-24"), time: time("08:30:00"))', datetime(2026, 11, 24, 8, 30)),  # noqa: DTZ001
    ('time(8, 30, 0, duration("PT0S"))', time(8, 30, tzinfo=UTC)),
    ("time(hour: 8, minute: 30, second: 0.5)", time(8, 30, 0, 500000)),
    ("time(25, 0, 0)", None),
    ("date(2026, 2, 30)", None),
    ("date(day: 1, month: 2, year: 2026)", date(2026, 2, 1)),
    ('date("2026-11-24") - date("2026-11-01")', timedelta(days=23)),
    ('date and time("2026-11-02T00:00:00Z") - date("2026-11-01")', timedelta(days=1)),
    ('@"P1D" + @"PT12H"', timedelta(days=1.5)),
    ('@"P1Y" + @"P3M"', Months(15)),
    ('@"P1Y" + @"P1D"', None),
    ('@"P2D" / 4', timedelta(hours=12)),
    ('@"P1Y" / 5', Months(2)),
    ('@"P2D" / @"PT12H"', Decimal(4)),
    ('@"PT0.1S" * 3', timedelta(milliseconds=300)),
    ('sum([@"P1D", @"PT1H"])', timedelta(hours=25)),
    ('date("2026-03-31") - @"P1M"', date(2026, 2, 28)),
    ('day of year(date("2026-12-31"))', Decimal(365)),
    ('week of year(date("2026-01-01"))', Decimal(1)),
    ('month of year(date: date("2026-11-24"))', "November"),
    ('day of week(date and time("2026-11-24T00:00:00"))', "Tuesday"),
    ('years and months duration(from: date("2026-12-24"), to: date("2025-10-01"))', Months(-14)),
    ('duration("P999999999999D")', None),
    ('string(@"PT1M30.5S")', "PT1M30.5S"),
    ('for d in @"2026-01-30"..@"2026-02-01" return d.day', [Decimal(30), Decimal(31), Decimal(1)]),
    ('@"2026-01-01" between @"2025-12-31" and @"2026-01-01"', True),
]


@pytest.mark.parametrize(("text", "value"), [*STRINGS, *NUMBERS, *CONTEXTS, *TYPES, *RANGES, *DATES])
def test_feel(text: str, value: Any) -> None:
    if value == "syntax":
        with pytest.raises(PolicyError):
            feel(text)
        return
    found = feel(text)
    assert found == plain(value)
    assert isinstance(found, bool) == isinstance(value, bool)


@pytest.mark.parametrize(("text", "value"), LISTS)
def test_lists(text: str, value: Any) -> None:
    found = feel(text)
    assert found == plain(value)
    assert isinstance(found, bool) == isinstance(value, bool)


# --- boxed expressions, services, types ----------------------------------------------------------------------------


def only(logic: str, *more: str, **facts: Any) -> Any:
    inputs = "".join(given(name) for name in facts)
    needs = " ".join(f"i-{name}" for name in facts)
    model = load_model(model_text(inputs, *more, decision("答", logic, needs)))
    return as_json(evaluate(model, facts, "答").results["答"])


def boxed(tag: str, inner: str) -> str:
    return f"<{tag}>{literal(inner)}</{tag}>"


def test_boxed_expressions_are_what_they_say() -> None:
    conditional = f"<conditional>{boxed('if', '岁 > 60')}{boxed('then', '1')}{boxed('else', '2')}</conditional>"
    assert [only(conditional, 岁=age) for age in (61, 60, None)] == [1, 2, 2]
    assert only(f"<list>{literal('1')}{literal('岁')}</list>", 岁=3) == [1, 3]
    rows = "[{岁: 70}, {岁: 50}]"
    assert only(f"<filter>{boxed('in', rows)}{boxed('match', '岁 > 60')}</filter>") == [{"岁": 70}]
    assert only(f"<filter>{boxed('in', '[4, 5]')}{boxed('match', '2')}</filter>") == 5
    loop = '<for iteratorVariable="x">' + boxed("in", "1..3") + boxed("return", "x + count(partial)") + "</for>"
    assert only(loop) == [1, 3, 5]
    for kind, answer in (("some", True), ("every", False)):
        quantified = boxed("in", "[1, 2]") + boxed("satisfies", "x > 1")
        assert only(f'<{kind} iteratorVariable="x">{quantified}</{kind}>') is answer
    parameter = '<formalParameter name="a" typeRef="number"/>'
    double = f"<functionDefinition>{parameter}{literal('a * 2')}</functionDefinition>"
    java = f'<functionDefinition kind="Java">{parameter}<context/></functionDefinition>'
    for function, answer in ((double, 42), (java, None)):
        entries = f'<contextEntry><variable name="倍"/>{function}</contextEntry>'
        entries += f"<contextEntry>{literal('倍(21)')}</contextEntry>"
        assert only(f"<context>{entries}</context>") == answer


def test_a_decision_without_logic_is_null_and_is_told_by_the_check() -> None:
    model = load_model(model_text(decision("甲", "")))
    assert evaluate(model, {}).results == {"甲": None}
    assert check(model) == ["决策“甲”没有内容，应有决策表、表达式、上下文、调用或关系表之一。"]


SERVICE = (
    '<decisionService id="s" name="补贴 服务"><outputDecision href="#d-津贴"/><encapsulatedDecision href="#d-档"/>'
    '<inputData href="#i-年龄"/></decisionService>'
)


def test_a_decision_service_is_called_by_others_and_from_outside() -> None:
    grade = decision("档", table("", [">= 80 → 2", "< 80 → 1"]), "i-年龄")
    model = load_model(
        model_text(
            SERVICE,
            given("年龄", "number"),
            grade,
            decision("津贴", literal("档 * 100"), "d-档"),
            decision("两人", literal("补贴 服务(85) + 补贴 服务(年龄: 70)")),
        )
    )
    assert as_json(evaluate(model, {}, "两人").results["两人"]) == 300
    assert as_json(invoke(model, "补贴 服务", {"年龄": 80})) == 200
    with pytest.raises(PolicyError, match="没有决策服务或业务知识“无”"):
        invoke(model, "无", {})


def test_a_service_of_given_decisions_does_not_make_them_again() -> None:
    service = (
        '<decisionService id="s" name="服务"><outputDecision href="#d-津贴"/><outputDecision href="#d-话"/>'
        '<inputDecision href="#d-档"/></decisionService>'
    )
    model = load_model(
        model_text(
            service,
            decision("档", literal("1")),
            decision("津贴", literal("档 * 100"), "d-档"),
            decision("话", literal('"第" + string(档)'), "d-档"),
        )
    )
    assert as_json(invoke(model, "服务", {"档": 7})) == {"津贴": 700, "话": "第7"}


PERSON = (
    '<itemDefinition name="人"><itemComponent name="姓 名"><typeRef>string</typeRef></itemComponent>'
    '<itemComponent name="岁"><typeRef>number</typeRef></itemComponent></itemDefinition>'
    '<itemDefinition name="级"><typeRef>string</typeRef><allowedValues><text>"甲", "乙"</text></allowedValues>'
    '</itemDefinition><itemDefinition name="级们" isCollection="true"><typeRef>级</typeRef></itemDefinition>'
)


@pytest.mark.parametrize(
    ("type_name", "text", "answer"),
    [
        ("number", '"a"', None),
        ("number", "[3]", 3),
        ("级", '"甲"', "甲"),
        ("级", '"丙"', None),
        ("级们", '"甲"', ["甲"]),
        ("级们", '["甲", "丙"]', None),
        ("人", '{姓 名: "张", 岁: 70}', {"姓 名": "张", "岁": 70}),
        ("人", '{姓 名: "张"}', None),
        ("人", '{姓 名: "张", 岁: "七十"}', None),
        ("boolean", '{姓 名: "张", 岁: 1} instance of 人', True),
        ("date and time", 'date("2026-01-01")', "2026-01-01T00:00:00Z"),
        ("feel:string", "null", None),
    ],
)
def test_a_decisions_type_takes_what_conforms_and_no_more(type_name: str, text: str, answer: Any) -> None:
    model = load_model(model_text(PERSON, decision("答", literal(text), type_name=type_name)))
    assert as_json(evaluate(model, {}).results["答"]) == answer


def test_knowledge_sees_its_parameters_and_none_of_its_callers_names() -> None:
    knowledge = (
        '<businessKnowledgeModel id="k" name="加"><encapsulatedLogic><formalParameter name="a" typeRef="number"/>'
        f"{literal('a + 基数')}</encapsulatedLogic></businessKnowledgeModel>"
    )
    assert only(literal("加(1)"), knowledge, 基数=10) is None


def test_knowledge_may_be_a_table_and_call_itself() -> None:
    steps = table('hitPolicy="FIRST"', ["<= 1 → 1", "- → n * 阶乘(n - 1)"], inputs="n")
    knowledge = (
        f'<businessKnowledgeModel id="k" name="阶乘"><encapsulatedLogic><formalParameter name="n"/>{steps}'
        "</encapsulatedLogic></businessKnowledgeModel>"
    )
    assert only(literal("阶乘(6)"), knowledge) == 720


def test_the_moment_is_a_fact_and_no_ones_clock() -> None:
    model = load_model(model_text(decision("今", literal("today()"))))
    with pytest.raises(PolicyError, match="函数 today 的结果因时而异"):
        evaluate(model, {})
    at = datetime(2026, 11, 25, 8, tzinfo=UTC)
    assert evaluate(model, {}, at=at).results["今"] == date(2026, 11, 25)


def test_collecting_several_outputs_gives_contexts() -> None:
    outputs = '<output name="项"/><output name="元"/>'
    rules = ['>= 60 → "探访" | 0', '>= 80 → "助餐" | 5']
    assert only(table('hitPolicy="COLLECT"', rules, outputs), 年龄=85) == [
        {"项": "探访", "元": 0},
        {"项": "助餐", "元": 5},
    ]


def test_defaults_of_several_outputs() -> None:
    outputs = "".join(
        f'<output name="{name}"><defaultOutputEntry><text>{value}</text></defaultOutputEntry></output>'
        for name, value in (("项", '"无"'), ("元", "0"))
    )
    assert only(table('hitPolicy="FIRST"', ['>= 60 → "探访" | 1'], outputs), 年龄=5) == {"项": "无", "元": 0}
