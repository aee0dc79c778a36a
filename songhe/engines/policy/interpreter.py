"""Evaluating FEEL: three-valued logic, nulls for what makes no sense, decimals for numbers."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, DecimalException
from itertools import product
from typing import Any

from songhe.engines.policy import temporal
from songhe.engines.policy.functions import FUNCTIONS, NUMBERS, call, same
from songhe.engines.policy.syntax import (
    Between,
    Binary,
    Call,
    Compare,
    ContextOf,
    Filter,
    For,
    Holds,
    If,
    In,
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

Value = Any
Names = Mapping[str, Value]


@dataclass(frozen=True)
class Interval:
    """A range of values."""

    low: Value
    high: Value
    low_closed: bool
    high_closed: bool

    def holds(self, value: Value) -> Value:
        """Tell whether a value lies within; null where it cannot be compared."""
        return conjunction(
            compare(">=" if self.low_closed else ">", value, self.low),
            compare("<=" if self.high_closed else "<", value, self.high),
        )


def plain(value: Value) -> Value:
    """Turn a Python value into one of FEEL's: numbers become decimals, tuples and sets lists."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    return value


def conjunction(left: Value, right: Value) -> Value:
    """Return ``left and right`` in three-valued logic."""
    if left is False or right is False:
        return False
    return True if left is True and right is True else None


def disjunction(left: Value, right: Value) -> Value:
    """Return ``left or right`` in three-valued logic."""
    if left is True or right is True:
        return True
    return False if left is False and right is False else None


_KINDS: tuple[type | tuple[type, ...], ...] = (Decimal, str, datetime, date, time, timedelta, temporal.Months, list)


def _same_kind(left: Value, right: Value) -> bool:
    """Tell whether two values can be compared: a moment is no date, true is no number."""
    if type(left) is type(right):
        return True
    for kind in (bool, datetime):
        if isinstance(left, kind) or isinstance(right, kind):
            return isinstance(left, kind) and isinstance(right, kind)
    return any(isinstance(left, kind) and isinstance(right, kind) for kind in (*_KINDS, Mapping, Interval))


_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compare(sign: str, left: Value, right: Value) -> Value:
    """Compare two values; unlike kinds give null, except that anything may be equal to null."""
    if sign in ("=", "!="):
        if left is None or right is None:
            return (left is right) == (sign == "=")
        if not _same_kind(left, right):
            return None
        return same(left, right) == (sign == "=")
    if left is None or right is None or not _same_kind(left, right) or isinstance(left, bool | list | Mapping):
        return None
    try:
        return _ORDERS[sign](left, right)
    except TypeError:
        # A moment with a time zone and one without have no order.
        return None


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
            return left + right if isinstance(left, str) and isinstance(right, str) else temporal.add(left, right)
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
        case Binary("and", left, right):
            return conjunction(_truth(evaluate_node(left, names)), _truth(evaluate_node(right, names)))
        case Binary("or", left, right):
            return disjunction(_truth(evaluate_node(left, names)), _truth(evaluate_node(right, names)))
        case Binary(sign, left, right) if sign in _OPERATIONS:
            return _arithmetic(sign, evaluate_node(left, names), evaluate_node(right, names))
        case Binary(sign, left, right):
            return compare(sign, evaluate_node(left, names), evaluate_node(right, names))
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
        case ListOf(items):
            return [evaluate_node(item, names) for item in items]
        case ContextOf(entries):
            return _context(entries, names)
        case Range(low, high, low_closed, high_closed):
            return Interval(evaluate_node(low, names), evaluate_node(high, names), low_closed, high_closed)
        case Filter(of, by):
            return _filtered(evaluate_node(of, names), by, names)
        case For(variables, result):
            return [evaluate_node(result, {**names, **each}) for each in _each(variables, names)]
        case Quantified(every, variables, condition):
            found = [_truth(evaluate_node(condition, {**names, **each})) for each in _each(variables, names)]
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
        return found.holds(value)
    if isinstance(found, list) and not isinstance(value, list):
        return any(same(item, value) for item in found)
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


def _call(function: str, arguments: tuple[Node, ...], argument_names: tuple[str, ...], names: Names) -> Value:
    values = [evaluate_node(argument, names) for argument in arguments]
    known = names.get(function)
    if callable(known):
        return known(*values, **{}) if not argument_names else known(**dict(zip(argument_names, values, strict=True)))
    return call(function, values, argument_names)


def _context(entries: tuple[tuple[str, Node], ...], names: Names) -> dict[str, Value]:
    made: dict[str, Value] = {}
    for key, node in entries:
        made[key] = evaluate_node(node, {**names, **made})
    return made


def _filtered(value: Value, by: Node, names: Names) -> Value:
    items = value if isinstance(value, list) else [] if value is None else [value]
    if isinstance(by, Literal | Unary) or (isinstance(by, Name) and isinstance(names.get(by.name), Decimal)):
        position = evaluate_node(by, names)
        if isinstance(position, Decimal):
            index = int(position) - 1 if position > 0 else len(items) + int(position)
            return items[index] if 0 <= index < len(items) and position != 0 else None
    kept = []
    for item in items:
        inner = {**names, "item": item, **(item if isinstance(item, Mapping) else {})}
        if evaluate_node(by, inner) is True:
            kept.append(item)
    return kept


def _each(variables: tuple[tuple[str, Node], ...], names: Names) -> list[dict[str, Value]]:
    lists = []
    for _name, node in variables:
        values = evaluate_node(node, names)
        if isinstance(values, Interval):
            values = _span(values)
        lists.append(values if isinstance(values, list) else [values])
    return [dict(zip((name for name, _node in variables), combination, strict=True)) for combination in product(*lists)]


# A slip of the pen in a policy (``1..1000000000``) must not stop the server.
_LONGEST_SPAN = 100_000


def _span(bounds: Interval) -> list[Value]:
    """Return the whole numbers from one bound to the other, downwards too; none if it has no such bounds."""
    low, high = bounds.low, bounds.high
    if not isinstance(low, Decimal) or not isinstance(high, Decimal) or abs(high - low) > _LONGEST_SPAN:
        return []
    step = 1 if high >= low else -1
    return [Decimal(number) for number in range(int(low), int(high) + step, step)]
