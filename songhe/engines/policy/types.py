"""FEEL's types: whether a value is of one, and what becomes of a value where one is declared (DMN 1.5, 10.3.2.9.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from songhe.engines.policy.comparing import Interval
from songhe.engines.policy.syntax import UnaryTests
from songhe.engines.policy.temporal import Months

Value = Any
ANY = "Any"

# Names of one type in FEEL, in XML Schema's and in older models.
_ALIASES = {
    "dateTime": "date and time",
    "dayTimeDuration": "days and time duration",
    "day time duration": "days and time duration",
    "yearMonthDuration": "years and months duration",
    "year month duration": "years and months duration",
    "integer": "number",
    "decimal": "number",
    "double": "number",
    "long": "number",
    "any": ANY,
    "Any": ANY,
    "": ANY,
}


@dataclass(frozen=True)
class ItemType:
    """A type that a model defines: of another by name, or of components; a list, if so; with allowed values."""

    of: str = ANY
    components: Mapping[str, ItemType] = field(default_factory=dict)
    is_list: bool = False
    allowed: UnaryTests | None = None
    # Of the whole list, where ``allowed`` is of its elements.
    constraint: UnaryTests | None = None


Types = Mapping[str, ItemType]


def is_of(value: Value, name: str, types: Types) -> bool:
    """Tell whether a value is an instance of a type; null is of ``Null`` only."""
    name = _ALIASES.get(name, name)
    if value is None:
        return name in ("Null", "null")
    if name in types:
        return _conforms(value, types[name], types)
    if "<" in name:
        return _is_of_parts(value, name, types)
    match name:
        case "Any":
            return True
        case "number":
            return isinstance(value, Decimal)
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "date and time":
            return isinstance(value, datetime)
        case "date":
            return isinstance(value, date) and not isinstance(value, datetime)
        case "time":
            return isinstance(value, time)
        case "days and time duration":
            return isinstance(value, timedelta)
        case "years and months duration":
            return isinstance(value, Months)
        case "list":
            return isinstance(value, list)
        case "context":
            return isinstance(value, Mapping)
        case "range":
            return isinstance(value, Interval)
        case "function":
            return callable(value)
    return False


def _is_of_parts(value: Value, name: str, types: Types) -> bool:
    kind, _, rest = name.partition("<")
    if kind == "function":
        return callable(value)
    inner = rest[:-1]
    match kind:
        case "list":
            return isinstance(value, list) and all(_of_or_null(item, inner, types) for item in value)
        case "range":
            return isinstance(value, Interval) and all(
                bound is None or is_of(bound, inner, types) for bound in (value.low, value.high)
            )
        case "context":
            members = [member.partition(":")[::2] for member in _parted(inner)]
            return isinstance(value, Mapping) and all(
                key in value and _of_or_null(value[key], type_, types) for key, type_ in members
            )
    return False


def _of_or_null(value: Value, name: str, types: Types) -> bool:
    return value is None or is_of(value, name, types)


def _parted(text: str) -> list[str]:
    """Part at the commas that stand in no brackets."""
    found, depth = [""], 0
    for letter in text:
        depth += {"<": 1, ">": -1}.get(letter, 0)
        if letter == "," and not depth:
            found.append("")
        else:
            found[-1] += letter
    return [each for each in found if each]


def _conforms(value: Value, type_: ItemType, types: Types) -> bool:
    from songhe.engines.policy.interpreter import passes

    if type_.is_list:
        if not isinstance(value, list):
            return False
        element = ItemType(type_.of, type_.components, allowed=type_.allowed)
        held = all(item is None or _conforms(item, element, types) for item in value)
        return held and (type_.constraint is None or passes(type_.constraint, value, {}) is True)
    if type_.components:
        if not isinstance(value, Mapping):
            return False
        for name, component in type_.components.items():
            if name not in value or (value[name] is not None and not _conforms(value[name], component, types)):
                return False
    elif not is_of(value, type_.of, types):
        return False
    limits = [each for each in (type_.allowed, type_.constraint) if each is not None]
    return all(passes(limit, value, {}) is True for limit in limits)


def coerced(value: Value, name: str, types: Types) -> Value:
    """Return a value where a type is declared: a list of one is its element, an element a list of one; else null."""
    name = _ALIASES.get(name, name)
    if value is None or name == ANY or is_of(value, name, types):
        return value
    if isinstance(value, list) and len(value) == 1 and is_of(value[0], name, types):
        return value[0]
    if not isinstance(value, list) and is_of([value], name, types):
        return [value]
    if name == "date and time" and isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(), tzinfo=UTC)
    return None
