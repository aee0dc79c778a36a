"""How a value of a record is written for people: on lists, detail pages, in spreadsheets and in comparisons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import RangeField
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from songhe.core.crypto.fields import SealedField
from songhe.core.validity import last_day

NOTHING = "—"
TONES = frozenset({"blue", "green", "yellow", "orange", "red", "secondary", "azure", "purple"})


@dataclass(frozen=True)
class Column:
    """One column of a list, or one fact of a detail page.

    ``name`` is a path over fields, properties and relations (``"elder.name"``); ``label`` its heading (the field's
    ``verbose_name`` unless given); ``order_by`` the fields to sort by (a stored field sorts by itself); ``render``
    takes the record and returns text or safe HTML; ``tones`` colours a choice's badge by its value; ``number`` says of
    a column without a stored number that it is written to the right. ``needs`` names the record's stored fields that
    ``render`` or a property reads, so that long exports need not read the others.
    """

    name: str
    label: str = ""
    order_by: str | tuple[str, ...] = ()
    render: Callable[[Any], str] | None = None
    tones: dict[str, str] | None = None
    number: bool = False
    needs: tuple[str, ...] | None = None

    @property
    def key(self) -> str:
        """The column's name in addresses and saved choices."""
        return self.name.replace(".", "__")


ColumnSpec = str | tuple[str, str] | Column


def as_column(spec: ColumnSpec) -> Column:
    """Return a column from its short form: a name, or a name with a label."""
    if isinstance(spec, Column):
        return spec
    if isinstance(spec, tuple):
        return Column(spec[0], spec[1])
    return Column(spec)


@cache
def field_of(model: type[models.Model], name: str) -> models.Field[Any, Any] | None:
    """Return the stored field at the end of a path, or None if the path ends in a property or method."""
    field: Any = None
    for part in name.replace("__", ".").split("."):
        if model is None:
            return None
        try:
            field = model._meta.get_field(part)
        except FieldDoesNotExist:
            return None
        model = field.related_model
    return field if isinstance(field, models.Field) else None


def label_of(model: type[models.Model], column: Column) -> str:
    """Return a column's heading."""
    if column.label:
        return column.label
    path, _dot, last = column.name.replace("__", ".").rpartition(".")
    if path and last in ("name", "full_name") and (link := field_of(model, path)):
        # The name of what is linked goes by the link's own label.
        return str(link.verbose_name)
    if field := field_of(model, column.name):
        # Stored in fen, shown in yuan.
        return str(field.verbose_name).replace("（分）", "（元）")
    member = getattr(model, column.name.replace("__", ".").rsplit(".", 1)[-1], None)
    function = getattr(member, "fget", member)
    return str(getattr(function, "short_description", "") or column.name)


def sort_fields(model: type[models.Model], column: Column) -> tuple[str, ...]:
    """Return the database fields a column sorts by; empty if it cannot be sorted."""
    if column.order_by:
        return (column.order_by,) if isinstance(column.order_by, str) else column.order_by
    field = field_of(model, column.name)
    if field is None or isinstance(field, SealedField | models.ManyToManyField | models.JSONField):
        return ()
    return (column.name.replace(".", "__"),)


def is_number(model: type[models.Model], column: Column) -> bool:
    """Tell whether a column is written to the right."""
    field = field_of(model, column.name)
    if column.number or column.name.endswith("_fen"):
        return True
    return isinstance(field, models.IntegerField | models.DecimalField | models.FloatField) and not field.choices


def is_moment(model: type[models.Model], column: Column) -> bool:
    """Tell whether a column holds days, times or stretches of them, which are not broken across lines."""
    return isinstance(field_of(model, column.name), models.DateField | models.TimeField | RangeField)


def value_of(obj: Any, name: str) -> Any:
    """Follow a path from a record; a sealed field gives its masked form, a missing link None."""
    for part in name.replace("__", ".").split("."):
        if obj is None:
            return None
        if isinstance(obj, models.Model) and _is_sealed(obj, part):
            part = f"{part}_masked"
        obj = getattr(obj, part)
        if callable(obj) and not isinstance(obj, models.Manager):
            obj = obj()
    return obj


def _is_sealed(obj: models.Model, name: str) -> bool:
    return isinstance(field_of(type(obj), name), SealedField)


def _holder(obj: Any, name: str) -> Any:
    path = name.replace("__", ".")
    return value_of(obj, path.rsplit(".", 1)[0]) if "." in path else obj


def yuan(fen: int) -> str:
    """Write integer fen as yuan with two decimals and thousands separators."""
    sign, fen = ("-" if fen < 0 else ""), abs(fen)
    return f"{sign}{fen // 100:,}.{fen % 100:02d}"


def text_of(obj: Any, column: Column) -> str:
    """Write a record's value as plain text."""
    if column.render:
        return str(column.render(obj))
    value = value_of(obj, column.name)
    field = field_of(type(obj), column.name) if isinstance(obj, models.Model) else None
    return write(value, field, holder=_holder(obj, column.name), name=column.name)


