"""Running the DMN technology compatibility kit's test files against this engine."""

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from songhe.engines.policy import temporal
from songhe.engines.policy.errors import PolicyError
from songhe.engines.policy.evaluation import evaluate, invoke
from songhe.engines.policy.model import Model
from songhe.engines.policy.reader import load_model

_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
# The kit compares decimals to eight significant places.
TOLERANCE = Decimal("1e-8")


@dataclass
class TckResult:
    """How many cases passed and failed, and which failed how."""

    passed: int = 0
    failed: int = 0
    failures: list[str] = field(default_factory=list)


def run(directory: Path) -> TckResult:
    """Run every test file below a directory; a model that cannot be read fails all of its cases."""
    result = TckResult()
    for path in sorted(directory.rglob("*-test-*.xml")):
        # The kit's files are data that the person running this chose; none declares entities.
        root = ElementTree.parse(path).getroot()  # noqa: S314
        namespace = root.tag.partition("}")[0] + "}"
        name = (root.findtext(f"{namespace}modelName") or "").strip()
        try:
            model: Model | None = load_model(path.parent / name)
            problem = ""
        except PolicyError as error:
            model, problem = None, str(error)
        for case in root.iter(f"{namespace}testCase"):
            _run_case(path, case, namespace, model, problem, result)
    return result


def cases(path: Path) -> tuple[str, list[dict[str, Any]]]:
    """Return the name of the model that a test file tries, and the facts of each case."""
    root = ElementTree.parse(path).getroot()  # noqa: S314
    namespace = root.tag.partition("}")[0] + "}"
    name = (root.findtext(f"{namespace}modelName") or "").strip()
    return name, [_facts(case, namespace) for case in root.iter(f"{namespace}testCase")]


def _facts(case: ElementTree.Element, namespace: str) -> dict[str, Any]:
    return {node.get("name", ""): _value(node, namespace) for node in case.iter(f"{namespace}inputNode")}


def _run_case(
    path: Path, case: ElementTree.Element, namespace: str, model: Model | None, problem: str, result: TckResult
) -> None:
    """Run one case, which passes when every result it asks for is as expected."""
    facts = _facts(case, namespace)
    called = case.get("invocableName", "") if case.get("type", "decision") != "decision" else ""
    failures = []
    for node in case.iter(f"{namespace}resultNode"):
        name = node.get("name", "")
        expected_node = node.find(f"{namespace}expected")
        expected = _value(expected_node, namespace) if expected_node is not None else None
        found: Any = problem
        if model is not None:
            try:
                found = _found(model, called, facts, name)
            except PolicyError as error:
                found = None if node.get("errorResult") == "true" else str(error)
        if not _same(found, expected):
            failures.append(f"{path.stem} {case.get('id')} {name}：应为 {expected!r}，得到 {found!r}")
    result.failures += failures
    result.failed += bool(failures)
    result.passed += not failures


def _found(model: Model, called: str, facts: dict[str, Any], name: str) -> Any:
    """Return one result: of a decision, or of the decision service or business knowledge that the case calls."""
    if not called:
        return evaluate(model, facts, name).results[name]
    answered = invoke(model, called, facts)
    several = called in model.services and len(model.services[called].outputs) > 1
    return answered.get(name) if several and isinstance(answered, dict) else answered


def _value(node: ElementTree.Element, namespace: str) -> Any:
    components = node.findall(f"{namespace}component")
    if components:
        return {each.get("name", ""): _value(each, namespace) for each in components}
    listed = node.find(f"{namespace}list")
    if listed is not None:
        return [_value(item, namespace) for item in listed.findall(f"{namespace}item")]
    value = node.find(f"{namespace}value")
    if value is None or value.get(f"{_XSI}nil") == "true":
        return None
    text, kind = value.text or "", (value.get(f"{_XSI}type") or "string").rpartition(":")[2]
    match kind:
        case "decimal" | "double" | "integer":
            return Decimal(text)
        case "boolean":
            return text.strip() == "true"
        case "date":
            return temporal.to_date(text)
        case "time":
            return temporal.to_time(text)
        case "dateTime":
            return temporal.to_moment(text)
        case "duration":
            return temporal.to_duration(text)
        case _:
            return text


def _same(found: Any, expected: Any) -> bool:
    if isinstance(found, Decimal) and isinstance(expected, Decimal):
        return abs(found - expected) <= TOLERANCE * max(Decimal(1), abs(expected))
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(_same, found, expected))
    if isinstance(found, dict) and isinstance(expected, dict):
        return found.keys() == expected.keys() and all(_same(found[name], expected[name]) for name in expected)
    return type(found) is type(expected) and bool(found == expected)
