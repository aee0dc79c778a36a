"""Making the decisions of a model from facts, each once, with a trace of how each came about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from songhe.engines.policy import temporal
from songhe.engines.policy.errors import PolicyError
from songhe.engines.policy.functions import FUNCTIONS
from songhe.engines.policy.interpreter import Value, evaluate_node, passes, plain
from songhe.engines.policy.model import (
    AGGREGATIONS,
    Decision,
    Entries,
    Expression,
    Function,
    Invocation,
    Logic,
    Model,
    Relation,
    Rule,
    Table,
)
from songhe.engines.policy.wording import as_json, written

NO_RULE = "没有符合的规则"
SEVERAL_RULES = "几条规则同时符合且结果不一，不能得出结果"


@dataclass(frozen=True)
class Hit:
    """What one decision did: the inputs it saw, the rules that hit, what came out, and a ``note`` where none did."""

    decision: str
    inputs: tuple[tuple[str, Value], ...]
    rules: tuple[int, ...]
    clauses: tuple[str, ...]
    output: Value
    note: str = ""
    type_name: str = ""

    def sentence(self, words: Mapping[str, str]) -> str:
        """Return the step as a Chinese sentence that cites its clauses; ``words`` gives codes their names."""
        facts = "，".join(f"{name}为{written(value, words)}" for name, value in self.inputs)
        rules = f"，符合第 {'、'.join(str(rule) for rule in self.rules)} 条规则" if self.rules else ""
        clauses = f"（{'；'.join(self.clauses)}）" if self.clauses else ""
        note = f"，{self.note}" if self.note else ""
        return f"{self.decision}：{facts}{rules}{clauses}{note}，得出“{written(self.output, words, self.type_name)}”。"


@dataclass
class Evaluation:
    """The results by decision, and how each came about, in the order they were made."""

    results: dict[str, Value] = field(default_factory=dict)
    trace: list[Hit] = field(default_factory=list)

    def explain(self, words: Mapping[str, str] | None = None) -> list[str]:
        """Return the trace as numbered Chinese sentences that cite the clauses; ``words`` gives codes their names."""
        return [f"{number}. {hit.sentence(words or {})}" for number, hit in enumerate(self.trace, 1)]

    def trace_as_json(self) -> list[dict[str, Any]]:
        """Return the trace as plain JSON values."""
        return [
            {
                "decision": hit.decision,
                "inputs": {name: as_json(value) for name, value in hit.inputs},
                "rules": list(hit.rules),
                "clauses": list(hit.clauses),
                "output": as_json(hit.output),
                "note": hit.note,
            }
            for hit in self.trace
        ]


def evaluate(model: Model, facts: Mapping[str, Any], decision: str | None = None) -> Evaluation:
    """Make one decision of a model (with those it requires), or all of them, from facts; what is not given is null.

    Texts given for inputs that the model declares as dates, times or durations are read as such.

    Raises:
        PolicyError: the model has no such decision, its requirements go round in a circle, or a date is none.
    """
    run = Making(model, {name: _typed(name, plain(value), model.inputs.get(name, "")) for name, value in facts.items()})
    for name in [decision] if decision else list(model.decisions):
        run.make(name)
    return run.evaluation


_READERS: dict[str, Callable[[Value], Value]] = {
    "date": temporal.to_date,
    "time": temporal.to_time,
    "dateTime": temporal.to_moment,
    "dayTimeDuration": temporal.to_duration,
    "yearMonthDuration": temporal.to_duration,
}


def _typed(name: str, value: Value, type_name: str) -> Value:
    if not isinstance(value, str) or type_name not in _READERS:
        return value
    found = _READERS[type_name](value)
    if found is None:
        raise PolicyError(f"输入“{name}”应为 {type_name}，得到“{value}”。")
    return found


class Making:
    """One evaluation: the names that hold so far, and the decisions under way."""

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
        value = self.value(decision.logic, self.names, decision)
        if not isinstance(decision.logic, Table):
            seen = tuple((required, self.names.get(required)) for required in decision.requires)
            self.evaluation.trace.append(Hit(name, seen, (), (), value, type_name=decision.type_name))
        self.evaluation.results[name] = self.names[name] = value
        return value

    def _callable(self, function: Function) -> Callable[..., Value]:
        def called(*arguments: Value, **named: Value) -> Value:
            given = {**dict.fromkeys(function.parameters), **dict(zip(function.parameters, arguments, strict=False))}
            return self.value(function.logic, {**self.names, **given, **named}, function)

        return called

    def value(self, logic: Logic, names: dict[str, Value], owner: Decision | Function) -> Value:
        match logic:
            case Table():
                return self._table(logic, names, owner)
            case Expression(node, _text):
                return evaluate_node(node, names)
            case Entries(entries):
                return self._entries(entries, names, owner)
            case Invocation(function, bindings):
                target = names.get(function)
                if not callable(target):
                    raise PolicyError(f"“{owner.name}”调用的“{function}”不在模型中。")
                return target(**{name: self.value(bound, names, owner) for name, bound in bindings})
            case Relation(columns, rows):
                return [
                    dict(zip(columns, (self.value(cell, names, owner) for cell in row), strict=True)) for row in rows
                ]

    def _entries(
        self, entries: tuple[tuple[str, Logic], ...], names: dict[str, Value], owner: Decision | Function
    ) -> Value:
        inner = dict(names)
        made: dict[str, Value] = {}
        for name, entry in entries:
            value = self.value(entry, inner, owner)
            if not name:
                return value
            inner[name] = made[name] = value
        return made

    def _table(self, table: Table, names: dict[str, Value], owner: Decision | Function) -> Value:
        seen = [evaluate_node(column.node, names) for column in table.inputs]
        hits = []
        for rule in table.rules:
            if all(passes(test, value, names) is True for test, value in zip(rule.tests, seen, strict=True)):
                hits.append(rule)
                if table.hit_policy == "FIRST":
                    break
        value, used, note = answer(table, hits, names)
        self.evaluation.trace.append(
            Hit(
                owner.name,
                tuple((column.label, found) for column, found in zip(table.inputs, seen, strict=True)),
                tuple(rule.number for rule in used),
                tuple(dict.fromkeys(rule.clause for rule in used if rule.clause)),
                value,
                note,
                owner.type_name if isinstance(owner, Decision) else "",
            )
        )
        return value


# --- hit policies (DMN 1.5, clause 8.2.8) ------------------------------------------------------------------------


def answer(table: Table, hits: list[Rule], names: Mapping[str, Value]) -> tuple[Value, list[Rule], str]:
    """Return what a table says, the rules it says so by, and what is to be noted."""
    if not hits:
        return _default(table, names), [], NO_RULE
    rows = [_row(table, rule, names) for rule in hits]
    match table.hit_policy:
        case "UNIQUE" if len(hits) > 1:
            return None, hits, SEVERAL_RULES
        case "ANY" if any(row != rows[0] for row in rows):
            return None, hits, SEVERAL_RULES
        case "UNIQUE" | "ANY" | "FIRST":
            return rows[0], hits, ""
        case "PRIORITY":
            best = min(range(len(rows)), key=lambda place: _priority(table, rows[place]))
            return rows[best], [hits[best]], ""
        case "OUTPUT ORDER":
            order = sorted(range(len(rows)), key=lambda place: _priority(table, rows[place]))
            return [rows[place] for place in order], [hits[place] for place in order], ""
        case "COLLECT" if table.aggregation:
            return FUNCTIONS[AGGREGATIONS[table.aggregation]](rows), hits, ""
        case _:
            return rows, hits, ""


def _row(table: Table, rule: Rule, names: Mapping[str, Value]) -> Value:
    return _shaped(table, [evaluate_node(node, names) for node in rule.outputs])


def _shaped(table: Table, values: list[Value]) -> Value:
    """Return one output as it is, several as a context by the outputs' names."""
    if len(values) == 1:
        return values[0]
    return {output.name: value for output, value in zip(table.outputs, values, strict=True)}


def _priority(table: Table, row: Value) -> tuple[int, ...]:
    values = [row] if len(table.outputs) == 1 else [row[output.name] for output in table.outputs]
    return tuple(
        output.values.index(value) if value in output.values else len(output.values)
        for output, value in zip(table.outputs, values, strict=True)
    )


def _default(table: Table, names: Mapping[str, Value]) -> Value:
    """Return what a table says when no rule hits: its default outputs, else null (or none, where rules are counted)."""
    values = [evaluate_node(output.default, names) if output.default else None for output in table.outputs]
    if all(value is None for value in values):
        return FUNCTIONS["count"]([]) if table.aggregation == "COUNT" else None
    return _shaped(table, values)
