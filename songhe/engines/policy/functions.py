"""FEEL's built-in functions (DMN 1.5, clause 10.3.4); a wrong argument gives null, as the standard has it.

``today`` and ``now`` are left out on purpose: a decision is made from its facts alone, so its date is one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, time, timedelta, timezone
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    InvalidOperation,
    Overflow,
)
from typing import Any

from songhe.engines.policy import temporal
from songhe.engines.policy.temporal import Months

Value = Any

# DMN numbers are IEEE 754-2008 decimal128 (DMN 1.5, clause 10.3.2.3.1).
NUMBERS = Context(
    prec=34, rounding=ROUND_HALF_EVEN, Emin=-6143, Emax=6144, traps=[InvalidOperation, DivisionByZero, Overflow]
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTH_NAMES = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def _list(arguments: tuple[Value, ...]) -> list[Value]:
    if len(arguments) == 1:
        return arguments[0] if isinstance(arguments[0], list) else [arguments[0]]
    return list(arguments)


def _numbers(arguments: tuple[Value, ...]) -> list[Decimal]:
    """Return the numbers given; none if any of the arguments is no number."""
    items = _list(arguments)
    return items if all(isinstance(item, Decimal) for item in items) else []


def _best(choose: Callable[[Any], Value]) -> Callable[..., Value]:
    def best(*arguments: Value) -> Value:
        items = _list(arguments)
        if not items or any(item is None or type(item) is not type(items[0]) for item in items):
            return None
        return choose(items)

    return best


def _sum(*arguments: Value) -> Value:
    numbers = _numbers(arguments)
    if not numbers:
        return None
    total = Decimal(0)
    for number in numbers:
        total = NUMBERS.add(total, number)
    return total


def _mean(*arguments: Value) -> Value:
    numbers = _numbers(arguments)
    return NUMBERS.divide(_sum(numbers), Decimal(len(numbers))) if numbers else None


def _product(*arguments: Value) -> Value:
    numbers = _numbers(arguments)
    if not numbers:
        return None
    product = Decimal(1)
    for number in numbers:
        product = NUMBERS.multiply(product, number)
    return product


def _median(*arguments: Value) -> Value:
    numbers = sorted(_numbers(arguments))
    if not numbers:
        return None
    middle = len(numbers) // 2
    return numbers[middle] if len(numbers) % 2 else _mean(numbers[middle - 1 : middle + 1])


def _date(*arguments: Value) -> Value:
    if len(arguments) == 3:
        return date(*(int(part) for part in arguments))
    return temporal.to_date(arguments[0])


def _time(*arguments: Value) -> Value:
    if len(arguments) == 1:
        return temporal.to_time(arguments[0])
    hour, minute, second, *offset = arguments
    zone = timezone(offset[0]) if offset and offset[0] is not None else None
    return time(int(hour), int(minute), int(second), tzinfo=zone)


def _number(text: Value, grouping: Value = None, point: Value = None) -> Value:
    if not isinstance(text, str):
        return None
    cleaned = text.replace(grouping, "") if grouping else text
    cleaned = cleaned.replace(point, ".") if point else cleaned
    # Python also reads "1_0", "NaN" and full-width digits, which FEEL does not.
    if not cleaned.isascii() or "_" in cleaned:
        return None
    number = Decimal(cleaned)
    return number if number.is_finite() else None


def _rounded(rounding: str) -> Callable[..., Value]:
    def rounded(number: Value, places: Value = Decimal(0)) -> Value:
        if not isinstance(number, Decimal) or not isinstance(places, Decimal):
            return None
        return number.quantize(Decimal(1).scaleb(-int(places)), rounding, context=NUMBERS)

    return rounded


def _modulo(left: Value, right: Value) -> Value:
    # FEEL's remainder has the divisor's sign (DMN 1.5, table 77), Python's Decimal the dividend's.
    quotient = NUMBERS.divide(left, right).to_integral_value(ROUND_FLOOR)
    return NUMBERS.subtract(left, NUMBERS.multiply(right, quotient))


def _substring(text: Value, start: Value, length: Value = None) -> Value:
    if not isinstance(text, str) or not isinstance(start, Decimal) or start == 0:
        return None
    begin = int(start) - 1 if start > 0 else max(len(text) + int(start), 0)
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


def same(left: Value, right: Value) -> bool:
    """Tell whether two values are the same to FEEL, which never takes true for 1."""
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _contains(items: Value, item: Value) -> Value:
    return any(same(each, item) for each in items) if isinstance(items, list) else None


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


def _sublist(items: list[Value], start: Decimal, length: Value = None) -> Value:
    begin = int(start) - 1 if start > 0 else len(items) + int(start)
    if start == 0 or not 0 <= begin < len(items):
        return None
    return items[begin:] if length is None else items[begin : begin + int(length)]


def _remove(items: list[Value], position: Decimal) -> Value:
    index = int(position) - 1 if position > 0 else len(items) + int(position)
    return items[:index] + items[index + 1 :] if 0 <= index < len(items) else None


def _insert(items: list[Value], position: Decimal, item: Value) -> Value:
    index = int(position) - 1 if position > 0 else len(items) + int(position)
    return [*items[:index], item, *items[index:]] if 0 <= index <= len(items) else None


def _positions(items: list[Value], wanted: Value) -> list[Value]:
    return [Decimal(place) for place, item in enumerate(items, 1) if same(item, wanted)]


def _join(items: list[Value], delimiter: Value = "") -> Value:
    return (delimiter or "").join(item for item in items if item is not None)


def _entries(context: Value) -> Value:
    if not isinstance(context, Mapping):
        return None
    return [{"key": key, "value": value} for key, value in context.items()]


def text_of(value: Value) -> Value:
    """Return a value as FEEL's ``string`` writes it; null for null."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value.normalize(NUMBERS):f}"
    if isinstance(value, date | time | timedelta | Months):
        return temporal.written(value)
    if isinstance(value, list):
        return f"[{', '.join(_quoted(item) for item in value)}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name}: {_quoted(item)}' for name, item in value.items())}}}"
    return str(value)


