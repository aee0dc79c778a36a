"""The public compatibility kit of DMN, where it is at hand; and that its runner sees a wrong answer."""

from pathlib import Path

import pytest

from songhe.engines.policy.tck import run

KIT = Path(__file__).resolve().parents[5] / "shared" / "dmn-tck"
PASSING = 87


def test_every_case_of_the_kit_passes() -> None:
    if not KIT.is_dir():
        pytest.skip("没有 DMN 兼容性测试集（../shared/dmn-tck），未运行")
    result = run(KIT)
    assert result.failures == []
    assert result.passed >= PASSING


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
