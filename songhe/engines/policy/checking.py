"""Looking a model over before anybody is judged by it: names nobody gives, functions nobody has, circles."""

from __future__ import annotations

from collections.abc import Iterator

from songhe.engines.policy.functions import FUNCTION_NAMES
from songhe.engines.policy.model import Decision, Entries, Expression, Invocation, Logic, Model, Relation, Table
from songhe.engines.policy.syntax import Node, unknown_names


def check(model: Model) -> list[str]:
    """Return what is wrong with a model as Chinese sentences; none for a sound one.

    An expression that speaks of what its decision does not require is null for every person, silently: it is told here.
    """
    functions = frozenset(model.functions)
    problems: list[str] = []
    for decision in model.decisions.values():
        known = frozenset(decision.requires)
        problems += [
            f"决策“{decision.name}”{place}用了“{name}”，但它既不是该决策依赖的输入或决策，也不是已有的函数。"
            for place, name in _unknown(decision.logic, known, functions)
        ]
        if circle := _circle(model, decision):
            problems.append(f"决策“{decision.name}”依赖自己：{' → '.join(circle)}。")
    for function in model.functions.values():
        problems += [
            f"业务知识“{function.name}”{place}用了“{name}”，但它既不是参数，也不是已有的函数。"
            for place, name in _unknown(function.logic, frozenset(function.parameters), functions)
        ]
    return problems


def _unknown(logic: Logic, known: frozenset[str], functions: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield each place and unknown name."""

    def within(place: str, node: Node) -> Iterator[tuple[str, str]]:
        for name in dict.fromkeys(unknown_names(node, known, functions.union(FUNCTION_NAMES))):
            yield place, name

    match logic:
        case Table():
            for column in logic.inputs:
                yield from within(f"“{column.label}”列", column.node)
            for rule in logic.rules:
                for column, test in zip(logic.inputs, rule.tests, strict=True):
                    yield from within(f"第 {rule.number} 条规则“{column.label}”列", test)
                for output, node in zip(logic.outputs, rule.outputs, strict=True):
                    yield from within(f"第 {rule.number} 条规则“{output.name or '输出'}”列", node)
        case Expression(node, text):
            yield from within(f"表达式“{text}”", node)
        case Entries(entries):
            for name, entry in entries:
                yield from _unknown(entry, known, functions)
                known |= {name}
        case Invocation(function, bindings):
            if function not in functions:
                yield "的调用", function
            for _name, bound in bindings:
                yield from _unknown(bound, known, functions)
        case Relation(_, rows):
            for row in rows:
                for cell in row:
                    yield from _unknown(cell, known, functions)


def _circle(model: Model, start: Decision) -> list[str]:
    """Return the way from a decision back to itself; empty if there is none."""
    waiting = [[start.name]]
    seen: set[str] = set()
    while waiting:
        way = waiting.pop()
        decision = model.decisions.get(way[-1])
        for required in decision.requires if decision else ():
            if required == start.name:
                return [*way, required]
            if required not in seen:
                seen.add(required)
                waiting.append([*way, required])
    return []
