"""Models from elsewhere, broken and hostile ones: read, or refused by name; nothing of them is ever run as code."""

from pathlib import Path
from time import process_time
from typing import Any

import pytest

from songhe.engines.policy import Kind, PolicyError, as_json, check, evaluate, inspect, load_model
from songhe.engines.policy.columns import compile_model
from songhe.engines.policy.tests.dmn import decision, given, literal, model_text, table
from songhe.engines.policy.tests.test_feel import feel

NAMESPACES = [
    "http://www.omg.org/spec/DMN/20151101/dmn.xsd",
    "http://www.omg.org/spec/DMN/20180521/MODEL/",
    "https://www.omg.org/spec/DMN/20191111/MODEL/",
    "https://www.omg.org/spec/DMN/20211108/MODEL/",
    "https://www.omg.org/spec/DMN/20230324/MODEL/",
    "https://www.omg.org/spec/DMN/20240513/MODEL/",
]
BANDS = table("", [">= 80 → 5 ; 第三条", "< 80 → 1"])
TEXT = model_text(given("年龄", "number"), decision("津贴", BANDS, "i-年龄"))


def made(text: str | bytes, **facts: Any) -> Any:
    return as_json(evaluate(load_model(text), facts).results["津贴"])


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_every_version_of_dmn_is_read(namespace: str) -> None:
    text = model_text(given("年龄", "feel:number"), decision("津贴", BANDS, "i-年龄"), namespace=namespace)
    assert made(text, 年龄=85) == 5


CAMUNDA = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" xmlns:camunda="http://camunda.org/schema/1.0/dmn"
  xmlns:dmndi="https://www.omg.org/spec/DMN/20191111/DMNDI/" xmlns:modeler="http://camunda.org/schema/modeler/1.0"
  id="d" name="DRD" namespace="http://camunda.org/schema/1.0/dmn" exporter="Camunda Modeler"
  modeler:executionPlatform="Camunda Platform" modeler:executionPlatformVersion="7.20.0">
  <decision id="fee" name="津贴" camunda:historyTimeToLive="P1Y">
    <extensionElements><camunda:properties>
      <camunda:property name="a" value="b"/></camunda:properties></extensionElements>
    <camunda:literalExpression><camunda:text>1 +</camunda:text></camunda:literalExpression>
    <decisionTable id="t" hitPolicy="FIRST" camunda:x="y">
      <input id="i1" label="年龄" camunda:inputVariable="cellInput" biodi:width="192" xmlns:biodi="http://bpmn.io/biodi">
        <inputExpression id="e1" typeRef="integer" expressionLanguage="feel"><text>年龄</text></inputExpression></input>
      <input id="i2"><inputExpression id="e2" typeRef="string"><text>kind</text></inputExpression></input>
      <output id="o1" name="fee" typeRef="double"/>
      <rule id="r1"><description>第三条</description>
        <inputEntry id="x1"><text>&gt;= 80</text></inputEntry><inputEntry id="x2"><text></text></inputEntry>
        <outputEntry id="y1"><text>5</text></outputEntry></rule>
      <rule id="r2"><inputEntry id="x3"><text></text></inputEntry><inputEntry id="x4"><text>"a","b"</text></inputEntry>
        <outputEntry id="y2"><text>1</text></outputEntry></rule>
    </decisionTable>
  </decision>
  <dmndi:DMNDI><dmndi:DMNDiagram><dmndi:DMNShape dmnElementRef="fee"/></dmndi:DMNDiagram></dmndi:DMNDI>
