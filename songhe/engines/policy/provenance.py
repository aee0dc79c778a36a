"""What a model rests on outside itself: figures that hold on its days, clauses of documents that there are."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta

from songhe.engines.policy.coverage import nodes_of
from songhe.engines.policy.findings import Finding, Kind
from songhe.engines.policy.model import Decision, Function, Model, Table
from songhe.engines.policy.syntax import Name, Node, Path, parts

# When a figure holds: its first day and its last, None if it has no end.
Span = tuple[date, date | None]
_TITLE = re.compile(r"《(.+?)》(?!》)")


def inspect_figures(
    model: Model, parameters: str, histories: Mapping[str, Sequence[Span]], first: date, last: date | None = None
) -> list[Finding]:
    """Return the members of the input ``parameters`` that a model uses, and that lack a value from first to last."""
    found = []
    for name, (decision, rule, column) in figures_used(model, parameters).items():
        where = f"决策“{decision}”" + (f"第 {rule} 条规则“{column}”列" if rule else "")
        place = (decision, (rule,) if rule else (), column)
        if name not in histories:
            found.append(Finding(Kind.NO_FIGURE, f"{where}用了参数“{name}”，但参数表里没有它。", *place))
        elif hole := _hole(histories[name], first, last):
            since, until = hole
            days = f"{since:%Y年%m月%d日}" + (f"至 {until:%Y年%m月%d日}" if until else "起")
            found.append(Finding(Kind.OUTSIDE_DATES, f"{where}用了参数“{name}”，但它在 {days}没有数值。", *place))
    return found


def figures_used(model: Model, parameters: str) -> dict[str, tuple[str, int, str]]:
    """Return each member used of an input, with the decision, the rule (0: none) and the column that first uses it."""
    found: dict[str, tuple[str, int, str]] = {}
    owners: list[Decision | Function] = [*model.decisions.values(), *model.functions.values()]
    for owner in owners:
        if isinstance(owner.logic, Table):
            for rule in owner.logic.rules:
                titles = [each.label for each in owner.logic.inputs]
                titles += [each.name or "输出" for each in owner.logic.outputs]
                for title, node in zip(titles, (*rule.tests, *rule.outputs), strict=True):
                    for name in _members(parts(node), parameters):
                        found.setdefault(name, (owner.name, rule.number, title))
        for name in _members(nodes_of(owner.logic), parameters):
            found.setdefault(name, (owner.name, 0, ""))
    return found


def _members(nodes: Iterator[Node], of: str) -> Iterator[str]:
    return (node.member for node in nodes if isinstance(node, Path) and node.of == Name(of))


def _hole(spans: Sequence[Span], first: date, last: date | None) -> Span | None:
    """Return the first days from first to last that no span holds."""
    day = first
    for since, until in sorted(spans, key=lambda span: span[0]):
        if until is not None and until < day:
            continue
        if since > day:
            break
        if until is None or (last is not None and until >= last):
            return None
        day = until + timedelta(days=1)
    later = [since for since, _until in spans if since > day]
    return day, min(later) - timedelta(days=1) if later else last


def inspect_clauses(model: Model, documents: Collection[str] | None = None) -> list[Finding]:
    """Return the rules without a clause, and those whose 《document》 is none of the titles in ``documents``."""
    found = []
    for decision in model.decisions.values():
        for rule in decision.logic.rules if isinstance(decision.logic, Table) else ():
            where = f"决策“{decision.name}”第 {rule.number} 条规则"
            if not rule.clause:
                found.append(Finding(Kind.NO_CLAUSE, f"{where}没有写依据。", decision.name, (rule.number,)))
            for title in _TITLE.findall(rule.clause) if documents is not None else ():
                if title not in (documents or ()):
                    sentence = f"{where}依据的《{title}》不在政策文件库中。"
                    found.append(Finding(Kind.NO_DOCUMENT, sentence, decision.name, (rule.number,)))
    return found
