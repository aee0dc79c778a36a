"""Which persons a table treats how: those no rule serves, those that several do, and the rules nobody ever meets.

Each fact is tried at a few values that stand for all the others (``points``). Facts are taken one after another; after
each, persons whom the same rules of all tables still accept are one case, so the cases stay few however many persons
there are. At the end the tables before this one are answered, and the case says which of its rules hit. Every example
is such a case: a person in whom the interpreter sees the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from songhe.engines.policy.evaluation import Making, answer
from songhe.engines.policy.findings import Finding, Kind, of_person
from songhe.engines.policy.interpreter import Value, evaluate_node, passes
from songhe.engines.policy.model import Decision, Expression, Filtering, Logic, Model, Rule, Table, inner_logics
from songhe.engines.policy.points import Domain, points_of
from songhe.engines.policy.syntax import Literal, Name, Node, UnaryTests, parts

# So many steps are taken for one table before it is said to be too large to be looked over.
MOST_STEPS = 400_000
# So many different cells of one fact are compared with one another; the time grows with their square.
_MOST_TESTS = 800
_WHY = {
    "UNIQUE": "命中策略是“唯一”（U），只许一条符合",
    "ANY": "命中策略是“任一”（A），两条的输出却不同",
}
_SINGLE = frozenset({"UNIQUE", "ANY", "PRIORITY", "FIRST"})


@dataclass
class _Fact:
    """One input of the model, or a column's expression that nothing else depends on."""

    label: str
    columns: list[tuple[str, int]] = field(default_factory=list)
    points: list[Value] = field(default_factory=list)
    # For each point and each table the rules (bits) that still accept the person.
    masks: list[tuple[int, ...]] = field(default_factory=list)
    # Whether its very value is needed later, not only which rules accept it.
    kept: bool = False


@dataclass(frozen=True)
class Case:
    """Persons treated alike: one of them by facts, which rules of the table hit, and whether a fact is unknown."""

    facts: dict[str, Value]
    hits: tuple[int, ...]
    names: Mapping[str, Value]

    @property
    def is_known(self) -> bool:
        """Tell whether all of the person's facts are known."""
        return all(value is not None for value in self.facts.values())


class Unsearchable(Exception):
    """A table that cannot be looked over; the message is Chinese and says why."""


