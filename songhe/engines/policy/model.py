"""Decision models (DMN 1.5): read from XML, checked, and evaluated decision by decision with a trace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from songhe.engines.policy.errors import FeelSyntaxError, PolicyError
from songhe.engines.policy.functions import FUNCTIONS
from songhe.engines.policy.interpreter import Value, evaluate_node, passes, plain
from songhe.engines.policy.parser import parse_expression, parse_unary_tests
from songhe.engines.policy.syntax import Node, UnaryTests

HIT_POLICIES = ("UNIQUE", "ANY", "PRIORITY", "FIRST", "RULE ORDER", "OUTPUT ORDER", "COLLECT")
AGGREGATIONS = {"SUM": "sum", "MIN": "min", "MAX": "max", "COUNT": "count"}


@dataclass(frozen=True)
class Input:
    """A column that is asked about."""

    label: str
    node: Node
    text: str


@dataclass(frozen=True)
class Output:
    """A column that answers; ``values`` are the allowed ones, the first of highest priority."""

    name: str
    values: tuple[Value, ...] = ()
    default: Node | None = None


@dataclass(frozen=True)
class Rule:
    """One row: a test for each input, an expression for each output, and the clause it comes from."""

    number: int
    tests: tuple[UnaryTests, ...]
    outputs: tuple[Node, ...]
    clause: str


@dataclass(frozen=True)
class Table:
    """A decision table."""

    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    rules: tuple[Rule, ...]
    hit_policy: str
    aggregation: str = ""


@dataclass(frozen=True)
class Expression:
    """A literal expression."""

    node: Node
    text: str


@dataclass(frozen=True)
class Entries:
    """A boxed context: named logics, each seeing those before; the last without a name is the result."""

    entries: tuple[tuple[str, Logic], ...]


@dataclass(frozen=True)
class Invocation:
    """A call of a business knowledge model with named arguments."""

    function: str
    bindings: tuple[tuple[str, Logic], ...]


@dataclass(frozen=True)
class Relation:
    """Rows of named cells: a list of contexts."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Logic, ...], ...]


@dataclass(frozen=True)
class Function:
    """Business knowledge: parameters and a logic."""

    name: str
    parameters: tuple[str, ...]
    logic: Logic


Logic = Table | Expression | Entries | Invocation | Relation


@dataclass(frozen=True)
class Decision:
    """One decision: what it needs and how it is made."""

    name: str
    requires: tuple[str, ...]
    logic: Logic


@dataclass(frozen=True)
class Model:
    """A decision requirements graph."""

    name: str
    inputs: tuple[str, ...]
    decisions: dict[str, Decision]
    functions: dict[str, Function]


@dataclass(frozen=True)
class Hit:
    """What one decision did: the inputs it saw, the rules that hit, what came out."""

    decision: str
    inputs: tuple[tuple[str, Value], ...]
    rules: tuple[int, ...]
    clauses: tuple[str, ...]
    output: Value


@dataclass
class Evaluation:
    """The results by decision, and how each came about, in the order they were made."""

    results: dict[str, Value] = field(default_factory=dict)
    trace: list[Hit] = field(default_factory=list)

    def explain(self, words: Mapping[str, str] | None = None) -> list[str]:
        """Return the trace as Chinese sentences that cite the clauses; ``words`` gives codes their names."""
        return [_sentence(number, hit, words or {}) for number, hit in enumerate(self.trace, 1)]

    def trace_as_json(self) -> list[dict[str, Any]]:
        """Return the trace as plain JSON values."""
        return [
            {
                "decision": hit.decision,
                "inputs": {name: as_json(value) for name, value in hit.inputs},
                "rules": list(hit.rules),
                "clauses": list(hit.clauses),
                "output": as_json(hit.output),
            }
            for hit in self.trace
        ]


