"""Making the decisions of a model from facts, each once, with a trace of how each came about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from songhe.engines.policy import temporal
from songhe.engines.policy.errors import PolicyError
from songhe.engines.policy.functions import FUNCTIONS
from songhe.engines.policy.interpreter import (
    TYPES,
    Lambda,
    Missing,
    Value,
    elements,
    evaluate_node,
    filtered,
    passes,
    plain,
    start_counting,
)
from songhe.engines.policy.model import (
    AGGREGATIONS,
    LIST,
    Choice,
    Decision,
    Definition,
    Entries,
    Expression,
    Filtering,
    Function,
    Invocation,
    Items,
    Iteration,
    Logic,
    Model,
    Relation,
    Rule,
    Service,
    Table,
)
from songhe.engines.policy.types import ItemType, coerced
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


def evaluate(
    model: Model, facts: Mapping[str, Any], decision: str | None = None, *, at: datetime | None = None
) -> Evaluation:
    """Make one decision of a model (with those it requires), or all of them, from facts; what is not given is null.

    Texts given for inputs that the model declares as dates, times or durations are read as such. ``now()`` and
    ``today()`` are refused unless ``at`` says when it is.

    Raises:
        PolicyError: the model has no such decision, its requirements go round in a circle, a date is none, or a loop
            does not end.
    """
    start_counting()
    run = Making(model, {name: _typed(name, plain(value), model.inputs.get(name, "")) for name, value in facts.items()})
    if at is not None:
        moment, day = at, at.date()
        run.names |= {"now": lambda: moment, "today": lambda: day}
    try:
        for name in [decision] if decision else list(model.decisions):
            run.make(name)
    except RecursionError as error:
        raise PolicyError("函数调用自己的层数太多，已停止计算。") from error
    return run.evaluation


def invoke(model: Model, name: str, facts: Mapping[str, Any]) -> Value:
    """Call a decision service or business knowledge of a model by the names of its parameters.

    Raises:
        PolicyError: the model has none of that name.
    """
    start_counting()
    run = Making(model, {})
    if name not in model.services and name not in model.functions:
        raise PolicyError(f"模型“{model.name}”没有决策服务或业务知识“{name}”。")
    return run.names[name](**{each: plain(value) for each, value in facts.items()})


# A collection's type whose elements are not judged here.
_OURS = {LIST: ItemType(is_list=True)}
_READERS: dict[str, Callable[[Value], Value]] = {
    "date": temporal.to_date,
    "time": temporal.to_time,
    "dateTime": temporal.to_moment,
    "date and time": temporal.to_moment,
    "dayTimeDuration": temporal.to_duration,
    "yearMonthDuration": temporal.to_duration,
    "days and time duration": temporal.to_duration,
    "years and months duration": temporal.to_duration,
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
        self.names: dict[str, Value] = {**dict.fromkeys(model.inputs), TYPES: model.types}
        for name, value in facts.items():
            self.names[name] = coerced(value, model.inputs.get(name, ""), {**_OURS, **model.types})
        self.evaluation = Evaluation()
        self.under_way: list[str] = []
        for function in model.functions.values():
            self.names[function.name] = self._callable(function)
        for service in model.services.values():
            self.names[service.name] = self._service(service)

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
        value = coerced(self.value(decision.logic, self.names, decision), decision.type_name, self.model.types)
        if not isinstance(decision.logic, Table):
            seen = tuple((required, self.names.get(required)) for required in decision.requires)
            self.evaluation.trace.append(Hit(name, seen, (), (), value, type_name=decision.type_name))
        self.evaluation.results[name] = self.names[name] = value
        return value

    def _callable(self, function: Function) -> Lambda:
        def run(given: dict[str, Value]) -> Value:
            if function.logic is None:
                return None
            # Knowledge sees its parameters and other knowledge, never the decisions of those who call it.
            known = {name: self.names[name] for name in (*self.model.functions, *self.model.services, TYPES)}
            value = self.value(function.logic, {**known, **given}, function)
            return coerced(value, function.type_name, self.model.types)

        types = function.types or ("",) * len(function.parameters)
        return Lambda(function.parameters, types, run, self.model.types)

    def _service(self, service: Service) -> Lambda:
        def run(given: dict[str, Value]) -> Value:
            inner = Making(self.model, {name: given[name] for name in given if name in self.model.inputs})
            inner.names |= given
            inner.evaluation.results |= {name: given[name] for name in given if name in self.model.decisions}
            made = {name: inner.make(name) for name in service.outputs}
            return made[service.outputs[0]] if len(made) == 1 else made

        types = tuple(self._type_of(name) for name in service.parameters)
        return Lambda(service.parameters, types, run, {**_OURS, **self.model.types})

    def _type_of(self, name: str) -> str:
        if name in self.model.inputs:
            return self.model.inputs[name]
        return self.model.decisions[name].type_name if name in self.model.decisions else ""

    def value(self, logic: Logic, names: dict[str, Value], owner: Decision | Function) -> Value:
        match logic:
            case Table():
                return self._table(logic, names, owner)
            case Expression(node, _text):
                return evaluate_node(node, names)
            case Entries(entries):
                return self._entries(entries, names, owner)
            case Invocation(function, bindings, of):
                target = names.get(function)
                if not callable(target) and of is not None:
                    target = evaluate_node(of, names)
                if not callable(target):
                    raise PolicyError(f"“{owner.name}”调用的“{function}”不在模型中。")
                return target(**{name: self.value(bound, names, owner) for name, bound in bindings})
            case Relation(columns, rows):
                return [
                    dict(zip(columns, (self.value(cell, names, owner) for cell in row), strict=True)) for row in rows
                ]
            case Items(items):
                return [self.value(item, names, owner) for item in items]
            case Definition(parameters, types, body):
                return self._defined(parameters, types, body, names, owner)
            case Choice(condition, then, otherwise):
                holds = self.value(condition, names, owner) is True
                return self.value(then if holds else otherwise, names, owner)
            case Filtering(source, match):
                found = self.value(source, names, owner)
                return filtered(found, lambda inner: self.value(match, dict(inner), owner), names)
            case Iteration():
                return self._iteration(logic, names, owner)

    def _defined(
        self,
        parameters: tuple[str, ...],
        types: tuple[str, ...],
        body: Logic | None,
        names: dict[str, Value],
        owner: Decision | Function,
    ) -> Lambda:
        def run(given: dict[str, Value]) -> Value:
            return None if body is None else self.value(body, {**names, **given}, owner)

        return Lambda(parameters, types, run, self.model.types)

    def _iteration(self, logic: Iteration, names: dict[str, Value], owner: Decision | Function) -> Value:
        made: list[Value] = []
        try:
            for item in elements(self.value(logic.source, names, owner)):
                made.append(self.value(logic.body, {**names, logic.variable: item, "partial": made}, owner))
        except Missing:
            return None
        if logic.kind == "for":
            return made
        truths = [each if isinstance(each, bool) else None for each in made]
        return FUNCTIONS["all" if logic.kind == "every" else "any"](truths)

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