class Coverage:
    """All cases of one decision's table; ``exact`` if no person can be treated otherwise than one of them."""

    def __init__(
        self, model: Model, decision: Decision, constants: Mapping[str, Value], domains: Mapping[str, Domain]
    ) -> None:
        assert isinstance(decision.logic, Table)
        self.model = model
        self.decision = decision
        self.table = decision.logic
        self.constants = constants
        self.domains = domains
        self.making = Making(model, dict(constants))
        self.exact = True
        self.steps = 0
        self.before = [each for each in self._needed(decision) if each.name != decision.name]
        self.tables = [each for each in [*self.before, decision] if isinstance(each.logic, Table)]
        self.facts = self._facts()
        self._late: dict[tuple[str, int, Any], int] = {}
        self.cases = list(self._cases())

    # --- what the table depends on -----------------------------------------------------------------------------------

    def _needed(self, decision: Decision) -> list[Decision]:
        """Return the decisions whose values the table's tests ask for, each after those it needs itself."""
        found: dict[str, Decision] = {}
        for name in _names_of_tests(decision.logic) if isinstance(decision.logic, Table) else names_of(decision.logic):
            upper = self.model.decisions.get(name)
            if upper is not None and name in decision.requires and name not in found:
                found |= {each.name: each for each in self._needed_whole(upper)}
        return [*found.values(), decision]

    def _needed_whole(self, decision: Decision) -> list[Decision]:
        found: dict[str, Decision] = {}
        for name in decision.requires:
            if name in self.model.decisions:
                found |= {each.name: each for each in self._needed_whole(self.model.decisions[name])}
        return [*found.values(), decision]

    def _facts(self) -> list[_Fact]:
        facts: dict[str, _Fact] = {}
        kept: set[str] = set()
        tests: dict[str, list[UnaryTests]] = {}
        self.direct: dict[tuple[str, int], str] = {}
        inputs = {name for name in self.model.inputs if name not in self.constants}
        for owner in self.tables:
            table = owner.logic
            assert isinstance(table, Table)
            for place, column in enumerate(table.inputs):
                spoken = (
                    {name for rule in table.rules for name in _names(rule.tests[place])} - {"?"} - self.constants.keys()
                )
                if isinstance(column.node, Name) and column.node.name in inputs and not spoken:
                    name = column.node.name
                    self.direct[owner.name, place] = name
                    facts.setdefault(name, _Fact(name)).columns.append((owner.name, place))
                    tests.setdefault(name, []).extend(rule.tests[place] for rule in table.rules)
                else:
                    kept |= (set(_names(column.node)) | spoken) & inputs
                    self.exact = self.exact and self._is_answered(column.node) and not spoken
        for each in self.before:
            if not isinstance(each.logic, Table):
                kept |= set(names_of(each.logic)) & inputs
                self.exact = self.exact and not set(names_of(each.logic)) & inputs
            else:
                kept |= {name for rule in each.logic.rules for node in rule.outputs for name in _names(node)} & inputs
        for name in kept:
            facts.setdefault(name, _Fact(name)).kept = True
        # What expressions compare with may matter to any fact they speak of.
        elsewhere = [*self._constants_before(), *self._late_constants()]
        for name, fact in facts.items():
            asked = dict.fromkeys(tests.get(name, ()))
            if len(asked) > _MOST_TESTS:
                raise Unsearchable(f"“{name}”有 {len(asked)} 种条件，超过 {_MOST_TESTS} 种")
            allowed = self.model.allowed.get(name)
            found = points_of(
                asked,
                self.constants,
                self.model.inputs[name],
                self.domains.get(name),
                allowed,
                elsewhere if fact.kept else (),
            )
            if fact.kept and found.values == [None]:
                raise Unsearchable(f"不知道“{name}”会有哪些值")
            fact.points = found.values
            self.exact = self.exact and found.exact
            fact.masks = [tuple(self._mask(fact, owner, value) for owner in self.tables) for value in fact.points]
            if not fact.kept:
                self._merge(fact)
        # What decides most comes first, so that cases fall together early.
        return sorted(facts.values(), key=lambda fact: (fact.kept, len(fact.points)))

    def _is_answered(self, node: Node) -> bool:
        """Tell whether a column asks for no more than another table's answer."""
        return isinstance(node, Name) and node.name in self.model.decisions

    def _constants_before(self) -> Iterator[Value]:
        for each in self.before:
            for node in nodes_of(each.logic) if not isinstance(each.logic, Table) else ():
                if isinstance(node, Literal) and node.value is not None:
                    yield node.value

    def _late_constants(self) -> Iterator[Value]:
        for owner in self.tables:
            assert isinstance(owner.logic, Table)
            for place, column in enumerate(owner.logic.inputs):
                if (owner.name, place) not in self.direct and not self._is_answered(column.node):
                    tests = [rule.tests[place] for rule in owner.logic.rules]
                    yield from (each for each in points_of(tests, self.constants).values if each is not None)

    def _mask(self, fact: _Fact, owner: Decision, value: Value) -> int:
        """Return the rules of a table that accept a value in all columns of its fact."""
        assert isinstance(owner.logic, Table)
        mask = (1 << len(owner.logic.rules)) - 1
        for decision, place in fact.columns:
            if decision == owner.name:
                mask &= self._accepting(owner.logic, place, value)
        return mask

    def _accepting(self, table: Table, place: int, value: Value) -> int:
        mask = 0
        known: dict[UnaryTests, bool] = {}
        for bit, rule in enumerate(table.rules):
            test = rule.tests[place]
            if test not in known:
                known[test] = passes(test, value, self.constants) is True
            mask |= known[test] << bit
        return mask

    def _merge(self, fact: _Fact) -> None:
        """Keep one of those points that all tables treat alike, a known one if there is."""
        seen: dict[tuple[int, ...], Value] = {}
        for value, masks in zip(fact.points, fact.masks, strict=True):
            seen.setdefault(masks, value)
        fact.points, fact.masks = list(seen.values()), list(seen)

    # --- the cases ---------------------------------------------------------------------------------------------------

    def _cases(self) -> Iterator[Case]:
        start = tuple((1 << len(owner.logic.rules)) - 1 for owner in self.tables if isinstance(owner.logic, Table))
        cases: dict[tuple[tuple[int, ...], tuple[int, ...]], tuple[Value, ...]] = {(start, ()): ()}
        for fact in self.facts:
            longer: dict[tuple[tuple[int, ...], tuple[int, ...]], tuple[Value, ...]] = {}
            for (masks, kept), values in cases.items():
                for number, (value, accepting) in enumerate(zip(fact.points, fact.masks, strict=True)):
                    both = tuple(map(int.__and__, masks, accepting))
                    key = both, (*kept, number) if fact.kept else kept
                    # Of persons treated alike, one whose facts are known speaks for all.
                    if key not in longer or None in longer[key]:
                        longer[key] = (*values, value)
                self.steps += len(fact.points)
                if self.steps > MOST_STEPS:
                    raise Unsearchable("决策表太大")
            cases = longer
        seen: set[tuple[tuple[int, ...], bool]] = set()
        for (masks, _kept), values in cases.items():
            self.steps += 20
            if self.steps > MOST_STEPS:
                raise Unsearchable("决策表太大")
            known = {fact.label: value for fact, value in zip(self.facts, values, strict=True)}
            facts = {name: known[name] for name in self.model.inputs if name in known}
            hits, names = self._answered(dict(zip((each.name for each in self.tables), masks, strict=True)), facts)
            mark = hits, None not in values
            if mark not in seen:
                seen.add(mark)
                yield Case(facts, hits, names)

    def _answered(self, masks: dict[str, int], facts: dict[str, Value]) -> tuple[tuple[int, ...], Mapping[str, Value]]:
        names = {**self.making.names, **facts}
        for each in self.before:
            if isinstance(each.logic, Table):
                names[each.name] = answer(each.logic, self._hitting(each, masks[each.name], names), names)[0]
            else:
                names[each.name] = self.making.value(each.logic, names, each)
        hitting = self._hitting(self.decision, masks[self.decision.name], names)
        return tuple(rule.number for rule in hitting), names

    def _hitting(self, owner: Decision, mask: int, names: dict[str, Value]) -> list[Rule]:
        """Return the rules that hit, given those that the facts' own columns accept."""
        table = owner.logic
        assert isinstance(table, Table)
        for place, column in enumerate(table.inputs):
            if not mask or (owner.name, place) in self.direct:
                continue
            value = evaluate_node(column.node, names)
            if self._is_answered(column.node) and all(
                not set(_names(r.tests[place])) - {"?"} - self.constants.keys() for r in table.rules
            ):
                key = (owner.name, place, _hashable(value))
                if key not in self._late:
                    self._late[key] = self._accepting(table, place, value)
                mask &= self._late[key]
            else:
                for bit, rule in enumerate(table.rules):
                    if mask >> bit & 1 and passes(rule.tests[place], value, names) is not True:
                        mask &= ~(1 << bit)
        rules = [rule for bit, rule in enumerate(table.rules) if mask >> bit & 1]
        return rules[:1] if table.hit_policy == "FIRST" and owner is not self.decision else rules