def as_json(value: Value) -> Any:
    """Return a FEEL value as JSON has it: whole decimals as integers, dates as text."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else str(value.normalize())
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if isinstance(value, Mapping):
        return {name: as_json(item) for name, item in value.items() if not callable(item)}
    return value


def written(value: Value, words: Mapping[str, str] | None = None) -> str:
    """Write a FEEL value for people; ``words`` gives codes their names."""
    words = words or {}
    match value:
        case None:
            return "（无）"
        case bool():
            return "是" if value else "否"
        case Decimal():
            return f"{value.normalize():f}"
        case date():
            return f"{value.year}年{value.month}月{value.day}日"
        case list():
            return "、".join(written(item, words) for item in value) or "（无）"
        case Mapping():
            return "；".join(f"{name}：{written(item, words)}" for name, item in value.items() if not callable(item))
        case _:
            return words.get(str(value), str(value))


def _sentence(number: int, hit: Hit, words: Mapping[str, str]) -> str:
    facts = "，".join(f"{name}为{written(value, words)}" for name, value in hit.inputs)
    rules = f"，符合第 {'、'.join(str(rule) for rule in hit.rules)} 条规则" if hit.rules else ""
    clauses = f"（{'；'.join(clause for clause in hit.clauses if clause)}）" if any(hit.clauses) else ""
    return f"{number}. {hit.decision}：{facts}{rules}{clauses}，得出“{written(hit.output, words)}”。"


# --- reading ---------------------------------------------------------------------------------------------------


class _Reader:
    """Reads one document; ``where`` says in errors which decision is being read."""

    def __init__(self, root: ElementTree.Element) -> None:
        self.root = root
        self.where = ""
        self.names: list[str] = []

    def read(self) -> Model:
        """Return the model."""
        by_id = {element.get("id"): element for element in self.root.iter() if element.get("id")}
        inputs = tuple(element.get("name", "") for element in _children(self.root, "inputData"))
        decisions = _children(self.root, "decision")
        knowledge = _children(self.root, "businessKnowledgeModel")
        members = [element.get("name", "") for element in self.root.iter() if _tag(element) == "itemComponent"]
        self.names = [*inputs, *(each.get("name", "") for each in (*decisions, *knowledge)), *members]
        functions = {}
        for element in knowledge:
            self.where = f"业务知识“{element.get('name')}”"
            functions[element.get("name", "")] = self._function(element)
        made = {}
        for element in decisions:
            self.where = f"决策“{element.get('name')}”"
            requires = [
                by_id[_href(reference)].get("name", "")
                for requirement in _children(element, "informationRequirement")
                for reference in requirement
                if _tag(reference) in ("requiredInput", "requiredDecision") and _href(reference) in by_id
            ]
            logic = self._logic_of(element)
            made[element.get("name", "")] = Decision(element.get("name", ""), tuple(requires), logic)
        return Model(self.root.get("name", ""), inputs, made, functions)

    def _function(self, element: ElementTree.Element) -> Function:
        encapsulated = next(iter(_children(element, "encapsulatedLogic")), None)
        if encapsulated is None:
            raise PolicyError(f"{self.where}没有内容。")
        parameters = tuple(each.get("name", "") for each in _children(encapsulated, "formalParameter"))
        before = self.names
        self.names = [*before, *parameters]
        logic = self._logic_of(encapsulated)
        self.names = before
        return Function(element.get("name", ""), parameters, logic)

    def _logic_of(self, element: ElementTree.Element) -> Logic:
        for child in element:
            if (logic := self._logic(child)) is not None:
                return logic
        raise PolicyError(f"{self.where}没有决策表或表达式。")

    def _logic(self, element: ElementTree.Element) -> Logic | None:
        match _tag(element):
            case "decisionTable":
                return self._table(element)
            case "literalExpression":
                text = _text(element)
                return Expression(self._node(text), text)
            case "context":
                return self._context(element)
            case "invocation":
                return self._invocation(element)
            case "relation":
                columns = tuple(each.get("name", "") for each in _children(element, "column"))
                self.names += [name for name in columns if name not in self.names]
                rows = tuple(tuple(self._logic_or_fail(cell) for cell in row) for row in _children(element, "row"))
                return Relation(columns, rows)
        return None

    def _logic_or_fail(self, element: ElementTree.Element) -> Logic:
        logic = self._logic(element)
        if logic is None:
            raise PolicyError(f"{self.where}用了本引擎不支持的“{_tag(element)}”。")
        return logic

    def _context(self, element: ElementTree.Element) -> Entries:
        before = self.names
        entries: list[tuple[str, Logic]] = []
        for entry in _children(element, "contextEntry"):
            variable = next(iter(_children(entry, "variable")), None)
            name = variable.get("name", "") if variable is not None else ""
            entries.append((name, self._logic_of(entry)))
            self.names = [*self.names, name]
        self.names = before
        return Entries(tuple(entries))

    def _invocation(self, element: ElementTree.Element) -> Invocation:
        called = next(iter(_children(element, "literalExpression")), None)
        bindings = []
        for binding in _children(element, "binding"):
            parameter = next(iter(_children(binding, "parameter")))
            bindings.append((parameter.get("name", ""), self._logic_of(binding)))
        return Invocation(_text(called) if called is not None else "", tuple(bindings))

    def _table(self, element: ElementTree.Element) -> Table:
        hit_policy = element.get("hitPolicy", "UNIQUE")
        if hit_policy not in HIT_POLICIES:
            raise PolicyError(f"{self.where}的命中策略“{hit_policy}”不存在，应为 {'、'.join(HIT_POLICIES)} 之一。")
        inputs = []
        for number, column in enumerate(_children(element, "input"), 1):
            expression = next(iter(_children(column, "inputExpression")))
            text = _text(expression)
            inputs.append(Input(column.get("label") or text, self._node(text, f"第 {number} 个输入列"), text))
        outputs = []
        for column in _children(element, "output"):
            default = next(iter(_children(column, "defaultOutputEntry")), None)
            outputs.append(
                Output(
                    column.get("name", ""),
                    self._values(next(iter(_children(column, "outputValues")), None)),
                    self._node(_text(default), "默认输出") if default is not None else None,
                )
            )
        rules = [self._rule(number, rule, inputs) for number, rule in enumerate(_children(element, "rule"), 1)]
        return Table(tuple(inputs), tuple(outputs), tuple(rules), hit_policy, element.get("aggregation", ""))

    def _rule(self, number: int, rule: ElementTree.Element, inputs: list[Input]) -> Rule:
        tests = tuple(
            self._tests(_text(cell), f"第 {number} 条规则“{column.label}”列")
            for cell, column in zip(_children(rule, "inputEntry"), inputs, strict=True)
        )
        outputs = tuple(
            self._node(_text(cell), f"第 {number} 条规则第 {place} 个输出列")
            for place, cell in enumerate(_children(rule, "outputEntry"), 1)
        )
        clause = "；".join(filter(None, (_text(each) for each in _children(rule, "annotationEntry"))))
        return Rule(number, tests, outputs, clause)

    def _values(self, element: ElementTree.Element | None) -> tuple[Value, ...]:
        if element is None:
            return ()
        return tuple(evaluate_node(test, {}) for test in self._tests(_text(element), "允许值").tests)

    def _node(self, text: str, place: str = "表达式") -> Node:
        try:
            return parse_expression(text, self.names)
        except FeelSyntaxError as error:
            raise PolicyError(f"{self.where}{place}：{error}") from error

    def _tests(self, text: str, place: str) -> UnaryTests:
        try:
            return parse_unary_tests(text, self.names)
        except FeelSyntaxError as error:
            raise PolicyError(f"{self.where}{place}：{error}") from error


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _children(element: ElementTree.Element, tag: str) -> list[ElementTree.Element]:
    return [child for child in element if _tag(child) == tag]


def _text(element: ElementTree.Element) -> str:
    return "".join(child.text or "" for child in element if _tag(child) == "text").strip()


def _href(element: ElementTree.Element) -> str:
    return element.get("href", "").rpartition("#")[2]


def load_model(source: str | Path) -> Model:
    """Read a decision model from a file or from its text.

    Raises:
        PolicyError: it is not DMN, declares entities, or holds an expression that is not FEEL; the place is named.
    """
    text = source.read_text(encoding="utf-8") if isinstance(source, Path) else source
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise PolicyError("决策模型不得含有 DOCTYPE 或实体声明。")
    try:
        # Entities, the only danger of the standard library's reader, were refused above.
        root = ElementTree.fromstring(text)  # noqa: S314
    except ElementTree.ParseError as error:
        raise PolicyError(f"不是有效的 XML：{error}") from error
    if _tag(root) != "definitions":
        raise PolicyError("不是决策模型：最外层应为 definitions。")
    return _Reader(root).read()


# --- evaluating ------------------------------------------------------------------------------------------------


def evaluate(model: Model, facts: Mapping[str, Any], decision: str | None = None) -> Evaluation:
    """Make one decision of a model, or all of them, from facts; what is not given is null.

    Raises:
        PolicyError: the model has no such decision, or its requirements go round in a circle.
    """
    run = _Run(model, {name: plain(value) for name, value in facts.items()})
    for name in [decision] if decision else list(model.decisions):
        run.make(name)
    return run.evaluation


class _Run:
    def __init__(self, model: Model, facts: dict[str, Value]) -> None:
        self.model = model
        self.names: dict[str, Value] = {**dict.fromkeys(model.inputs), **facts}
        self.evaluation = Evaluation()
        self.under_way: list[str] = []
        for function in model.functions.values():
            self.names[function.name] = self._callable(function)

    def make(self, name: str) -> Value:
        """Return a decision's value, making those it requires first."""
        if name in self.evaluation.results:
            return self.evaluation.results[name]
        decision = self.model.decisions.get(name)
        if decision is None:
            raise PolicyError(f"模型“{self.model.name}”没有决策“{name}”。")
        if name in self.under_way:
            raise PolicyError(f"决策“{name}”依赖自己：{' → '.join([*self.under_way, name])}。")
        self.under_way.append(name)
        for required in decision.requires:
            if required in self.model.decisions:
                self.make(required)
        self.under_way.pop()
        value = self._value(decision.logic, self.names, name, decision)
        self.evaluation.results[name] = self.names[name] = value
        return value

    def _callable(self, function: Function) -> Callable[..., Value]:
        def called(*arguments: Value, **named: Value) -> Value:
            given = {**dict(zip(function.parameters, arguments, strict=False)), **named}
            return self._value(function.logic, {**self.names, **given}, function.name, None)

        return called

    def _value(self, logic: Logic, names: dict[str, Value], where: str, decision: Decision | None) -> Value:
        match logic:
            case Table():
                return self._table(logic, names, where)
            case Expression(node, _text):
                value = evaluate_node(node, names)
                if decision is not None:
                    seen = tuple((name, names.get(name)) for name in decision.requires)
                    self.evaluation.trace.append(Hit(where, seen, (), (), value))
                return value
            case Entries(entries):
                inner = dict(names)
                made: dict[str, Value] = {}
                for name, entry in entries:
                    value = self._value(entry, inner, where, None)
                    if not name:
                        return value
                    inner[name] = made[name] = value
                return made
            case Invocation(function, bindings):
                target = names.get(function)
                if not callable(target):
                    return None
                return target(**{name: self._value(bound, names, where, None) for name, bound in bindings})
            case Relation(columns, rows):
                return [
                    dict(zip(columns, (self._value(cell, names, where, None) for cell in row), strict=True))
                    for row in rows
                ]

    def _table(self, table: Table, names: dict[str, Value], where: str) -> Value:
        seen = [evaluate_node(column.node, names) for column in table.inputs]
        hits = [rule for rule in table.rules if self._fits(rule, seen, names)]
        if table.hit_policy == "FIRST":
            hits = hits[:1]
        value, used = _answer(table, hits, names, where)
        self.evaluation.trace.append(
            Hit(
                where,
                tuple((column.label, found) for column, found in zip(table.inputs, seen, strict=True)),
                tuple(rule.number for rule in used),
                tuple(dict.fromkeys(rule.clause for rule in used if rule.clause)),
                value,
            )
        )
        return value

    @staticmethod
    def _fits(rule: Rule, seen: list[Value], names: dict[str, Value]) -> bool:
        return all(passes(test, value, names) is True for test, value in zip(rule.tests, seen, strict=True))


