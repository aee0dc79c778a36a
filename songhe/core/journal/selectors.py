"""Reading the journal: what happened to a record, in words."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import QuerySet
from django.utils import timezone

from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.crypto.fields import SealedField
from songhe.core.errors import Refused
from songhe.core.journal.models import Access

NOTHING = "（空）"
_UNTOLD = ("id", "version", "created_at")
_ACTS = {"insert": "建立", "update": "修改", "delete": "删除"}


@dataclass(frozen=True)
class Change:
    """One field before and after, in words; a sealed field only says that it changed."""

    label: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.label}：已修改" if self.after == "已修改" else f"{self.label}：{self.before} → {self.after}"


@dataclass(frozen=True)
class HistoryLine:
    """One change of a record: when, by whom, in which role, to what kind of record, and what changed."""

    at: datetime
    who: str
    role: str
    act: str
    noun: str
    name: str
    changes: list[Change] = field(default_factory=list)

    @property
    def what(self) -> str:
        """The act and its object, such as 修改联系人."""
        return f"{self.act}{self.noun}"


def history(obj: models.Model, related: Iterable[models.Model] = (), *, most: int = 500) -> list[HistoryLine]:
    """Return the changes of a record, and of related ones, newest first; a fixed number of queries for each table.

    The first line of each record tells that it was made; later lines tell the fields that differ from the line before.
    Changes of fields nobody edits (versions, search keys) are left out. At most ``most`` lines of each table are read.
    """
    by_model: dict[type[models.Model], list[models.Model]] = defaultdict(list)
    for each in (obj, *related):
        by_model[type(each)].append(each)
    lines = [line for model, objs in by_model.items() for line in _of_model(model, objs, most)]
    return sorted(lines, key=lambda line: line.at, reverse=True)


def _of_model(model: type[models.Model], objs: list[models.Model], most: int) -> list[HistoryLine]:
    rows = list(
        model.pgh_event_model.objects.filter(pgh_obj_id__in=[obj.pk for obj in objs]).order_by("-pgh_line")[  # type: ignore[attr-defined]
            : most + 1
        ]
    )
    fields = _told(model, rows)
    names = _names(fields, rows)
    texts = {obj.pk: str(obj) for obj in objs}
    lines: list[HistoryLine] = []
    before: dict[Any, Any] = {}
    cut = len(rows) > most
    for row in reversed(rows):
        last = before.get(row.pgh_obj_id)
        before[row.pgh_obj_id] = row
        if cut and last is None and row.pgh_label != "insert":
            continue
        changes = [] if last is None else [_change(f, last, row, names) for f in fields if _differs(f, last, row)]
        if row.pgh_label == "update" and not changes:
            continue
        context = row.pgh_context or {}
        lines.append(
            HistoryLine(
                at=row.pgh_created_at,
                who=context.get("name") or "系统",
                role=_role(context.get("role", "")),
                act=_ACTS.get(row.pgh_label, row.pgh_label),
                noun=str(model._meta.verbose_name),
                name=texts.get(row.pgh_obj_id, ""),
                changes=changes,
            )
        )
    return lines


def _told(model: type[models.Model], rows: list[Any]) -> "list[models.Field[Any, Any]]":
    kept = {f.name for f in rows[0]._meta.concrete_fields} if rows else set()
    return [
        f
        for f in model._meta.concrete_fields
        if f.name in kept and f.name not in _UNTOLD and (f.editable or hasattr(f, "transitions"))
    ]


def _differs(told: "models.Field[Any, Any]", last: Any, row: Any) -> bool:
    return bool(getattr(last, told.attname) != getattr(row, told.attname))


def _change(told: "models.Field[Any, Any]", last: Any, row: Any, names: dict[tuple[str, Any], str]) -> Change:
    label = str(told.verbose_name)
    if isinstance(told, SealedField):
        return Change(label, "", "已修改")
    before, after = (_text(told, getattr(each, told.attname), names) for each in (last, row))
    return Change(label, before, after)


def _names(fields: "list[models.Field[Any, Any]]", rows: list[Any]) -> dict[tuple[str, Any], str]:
    """Read the names of everything the rows point to: one query for each kind of thing."""
    found: dict[tuple[str, Any], str] = {}
    for told in fields:
        if isinstance(told, models.ForeignKey):
            keys = {getattr(row, told.attname) for row in rows} - {None}
            for key, obj in told.related_model._base_manager.in_bulk(keys).items() if keys else ():
                found[told.name, key] = str(obj)
    return found


def written(told: "models.Field[Any, Any]", value: Any) -> str:
    """Return a field's value as people read it; something that points elsewhere by its key."""
    return _text(told, value, {})


def _text(told: "models.Field[Any, Any]", value: Any, names: dict[tuple[str, Any], str]) -> str:
    if value is None or value == "":
        return NOTHING
    if isinstance(told, models.ForeignKey):
        return names.get((told.name, value), str(value))
    if told.choices:
        return str(dict(told.flatchoices).get(value, value))
    if isinstance(value, bool):
        return "是" if value else "否"
    if told.name.endswith("_fen"):
        return f"{value / 100:,.2f} 元"
    if isinstance(value, datetime):
        return f"{timezone.localtime(value):%Y-%m-%d %H:%M}"
    if isinstance(value, list | tuple):
        return "、".join(map(str, value)) or NOTHING
    if hasattr(value, "lower") and hasattr(value, "upper") and not isinstance(value, str):
        return f"{value.lower or '不限'} 至 {_last_day(value) or '长期'}"
    return str(value)


def _last_day(span: Any) -> Any:
    """Return the last day that counts of a half-open range of dates."""
    if isinstance(span.upper, date) and not isinstance(span.upper, datetime):
        return date.fromordinal(span.upper.toordinal() - 1)
    return span.upper


def _role(value: str) -> str:
    return Role(value).label if value in Role.values else ""


def accesses(user: User, *, of_user: UUID | None = None, table: str = "", row_id: str = "") -> QuerySet[Access]:
    """Return who looked at masked numbers or took data out, newest first; for holders of ``journal.view``."""
    if not user.may("journal.view"):
        raise Refused("您的角色不能查看审计日志。")
    found = Access.objects.all()
    if of_user is not None:
        found = found.filter(user_id=of_user)
    if table:
        found = found.filter(table=table)
    return found.filter(row_id=row_id) if row_id else found
