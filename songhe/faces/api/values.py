"""What a list's column is for another system: its name, its JSON value, and the schema of that value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache, cached_property
from html import unescape
from typing import Any

from django.contrib.postgres.fields import ArrayField, RangeField
from django.db import models
from django.db.backends.postgresql.psycopg_any import DateRange, Range
from django.utils import timezone
from django.utils.html import strip_tags

from songhe.core.console.display import NOTHING, Column, field_of, is_number, text_of, value_of
from songhe.core.console.pages import Pages
from songhe.core.validity import last_day

Schema = dict[str, Any]
TEXT: Schema = {"type": ["string", "null"]}
CODED: Schema = {
    "type": ["object", "null"],
    "properties": {"code": {"type": ["string", "integer"]}, "label": {"type": "string"}},
    "required": ["code", "label"],
}
NAMES = ("name", "full_name")


@dataclass(frozen=True)
class Item:
    """One member of a row.

    The name of a linked record stands for that record: its id as code, its name as label. What is stored is given as
    stored, however the page writes it, and so is a number; else what a function of the page writes is text.
    """

    pages: Pages
    column: Column

    @cached_property
    def label(self) -> str:
        """What people call it."""
        return self.pages.label(self.column)

    @cached_property
    def field(self) -> models.Field[Any, Any] | None:
        """The stored field it comes from, if any."""
        return field_of(self.pages.model, self.column.name)

    @cached_property
    def link(self) -> str:
        """The path of the record that it names, or nothing."""
        path, _dot, last = self.column.name.replace("__", ".").rpartition(".")
        linked = path and last in NAMES and isinstance(field_of(self.pages.model, path), models.ForeignKey)
        return path if linked else ""

    @cached_property
    def is_written(self) -> bool:
        """Whether only a function of the page says what it is."""
        return self.field is None and self.column.render is not None and not self.column.number

    @cached_property
    def name(self) -> str:
        """The member's name."""
        return (self.link or self.column.name).replace(".", "__")

    def value(self, obj: Any) -> Any:
        """Return a record's value."""
        if self.link:
            target = value_of(obj, self.link)
            return None if target is None else _coded(str(target.pk), text_of(obj, self.column))
        if self.is_written and self.column.render is not None:
            text = unescape(strip_tags(str(self.column.render(obj)))).strip()
            return None if text == NOTHING else text
        return _json(value_of(obj, self.column.name), self.field)

    @cached_property
    def schema(self) -> Schema:
        """The JSON schema of the value."""
        choices = {} if self.field is None or self.link else _choices(self.field)
        told = "、".join(f"{code} {label}" for code, label in choices.items())
        return {**self._kind(), "description": f"{self.label}：{told}" if told else self.label}

    def _kind(self) -> Schema:
        field = self.field
        if self.link:
            return CODED
        if field is not None:
            return _schema_of(field)
        if self.is_written:
            return TEXT
        return {"type": ["integer", "null"]} if is_number(self.pages.model, self.column) else {}


def items_of(pages: Pages, columns: Iterable[Column]) -> dict[str, Item]:
    """Return the members of a row by name; of two that would be called alike the second keeps its whole path."""
    found: dict[str, Item] = {}
    for column in {column.name: column for column in columns}.values():
        item = Item(pages, column)
        found[column.key if item.name in found else item.name] = item
    return found


def _coded(code: Any, label: str) -> dict[str, Any]:
    return {"code": code, "label": label}


def _json(value: Any, field: Any = None) -> Any:
    if value is None:
        return None
    choices = _choices(field)
    if choices and isinstance(value, list | tuple | set):
        return [_coded(one, choices.get(one, str(one))) for one in value]
    if choices:
        return None if value == "" else _coded(value, choices.get(value, str(value)))
    return _plain(value)


@cache
def _choices(field: Any) -> dict[Any, str]:
    """Return the labels of a field's choices, or of those of an array's items."""
    labels: Any = getattr(field, "flatchoices", None) or getattr(getattr(field, "base_field", None), "flatchoices", ())
    return {code: str(label) for code, label in labels}


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return str(value)
        case datetime():
            return (timezone.localtime(value) if timezone.is_aware(value) else value).isoformat(timespec="seconds")
        case date() | time():
            return value.isoformat()
        case Decimal():
            return f"{value:f}"
        case DateRange():
            return {"from": _plain(value.lower), "to": _plain(last_day(value))}
        case Range():
            return {"from": _plain(value.lower), "to": _plain(value.upper)}
        case models.Model():
            return _coded(str(value.pk), str(value))
        case models.Manager():
            return [_plain(item) for item in value.all()]
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case Iterable():
            return [_plain(item) for item in value]
        case _:
            return str(value)


_TYPES: tuple[tuple[tuple[type, ...], Schema], ...] = (
    ((models.BooleanField,), {"type": ["boolean", "null"]}),
    ((models.IntegerField,), {"type": ["integer", "null"]}),
    ((models.FloatField,), {"type": ["number", "null"]}),
    ((models.DateTimeField,), {"type": ["string", "null"], "format": "date-time"}),
    ((models.DateField,), {"type": ["string", "null"], "format": "date"}),
    ((models.UUIDField,), {"type": ["string", "null"], "format": "uuid"}),
    (
        (RangeField,),
        {"type": ["object", "null"], "properties": {"from": TEXT, "to": TEXT}, "required": ["from", "to"]},
    ),
    ((models.ForeignKey,), CODED),
    ((models.ManyToManyField,), {"type": "array", "items": CODED}),
    ((models.JSONField,), {}),
)


def _schema_of(field: models.Field[Any, Any]) -> Schema:
    if isinstance(field, ArrayField):
        inner = CODED if field.base_field.choices else _schema_of(field.base_field)
        return {"type": ["array", "null"], "items": inner}
    if field.choices:
        return CODED
    return next((schema for kinds, schema in _TYPES if isinstance(field, kinds)), TEXT)
