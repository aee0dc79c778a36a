"""A model over a population says of each person what the interpreter says of that person alone."""

import random
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from songhe.engines.policy import Model, PolicyError, evaluate, load_model
from songhe.engines.policy.columns import Compiled, NotColumnar, columns_of, compile_model
from songhe.engines.policy.columns.plan import Plan

NS = "https://www.omg.org/spec/DMN/20230324/MODEL/"
# What a person of the tests has, by name: the model's type, the column's, and how a value is drawn.
TYPES = {
    "年龄": ("number", pa.int64()),
    "月收入": ("number", pa.decimal128(12, 2)),
    "等级": ("string", pa.string()),
    "在册": ("boolean", pa.bool_()),
    "出生日期": ("date", pa.date32()),
    "困难类别": ("清单", pa.list_(pa.string())),
}
LEVELS = ["轻度", "中度", "重度", ""]
KINDS = ["低保", "特困", "残疾"]


def person(draw: random.Random) -> dict[str, Any]:
    """Draw a person: nulls and boundaries are as likely as anything."""
    born = draw.choice([date(1940, 2, 29), date(1966, 11, 25), date(1966, 11, 24), date(1950, 1, 31)])
    drawn: dict[str, Any] = {
        "年龄": draw.choice([59, 60, 61, 79, 80, 90, -1, 0]),
        "月收入": draw.choice(
            [Decimal("0.00"), Decimal("799.99"), Decimal("800.00"), Decimal("1234.56"), Decimal("-0.05")]
        ),
        "等级": draw.choice(LEVELS),
        "在册": draw.choice([True, False]),
        "出生日期": born + timedelta(days=draw.choice([0, 0, 1, -1, 366])),
        "困难类别": draw.sample(KINDS, draw.randrange(4)),
    }
    return {name: None if draw.random() < 0.12 else value for name, value in drawn.items()}


def table_of(people: list[dict[str, Any]], types: Mapping[str, Any]) -> pa.Table:
    return pa.table({name: pa.array([each[name] for each in people], type_) for name, type_ in types.items()})