def _hashable(value: Value) -> Any:
    return (type(value), repr(value) if isinstance(value, list | Mapping) else value)


def _names(node: Node) -> Iterator[str]:
    return (part.name for part in parts(node) if isinstance(part, Name))


def _names_of_tests(table: Table) -> dict[str, None]:
    found: dict[str, None] = {}
    for column in table.inputs:
        found |= dict.fromkeys(_names(column.node))
    for rule in table.rules:
        for test in rule.tests:
            found |= dict.fromkeys(_names(test))
    return found


def nodes_of(logic: Logic | None) -> Iterator[Node]:
    """Yield every part of every expression of a logic."""
    match logic:
        case Table():
            defaults = [output.default for output in logic.outputs if output.default is not None]
            for node in [*(column.node for column in logic.inputs), *defaults]:
                yield from parts(node)
            for rule in logic.rules:
                for each in (*rule.tests, *rule.outputs):
                    yield from parts(each)
        case Expression(node, _):
            yield from parts(node)
        case Filtering(source):
            # Within a filter any name may be a member of an element.
            yield from nodes_of(source)
        case None:
            return
        case _:
            for inner, _names in inner_logics(logic):
                yield from nodes_of(inner)


def names_of(logic: Logic) -> dict[str, None]:
    """Return the names a logic speaks of, in order."""
    return dict.fromkeys(part.name for part in nodes_of(logic) if isinstance(part, Name))


# --- what the cases show -------------------------------------------------------------------------------------------


def look_over(
    model: Model,
    decision: Decision,
    constants: Mapping[str, Value],
    domains: Mapping[str, Domain],
    words: Mapping[str, str],
) -> Iterator[Finding]:
    """Yield the gaps, overlaps and idle rules of a decision's table, each gap and overlap with a person."""
    assert isinstance(decision.logic, Table)
    try:
        coverage = Coverage(model, decision, constants, domains)
    except Unsearchable as reason:
        yield Finding(Kind.UNCHECKED, f"决策“{decision.name}”没有检查空档和重叠：{reason}。", decision.name)
        return
    yield from _gaps(coverage, words)
    yield from _overlaps(coverage, words)
    if coverage.exact:
        yield from _idle(coverage)


