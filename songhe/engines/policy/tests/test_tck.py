"""The public compatibility kit of DMN, where it is at hand; and that its runner sees a wrong answer."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from songhe.engines.policy import Model, evaluate, load_model
from songhe.engines.policy.columns import NotColumnar, columns_of, compile_model
from songhe.engines.policy.model import Table
from songhe.engines.policy.tck import cases, run

SHARED = Path(os.environ.get("SONGHE_SHARED", Path(__file__).resolve().parents[5] / "shared"))
KIT = SHARED / "dmn-tck"
PASSING = 87


def test_every_case_of_the_kit_passes() -> None:
    if not KIT.is_dir():
        pytest.skip("没有 DMN 兼容性测试集（../shared/dmn-tck），未运行")
    result = run(KIT)
    assert result.failures == []
    assert result.passed >= PASSING


def models_with_tables() -> Iterator[tuple[str, Model, list[dict[str, Any]]]]:
    for path in sorted(KIT.rglob("*-test-*.xml")):
        name, facts = cases(path)
        model = load_model(path.parent / name)
        if any(isinstance(decision.logic, Table) for decision in model.decisions.values()):
            yield path.stem, model, facts


def test_columns_answer_every_table_of_the_kit_alike() -> None:
    if not KIT.is_dir():
        pytest.skip("没有 DMN 兼容性测试集（../shared/dmn-tck），未运行")
    compared, refused = 0, []
    for name, model, facts in models_with_tables():
        tables = tuple(each.name for each in model.decisions.values() if isinstance(each.logic, Table))
        try:
            compiled = compile_model(model, decisions=tables)
        except NotColumnar as error:
            refused.append(f"{name}: {error}")
            continue
        with duckdb.connect() as connection:
            connection.register("people", pa.Table.from_pylist(facts))
            connection.execute("CREATE TABLE population AS SELECT * FROM people")
            relation = compiled.run_duckdb(connection, "population")
            plan = compiled.plan(columns_of(connection, "population"))
            for given, row in zip(facts, relation.fetchall(), strict=True):
                found = compiled.answers(plan, dict(zip(relation.columns, row, strict=True)))
                for table in tables:
                    expected = evaluate(model, given, table).results[table]
                    assert found[table] == (expected or None), (name, given)
                    compared += 1
    assert refused == []
    assert compared >= 20


CASES = """<testCases xmlns="http://www.omg.org/spec/DMN/20160719/testcase"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">
  <modelName>sum.dmn</modelName>
  <testCase id="right"><inputNode name="a"><value xsi:type="xsd:decimal">1</value></inputNode>
    <resultNode name="b"><expected><value xsi:type="xsd:decimal">2.000000001</value></expected></resultNode></testCase>
  <testCase id="wrong"><inputNode name="a"><value xsi:type="xsd:decimal">1</value></inputNode>
    <resultNode name="b"><expected><value xsi:type="xsd:decimal">3</value></expected></resultNode></testCase>
  <testCase id="of another kind"><inputNode name="a"><value xsi:type="xsd:decimal">1</value></inputNode>
    <resultNode name="b"><expected><value xsi:type="xsd:string">2</value></expected></resultNode></testCase>
</testCases>"""
MODEL = """<definitions xmlns="https://www.omg.org/spec/DMN/20230324/MODEL/" name="sum" namespace="urn:test">
  <inputData id="a" name="a"/>
  <decision id="b" name="b"><informationRequirement><requiredInput href="#a"/></informationRequirement>
    <literalExpression><text>a + 1</text></literalExpression></decision></definitions>"""


def test_the_runner_tells_right_from_wrong(tmp_path: Path) -> None:
    (tmp_path / "sum-test-01.xml").write_text(CASES, encoding="utf-8")
    (tmp_path / "sum.dmn").write_text(MODEL, encoding="utf-8")
    result = run(tmp_path)
    assert (result.passed, result.failed) == (1, 2)
    assert result.failures[0] == "sum-test-01 wrong b：应为 Decimal('3')，得到 Decimal('2')"


def test_a_model_that_cannot_be_read_fails_its_cases(tmp_path: Path) -> None:
    (tmp_path / "sum-test-01.xml").write_text(CASES, encoding="utf-8")
    (tmp_path / "sum.dmn").write_text(MODEL.replace("a + 1", "a +"), encoding="utf-8")
    result = run(tmp_path)
    assert (result.passed, result.failed) == (0, 3)
    assert "决策“b”" in result.failures[0]
