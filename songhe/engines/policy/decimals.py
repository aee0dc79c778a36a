"""FEEL's numbers: IEEE 754-2008 decimal128 (DMN 1.5, clause 10.3.2.3.1)."""

from __future__ import annotations

from collections.abc import Callable
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
    DivisionByZero,
    InvalidOperation,
    Overflow,
)
from typing import Any

Value = Any

NUMBERS = Context(
    prec=34, rounding=ROUND_HALF_EVEN, Emin=-6143, Emax=6144, traps=[InvalidOperation, DivisionByZero, Overflow]
)
# How many places a number can be rounded to (DMN 1.5, table 76).
_LEAST_SCALE, _MOST_SCALE = -6111, 6176


def total(numbers: list[Decimal]) -> Decimal:
    """Return the sum."""
    result = Decimal(0)
    for number in numbers:
        result = NUMBERS.add(result, number)
    return result


def mean(numbers: list[Decimal]) -> Decimal:
    """Return the mean of at least one number."""
    return NUMBERS.divide(total(numbers), Decimal(len(numbers)))


def product(numbers: list[Decimal]) -> Decimal:
    """Return the product."""
    result = Decimal(1)
    for number in numbers:
        result = NUMBERS.multiply(result, number)
    return result


def median(numbers: list[Decimal]) -> Decimal:
    """Return the middle of at least one number, or the mean of the two in the middle."""
    ordered = sorted(numbers)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else mean(ordered[middle - 1 : middle + 1])


def stddev(numbers: list[Decimal]) -> Decimal | None:
    """Return the standard deviation of a sample; None of fewer than two."""
    if len(numbers) < 2:
        return None
    middle = mean(numbers)
    squares = [NUMBERS.power(NUMBERS.subtract(number, middle), 2) for number in numbers]
    return NUMBERS.sqrt(NUMBERS.divide(total(squares), Decimal(len(numbers) - 1)))


def mode(numbers: list[Decimal]) -> list[Decimal]:
    """Return the numbers that are there most often, in order."""
    often: dict[Decimal, int] = {}
    for number in numbers:
        often[number] = often.get(number, 0) + 1
    return sorted(number for number, count in often.items() if count == max(often.values()))


def _rounded(rounding: str) -> Callable[..., Value]:
    def rounded(number: Value, places: Value = Decimal(0)) -> Value:
        if not isinstance(number, Decimal) or not isinstance(places, Decimal):
            return None
        if not _LEAST_SCALE <= places <= _MOST_SCALE:
            return None
        return number.quantize(Decimal(1).scaleb(-int(places)), rounding, context=NUMBERS)

    return rounded


def _modulo(left: Decimal, right: Decimal) -> Value:
    # FEEL's remainder has the divisor's sign (DMN 1.5, table 77), Python's Decimal the dividend's.
    rest = NUMBERS.remainder(left, right)
    return NUMBERS.add(rest, right) if rest and (rest < 0) != (right < 0) else rest


def _of_numbers(function: Callable[..., Value]) -> Callable[..., Value]:
    return lambda *numbers: function(*numbers) if all(isinstance(number, Decimal) for number in numbers) else None


def _finite(function: Callable[[Decimal], Decimal]) -> Callable[..., Value]:
    def guarded(number: Value) -> Value:
        found = function(number) if isinstance(number, Decimal) else None
        return found if found is not None and found.is_finite() else None

    return guarded


NUMBER_FUNCTIONS: dict[str, Callable[..., Value]] = {
    "floor": _rounded(ROUND_FLOOR),
    "ceiling": _rounded(ROUND_CEILING),
    "decimal": _rounded(ROUND_HALF_EVEN),
    "round up": _rounded(ROUND_UP),
    "round down": _rounded(ROUND_DOWN),
    "round half up": _rounded(ROUND_HALF_UP),
    "round half down": _rounded(ROUND_HALF_DOWN),
    "modulo": _of_numbers(_modulo),
    "sqrt": _finite(NUMBERS.sqrt),
    "exp": _finite(NUMBERS.exp),
    "log": _finite(NUMBERS.ln),
    "odd": _of_numbers(lambda number: NUMBERS.remainder(number, Decimal(2)) in (1, -1)),
    "even": _of_numbers(lambda number: NUMBERS.remainder(number, Decimal(2)) == 0),
}
