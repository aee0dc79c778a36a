"""Which values of a fact a table can tell apart: a few that stand for all, found in what its cells compare with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import combinations, pairwise

from songhe.engines.policy import temporal
from songhe.engines.policy.comparing import Interval
from songhe.engines.policy.functions import same
from songhe.engines.policy.interpreter import Value, evaluate_node, passes
from songhe.engines.policy.parser import parse_unary_tests
from songhe.engines.policy.syntax import (
    Between,
    Binary,
    Call,
    Compare,
    Holds,
    In,
    Literal,
    Name,
    Node,
    Quantified,
    Range,
    Unary,
    UnaryTests,
    children,
    parts,
)

# A text and a list's element that no rule speaks of.
OTHER = "其他"
# So many elements of a list are tried in every combination.
_MOST_COMBINED = 9


@dataclass(frozen=True)
class Domain:
    """What values a fact can have: FEEL's unary tests (``0, 1, 2``, ``[0..150]``), and whether only whole ones."""

    tests: str = "-"
    whole: bool = False

    def parsed(self) -> UnaryTests:
        """Return the tests; FeelSyntaxError if they are none."""
        return parse_unary_tests(self.tests)


@dataclass
class Points:
    """The values found for one fact; ``exact`` unless some cell asks more than a comparison with a constant."""

    values: list[Value] = field(default_factory=list)
    exact: bool = True

    def add(self, values: Iterable[Value]) -> None:
        """Take more values, each once."""
        self.values += [value for value in values if not any(same(value, each) for each in self.values)]


def points_of(
    tests: Iterable[UnaryTests],
    names: Mapping[str, Value],
    type_name: str = "",
    domain: Domain | None = None,
    allowed: UnaryTests | None = None,
    more: Iterable[Value] = (),
) -> Points:
    """Return values of one fact, such that any other is treated like one of them by all of these tests.

    ``names`` are the constants that cells may speak of; ``more`` are values it is compared with elsewhere.
    """
    found = Points()
    bounds: list[Value] = list(more)
    for test in dict.fromkeys(tests):
        if test.anything:
            continue
        found.exact = found.exact and all(_is_plain(each, names) for each in test.tests)
        bounds += _constants(test, names)
    limits = [each for each in (allowed, domain.parsed() if domain else None) if each is not None and not each.anything]
    listed = _listed(limits, names)
    for limit in limits:
        bounds += _constants(limit, names)
    if not bounds and type_name == "number":
        # Compared with other facts only: less, equal and more can be had of these.
        bounds, found.exact = [Decimal(1)], False
    if listed is not None:
        found.add(listed)
    elif type_name == "list" or any(_asks_list(test) for test in tests):
        found.add(_lists([each for each in bounds if not isinstance(each, list)], found))
    else:
        found.add(_around(bounds, whole=bool(domain and domain.whole), type_name=type_name))
    found.values = [
        value for value in found.values if value is None or all(passes(limit, value, names) is True for limit in limits)
    ]
    found.add([None])
    return found


def _listed(limits: list[UnaryTests], names: Mapping[str, Value]) -> list[Value] | None:
    """Return the values where they are counted out one by one."""
    for limit in limits:
        values = [evaluate_node(test, names) for test in limit.tests if isinstance(test, Literal | Unary)]
        if len(values) == len(limit.tests) and not limit.negated:
            return values
    return None


def _asks_list(tests: UnaryTests) -> bool:
    """Tell whether a cell takes its value for a list."""
    for part in (each for test in tests.tests for each in parts(test)):
        if (
            isinstance(part, Call)
            and part.function in ("list contains", "count")
            and part.arguments[:1] == (Name("?"),)
        ):
            return True
        if isinstance(part, Quantified) and any(values == Name("?") for _name, values in part.variables):
            return True
    return False


def _constants(node: Node, names: Mapping[str, Value]) -> list[Value]:
    """Return what an expression compares with: the values of its largest parts that are the same for everybody."""
    if not isinstance(node, UnaryTests | Compare | Holds) and _is_constant(node, names):
        value = evaluate_node(node, names)
        if isinstance(value, Interval):
            value = [value.low, value.high]
        values = value if isinstance(value, list) else [value]
        return [each for each in values if each is not None and not isinstance(each, Mapping)]
    return [value for child in children(node) for value in _constants(child, names)]