def both_ways(model: Model, people: list[dict[str, Any]], types: Mapping[str, Any], **constants: Any) -> int:
    """Compare the interpreter and the columns on every person; return how many cases that were."""
    compiled = compile_model(model, constants)
    with duckdb.connect() as connection:
        connection.register("people", table_of(people, types))
        connection.execute("CREATE TABLE population AS SELECT * FROM people")
        relation = compiled.run_duckdb(connection, "population")
        rows = [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
        plan = compiled.plan(columns_of(connection, "population"))
    return compared(compiled, plan, people, rows)


def compared(compiled: Compiled, plan: Plan, people: list[dict[str, Any]], rows: list[dict[str, Any]]) -> int:
    """Compare what the interpreter says of each person with the rows that a database answers."""
    for facts, row in zip(people, rows, strict=True):
        expected = evaluate(compiled.model, {**facts, **compiled.constants})
        found = compiled.answers(plan, row)
        for name, value in expected.results.items():
            assert _flat(found[name]) == _flat(value), (name, facts, row)
        for hit in expected.trace:
            rule = f"{hit.decision}：规则"
            if rule in row and not hit.note:
                got = row[rule] if isinstance(row[rule], list) else [row[rule]]
                assert set(got) <= set(hit.rules), (hit, row)
                assert got[0] in hit.rules
            elif rule in row:
                assert row[rule] in (None, []), (hit, row)
    return len(people)


def _flat(value: Any) -> Any:
    """Take a context of nothing but nulls and an empty list for null: columns cannot tell them apart."""
    if isinstance(value, dict):
        return value if any(each is not None for each in value.values()) else None
    if isinstance(value, list):
        return [_flat(each) for each in value] or None
    return value


# --- random tables -----------------------------------------------------------------------------------------------

CELLS = {
    "年龄": """- | < 60 | >= 60 | [60..80) | (60..80] | 60, 80 | not(60) | > 79 | null | not(null) | < 参数.高龄""",
    "月收入": """- | < 800 | >= 800.00 | [0..799.99] | 0 | not(< 0) | ? * 12 > 9600 | floor(?) = 799 |
        ? / 3 < 266.67""",
    "等级": """- | "轻度" | "中度", "重度" | not("轻度") | starts with(?, "重") | null | \"\"""",
    "在册": "- | true | false | not(true) | null",
    "出生日期": """- | < date("1966-11-25") | >= date("1966-11-25") | [date("1940-02-29")..date("1950-02-01")] |
        years and months duration(?, date("2026-11-25")).years >= 60 | ? + duration("P60Y") <= date("2026-11-24")""",
    "困难类别": """- | list contains(?, "低保") | list contains(?, "低保") or list contains(?, "特困") | count(?) > 1 |
        some k in ? satisfies k = "残疾" | every k in ? satisfies k != "残疾" | "低保\"""",
}
NUMBERS = """100 | 200.50 | 月收入 * 0.5 | 年龄 | null | round half up(月收入 / 3, 2) | decimal(月收入, 0) | -月收入 |
    if 在册 then 800 - 月收入 else 0 | max(年龄, 70) * 10 | min(月收入, 800) | modulo(年龄, 7) | 1 / 0 | 年龄 ** 2 |
    round down(月收入 / 7, 1) | ceiling(月收入 / 0.3) | abs(月收入) | sum([年龄, 月收入]) | floor(月收入 / 年龄) |
    round up(mean([年龄, 61]), 1)"""
ORDERED = ["100", "200.5", "50"]
# What an expression asks of the table's answer.
AFTER = [
    "if 档 = null then 0 else 档 + 1",
    "档 = 100",
    "档 != 7",
    "if not(档 = 200.5) then 1 else 2",
    "档 in (50, 100)",
    "max(档, 60)",
    "if 档 = 7 or 档 = null then null else 档 * 2",
]


def one_of(cells: str) -> st.SearchStrategy[str]:
    return st.sampled_from([each.strip() for each in cells.split("|")])


@st.composite
def models(draw: st.DrawFn) -> Model:
    """Draw a model: one table, and an expression upon it."""
    names = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=4, unique=True))
    policy, aggregation = draw(
        st.sampled_from(
            [("UNIQUE", ""), ("ANY", ""), ("PRIORITY", ""), ("FIRST", ""), ("RULE ORDER", ""), ("OUTPUT ORDER", "")]
            + [("COLLECT", each) for each in ("", "SUM", "MIN", "MAX", "COUNT")]
        )
    )
    fixed = policy in ("ANY", "PRIORITY", "OUTPUT ORDER")
    several = not aggregation and draw(st.booleans())
    default = policy in ("UNIQUE", "FIRST", "ANY", "PRIORITY") and draw(st.booleans())
    inputs = "".join(
        f'<input label="{name}"><inputExpression><text>{name}</text></inputExpression></input>' for name in names
    )
    values = f"<outputValues><text>{','.join(ORDERED)}</text></outputValues>" if fixed else ""
    spare = "<defaultOutputEntry><text>7</text></defaultOutputEntry>" if default else ""
    outputs = f'<output name="额度">{values}{spare}</output>'
    outputs += '<output name="说明"/>' if several else ""
    rules = ""
    for _ in range(draw(st.integers(1, 6))):
        cells = "".join(f"<inputEntry><text>{_xml(draw(one_of(CELLS[name])))}</text></inputEntry>" for name in names)
        amount = draw(st.sampled_from(ORDERED) if fixed else one_of(NUMBERS))
        cells += f"<outputEntry><text>{_xml(amount)}</text></outputEntry>"
        cells += f'<outputEntry><text>"{draw(st.sampled_from("甲乙"))}"</text></outputEntry>' if several else ""
        rules += f"<rule>{cells}</rule>"
    inputs_xml = "".join(
        f'<inputData id="i{n}" name="{name}"><variable typeRef="{TYPES[name][0]}"/></inputData>'
        for n, name in enumerate(TYPES)
    )
    requires = "".join(
        f'<informationRequirement><requiredInput href="#i{n}"/></informationRequirement>' for n in range(len(TYPES))
    )
    requires += '<informationRequirement><requiredInput href="#p"/></informationRequirement>'
    single = aggregation or (not several and policy in ("UNIQUE", "ANY", "PRIORITY", "FIRST"))
    after = draw(st.sampled_from(AFTER)) if single else "count([1])"
    table = f'<decisionTable hitPolicy="{policy}" aggregation="{aggregation}">{inputs}{outputs}{rules}</decisionTable>'
    requires_table = '<informationRequirement><requiredDecision href="#d"/></informationRequirement>'
    return load_model(
        f'<definitions xmlns="{NS}" name="m">'
        '<itemDefinition name="清单" isCollection="true"><typeRef>string</typeRef></itemDefinition>'
        f'{inputs_xml}<inputData id="p" name="参数"><variable typeRef="Any"/></inputData>'
        f'<decision id="d" name="档">{requires}{table}</decision>'
        f'<decision id="e" name="后">{requires}{requires_table}'
        f"<literalExpression><text>{after}</text></literalExpression></decision></definitions>"
    )