def write(value: Any, field: models.Field[Any, Any] | None = None, *, holder: Any = None, name: str = "") -> str:
    """Write any value as plain text; ``field`` and its ``holder`` give choices their labels."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "是" if value else "否"
    if name.endswith("_fen") and isinstance(value, int):
        return yuan(value)
    choices = _choices(field)
    if choices and isinstance(value, list | tuple | set):
        return "、".join(str(choices.get(item, item)) for item in value) or NOTHING
    if choices:
        return str(choices.get(value, value))
    return _write_plain(value)


@cache
def _choices(field: Any) -> dict[Any, Any]:
    """Return the labels of a field's choices, or of those of an array's items."""
    labels: Any = getattr(field, "flatchoices", None)
    return dict(labels or getattr(getattr(field, "base_field", None), "flatchoices", ()))


def _write_plain(value: Any) -> str:
    match value:
        case datetime():
            return (timezone.localtime(value) if timezone.is_aware(value) else value).strftime("%Y-%m-%d %H:%M")
        case date():
            return value.isoformat()
        case DateRange():
            return f"{value.lower or ''} 至 {last_day(value) or '长期'}".strip()
        case models.Manager():
            return "、".join(str(item) for item in value.all()) or NOTHING
        case Decimal():
            return f"{value:f}"
        case float():
            return f"{value:g}"
        case UUID():
            return str(value)
        case str():
            return value
        case Mapping():
            return "；".join(f"{key}：{_write_plain(item)}" for key, item in value.items()) or NOTHING
        case Iterable():
            return "、".join(_write_plain(item) for item in value) or NOTHING
        case _:
            return str(value)


def html_of(obj: Any, column: Column) -> SafeString | str:
    """Write a record's value for a page: choices with tones and states as badges, numbers in figures of one width."""
    if column.render:
        return column.render(obj)
    text = text_of(obj, column)
    tones = column.tones
    if tones is None and column.name.replace("__", ".").rsplit(".", 1)[-1] == "state":
        tones = getattr(_holder(obj, column.name), "state_tones", {})
    if tones is not None and text != NOTHING:
        tone = tones.get(str(value_of(obj, column.name)), "blue")
        return badge(text, tone)
    return text


def badge(text: str, tone: str = "blue") -> SafeString:
    """Return a badge; the tone is one of Tabler's colours and is never the only sign."""
    return format_html('<span class="badge bg-{}-lt">{}</span>', tone if tone in TONES else "secondary", text)


Cell = str | int | float | datetime | date | None


def cell_of(obj: Any, column: Column) -> Cell:
    """Return a record's value for a spreadsheet: numbers and dates as such, money in yuan, the rest as text."""
    if column.render:
        return str(column.render(obj))
    value = value_of(obj, column.name)
    field = field_of(type(obj), column.name) if isinstance(obj, models.Model) else None
    return _cell(value, field, obj, column.name)


def cells_of(model: type[models.Model], column: Column) -> Callable[[Any], Cell]:
    """Return what ``cell_of`` is for one column of many records, with all found out beforehand that is the same."""
    field = field_of(model, column.name)
    if column.render is not None or "." in column.name or "__" in column.name:
        return lambda obj: cell_of(obj, column)
    name, choices = column.name, _choices(field)
    if isinstance(field, SealedField):
        masked = field.masker()
        return lambda obj: masked(obj) or None
    if field is None:
        member = getattr(model, name, None)
        if not isinstance(member, property) or member.fget is None:
            return lambda obj: cell_of(obj, column)
        worked_out = member.fget
        return lambda obj: _cell(worked_out(obj), None, obj, name)
    value_in = attrgetter(field.attname if field.related_model is None else field.name)
    if isinstance(field, models.ForeignKey):
        return _links_of(field)
    if choices and isinstance(field, models.CharField):
        labels = {key: str(label) for key, label in choices.items()}
        return lambda obj: labels.get(value_in(obj), value_in(obj)) or None
    if isinstance(field, models.CharField | models.TextField) and not choices:
        return lambda obj: value_in(obj) or None
    return lambda obj: _cell(value_in(obj), field, obj, name)


def _links_of(field: models.ForeignKey[Any, Any]) -> Callable[[Any], Cell]:
    """Return what writes the records that many rows link to, each of them once."""
    key_in, linked_in = attrgetter(field.attname), attrgetter(field.name)
    written: dict[Any, Cell] = {None: None}

    def cell(obj: Any) -> Cell:
        key = key_in(obj)
        if key not in written:
            written[key] = str(linked_in(obj)) or None
        return written[key]

    return cell


def _cell(value: Any, field: models.Field[Any, Any] | None, obj: Any, name: str) -> Cell:
    if value is None or isinstance(value, bool):
        return None if value is None else write(value)
    if name.endswith("_fen") and isinstance(value, int):
        return value / 100
    if isinstance(value, datetime):
        return timezone.localtime(value).replace(tzinfo=None) if timezone.is_aware(value) else value
    plain = not (getattr(field, "choices", None))
    # Twelve-digit codes are names, not quantities: a spreadsheet would round or group them.
    if plain and isinstance(value, int | float) and abs(value) < 10**11:
        return value
    if isinstance(value, date):
        return value
    text = write(value, field, holder=obj, name=name)
    return None if text == NOTHING else text