def _is_constant(node: Node, names: Mapping[str, Value]) -> bool:
    return all(part.name in names for part in parts(node) if isinstance(part, Name))


def _is_plain(node: Node, names: Mapping[str, Value]) -> bool:
    """Tell whether a test only compares its value with constants."""

    def constant(*each: Node | None) -> bool:
        return all(one is None or _is_constant(one, names) for one in each)

    match node:
        case Compare(_, operand):
            return constant(operand)
        case Holds(condition):
            return _is_plain_condition(condition, names)
        case Range(low, high):
            return constant(low, high)
        case UnaryTests(tests):
            return all(_is_plain(test, names) for test in tests)
    return constant(node)


def _is_plain_condition(node: Node, names: Mapping[str, Value]) -> bool:
    asked = Name("?")
    match node:
        case Binary("and" | "or", left, right):
            return _is_plain_condition(left, names) and _is_plain_condition(right, names)
        case Call("not", (condition,)):
            return _is_plain_condition(condition, names)
        case Call("list contains", (Name("?"), item)):
            return _is_constant(item, names)
        case Binary("=" | "!=" | "<" | "<=" | ">" | ">=", left, right):
            return (left == asked and _is_constant(right, names)) or (right == asked and _is_constant(left, names))
        case Between(Name("?"), low, high):
            return _is_constant(low, names) and _is_constant(high, names)
        case In(Name("?"), tests):
            return _is_plain(tests, names)
        case Quantified(_, ((variable, Name("?")),), Binary("=" | "!=", Name(name), item)):
            return variable == name and _is_constant(item, names)
    return False


# --- values --------------------------------------------------------------------------------------------------------


def _lists(items: list[Value], found: Points) -> list[Value]:
    """Return lists of these elements: every combination of a few, else none, one, two and all."""
    items = [item for place, item in enumerate(items) if not any(same(item, each) for each in items[:place])]
    if not items or all(isinstance(item, str) for item in items):
        items.append(_unlike(items))
    if len(items) <= _MOST_COMBINED:
        sizes: Iterable[int] = range(len(items) + 1)
    else:
        sizes, found.exact = (0, 1, 2, len(items)), False
    return [list(chosen) for size in sizes for chosen in combinations(items, size)]


def _unlike(texts: list[Value]) -> str:
    other = OTHER
    while other in texts:
        other += OTHER
    return other


def _around(bounds: list[Value], *, whole: bool, type_name: str) -> list[Value]:
    """Return each bound, and what lies below, between and above bounds of one kind; for texts, one unlike all."""
    found: list[Value] = []
    if type_name == "boolean" or any(isinstance(each, bool) for each in bounds):
        found += [True, False]
    numbers = sorted({each for each in bounds if isinstance(each, Decimal)})
    found += _numbers(numbers, whole)
    texts = list(dict.fromkeys(each for each in bounds if isinstance(each, str)))
    if texts or type_name == "string":
        found += [*texts, _unlike(texts)]
    for kind, step in (
        (datetime, timedelta(seconds=1)),
        (date, timedelta(days=1)),
        (time, timedelta(seconds=1)),
        (timedelta, timedelta(seconds=1)),
        (temporal.Months, temporal.Months(1)),
    ):
        alike = [
            each for each in bounds if isinstance(each, kind) and not (kind is date and isinstance(each, datetime))
        ]
        for each in alike:
            found += [each, temporal.subtract(each, step), temporal.add(each, step)]
    return [each for each in found if each is not None]


def _numbers(bounds: list[Decimal], whole: bool) -> list[Value]:
    found: list[Value] = []
    for low, high in pairwise(bounds):
        between = ((low + high) / 2).to_integral_value()
        if not low < between < high:
            if whole:
                continue
            between = (low + high) / 2
        found.append(between)
    if bounds:
        found += [*bounds, bounds[-1] + 1, bounds[0] - 1]
        if whole:
            found = [each for each in found if each == each.to_integral_value()]
            # A bound that is no whole number still parts those beside it.
            for each in bounds:
                found += [each.to_integral_value(ROUND_FLOOR), each.to_integral_value(ROUND_CEILING)]
    return found
