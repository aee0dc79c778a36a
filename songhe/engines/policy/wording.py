"""Values and steps of a decision, as JSON keeps them and as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from songhe.engines.policy import temporal
from songhe.engines.policy.comparing import Interval
from songhe.engines.policy.decimals import NUMBERS
from songhe.engines.policy.interpreter import Value
from songhe.engines.policy.temporal import Months

# A model's type of this name is an amount of money in fen, which people read in yuan.
FEN = "分"


def as_json(value: Value) -> Any:
    """Return a FEEL value as JSON has it: whole decimals as integers, others and all of time as text."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else str(value.normalize(NUMBERS))
    if isinstance(value, date | time | timedelta | Months):
        return temporal.written(value)
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if isinstance(value, Mapping):
        return {name: as_json(item) for name, item in value.items() if not callable(item)}
    return str(value) if isinstance(value, Interval) else value


def written(value: Value, words: Mapping[str, str] | None = None, type_name: str = "") -> str:
    """Write a FEEL value for people; ``words`` gives codes their names, ``type_name`` tells money from numbers."""
    words = words or {}
    match value:
        case None:
            return "（无）"
        case bool():
            return "是" if value else "否"
        case Decimal() if type_name == FEN:
            return f"{value / 100:,.2f} 元"
        case Decimal():
            return f"{value.normalize(NUMBERS):f}"
        case datetime():
            return f"{value.year}年{value.month}月{value.day}日 {value:%H:%M}"
        case date():
            return f"{value.year}年{value.month}月{value.day}日"
        case time() | timedelta() | Months():
            return temporal.written(value)
        case list():
            return "、".join(written(item, words, type_name) for item in value) or "（无）"
        case Mapping():
            return "；".join(f"{name}：{written(item, words)}" for name, item in value.items() if not callable(item))
        case Interval():
            return f"{written(value.low, words)}至{written(value.high, words)}"
        case _:
            return words.get(str(value), str(value))
