"""Evaluating FEEL: three-valued logic, nulls for what makes no sense, decimals for numbers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, DecimalException
from typing import Any

from songhe.engines.policy import temporal
from songhe.engines.policy.comparing import Interval, compare, conjunction, disjunction, same
from songhe.engines.policy.decimals import NUMBERS
from songhe.engines.policy.errors import FeelSyntaxError, PolicyError
from songhe.engines.policy.functions import FUNCTIONS, by_place, call
from songhe.engines.policy.syntax import (
    Apply,
    Between,
    Binary,
    Call,
    Compare,
    ContextOf,
    Filter,
    For,
    FunctionOf,
    Holds,
    If,
    In,
    InstanceOf,
    ListOf,
    Literal,
    Name,
    Node,
    Path,
    Quantified,
    Range,
    Unary,
    UnaryTests,
)
from songhe.engines.policy.texts import bounded
from songhe.engines.policy.types import coerced, is_of

Value = Any
Names = Mapping[str, Value]
# Where the types that a model defines are found among the names.
TYPES = "·types"
# So many turns of loops and calls of functions make one evaluation; a slip of the pen must not stop the server.
MOST_STEPS = 200_000


class _Steps(threading.local):
    """How many steps the evaluation under way has taken."""

    taken = 0


_steps = _Steps()


def start_counting() -> None:
    """Begin an evaluation, which may take its own number of steps."""
    _steps.taken = 0


def _count_step() -> None:
    _steps.taken += 1
    if _steps.taken > MOST_STEPS:
        raise PolicyError(f"循环和函数调用超过 {MOST_STEPS} 次，已停止计算。请缩小循环的范围。")


@dataclass
class Lambda:
    """A function as a value: called by place or by name; a wrong number of arguments gives null."""

    parameters: tuple[str, ...]
    types: tuple[str, ...]
    run: Callable[[dict[str, Value]], Value]
    known_types: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, *arguments: Value, **named: Value) -> Value:
        _count_step()
        if named:
            if arguments or not set(named) <= set(self.parameters):
                return None
            given = {**dict.fromkeys(self.parameters), **named}
        elif len(arguments) == len(self.parameters):
            given = dict(zip(self.parameters, arguments, strict=True))
        else:
            return None
        for name, type_name in zip(self.parameters, self.types, strict=True):
            given[name] = coerced(given[name], type_name, self.known_types)
        return self.run(given)


def plain(value: Value) -> Value:
    """Turn a Python value into one of FEEL's: numbers become decimals, tuples and sets lists."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return NUMBERS.create_decimal(value)
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    return value


_OPERATIONS: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": NUMBERS.add,
    "-": NUMBERS.subtract,
    "*": NUMBERS.multiply,
    "/": NUMBERS.divide,
    "**": NUMBERS.power,
}


def _arithmetic(sign: str, left: Value, right: Value) -> Value:
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        try:
            return _OPERATIONS[sign](left, right)
        except DecimalException:
            # DMN 1.5, 10.3.2.12: what has no value (a division by zero) is null.
            return None
    if left is None or right is None:
        return None
    match sign:
        case "+":
            if isinstance(left, str) and isinstance(right, str):
                return bounded(left + right)
            return temporal.add(left, right)
        case "-":
            return temporal.subtract(left, right)
        case "*" | "/":
            return temporal.scale(sign, left, right)
    return None


