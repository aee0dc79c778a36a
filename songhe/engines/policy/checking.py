"""Looking a model over before anybody is judged by it: names nobody gives, functions nobody has, circles."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from songhe.engines.policy.coverage import look_over
from songhe.engines.policy.findings import Finding, Kind, in_file
from songhe.engines.policy.functions import FUNCTION_NAMES
from songhe.engines.policy.interpreter import plain
from songhe.engines.policy.model import Decision, Expression, Invocation, Items, Logic, Model, Table, inner_logics
from songhe.engines.policy.points import Domain
from songhe.engines.policy.syntax import Literal, Node, unknown_names
from songhe.engines.policy.wording import written

NOTHING: Mapping[str, Any] = {}


def inspect(
    model: Model,
    *,
    constants: Mapping[str, Any] = NOTHING,
    domains: Mapping[str, Domain] = NOTHING,
    supplied: Collection[str] | None = None,
    words: Mapping[str, str] = NOTHING,
    file: str = "",
) -> list[Finding]:
    """Return what is wrong with a model, or worth knowing, as findings that name decision, rule and column.

    ``constants`` are the inputs that are the same for everybody (the parameters), ``domains`` what values facts can
    have, ``supplied`` the inputs that somebody gives (None: not judged), ``words`` the names of codes.
    """
    found = [*_names(model), *_circles(model), *_empty(model)]
    if supplied is not None:
        found += _unsupplied(model, supplied)
    if not found:
        known = {name: plain(value) for name, value in constants.items()}
        for decision in model.decisions.values():
            if isinstance(decision.logic, Table):
                found += _disallowed(decision.name, decision.logic)
                found += look_over(model, decision, known, domains, words)
    return in_file(found, file)


def check(model: Model, **given: Any) -> list[str]:
    """Return what stands in the way of a model as Chinese sentences; takes what ``inspect`` takes."""
    return [str(finding) for finding in inspect(model, **given) if not finding.is_remark]


def _names(model: Model) -> Iterator[Finding]:
    """Yield names nobody knows: an expression that speaks of one is null for every person, silently."""
    functions = frozenset({*model.functions, *model.services})
    for decision in model.decisions.values():
        for place, name, rule, column in _unknown(decision.logic, frozenset(decision.requires), functions):
            yield Finding(
                Kind.UNKNOWN_NAME,
                f"决策“{decision.name}”{place}用了“{name}”，但它既不是该决策依赖的输入或决策，也不是已有的函数。",
                decision.name,
                rule,
                column,
            )
    for function in model.functions.values():
        logic = function.logic or Items(())
        for place, name, rule, column in _unknown(logic, frozenset(function.parameters), functions):
            yield Finding(
                Kind.UNKNOWN_NAME,
                f"业务知识“{function.name}”{place}用了“{name}”，但它既不是参数，也不是已有的函数。",
                function.name,
                rule,
                column,
            )


def _empty(model: Model) -> Iterator[Finding]:
    for decision in model.decisions.values():
        if decision.logic == Expression(Literal(None), ""):
            sentence = f"决策“{decision.name}”没有内容，应有决策表、表达式、上下文、调用或关系表之一。"
            yield Finding(Kind.EMPTY, sentence, decision.name)


def _circles(model: Model) -> Iterator[Finding]:
    for decision in model.decisions.values():
        if circle := _circle(model, decision):
            yield Finding(Kind.CIRCLE, f"决策“{decision.name}”依赖自己：{' → '.join(circle)}。", decision.name)


def _unsupplied(model: Model, supplied: Collection[str]) -> Iterator[Finding]:
    for name in model.inputs:
        if name not in supplied:
            users = [each.name for each in model.decisions.values() if name in each.requires]
            used = f"决策“{'”、“'.join(users)}”要用它" if users else "也没有决策用它"
            yield Finding(Kind.UNSUPPLIED, f"没有谁提供输入“{name}”，{used}。", column=name)


def _disallowed(name: str, table: Table) -> Iterator[Finding]:
    """Yield constant answers that the output's allowed values do not hold."""
    for place, output in enumerate(table.outputs):
        for rule in table.rules if output.values else ():
            node = rule.outputs[place]
            if isinstance(node, Literal) and node.value is not None and node.value not in output.values:
                column = output.name or "输出"
                yield Finding(
                    Kind.NOT_ALLOWED,
                    f"决策“{name}”第 {rule.number} 条规则“{column}”列的{written(node.value)}不在允许值内。",
                    name,
                    (rule.number,),
                    column,
                )


def _unknown(
    logic: Logic, known: frozenset[str], functions: frozenset[str]
) -> Iterator[tuple[str, str, tuple[int, ...], str]]:
    """Yield each place and unknown name, with the rule and the column where there are any."""

    def within(place: str, node: Node, rule: tuple[int, ...] = (), column: str = "") -> Iterator[Any]:
        for name in dict.fromkeys(unknown_names(node, known, functions.union(FUNCTION_NAMES))):
            yield place, name, rule, column

    match logic:
        case Table():
            for column in logic.inputs:
                yield from within(f"“{column.label}”列", column.node, (), column.label)
            for rule in logic.rules:
                for column, test in zip(logic.inputs, rule.tests, strict=True):
                    yield from within(f"第 {rule.number} 条规则“{column.label}”列", test, (rule.number,), column.label)
                for output, node in zip(logic.outputs, rule.outputs, strict=True):
                    title = output.name or "输出"
                    yield from within(f"第 {rule.number} 条规则“{title}”列", node, (rule.number,), title)
        case Expression(node, text):
            yield from within(f"表达式“{text}”", node)
        case _:
            if isinstance(logic, Invocation) and logic.function not in functions and logic.function not in known:
                yield "的调用", logic.function, (), ""
            for inner, names in inner_logics(logic):
                yield from _unknown(inner, known.union(names), functions)


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