def _row(table: Table, rule: Rule, names: dict[str, Value]) -> Value:
    values = [evaluate_node(node, names) for node in rule.outputs]
    if len(table.outputs) == 1:
        return values[0]
    return {output.name: value for output, value in zip(table.outputs, values, strict=True)}


def _answer(table: Table, hits: list[Rule], names: dict[str, Value], where: str) -> tuple[Value, list[Rule]]:
    """Return what a table says, and the rules it says so by, under its hit policy."""
    if not hits:
        return _default(table, names), []
    rows = [_row(table, rule, names) for rule in hits]
    match table.hit_policy:
        case "UNIQUE":
            # Overlapping rules are a fault of the table (DMN 1.5, 8.2.8): the decision is null, the trace shows both.
            return (rows[0] if len(rows) == 1 else None), hits
        case "FIRST":
            return rows[0], hits[:1]
        case "ANY":
            return (rows[0] if all(row == rows[0] for row in rows) else None), hits
        case "PRIORITY":
            best = min(range(len(rows)), key=lambda place: _priority(table, rows[place]))
            return rows[best], [hits[best]]
        case "OUTPUT ORDER":
            order = sorted(range(len(rows)), key=lambda place: _priority(table, rows[place]))
            return [rows[place] for place in order], [hits[place] for place in order]
        case "COLLECT" if table.aggregation:
            return FUNCTIONS[AGGREGATIONS[table.aggregation]](rows), hits
        case _:
            return rows, hits


def _priority(table: Table, row: Value) -> tuple[int, ...]:
    values = [row] if len(table.outputs) == 1 else [row[output.name] for output in table.outputs]
    return tuple(
        output.values.index(value) if value in output.values else len(output.values)
        for output, value in zip(table.outputs, values, strict=True)
    )


def _default(table: Table, names: dict[str, Value]) -> Value:
    values = [evaluate_node(output.default, names) if output.default else None for output in table.outputs]
    if all(value is None for value in values):
        return None if not (table.hit_policy == "COLLECT" and table.aggregation == "COUNT") else Decimal(0)
    if len(values) == 1:
        return values[0]
    return {output.name: value for output, value in zip(table.outputs, values, strict=True)}


def names_of(models: Iterable[Model]) -> set[str]:
    """Return every input that models ask for."""
    return {name for model in models for name in model.inputs}