</definitions>"""


def test_a_model_of_camundas_modeler_is_read() -> None:
    model = load_model(CAMUNDA)
    evaluation = evaluate(model, {"年龄": 85, "kind": "z"})
    assert as_json(evaluation.results) == {"津贴": 5}
    assert evaluation.trace[0].clauses == ("第三条",)
    assert made(CAMUNDA, 年龄=70, kind="b") == 1


@pytest.mark.parametrize(
    "data",
    [
        ("\ufeff" + TEXT).encode(),
        TEXT.encode("utf-16"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        f'<?xml version="1.0" encoding="GB18030"?>{TEXT}'.encode("gb18030"),
        f'<?xml version="1.0" encoding="utf-8"?>\n{TEXT}'.encode(),
    ],
    ids=["bom", "utf-16", "utf-16-be", "gb18030", "declared"],
)
def test_encodings_are_seen(data: bytes, tmp_path: Path) -> None:
    assert made(data, 年龄=85) == 5
    path = tmp_path / "m.dmn"
    path.write_bytes(data)
    assert as_json(evaluate(load_model(path), {"年龄": 70}).results["津贴"]) == 1


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (TEXT.encode("gb18030"), "应为 UTF-8、UTF-16 或 GB18030 编码"),
        (b'<?xml version="1.0" encoding="utf-7"?><definitions/>', "应为 UTF-8"),
        (b'<?xml version="1.0" encoding="rot13"?><definitions/>', "应为 UTF-8"),
        (b"\x00\x01\x02", "不是有效的 XML"),
        (b"", "不是有效的 XML"),
        (b"PK\x03\x04", "不是有效的 XML"),
    ],
    ids=["gb18030", "utf-7", "rot13", "bytes", "empty", "zip"],
)
def test_bytes_that_are_no_text_are_refused(data: bytes, told: str) -> None:
    with pytest.raises(PolicyError, match=told):
        load_model(data)


BPMN = '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"/>'
JUEL = CAMUNDA.replace('expressionLanguage="feel"', 'expressionLanguage="juel"')
IMPORTING = model_text(
    '<import name="国家" namespace="urn:x" importType="https://www.omg.org/spec/DMN/20230324/MODEL/"/>'
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (BPMN, "命名空间“http://www.omg.org/spec/BPMN/20100524/MODEL”不是 DMN 的"),
        (JUEL, "决策“津贴”用了表达式语言“juel”，本引擎只读 FEEL"),
        (
            TEXT.replace("<definitions", '<definitions expressionLanguage="http://groovy"'),
            "用了表达式语言“http://groovy”",
        ),
        (IMPORTING, "模型导入了另一个文件“国家”"),
        (TEXT.replace("&gt;= 80", "date.parse()) System.exit(1"), "第 1 条规则“年龄”列"),
    ],
    ids=["bpmn", "juel", "groovy", "import", "code"],
)
def test_what_is_no_dmn_and_no_feel_is_refused_by_name(text: str, told: str) -> None:
    with pytest.raises(PolicyError) as caught:
        load_model(text)
    assert told in str(caught.value)


# --- circles, bombs, size ------------------------------------------------------------------------------------------


def test_a_circle_is_told_by_reading_evaluating_checking_and_compiling() -> None:
    model = load_model(
        model_text(decision("甲", table("", ["1 → 1"], inputs="乙"), "d-乙"), decision("乙", literal("甲"), "d-甲"))
    )
    assert [finding.kind for finding in inspect(model)] == [Kind.CIRCLE, Kind.CIRCLE]
    for run in (lambda: evaluate(model, {}), lambda: compile_model(model)):
        with pytest.raises(PolicyError, match="甲 → 乙 → 甲"):
            run()


LAUGHS = "<!DOCTYPE d [" + '<!ENTITY a0 "哈">' + "".join(
    f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)
) + f"]>{TEXT.replace('第三条', '&a11;')}"  # fmt: skip
QUADRATIC = f'<!DOCTYPE d [<!ENTITY a "{"哈" * 50_000}">]>{TEXT.replace("第三条", "&a;" * 10_000)}'
EXTERNAL = f'<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]>{TEXT.replace("第三条", "&a;")}'
PARAMETER = f'<!DOCTYPE d [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x"> %p;]>{TEXT}'
OUTSIDE = f'<!DOCTYPE d SYSTEM "http://127.0.0.1:9/d.dtd">{TEXT}'


@pytest.mark.parametrize(
    "text",
    [LAUGHS, QUADRATIC, EXTERNAL, PARAMETER, OUTSIDE],
    ids=["laughs", "quadratic", "external", "parameter", "outside"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_with_entities_is_refused_before_it_is_read(text: str, encoding: str) -> None:
    start = process_time()
    with pytest.raises(PolicyError, match="不得含有 DOCTYPE"):
        load_model(text.encode(encoding))
    assert process_time() - start < 1


def test_an_entity_that_nobody_declared_is_no_xml() -> None:
    with pytest.raises(PolicyError, match="不是有效的 XML"):
        load_model(TEXT.replace("第三条", "&无;"))


RULES = 5000
LARGE = [f"[{n * 2}..{n * 2 + 1}] | {n % 5} → {n} ; 第{n}条" for n in range(RULES)]


def test_five_thousand_rules_are_read_checked_and_answer_at_once() -> None:
    inputs = given("年龄", "number"), given("等级", "number")
    text = model_text(*inputs, decision("津贴", table('hitPolicy="FIRST"', LARGE, inputs="年龄 等级"), "i-年龄 i-等级"))
    start = process_time()
    model = load_model(text)
    read = process_time()
    assert as_json(evaluate(model, {"年龄": 9999, "等级": 4}).results["津贴"]) == 4999
    answered = process_time()
    inspect(model)
    checked = process_time()
    assert read - start < 10
    assert answered - read < 0.5
    assert checked - answered < 20


def test_ten_megabytes_are_read() -> None:
    rules = [f"{n} → {n} ; {'依据' * 1000}" for n in range(1800)]
    text = model_text(given("年龄"), decision("津贴", table("", rules), "i-年龄")).encode()
    assert len(text) > 10_000_000
    start = process_time()
    assert made(text, 年龄=1799) == 1799
    assert process_time() - start < 10


def test_a_file_beyond_any_model_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "大.dmn"
    with path.open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    with pytest.raises(PolicyError, match=r"大\.dmn：文件超过 64 MB"):
        load_model(path)


# --- depth and extent ----------------------------------------------------------------------------------------------

DEEP = 20_000


@pytest.mark.parametrize(
    "text",
    [
        "(" * DEEP + "1" + ")" * DEEP,
        "[" * DEEP + "]" * DEEP,
        "-(" * DEEP + "1" + ")" * DEEP,
        "not(" * DEEP + "true" + ")" * DEEP,
        "if true then " * DEEP + "1" + " else 0" * DEEP,
        "{a: " * DEEP + "1" + "}" * DEEP,
        "for x in [1] return " * DEEP + "x",
        "function(x) " * DEEP + "1",
        "+".join(["1"] * DEEP),
        " and ".join(["true"] * DEEP),
    ],
    ids=["brackets", "lists", "signs", "not", "if", "contexts", "for", "functions", "sums", "and"],
)
def test_what_is_nested_too_deep_is_refused_where_it_stands(text: str) -> None:
    with pytest.raises(PolicyError, match=r"第 \d+ 个字符处应为较"):
        load_model(model_text(decision("津贴", literal(text))))


def test_what_is_nested_as_people_nest_is_evaluated() -> None:
    assert feel("(" * 30 + "1" + ")" * 30) == 1
    assert feel("+".join(["1"] * 300)) == 300
    assert feel("if 1 > 2 then 1 else " * 20 + "7") == 7
    assert feel("-" * 2001 + "1") in (1, -1)


def test_contexts_within_contexts_are_refused() -> None:
    deep = literal("1")
    for _ in range(3000):
        deep = f"<context><contextEntry>{deep}</contextEntry></context>"
    with pytest.raises(PolicyError, match="嵌套得太深"):
        load_model(model_text(decision("津贴", deep)))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("for i in 1..1e12 return i", "超过了 100000 次"),
        ("count(for i in 1..100000, j in 1..100000 return 1)", "超过 200000 次"),
        ("some i in 1..100000, j in 1..100000 satisfies i < 0", "超过 200000 次"),
        ("{f: function(n) f(n + 1), y: f(0)}.y", "调用自己的层数太多"),
        ("{f: function(n) if n < 2 then 1 else f(n - 1) + f(n - 2), y: f(40)}.y", "超过 200000 次"),
        ('{grow: for i in 1..60 return if i = 1 then "松" else partial[-1] + partial[-1]}.grow', "文字的长度超过"),
        (
            "{grow: for i in 1..60 return if i = 1 then [1] else concatenate(partial[-1], partial[-1])}.grow",
            "列表的长度超过",
        ),
        (
            'replace(string join(for i in 1..9999 return "a"), "a", string join(for i in 1..9999 return "a"))',
            "replace 得出",
        ),
        ('for d in @"0001-01-01"..@"9999-12-31" return d', "超过了 100000 次"),
    ],
)
def test_what_would_not_end_is_stopped_and_said(text: str, told: str) -> None:
    model = load_model(model_text(decision("津贴", literal(text))))
    with pytest.raises(PolicyError, match=told):
        evaluate(model, {})


@pytest.mark.parametrize(
    "text",
    [
        "10 ** 1e9",
        "10 ** 99 ** 99",
        "1e6144 * 10",
        "exp(1e9)",
        'duration("P99999999999999999999Y").years > 0',
        'substring("abc", 1e6000)',
        "[1, 2][1e6000]",
        "decimal(1, 1e6000)",
        "date(1e6000, 1, 1)",
        '@"2026-01-01" + @"P9999Y"',
        '@"P1D" * 1e6000',
        'matches("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "(a*)*b")',
        'matches("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "(a|a)*b")',
        'matches("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "(a|aa)+b")',
        'matches(string join(for i in 1..9999 return "a"), "a*a*a*a*b")',
    ],
)
def test_what_has_no_value_is_null_at_once(text: str) -> None:
    start = process_time()
    assert feel(text) in (None, True)
    assert process_time() - start < 1


def test_a_number_beyond_numbers_is_refused_where_it_stands() -> None:
    with pytest.raises(PolicyError, match="第 5 个字符处应为较小的数"):
        feel("1 + 1e999999999")


@pytest.mark.parametrize(
    "text",
    [
        '__import__("os").system("touch /tmp/x")',
        "{}.__class__.__mro__",
        '"".format(1)',
        '"abc".upper',
        'eval("1 + 1")',
        'open("/etc/passwd")',
        'get value({}, "__class__")',
        '(function() external {java: {class: "java.lang.Runtime", method signature: "getRuntime()"}})()',
        '@"P1D".__reduce__',
        "[1].append",
    ],
)
def test_nothing_of_python_can_be_reached(text: str) -> None:
    found = feel(text)
    assert found is None or found == [None] or found == []


def test_names_of_python_are_told_by_the_check() -> None:
    model = load_model(model_text(decision("津贴", literal('__import__("os")'))))
    assert "用了“__import__”" in check(model)[0]