def _xml(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# Tables times people: more than ten thousand cases a run.
PEOPLE_A_TABLE = 260


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(model=models(), seed=st.integers(0, 2**32))
def test_columns_and_interpreter_agree_on_random_tables_and_people(model: Model, seed: int) -> None:
    draw = random.Random(seed)
    people = [person(draw) for _ in range(PEOPLE_A_TABLE)]
    both_ways(model, people, {name: type_ for name, (_declared, type_) in TYPES.items()}, 参数={"高龄": 80})


# --- what columns cannot do, and files -----------------------------------------------------------------------------


def expression(text: str, kind: str = "number") -> Model:
    return load_model(
        f'<definitions xmlns="{NS}" name="m"><inputData id="a" name="a"><variable typeRef="{kind}"/></inputData>'
        '<decision id="d" name="额度"><informationRequirement><requiredInput href="#a"/></informationRequirement>'
        f"<literalExpression><text>{_xml(text)}</text></literalExpression></decision></definitions>"
    )


@pytest.mark.parametrize(
    ("text", "kind", "why"),
    [
        ("a / 3", "number", "除不尽"),
        ("upper case(a)", "string", "函数 upper case"),
        ('a + "元"', "number", "数字 + 文字"),
        ("a ** a", "number", "乘方的指数"),
        ("for x in 1..a return x", "number", "循环的起止"),
    ],
)
def test_what_columns_cannot_do_is_refused_by_name_when_loaded(text: str, kind: str, why: str) -> None:
    with pytest.raises(NotColumnar, match=f"决策“额度”.*不能按列计算.*{re.escape(why)}"):
        compile_model(expression(text, kind))


@pytest.mark.parametrize("type_", [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.decimal128(5, 1)])
@pytest.mark.parametrize("text", ["a * 0.85", "round half up((if a > 1 then 80000 else 0) * 0.85, 0)", "a * a * 0.125"])
def test_a_product_with_decimals_is_exact_whatever_the_columns_width(text: str, type_: pa.DataType) -> None:
    of = Decimal if pa.types.is_decimal(type_) else int
    people = [{"a": None if number is None else of(number)} for number in (0, 1, 7, 99, -99, None)]
    assert both_ways(expression(text), people, {"a": type_}) == len(people)


def test_a_float_column_is_refused_by_name() -> None:
    compiled = compile_model(expression("a + 1"))
    with pytest.raises(PolicyError, match="列“a”的类型 float64"):
        compiled.sql("duckdb", "population", {"a": "float64"})


def test_a_number_that_outgrows_its_column_is_an_error_and_never_another_number(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": pa.array([2**62], pa.int64())}), tmp_path / "in.parquet")
    with pytest.raises(PolicyError, match="超出了列的范围"):
        compile_model(expression("a * 4")).run_parquet(tmp_path / "in.parquet", tmp_path / "out.parquet")


def test_a_file_is_computed_into_a_file_from_the_command_line(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": pa.array([1, None, 3], pa.int64())}), tmp_path / "in.parquet")
    model = tmp_path / "m.dmn"
    model.write_text(
        f'\ufeff<definitions xmlns="{NS}" name="m"><inputData id="a" name="a"/><decision id="d" name="额度">'
        '<informationRequirement><requiredInput href="#a"/></informationRequirement>'
        "<literalExpression><text>if a = null then 0 else a * 0.5</text></literalExpression></decision></definitions>",
        encoding="utf-8",
    )
    arguments = ["policy", "batch", str(model), "--input", str(tmp_path / "in.parquet")]
    result = subprocess.run(
        [sys.executable, "-m", "songhe", *arguments, "--output", str(tmp_path / "out.parquet")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "3 人" in result.stdout
    found = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert sorted((row["a"] or 0, row["额度"]) for row in found) == [
        (0, Decimal("0.0")),
        (1, Decimal("0.5")),
        (3, Decimal("1.5")),
    ]