def _quoted(value: Value) -> str:
    return f'"{value}"' if isinstance(value, str) else "null" if value is None else str(text_of(value))


def _of_texts(function: Callable[..., Value]) -> Callable[..., Value]:
    return lambda *texts: function(*texts) if all(isinstance(text, str) for text in texts) else None


def _of_numbers(function: Callable[..., Value]) -> Callable[..., Value]:
    return lambda *numbers: function(*numbers) if all(isinstance(number, Decimal) for number in numbers) else None


def _of_list(function: Callable[..., Value]) -> Callable[..., Value]:
    return lambda items, *more: function(items, *more) if isinstance(items, list) else None


def _of_day(function: Callable[[date], Value]) -> Callable[..., Value]:
    return lambda day: function(day) if isinstance(day, date) else None


FUNCTIONS: dict[str, Callable[..., Value]] = {
    "not": lambda value: (not value) if isinstance(value, bool) else None,
    # Numbers
    "min": _best(min),
    "max": _best(max),
    "sum": _sum,
    "mean": _mean,
    "product": _product,
    "median": _median,
    "count": lambda *items: Decimal(len(_list(items))),
    "floor": _rounded(ROUND_FLOOR),
    "ceiling": _rounded(ROUND_CEILING),
    "decimal": _rounded(ROUND_HALF_EVEN),
    "round up": _rounded(ROUND_UP),
    "round down": _rounded(ROUND_DOWN),
    "round half up": _rounded(ROUND_HALF_UP),
    "round half down": _rounded(ROUND_HALF_DOWN),
    "abs": lambda value: abs(value) if isinstance(value, Decimal | timedelta | Months) else None,
    "modulo": _of_numbers(_modulo),
    "sqrt": _of_numbers(NUMBERS.sqrt),
    "exp": _of_numbers(NUMBERS.exp),
    "log": _of_numbers(NUMBERS.ln),
    "odd": _of_numbers(lambda number: number % 2 != 0),
    "even": _of_numbers(lambda number: number % 2 == 0),
    # Lists
    "list contains": _contains,
    "append": _of_list(lambda items, *more: [*items, *more]),
    "concatenate": lambda *lists: [item for items in lists for item in items],
    "union": lambda *lists: _distinct([item for items in lists for item in items]),
    "distinct values": _of_list(_distinct),
    "flatten": _of_list(_flatten),
    "reverse": _of_list(lambda items: items[::-1]),
    "sublist": _of_list(_sublist),
    "remove": _of_list(_remove),
    "insert before": _of_list(_insert),
    "index of": _of_list(_positions),
    "string join": _of_list(_join),
    "all": _all,
    "any": _any,
    # Contexts
    "get value": lambda context, key: context.get(key) if isinstance(context, Mapping) else None,
    "get entries": _entries,
    # Strings
    "string": text_of,
    "number": _number,
    "string length": _of_texts(lambda text: Decimal(len(text))),
    "upper case": _of_texts(str.upper),
    "lower case": _of_texts(str.lower),
    "contains": _of_texts(lambda text, part: part in text),
    "starts with": _of_texts(str.startswith),
    "ends with": _of_texts(str.endswith),
    "substring": _substring,
    "substring before": _of_texts(lambda text, part: text.partition(part)[0] if part in text else ""),
    "substring after": _of_texts(lambda text, part: text.partition(part)[2] if part else text),
    # Dates, times and durations
    "date": _date,
    "time": _time,
    "date and time": temporal.to_moment,
    "duration": temporal.to_duration,
    "years and months duration": temporal.months_between,
    "day of week": _of_day(lambda day: WEEKDAYS[day.weekday()]),
    "month of year": _of_day(lambda day: MONTH_NAMES[day.month - 1]),
    "day of year": _of_day(lambda day: Decimal(day.timetuple().tm_yday)),
    "week of year": _of_day(lambda day: Decimal(day.isocalendar().week)),
}

