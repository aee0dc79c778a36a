"""FEEL's functions of strings (DMN 1.5, clause 10.3.4.3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from functools import lru_cache
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from songhe.engines.policy import temporal
from songhe.engines.policy.comparing import Interval
from songhe.engines.policy.decimals import NUMBERS
from songhe.engines.policy.errors import PolicyError
from songhe.engines.policy.temporal import Months

Value = Any

_FLAGS = {"i": re.IGNORECASE, "s": re.DOTALL, "m": re.MULTILINE, "x": re.VERBOSE}
_LONGEST_PATTERN, _LONGEST_TEXT = 500, 100_000
# So long may a text that an expression makes become, and a list.
LONGEST_MADE = 2_000_000
# So many ways of matching a text are tried at most: its length to the power of the pattern's repetitions.
_MOST_WAYS = 100_000_000
# Classes of XPath's regular expressions that Python writes otherwise.
_CLASSES = {r"\p{L}": r"[^\W\d_]", r"\p{N}": r"\d", r"\p{Nd}": r"\d", r"\i": r"[^\W\d]", r"\c": r"[\w.:-]"}
_NUMBER = re.compile(r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")


@lru_cache(maxsize=256)
def _pattern(text: str, flags: str) -> re.Pattern[str]:
    """Return a pattern; ValueError where it is none, or is too long."""
    if set(flags) - {*_FLAGS, "q"} or len(text) > _LONGEST_PATTERN:
        raise ValueError(text)
    if "q" in flags:
        text = re.escape(text)
    for name, written in _CLASSES.items():
        text = text.replace(name, written)
    chosen = re.NOFLAG
    for flag in flags.replace("q", ""):
        chosen |= _FLAGS[flag]
    try:
        return re.compile(text, chosen)
    except re.error as error:
        raise ValueError(text) from error


@lru_cache(maxsize=256)
def _repetitions(pattern: re.Pattern[str]) -> int:
    """Count a pattern's repetitions; ValueError where one could match the same text in many ways.

    A repetition within a repetition, or of alternatives that begin alike, can take for ever on a short text.
    """
    return _count_repetitions(_parser.parse(pattern.pattern, pattern.flags), repeated=False)


def _count_repetitions(parsed: Any, repeated: bool) -> int:
    count = 0
    for operator, details in parsed:
        match str(operator):
            case "MAX_REPEAT" | "MIN_REPEAT":
                _least, most, inner = details
                many = most > 1
                if many and repeated:
                    raise ValueError(parsed)
                count += many + _count_repetitions(inner, repeated or many)
            case "POSSESSIVE_REPEAT" | "GROUPREF":
                raise ValueError(parsed)
            case "BRANCH":
                starts = [str(each[0]) if len(each) else "" for each in details[1]]
                if repeated and (
                    len(set(starts)) < len(starts) or not all(each.startswith("(LITERAL") for each in starts)
                ):
                    raise ValueError(parsed)
                count += max(_count_repetitions(each, repeated) for each in details[1])
            case "SUBPATTERN":
                count += _count_repetitions(details[-1], repeated)
            case "ATOMIC_GROUP" | "ASSERT" | "ASSERT_NOT":
                count += _count_repetitions(details if operator == "ATOMIC_GROUP" else details[1], repeated)
    return count


def _fitting(pattern: str, flags: str, text: str) -> re.Pattern[str]:
    """Return a pattern for a text; ValueError if looking for it could take for ever."""
    found = _pattern(pattern, flags)
    if len(text) ** _repetitions(found) > _MOST_WAYS:
        raise ValueError(pattern)
    return found


def _are_texts(*texts: Value) -> bool:
    return all(isinstance(text, str) and len(text) <= _LONGEST_TEXT for text in texts)


def matches(text: Value, pattern: Value, flags: Value = None) -> Value:
    """Tell whether a regular expression is found in a text."""
    if not _are_texts(text, pattern, flags or ""):
        return None
    return _fitting(pattern, flags or "", text).search(text) is not None


def replace(text: Value, pattern: Value, replacement: Value, flags: Value = None) -> Value:
    """Return a text with what a regular expression finds replaced; ``$1`` is its first group, ``$0`` all of it."""
    if not _are_texts(text, pattern, replacement, flags or ""):
        return None
    found = _fitting(pattern, flags or "", text)
    if (len(text) + 1) * len(replacement) > LONGEST_MADE:
        raise PolicyError(f"replace 得出的文字可能超过 {LONGEST_MADE} 个字符。")
    if "q" in (flags or ""):
        return found.sub(lambda _match: replacement, text)

    def group(match: re.Match[str]) -> str:
        def one(named: re.Match[str]) -> str:
            if named[0][0] == "\\":
                return named[0][1]
            number = int(named[1])
            return (match[number] or "") if number <= found.groups else ""

        return re.sub(r"\\[\\$]|\$(\d)", one, replacement)

    return found.sub(group, text)


def split(text: Value, delimiter: Value) -> Value:
    """Return the parts of a text between what a regular expression finds."""
    if not _are_texts(text, delimiter) or not delimiter:
        return None
    found, parts, last = _fitting(delimiter, "", text), [], 0
    for match in found.finditer(text):
        if match.end() > match.start():
            parts.append(text[last : match.start()])
            last = match.end()
    return [*parts, text[last:]]


def bounded(value: Value) -> Value:
    """Return what an expression made.

    Raises:
        PolicyError: a text or list has grown beyond any policy's.
    """
    if isinstance(value, str | list) and len(value) > LONGEST_MADE:
        kind = "文字" if isinstance(value, str) else "列表"
        raise PolicyError(f"{kind}的长度超过 {LONGEST_MADE}，已停止计算。")
    return value


def join(items: Value, delimiter: Value = None, prefix: Value = None, suffix: Value = None) -> Value:
    """Return texts in one, nulls left out."""
    texts = [item for item in items if item is not None]
    if not _are_texts(*texts, *(each for each in (delimiter, prefix, suffix) if each is not None)):
        return None
    return f"{prefix or ''}{(delimiter or '').join(texts)}{suffix or ''}"


def substring(text: Value, start: Value, length: Value = None) -> Value:
    """Return the characters from a place counted from 1, or from the end where it is negative."""
    if not isinstance(text, str) or not isinstance(start, Decimal) or int(start) == 0 or abs(int(start)) > len(text):
        return None
    if length is not None and (not isinstance(length, Decimal) or length < 1):
        return None
    begin = int(start) - 1 if start > 0 else len(text) + int(start)
    return text[begin:] if length is None else text[begin : begin + int(length)]


def number(text: Value, grouping: Value = None, point: Value = None) -> Value:
    """Return the number that a text writes."""
    if not isinstance(text, str) or grouping not in (None, " ", ",", ".") or point not in (None, ",", "."):
        return None
    if grouping is not None and grouping == (point or "."):
        return None
    cleaned = text.replace(grouping, "") if grouping else text
    cleaned = cleaned.replace(point, ".") if point else cleaned
    return Decimal(cleaned) if _NUMBER.fullmatch(cleaned) else None


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
    if isinstance(value, Interval):
        low, high = _quoted(value.low), _quoted(value.high)
        return f"{'[' if value.low_closed else '('}{low}..{high}{']' if value.high_closed else ')'}"
    return str(value)


def _quoted(value: Value) -> str:
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return "null" if value is None else str(text_of(value))


def of_texts(function: Callable[..., Value]) -> Callable[..., Value]:
    """Guard a function: all of its arguments must be strings."""
    return lambda *texts: function(*texts) if all(isinstance(text, str) for text in texts) else None


TEXT_FUNCTIONS: dict[str, Callable[..., Value]] = {
    "string": text_of,
    "number": number,
    "string length": of_texts(lambda text: Decimal(len(text))),
    "upper case": of_texts(lambda text: text.upper()),
    "lower case": of_texts(lambda text: text.lower()),
    "contains": of_texts(lambda text, part: part in text),
    "starts with": of_texts(lambda text, part: text.startswith(part)),
    "ends with": of_texts(lambda text, part: text.endswith(part)),
    "substring": substring,
    "substring before": of_texts(lambda text, part: text.partition(part)[0] if part and part in text else ""),
    "substring after": of_texts(lambda text, part: (text.partition(part)[2] if part in text else "") if part else text),
    "matches": matches,
    "replace": replace,
    "split": split,
}