def evaluate_node(node: Node, names: Names) -> Value:
    """Return the value of an expression where ``names`` hold."""
    match node:
        case Literal(value):
            return value
        case Name(name):
            return names.get(name)
        case Path(of, member):
            return _member(evaluate_node(of, names), member)
        case Binary():
            return _binary(node, names)
        case Unary(_, operand):
            value = evaluate_node(operand, names)
            return -value if isinstance(value, Decimal | timedelta | temporal.Months) else None
        case If(condition, then, otherwise):
            return evaluate_node(then if evaluate_node(condition, names) is True else otherwise, names)
        case Between(value, low, high):
            bounds = Interval(evaluate_node(low, names), evaluate_node(high, names), True, True)
            return bounds.holds(evaluate_node(value, names))
        case In(value, tests):
            return passes(tests, evaluate_node(value, names), names)
        case Call(function, arguments, argument_names):
            return _call(function, arguments, argument_names, names)
        case Apply(of, arguments, argument_names):
            values = [evaluate_node(argument, names) for argument in arguments]
            return _applied(evaluate_node(of, names), values, argument_names)
        case FunctionOf(parameters, types, body):
            return _function(parameters, types, body, names)
        case InstanceOf(value, type_name):
            return is_of(evaluate_node(value, names), type_name, names.get(TYPES) or {})
        case ListOf(items):
            return [evaluate_node(item, names) for item in items]
        case ContextOf(entries):
            return _context(entries, names)
        case Range(low, high, low_closed, high_closed):
            return _interval(low, high, low_closed, high_closed, names)
        case Filter(of, by):
            return filtered(evaluate_node(of, names), lambda inner: evaluate_node(by, inner), names)
        case For(variables, result):
            made: list[Value] = []
            try:
                for each in _each(variables, {**names, "partial": made}):
                    # Each turn sees what those before made, so it is added at once.
                    made.append(evaluate_node(result, each))  # noqa: PERF401
            except Missing:
                return None
            return made
        case Quantified(every, variables, condition):
            try:
                found = [_truth(evaluate_node(condition, each)) for each in _each(variables, names)]
            except Missing:
                return None
            return FUNCTIONS["all" if every else "any"](found)
        case Compare(sign, operand):
            return compare(sign, names.get("?"), evaluate_node(operand, names))
        case Holds(condition):
            return _truth(evaluate_node(condition, names))
        case UnaryTests():
            return passes(node, names.get("?"), names)
    raise TypeError(node)


def passes(tests: UnaryTests, value: Value, names: Names) -> Value:
    """Tell whether an input passes the unary tests of a cell."""
    if tests.anything:
        return True
    inner = {**names, "?": value}
    result: Value = False
    for test in tests.tests:
        result = disjunction(result, _passes_one(test, value, inner))
        if result is True:
            break
    if tests.negated:
        return (not result) if isinstance(result, bool) else None
    return result


def _passes_one(test: Node, value: Value, names: Names) -> Value:
    if isinstance(test, Compare | Holds):
        return evaluate_node(test, names)
    found = evaluate_node(test, names)
    if isinstance(found, Interval):
        return compare("=", value, found) if isinstance(value, Interval) else found.holds(value)
    if isinstance(found, list) and not isinstance(value, list):
        return any(item.holds(value) is True if isinstance(item, Interval) else same(item, value) for item in found)
    if isinstance(value, list) and len(value) == 1 and not isinstance(found, list):
        # DMN 1.5, 10.3.2.9.4: a list of one stands for its element.
        value = value[0]
    return compare("=", value, found)


def _truth(value: Value) -> Value:
    return value if isinstance(value, bool) else None


def _member(value: Value, member: str) -> Value:
    if isinstance(value, Mapping):
        return value.get(member)
    if isinstance(value, list):
        return [_member(item, member) for item in value]
    if isinstance(value, Interval):
        return {
            "start": value.low,
            "end": value.high,
            "start included": value.low_closed,
            "end included": value.high_closed,
        }.get(member)
    return temporal.member(value, member)


def _binary(node: Binary, names: Names) -> Value:
    """Compute a row of operators from its left end; a long one does not go deep."""
    row: list[Binary] = []
    left: Node = node
    while isinstance(left, Binary):
        row.append(left)
        left = left.left
    value = evaluate_node(left, names)
    for each in reversed(row):
        if each.operator in ("and", "or"):
            join, decided = (conjunction, False) if each.operator == "and" else (disjunction, True)
            # What is decided already does not ask the rest, which could be costly.
            value = decided if value is decided else join(_truth(value), _truth(evaluate_node(each.right, names)))
        elif each.operator in _OPERATIONS:
            value = _arithmetic(each.operator, value, evaluate_node(each.right, names))
        else:
            value = compare(each.operator, value, evaluate_node(each.right, names))
    return value


def _interval(low: Node | None, high: Node | None, low_closed: bool, high_closed: bool, names: Names) -> Value:
    first, last = (None if bound is None else evaluate_node(bound, names) for bound in (low, high))
    return Interval(first, last, low_closed, high_closed)


def _call(function: str, arguments: tuple[Node, ...], argument_names: tuple[str, ...], names: Names) -> Value:
    values = [evaluate_node(argument, names) for argument in arguments]
    known = names.get(function)
    if callable(known):
        return _applied(known, values, argument_names)
    if function in _MOMENTS:
        raise PolicyError(f"函数 {function} 的结果因时而异：决策只由给出的事实得出，请把日期作为输入。")
    if function == "range":
        return _range_of(
            by_place(function, dict(zip(argument_names, values, strict=True))) if argument_names else values
        )
    return call(function, values, argument_names)


_MOMENTS = ("now", "today")