def _gaps(coverage: Coverage, words: Mapping[str, str]) -> Iterator[Finding]:
    table, name = coverage.table, coverage.decision.name
    if table.hit_policy not in _SINGLE or any(output.default is not None for output in table.outputs):
        return
    unserved = [case for case in coverage.cases if not case.hits]
    known = [case for case in unserved if case.is_known]
    for case in (known or unserved)[:1]:
        yield Finding(
            Kind.GAP if known else Kind.UNKNOWN_FACT,
            f"决策“{name}”有空档：{_person(coverage, case, words)}没有规则可用，也没有默认输出。",
            name,
            example=case.facts,
        )


def _overlaps(coverage: Coverage, words: Mapping[str, str]) -> Iterator[Finding]:
    table, name = coverage.table, coverage.decision.name
    if table.hit_policy not in ("UNIQUE", "ANY"):
        return
    told: set[tuple[int, int]] = set()
    for case in sorted(coverage.cases, key=lambda each: not each.is_known):
        for pair in _contradicting(table, case):
            if pair in told:
                continue
            told.add(pair)
            who = _person(coverage, case, words)
            yield Finding(
                Kind.OVERLAP,
                f"决策“{name}”第 {pair[0]} 条和第 {pair[1]} 条规则重叠：{who}两条都符合，而{_WHY[table.hit_policy]}。",
                name,
                pair,
                example=case.facts,
            )


def _contradicting(table: Table, case: Case) -> Iterator[tuple[int, int]]:
    """Yield the pairs of rules that hit together and must not: the first with each other."""
    rules = {rule.number: rule for rule in table.rules}
    for place, later in enumerate(case.hits):
        for earlier in case.hits[:place]:
            if table.hit_policy == "UNIQUE" or _outputs(rules[earlier], case) != _outputs(rules[later], case):
                yield earlier, later


def _outputs(rule: Rule, case: Case) -> list[Value]:
    return [evaluate_node(node, case.names) for node in rule.outputs]


def _idle(coverage: Coverage) -> Iterator[Finding]:
    """Yield the rules that never hit, or never count because others come first."""
    table, name = coverage.table, coverage.decision.name
    hit = {number for case in coverage.cases for number in case.hits}
    counting = {number for case in coverage.cases for number in _counting(table, case)}
    for rule in table.rules:
        if rule.number not in hit:
            column = _impossible(coverage, rule)
            where = f"（“{column}”列没有这样的值）" if column else ""
            yield Finding(
                Kind.UNREACHABLE,
                f"决策“{name}”第 {rule.number} 条规则不会有人符合{where}。",
                name,
                (rule.number,),
                column,
            )
        elif rule.number not in counting:
            before = sorted({n for case in coverage.cases if rule.number in case.hits for n in _counting(table, case)})
            yield Finding(
                Kind.COVERED,
                f"决策“{name}”第 {rule.number} 条规则轮不到：符合它的人都先符合第 {'、'.join(map(str, before))} 条。",
                name,
                (rule.number, *before),
            )


def _counting(table: Table, case: Case) -> tuple[int, ...]:
    """Return the rules of a case that have a say in the answer."""
    if not case.hits or table.hit_policy not in ("FIRST", "PRIORITY"):
        return case.hits
    if table.hit_policy == "FIRST":
        return case.hits[:1]
    rules = {rule.number: rule for rule in table.rules}
    return tuple(rule.number for rule in answer(table, [rules[number] for number in case.hits], dict(case.names))[1])


def _impossible(coverage: Coverage, rule: Rule) -> str:
    """Return the column whose cell alone nobody passes; empty if it is their combination."""
    for place, column in enumerate(coverage.table.inputs):
        name = coverage.direct.get((coverage.decision.name, place))
        for fact in coverage.facts:
            if fact.label == name and not any(
                passes(rule.tests[place], value, coverage.constants) is True for value in fact.points
            ):
                return column.label
    return ""


def _person(coverage: Coverage, case: Case, words: Mapping[str, str]) -> str:
    """Describe a case by the facts that make a difference, and by what the decisions before answer to them."""
    telling = {fact.label for fact in coverage.facts if len(fact.points) > 1}
    facts = of_person({name: value for name, value in case.facts.items() if name in telling}, words)
    asked = {column.node.name for column in coverage.table.inputs if isinstance(column.node, Name)}
    answers = of_person({each.name: case.names[each.name] for each in coverage.before if each.name in asked}, words)
    person = f"{facts}的人" if facts else "任何人"
    return f"{person}（{answers}）" if answers else person
