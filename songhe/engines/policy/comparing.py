"""Comparing FEEL's values: three-valued logic, what is the same, what comes first, and ranges."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from songhe.engines.policy import temporal

Value = Any


@dataclass(frozen=True)
class Interval:
    """A range of values; a bound of None is none at all."""

    low: Value
    high: Value
    low_closed: bool
    high_closed: bool

    def holds(self, value: Value) -> Value:
        """Tell whether a value lies within; null where it cannot be compared."""
        if value is None or (self.low is None and self.high is None):
            return None
        above = True if self.low is None else compare(">=" if self.low_closed else ">", value, self.low)
        below = True if self.high is None else compare("<=" if self.high_closed else "<", value, self.high)
        return conjunction(above, below)


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


def same(left: Value, right: Value) -> bool:
    """Tell whether two values are the same to FEEL, which never takes true for 1."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


_KINDS: tuple[type | tuple[type, ...], ...] = (Decimal, str, datetime, date, time, timedelta, temporal.Months, list)


def same_kind(left: Value, right: Value) -> bool:
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
        if not same_kind(left, right):
            return None
        return same(left, right) == (sign == "=")
    if (
        left is None
        or right is None
        or not same_kind(left, right)
        or isinstance(left, bool | list | Mapping | Interval)
    ):
        return None
    try:
        return _ORDERS[sign](left, right)
    except TypeError:
        # A moment with a time zone and one without have no order.
        return None


# --- ranges against points and ranges (DMN 1.5, table 78) ---------------------------------------------------------


def _bounds(value: Value) -> Interval:
    return value if isinstance(value, Interval) else Interval(value, value, True, True)


def _ends_before(first: Interval, second: Interval) -> Value:
    """Tell whether a range ends before another starts."""
    touching = not (first.high_closed and second.low_closed)
    return disjunction(
        compare("<", first.high, second.low),
        conjunction(touching, compare("=", first.high, second.low)) if touching else False,
    )


def before(first: Value, second: Value) -> Value:
    """Tell whether a point or range lies wholly before another."""
    return _ends_before(_bounds(first), _bounds(second))


def meets(first: Interval, second: Interval) -> Value:
    """Tell whether a range ends where another starts, the point belonging to both."""
    return conjunction(first.high_closed and second.low_closed, compare("=", first.high, second.low))


def overlaps(first: Interval, second: Interval) -> Value:
    """Tell whether two ranges have a point in common."""
    return conjunction(_not(_ends_before(first, second)), _not(_ends_before(second, first)))


def _not(value: Value) -> Value:
    return not value if isinstance(value, bool) else None


def _starts_earlier(first: Interval, second: Interval) -> Value:
    sooner = first.low_closed and not second.low_closed
    return disjunction(compare("<", first.low, second.low), sooner and compare("=", first.low, second.low))


def _ends_earlier(first: Interval, second: Interval) -> Value:
    sooner = not first.high_closed and second.high_closed
    return disjunction(compare("<", first.high, second.high), sooner and compare("=", first.high, second.high))


def overlaps_before(first: Interval, second: Interval) -> Value:
    """Tell whether a range starts before another, and ends within it."""
    within = conjunction(_not(_ends_before(first, second)), _not(_ends_earlier(second, first)))
    return conjunction(_starts_earlier(first, second), within)


def includes(first: Interval, second: Value) -> Value:
    """Tell whether a range holds all of a point or range."""
    inner = _bounds(second)
    return conjunction(_not(_starts_earlier(inner, first)), _not(_ends_earlier(first, inner)))


def finishes(first: Value, second: Interval) -> Value:
    """Tell whether a point or range lies in a range and ends with it."""
    inner = _bounds(first)
    together = inner.high_closed == second.high_closed and compare("=", inner.high, second.high)
    return conjunction(together, _not(_starts_earlier(inner, second)))


def starts(first: Value, second: Interval) -> Value:
    """Tell whether a point or range lies in a range and starts with it."""
    inner = _bounds(first)
    together = inner.low_closed == second.low_closed and compare("=", inner.low, second.low)
    return conjunction(together, _not(_ends_earlier(second, inner)))


def coincides(first: Value, second: Value) -> Value:
    """Tell whether two points, or two ranges, are the same."""
    if isinstance(first, Interval) != isinstance(second, Interval):
        return None
    if not isinstance(first, Interval):
        return compare("=", first, second)
    closed = first.low_closed == second.low_closed and first.high_closed == second.high_closed
    return conjunction(closed, conjunction(compare("=", first.low, second.low), compare("=", first.high, second.high)))


def _of_ranges(
    function: Callable[[Any, Any], Value], *, first: bool = True, second: bool = True
) -> Callable[..., Value]:
    """Guard a function: which of its two arguments must be ranges."""

    def guarded(left: Value, right: Value) -> Value:
        if left is None or right is None:
            return None
        if (first and not isinstance(left, Interval)) or (second and not isinstance(right, Interval)):
            return None
        return function(left, right)

    return guarded


def _turned(function: Callable[[Any, Any], Value]) -> Callable[[Any, Any], Value]:
    return lambda left, right: function(right, left)


RANGE_FUNCTIONS: dict[str, Callable[..., Value]] = {
    "before": _of_ranges(before, first=False, second=False),
    "after": _of_ranges(_turned(before), first=False, second=False),
    "meets": _of_ranges(meets),
    "met by": _of_ranges(_turned(meets)),
    "overlaps": _of_ranges(overlaps),
    "overlaps before": _of_ranges(overlaps_before),
    "overlaps after": _of_ranges(_turned(overlaps_before)),
    "finishes": _of_ranges(finishes, first=False),
    "finished by": _of_ranges(_turned(finishes), second=False),
    "includes": _of_ranges(includes, second=False),
    "during": _of_ranges(_turned(includes), first=False),
    "starts": _of_ranges(starts, first=False),
    "started by": _of_ranges(_turned(starts), second=False),
    "coincides": _of_ranges(coincides, first=False, second=False),
}
