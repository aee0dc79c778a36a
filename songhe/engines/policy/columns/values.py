"""What an expression is over a whole population: a column, a constant, or a shape known before any row is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from songhe.engines.policy.errors import PolicyError

NUMBER, STRING, BOOLEAN, DATE, MOMENT, MONTHS = "number", "string", "boolean", "date", "date and time", "months"
DAYS = "days"
KIND_NAMES = {
    NUMBER: "数字",
    STRING: "文字",
    BOOLEAN: "是否",
    DATE: "日期",
    MOMENT: "日期时间",
    MONTHS: "年月时长",
    DAYS: "天数时长",
}
# What a 64-bit integer surely holds, and what a decimal column holds at most.
INTEGER_DIGITS, DECIMAL_DIGITS = 18, 38


class NotColumnar(PolicyError):
    """A construct that the interpreter can evaluate and columns cannot; the message says which and why."""


@dataclass(frozen=True)
class Constant:
    """A value that is the same for every row."""

    value: Any


@dataclass(frozen=True)
class Column:
    """A value of each row. Numbers without ``scale`` are 64-bit integers, the others decimals; overflow is an error.

    A years-and-months duration is its months, a days-and-time duration its days. ``choices`` are known of what a table
    answers with constants only.
    """

    expression: Any
    kind: str
    scale: int = 0
    digits: int = INTEGER_DIGITS
    choices: Choices | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Choices:
    """The number of the rule that hit, and what each answers: whole numbers compare faster than texts."""

    rule: Any
    answers: tuple[tuple[tuple[int, ...], Any], ...]
    otherwise: Any


@dataclass(frozen=True)
class Ratio:
    """A quotient, kept as its two terms: exact where it is compared or rounded, and not to be had elsewhere."""

    numerator: Column
    denominator: Column


@dataclass(frozen=True)
class Members:
    """A context; ``present`` tells the rows that have one, where some do not."""

    members: dict[str, Columnar]
    present: Any = None


@dataclass(frozen=True)
class Items:
    """A list whose possible elements are known; each is there where its condition is true (None: everywhere)."""

    items: tuple[tuple[Any, Columnar], ...]


@dataclass(frozen=True)
class ListColumn:
    """A list of each row."""

    expression: Any
    kind: str


Columnar = Constant | Column | Ratio | Members | Items | ListColumn
NULL = Constant(None)


def number_type(scale: int, digits: int) -> dt.DataType:
    """Return the type of a number column."""
    return dt.Decimal(min(digits, DECIMAL_DIGITS), scale) if scale else dt.int64


def type_of(kind: str, scale: int = 0, digits: int = INTEGER_DIGITS) -> dt.DataType:
    """Return the Ibis type that holds a kind of value."""
    if kind == NUMBER:
        return number_type(scale, digits)
    return {STRING: dt.string, BOOLEAN: dt.boolean, DATE: dt.date, MOMENT: dt.timestamp}.get(kind, dt.int64)


def number(expression: Any, scale: int = 0, digits: int = INTEGER_DIGITS) -> Column:
    """Return a number column, cast to what its digits need."""
    if scale > DECIMAL_DIGITS // 2:
        raise NotColumnar(f"小数位数达到 {scale} 位，按列计算最多 {DECIMAL_DIGITS // 2} 位，请先用 decimal(…, 2) 取整")
    digits = min(max(digits, scale + 1), DECIMAL_DIGITS)
    return Column(expression.cast(number_type(scale, digits)), NUMBER, scale, digits)


def of_number(value: Decimal) -> Column:
    """Return a constant number as a column."""
    if not value.is_finite():
        raise NotColumnar(f"数字 {value} 超出范围")
    _sign, digits, exponent = value.normalize().as_tuple()
    assert isinstance(exponent, int)
    scale = max(-exponent, 0)
    width = max(len(digits) + max(exponent, 0), scale + 1)
    if not scale and width <= INTEGER_DIGITS:
        return Column(ibis.literal(int(value), dt.int64), NUMBER, 0, width)
    if width > DECIMAL_DIGITS or not scale:
        raise NotColumnar(f"数字 {value} 的位数太多")
    return Column(ibis.literal(value, dt.Decimal(width, scale)), NUMBER, scale, width)


def null_of(like: Column) -> ir.Value:
    """Return null in the type of a column."""
    return ibis.null(type_of(like.kind, like.scale, like.digits))


def typed(column: Column, scale: int, digits: int) -> Any:
    """Return a number column's expression in a wider type."""
    if column.kind != NUMBER:
        return column.expression
    return column.expression.cast(number_type(scale, digits))


def common(columns: list[Column]) -> tuple[int, int]:
    """Return the scale and digits that hold all of these numbers."""
    scale = max(column.scale for column in columns)
    whole = max(column.digits - column.scale for column in columns)
    return scale, min(whole + scale, DECIMAL_DIGITS)


def constant(value: Any) -> Columnar:
    """Return a known value, a context opened so that its members are found."""
    return (
        Members({name: constant(item) for name, item in value.items()})
        if isinstance(value, Mapping)
        else Constant(value)
    )


def members_of(value: Columnar) -> Members | None:
    """Return a context's members; None for null."""
    if isinstance(value, Members):
        return value
    if isinstance(value, Constant) and isinstance(value.value, Mapping):
        return Members({name: constant(item) for name, item in value.value.items()})
    return None


def one_kind(columns: list[Column]) -> str:
    """Return the kind that columns have in common; NotColumnar if they differ."""
    kinds = dict.fromkeys(column.kind for column in columns)
    if len(kinds) > 1:
        raise NotColumnar(f"{'与'.join(KIND_NAMES[kind] for kind in kinds)}混用")
    return next(iter(kinds))


def type_of_number(column: Column) -> dt.DataType:
    """Return the type of a number column."""
    return dt.Decimal(column.digits, column.scale) if column.scale else dt.int64


def presence(value: Members | None) -> Columnar:
    """Tell the rows in which a context is there."""
    if value is None:
        return Constant(False)
    return Constant(True) if value.present is None else Column(value.present, BOOLEAN)


def is_list(value: Columnar) -> bool:
    """Tell whether a value is a list."""
    return isinstance(value, Items | ListColumn) or (isinstance(value, Constant) and isinstance(value.value, list))


def is_context(value: Columnar) -> bool:
    """Tell whether a value is a context known before any row is read."""
    return isinstance(value, Constant) and isinstance(value.value, Mapping)


def is_never_null(column: Column) -> bool:
    """Tell whether a column is known to answer in every row."""
    known = column.choices
    return known is not None and None not in (known.otherwise, *(answer for _numbers, answer in known.answers))
