"""FEEL's built-in functions (DMN 1.5, clause 10.3.4); a wrong argument gives null, as the standard has it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

Value = Any


def _list(arguments: tuple[Value, ...]) -> list[Value]:
    if len(arguments) == 1:
        return arguments[0] if isinstance(arguments[0], list) else [arguments[0]]
    return list(arguments)


def _numbers(arguments: tuple[Value, ...]) -> list[Decimal] | None:
    items = _list(arguments)
    return items if all(isinstance(item, Decimal) for item in items) else None


def _best(choose: Callable[[Any], Value]) -> Callable[..., Value]:
    def best(*arguments: Value) -> Value:
        items = _list(arguments)
        if not items or any(item is None or type(item) is not type(items[0]) for item in items):
            return None
        return choose(items)

    return best


def _sum(*arguments: Value) -> Value:
    numbers = _numbers(arguments)
    return sum(numbers, Decimal(0)) if numbers else None


def _mean(*arguments: Value) -> Value:
    numbers = _numbers(arguments)
    return sum(numbers, Decimal(0)) / len(numbers) if numbers else None


def _date(*arguments: Value) -> Value:
    try:
        if len(arguments) == 3:
            return date(*(int(part) for part in arguments))
        if isinstance(arguments[0], date):
            return arguments[0]
        return date.fromisoformat(arguments[0])
    except (TypeError, ValueError):
        return None


def _number(text: Value, *_separators: Value) -> Value:
    try:
        return Decimal(str(text).replace(",", "")) if isinstance(text, str) else None
    except InvalidOperation:
        return None


def _rounded(rounding: str) -> Callable[..., Value]:
    def rounded(number: Value, scale: Value = Decimal(0)) -> Value:
        if not isinstance(number, Decimal) or not isinstance(scale, Decimal):
            return None
        return number.quantize(Decimal(1).scaleb(-int(scale)), rounding)

    return rounded


def _substring(text: Value, start: Value, length: Value = None) -> Value:
    if not isinstance(text, str) or not isinstance(start, Decimal) or start == 0:
        return None
    begin = int(start) - 1 if start > 0 else len(text) + int(start)
    return text[begin:] if length is None else text[begin : begin + int(length)]


def _all(*arguments: Value) -> Value:
    items = _list(arguments)
    if any(item is False for item in items):
        return False
    return True if all(item is True for item in items) else None


def _any(*arguments: Value) -> Value:
    items = _list(arguments)
    if any(item is True for item in items):
        return True
    return False if all(item is False for item in items) else None


def _flatten(items: Value) -> list[Value]:
    flat: list[Value] = []
    for item in items:
        flat.extend(_flatten(item) if isinstance(item, list) else [item])
    return flat


def _distinct(items: Value) -> Value:
    return (
        [item for number, item in enumerate(items) if item not in items[:number]] if isinstance(items, list) else None
    )


def _text(value: Value) -> Value:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return value.isoformat() if isinstance(value, date) else str(value)


def _of_texts(function: Callable[..., Value]) -> Callable[..., Value]:
    return lambda *texts: function(*texts) if all(isinstance(text, str) for text in texts) else None


FUNCTIONS: dict[str, Callable[..., Value]] = {
    "not": lambda value: (not value) if isinstance(value, bool) else None,
    "min": _best(min),
    "max": _best(max),
    "sum": _sum,
    "mean": _mean,
    "count": lambda *items: Decimal(len(_list(items))),
    "floor": _rounded(ROUND_FLOOR),
    "ceiling": _rounded(ROUND_CEILING),
    "decimal": _rounded(ROUND_HALF_EVEN),
    "abs": lambda number: abs(number) if isinstance(number, Decimal) else None,
    "modulo": lambda left, right: left - right * (left / right).to_integral_value(ROUND_FLOOR) if right else None,
    "list contains": lambda items, item: item in items if isinstance(items, list) else None,
    "append": lambda items, *more: [*items, *more],
    "concatenate": lambda *lists: [item for items in lists for item in items],
    "distinct values": _distinct,
    "flatten": _flatten,
    "reverse": lambda items: items[::-1],
    "all": _all,
    "any": _any,
    "string": _text,
    "number": _number,
    "string length": _of_texts(lambda text: Decimal(len(text))),
    "upper case": _of_texts(str.upper),
    "lower case": _of_texts(str.lower),
    "contains": _of_texts(lambda text, part: part in text),
    "starts with": _of_texts(str.startswith),
    "ends with": _of_texts(str.endswith),
    "substring": _substring,
    "substring before": _of_texts(lambda text, part: text.partition(part)[0] if part in text else ""),
    "substring after": _of_texts(lambda text, part: text.partition(part)[2]),
    "date": _date,
}

FUNCTION_NAMES = tuple(FUNCTIONS)