FUNCTION_NAMES = tuple(FUNCTIONS)

# What calls by name may say (DMN 1.5, tables 73 to 80); the others take arguments by place only.
PARAMETERS: dict[str, tuple[str, ...]] = {
    "not": ("negand",),
    "floor": ("n", "scale"),
    "ceiling": ("n", "scale"),
    "decimal": ("n", "scale"),
    "round up": ("n", "scale"),
    "round down": ("n", "scale"),
    "round half up": ("n", "scale"),
    "round half down": ("n", "scale"),
    "abs": ("n",),
    "modulo": ("dividend", "divisor"),
    "sqrt": ("number",),
    "min": ("list",),
    "max": ("list",),
    "sum": ("list",),
    "mean": ("list",),
    "count": ("list",),
    "all": ("list",),
    "any": ("list",),
    "list contains": ("list", "element"),
    "sublist": ("list", "start position", "length"),
    "remove": ("list", "position"),
    "insert before": ("list", "position", "newItem"),
    "index of": ("list", "match"),
    "string join": ("list", "delimiter"),
    "get value": ("m", "key"),
    "string": ("from",),
    "number": ("from", "grouping separator", "decimal separator"),
    "string length": ("string",),
    "upper case": ("string",),
    "lower case": ("string",),
    "contains": ("string", "match"),
    "starts with": ("string", "match"),
    "ends with": ("string", "match"),
    "substring": ("string", "start position", "length"),
    "substring before": ("string", "match"),
    "substring after": ("string", "match"),
    "date": ("from",),
    "time": ("from",),
    "date and time": ("from",),
    "duration": ("from",),
    "years and months duration": ("from", "to"),
}


def call(name: str, values: list[Value], argument_names: tuple[str, ...] = ()) -> Value:
    """Call a built-in function, by place or by name; null for arguments outside its domain, or for no such function."""
    function = FUNCTIONS.get(name)
    if function is None:
        return None
    if argument_names:
        given = dict(zip(argument_names, values, strict=True))
        order = [parameter for parameter in PARAMETERS.get(name, ()) if parameter in given]
        if len(order) != len(given):
            return _by_other_names(name, given)
        values = [given[parameter] for parameter in order]
    try:
        return function(*values)
    except (TypeError, AttributeError, ValueError, DecimalException, OverflowError):
        # DMN 1.5, 10.3.4: a function given arguments outside its domain is null.
        return None


def _by_other_names(name: str, given: Mapping[str, Value]) -> Value:
    """Serve the functions of dates that take their parts by name."""
    for function, parameters in (
        ("date", ("year", "month", "day")),
        ("time", ("hour", "minute", "second", "offset")),
        ("date and time", ("date", "time")),
    ):
        if name == function and set(given) <= set(parameters):
            return call(name, [given[parameter] for parameter in parameters if parameter in given])
    return None
