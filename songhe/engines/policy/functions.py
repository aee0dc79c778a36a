"""FEEL's built-in functions (DMN 1.5, clause 10.3.4); a wrong argument gives null, as the standard has it.

``today`` and ``now`` are not among them: a decision is made from its facts alone, so its moment is one of them
(``evaluate(…, at=…)`` gives it).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal, DecimalException
from functools import cmp_to_key
from typing import Any

from songhe.engines.policy import decimals, temporal
from songhe.engines.policy.comparing import RANGE_FUNCTIONS, compare, same
from songhe.engines.policy.decimals import NUMBER_FUNCTIONS, NUMBERS
from songhe.engines.policy.temporal import Months
from songhe.engines.policy.texts import TEXT_FUNCTIONS, bounded, join, text_of

Value = Any

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTH_NAMES = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


# --- lists ---------------------------------------------------------------------------------------------------------


def _list(arguments: tuple[Value, ...]) -> list[Value] | None:
    """Return the list given, alone or spread; a lone value is a list of one, null none."""
    if len(arguments) != 1:
        return list(arguments) if arguments else None
    lone = arguments[0]
    return lone if isinstance(lone, list) else None if lone is None else [lone]


def _of_numbers(function: Callable[[list[Decimal]], Value], empty: Value = None) -> Callable[..., Value]:
    """Guard a function of numbers: any other value among them makes it null."""

    def guarded(*arguments: Value) -> Value:
        items = _list(arguments)
        if items is None or not all(isinstance(item, Decimal) for item in items):
            return None
        return function(items) if items else empty

    return guarded


def _best(sign: str) -> Callable[..., Value]:
    def best(*arguments: Value) -> Value:
        items = _list(arguments)
        if not items:
            return None
        found = items[0]
        for item in items:
            better = compare(sign, item, found)
            if better is None:
                return None
            found = item if better else found
        return found

    return best


def _count(*arguments: Value) -> Value:
    items = _list(arguments)
    return None if items is None else Decimal(len(items))


def _total(*arguments: Value) -> Value:
    """Return the sum of numbers, or of durations of one kind."""
    items = _list(arguments)
    if not items:
        return None
    if all(isinstance(item, Decimal) for item in items):
        return decimals.total(items)
    if not all(isinstance(item, timedelta | Months) for item in items):
        return None
    result = items[0]
    for item in items[1:]:
        result = temporal.add(result, item)
    return result


def _all(*arguments: Value) -> Value:
    items = _list(arguments)
    if items is None:
        return None
    if any(item is False for item in items):
        return False
    return True if all(item is True for item in items) else None


def _any(*arguments: Value) -> Value:
    items = _list(arguments)
    if items is None:
        return None
    if any(item is True for item in items):
        return True
    return False if all(item is False for item in items) else None


def _contains(items: list[Value], item: Value) -> Value:
    return any(same(each, item) for each in items)


def _flatten(items: Value) -> list[Value]:
    flat: list[Value] = []
    for item in items:
        flat.extend(_flatten(item) if isinstance(item, list) else [item])
    return flat


def _distinct(items: list[Value]) -> list[Value]:
    kept: list[Value] = []
    for item in items:
        if not _contains(kept, item):
            kept.append(item)
    return kept


def _place(items: list[Value], position: Value) -> int:
    """Return the index of a place counted from 1, or from the end where it is negative; ValueError for none."""
    if not isinstance(position, Decimal) or not 1 <= abs(position) <= len(items):
        raise ValueError(position)
    return int(position) - 1 if position > 0 else len(items) + int(position)


def _sublist(items: list[Value], start: Value, length: Value = None) -> Value:
    begin = _place(items, start)
    if length is None:
        return items[begin:]
    if not isinstance(length, Decimal) or not 1 <= length <= len(items) - begin:
        return None
    return items[begin : begin + int(length)]


def _remove(items: list[Value], position: Value) -> Value:
    index = _place(items, position)
    return items[:index] + items[index + 1 :]


def _insert(items: list[Value], position: Value, item: Value) -> Value:
    index = _place(items, position)
    return [*items[:index], item, *items[index:]]


def _list_replace(items: list[Value], where: Value, item: Value) -> Value:
    if callable(where):
        held = [where(each, item) for each in items]
        if not all(isinstance(holds, bool) for holds in held):
            return None
        return [item if holds else each for each, holds in zip(items, held, strict=True)]
    index = _place(items, where)
    return [*items[:index], item, *items[index + 1 :]]


def _positions(items: list[Value], wanted: Value) -> list[Value]:
    return [Decimal(place) for place, item in enumerate(items, 1) if same(item, wanted)]


def _sort(items: list[Value], precedes: Value = None) -> Value:
    def order(left: Value, right: Value) -> int:
        if precedes is None:
            first, second = compare("<", left, right), compare("<", right, left)
        else:
            first, second = precedes(left, right), precedes(right, left)
        if not isinstance(first, bool) or not isinstance(second, bool):
            raise ValueError(left)
        return -1 if first and not second else 1 if second and not first else 0

    return sorted(items, key=cmp_to_key(order)) if precedes is None or callable(precedes) else None


def _concatenate(*lists: Value) -> Value:
    if any(each is None for each in lists):
        return None
    return [item for each in lists for item in (each if isinstance(each, list) else [each])]


def _union(*lists: Value) -> Value:
    joined = _concatenate(*lists)
    return None if joined is None else _distinct(joined)


def _of_list(function: Callable[..., Value]) -> Callable[..., Value]:
    """Guard a function of a list: a lone value is a list of one, null is none."""

    def guarded(items: Value, *more: Value) -> Value:
        return None if items is None else function(items if isinstance(items, list) else [items], *more)

    return guarded


# --- contexts ------------------------------------------------------------------------------------------------------


def _get_value(context: Value, key: Value) -> Value:
    for name in key if isinstance(key, list) else [key]:
        if not isinstance(context, Mapping) or not isinstance(name, str):
            return None
        context = context.get(name)
    return context


def _entries(context: Value) -> Value:
    if not isinstance(context, Mapping):
        return None
    return [{"key": key, "value": value} for key, value in context.items()]


def _context(entries: list[Value]) -> Value:
    made: dict[str, Value] = {}
    for entry in entries:
        if not isinstance(entry, Mapping) or not isinstance(entry.get("key"), str) or "value" not in entry:
            return None
        if entry["key"] in made:
            return None
        made[entry["key"]] = entry["value"]
    return made


def _context_put(context: Value, key: Value, value: Value) -> Value:
    keys = key if isinstance(key, list) else [key]
    if not isinstance(context, Mapping) or not keys or not isinstance(keys[0], str):
        return None
    if len(keys) == 1:
        return {**context, keys[0]: value}
    inner = _context_put(context.get(keys[0]) or {}, keys[1:], value)
    return None if inner is None else {**context, keys[0]: inner}


def _context_merge(contexts: list[Value]) -> Value:
    merged: dict[str, Value] = {}
    for context in contexts:
        if not isinstance(context, Mapping):
            return None
        merged |= context
    return merged


# --- dates and the rest --------------------------------------------------------------------------------------------


def _is(left: Value, right: Value) -> Value:
    """Tell whether two values are the very same: the same moment in another zone is not."""
    if left is None or right is None:
        return left is right
    if isinstance(left, datetime | time) and isinstance(right, datetime | time):
        offsets = left.utcoffset(), right.utcoffset()
        return type(left) is type(right) and offsets[0] == offsets[1] and left == right
    return compare("=", left, right) is True


def _of_day(function: Callable[[date], Value]) -> Callable[..., Value]:
    return lambda day: function(day) if isinstance(day, date) else None


FUNCTIONS: dict[str, Callable[..., Value]] = {
    "not": lambda value: (not value) if isinstance(value, bool) else None,
    "is": _is,
    # Numbers
    "min": _best("<"),
    "max": _best(">"),
    "sum": _total,
    "mean": _of_numbers(decimals.mean),
    "product": _of_numbers(decimals.product),
    "median": _of_numbers(decimals.median),
    "stddev": _of_numbers(decimals.stddev),
    "mode": _of_numbers(decimals.mode, empty=[]),
    "abs": lambda value: abs(value) if isinstance(value, Decimal | timedelta | Months) else None,
    **NUMBER_FUNCTIONS,
    # Lists
    "count": _count,
    "all": _all,
    "any": _any,
    "list contains": _of_list(_contains),
    "append": _of_list(lambda items, *more: [*items, *more]),
    "concatenate": _concatenate,
    "union": _union,
    "distinct values": _of_list(_distinct),
    "duplicate values": _of_list(lambda items: [each for each in _distinct(items) if len(_positions(items, each)) > 1]),
    "flatten": _of_list(_flatten),
    "reverse": _of_list(lambda items: items[::-1]),
    "sublist": _of_list(_sublist),
    "remove": _of_list(_remove),
    "insert before": _of_list(_insert),
    "list replace": _of_list(_list_replace),
    "index of": _of_list(_positions),
    "sort": _of_list(_sort),
    "string join": _of_list(join),
    # Contexts
    "get value": _get_value,
    "get entries": _entries,
    "context": _of_list(_context),
    "context put": _context_put,
    "context merge": _of_list(_context_merge),
    # Strings
    **TEXT_FUNCTIONS,
    # Dates, times and durations
    "date": temporal.make_date,
    "time": temporal.make_time,
    "date and time": temporal.make_moment,
    "duration": temporal.to_duration,
    "years and months duration": temporal.months_between,
    "day of week": _of_day(lambda day: WEEKDAYS[day.weekday()]),
    "month of year": _of_day(lambda day: MONTH_NAMES[day.month - 1]),
    "day of year": _of_day(lambda day: Decimal(day.timetuple().tm_yday)),
    "week of year": _of_day(lambda day: Decimal(day.isocalendar().week)),
    # Ranges
    **RANGE_FUNCTIONS,
}

# ``range`` reads an expression, so the interpreter has it.
FUNCTION_NAMES = (*FUNCTIONS, "range")

_SCALED = ("n", "scale")
_MATCHED = ("string", "match")
_TWO_RANGES = ("range1", "range2")
# What calls by name may say (DMN 1.5, tables 72 to 80), in order; alternatives where a function has several forms.
PARAMETERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "not": (("negand",),),
    "is": (("value1", "value2"),),
    **dict.fromkeys(
        ("floor", "ceiling", "decimal", "round up", "round down", "round half up", "round half down"), (_SCALED,)
    ),
    "abs": (("n",), ("number",)),
    "modulo": (("dividend", "divisor"),),
    **dict.fromkeys(("sqrt", "exp", "log", "odd", "even"), (("number",),)),
    **dict.fromkeys(("min", "max", "sum", "mean", "product", "median", "stddev", "mode"), (("list",),)),
    **dict.fromkeys(("count", "all", "any", "distinct values", "duplicate values", "flatten", "reverse"), (("list",),)),
    "append": (("list", "item"),),
    "list contains": (("list", "element"),),
    "sublist": (("list", "start position", "length"),),
    "remove": (("list", "position"),),
    "insert before": (("list", "position", "newItem"),),
    "list replace": (("list", "position", "newItem"), ("list", "match", "newItem")),
    "index of": (("list", "match"),),
    "sort": (("list", "precedes"),),
    "string join": (("list", "delimiter", "prefix", "suffix"),),
    "get value": (("m", "key"), ("m", "keys"), ("context", "key"), ("context", "keys")),
    "get entries": (("m",), ("context",)),
    "context": (("entries",),),
    "context put": (("context", "key", "value"), ("context", "keys", "value")),
    "context merge": (("contexts",),),
    "string": (("from",),),
    "number": (("from", "grouping separator", "decimal separator"),),
    **dict.fromkeys(("string length", "upper case", "lower case"), (("string",),)),
    **dict.fromkeys(("contains", "starts with", "ends with", "substring before", "substring after"), (_MATCHED,)),
    "substring": (("string", "start position", "length"),),
    "matches": (("input", "pattern", "flags"),),
    "replace": (("input", "pattern", "replacement", "flags"),),
    "split": (("string", "delimiter"),),
    "date": (("from",), ("year", "month", "day")),
    "time": (("from",), ("hour", "minute", "second", "offset")),
    "date and time": (
        ("from",),
        ("date", "time"),
        ("date", "timezone"),
        ("year", "month", "day", "hour", "minute", "second"),
        ("year", "month", "day", "hour", "minute", "second", "offset"),
        ("year", "month", "day", "hour", "minute", "second", "timezone"),
    ),
    "duration": (("from",),),
    "years and months duration": (("from", "to"),),
    **dict.fromkeys(("day of week", "month of year", "day of year", "week of year"), (("date",),)),
    "before": (("point1", "point2"), ("point", "range"), ("range", "point"), _TWO_RANGES),
    "after": (("point1", "point2"), ("point", "range"), ("range", "point"), _TWO_RANGES),
    **dict.fromkeys(("meets", "met by", "overlaps", "overlaps before", "overlaps after"), (_TWO_RANGES,)),
    **dict.fromkeys(("includes", "finished by", "started by"), (("range", "point"), _TWO_RANGES)),
    **dict.fromkeys(("during", "finishes", "starts"), (("point", "range"), _TWO_RANGES)),
    "coincides": (("point1", "point2"), _TWO_RANGES),
    "range": (("from",),),
}
# How many arguments of a call by name may be left out: those after the first so many.
_NEEDED = {"sublist": 2, "string join": 1, "number": 1, "substring": 2, "matches": 2, "replace": 3, "sort": 1}
# Functions whose first argument is a list, or may be; to the others a list of one is its element.
_LISTS = frozenset(
    {name for name, forms in PARAMETERS.items() if forms[0][0] in ("list", "entries", "contexts")}
    | {"concatenate", "union", "is", "string", "get value", "context put"}
)


def call(name: str, values: list[Value], argument_names: tuple[str, ...] = ()) -> Value:
    """Call a built-in function, by place or by name; null for arguments outside its domain, or for no such function."""
    function = FUNCTIONS.get(name)
    if function is None:
        return None
    if argument_names:
        ordered = by_place(name, dict(zip(argument_names, values, strict=True)))
        if ordered is None:
            return None
        values = ordered
    if name not in _LISTS:
        values = [each[0] if isinstance(each, list) and len(each) == 1 else each for each in values]
    try:
        return bounded(function(*values))
    except (TypeError, AttributeError, ValueError, KeyError, DecimalException, OverflowError):
        # DMN 1.5, 10.3.4: a function given arguments outside its domain is null.
        return None


def by_place(name: str, given: Mapping[str, Value]) -> list[Value] | None:
    """Return arguments given by name in order; None if the function has no such parameters."""
    for form in PARAMETERS.get(name, ()):
        if not set(given) <= set(form):
            continue
        needed = _NEEDED.get(name, 1 if form == _SCALED and name != "decimal" else len(form))
        if name == "time" and form[0] == "hour":
            needed = 3
        if all(parameter in given for parameter in form[:needed]):
            values = [given.get(parameter) for parameter in form]
            while len(values) > needed and form[len(values) - 1] not in given:
                values.pop()
            return values
    return None


__all__ = ["FUNCTIONS", "FUNCTION_NAMES", "NUMBERS", "PARAMETERS", "by_place", "call", "same", "text_of"]