def _applied(function: Value, values: list[Value], argument_names: tuple[str, ...]) -> Value:
    if not callable(function):
        return None
    return function(**dict(zip(argument_names, values, strict=True))) if argument_names else function(*values)


def _function(parameters: tuple[str, ...], types: tuple[str, ...], body: Node | None, names: Names) -> Lambda:
    def run(given: dict[str, Value]) -> Value:
        # Code of another language is never run.
        return None if body is None else evaluate_node(body, {**names, **given})

    return Lambda(parameters, types, run, names.get(TYPES) or {})


def _range_of(values: list[Value] | None) -> Value:
    """Return the range that a text writes (``[18..21)``), of constants only."""
    from songhe.engines.policy.parser import parse_expression

    if not values or len(values) != 1 or not isinstance(values[0], str):
        return None
    try:
        node = parse_expression(values[0])
    except FeelSyntaxError:
        return None
    if not isinstance(node, Range) or not all(_is_bound(bound) for bound in (node.low, node.high)):
        return None
    found = evaluate_node(node, {})
    if found.low is None and found.high is None:
        return None
    if found.low is not None and found.high is not None and compare("<=", found.low, found.high) is not True:
        return None
    return found


def _is_bound(node: Node | None) -> bool:
    return (
        node is None
        or isinstance(node, Literal | Unary)
        or (isinstance(node, Call) and node.function in ("date", "time", "date and time", "duration"))
    )


def _context(entries: tuple[tuple[str, Node], ...], names: Names) -> Value:
    made: dict[str, Value] = {}
    inner = dict(names)
    for key, node in entries:
        if key in made:
            return None
        # A function sees the entries by name when it is called, itself among them.
        made[key] = inner[key] = evaluate_node(node, inner)
    return made


def filtered(value: Value, by: Callable[[Names], Value], names: Names) -> Value:
    """Return the elements for which a condition holds, or the one at the place it gives."""
    items = value if isinstance(value, list) else [] if value is None else [value]
    kept = []
    for number, item in enumerate(items):
        _count_step()
        members = item if isinstance(item, Mapping) else {}
        holds = by({**names, "item": item, **members})
        if number == 0 and isinstance(holds, Decimal):
            return _at(items, by(names))
        if holds is True:
            kept.append(item)
    if not items and isinstance(by({**names, "item": None}), Decimal):
        return None
    return kept


def _at(items: list[Value], place: Value) -> Value:
    if not isinstance(place, Decimal) or not 1 <= abs(place) <= len(items):
        return None
    return items[int(place) - 1 if place > 0 else len(items) + int(place)]


def _each(variables: tuple[tuple[str, Node], ...], names: Names) -> Iterator[Names]:
    """Yield the names of each turn of a loop; a later variable may speak of those before."""
    if not variables:
        _count_step()
        yield names
        return
    (name, node), rest = variables[0], variables[1:]
    for value in elements(evaluate_node(node, names)):
        yield from _each(rest, {**names, name: value})


class Missing(Exception):
    """A loop over null."""


# A slip of the pen in a policy (``1..1000000000``) must not stop the server.
LONGEST_SPAN = 100_000


def elements(values: Value) -> list[Value]:
    """Return what a loop goes through: a list's elements, a range's whole numbers or days, a value alone.

    Raises:
        Missing: it is null.
        PolicyError: the range is too long.
    """
    if isinstance(values, Interval):
        return _span(values)
    if values is None:
        raise Missing
    return values if isinstance(values, list) else [values]


def _span(bounds: Interval) -> list[Value]:
    """Return the whole numbers or days from one bound to the other, downwards too; none if it has no such bounds."""
    low, high = bounds.low, bounds.high
    if isinstance(low, Decimal) and isinstance(high, Decimal):
        if abs(high - low) > LONGEST_SPAN:
            raise PolicyError(f"循环从 {low} 到 {high}，超过了 {LONGEST_SPAN} 次。请缩小循环的范围。")
        step = 1 if high >= low else -1
        found: list[Value] = [Decimal(number) for number in range(int(low), int(high) + step, step)]
    elif type(low) is date and type(high) is date:
        if abs((high - low).days) > LONGEST_SPAN:
            raise PolicyError(f"循环从 {low} 到 {high}，超过了 {LONGEST_SPAN} 次。请缩小循环的范围。")
        step = 1 if high >= low else -1
        found = [low + timedelta(days=step * n) for n in range(abs((high - low).days) + 1)]
    else:
        return []
    if not bounds.low_closed:
        found = found[1:]
    return found if bounds.high_closed else [each for each in found if not same(each, high)]
