"""The timeline of a record: the steps of its flow and every change of its fields, newest first, by day."""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db import models
from django.utils import timezone

from songhe.core.console.display import Column, label_of
from songhe.core.console.registry import pages_of
from songhe.core.flow.models import FlowModel
from songhe.core.flow.services import steps_of
from songhe.core.journal.selectors import Change, HistoryLine, history

LINES = 200
ICONS = {"建立": "plus", "修改": "pencil", "删除": "trash"}
_WEEKDAYS = "一二三四五六日"


@dataclass(frozen=True)
class Line:
    """One thing that happened: a step, a first entry, a change."""

    at: datetime
    kind: str
    icon: str
    title: str
    who: str = ""
    reason: str = ""
    changes: list[Change] = field(default_factory=list)

    @property
    def time(self) -> str:
        """The time of day."""
        return timezone.localtime(self.at).strftime("%H:%M")


def timeline(obj: models.Model) -> list[tuple[str, list[Line]]]:
    """Return what happened to a record and to those its pages count as its own, newest first, grouped by day."""
    pages = pages_of(type(obj))
    related = list(pages.related(obj)) if pages is not None else []
    changed = history(obj, related) if hasattr(type(obj), "pgh_event_model") else []
    steps = _steps(obj)
    labels = {label_of(type(obj), Column("state"))} if steps else set()
    changes = [line for line in (_change(each, labels) for each in changed) if line is not None]
    lines = sorted([*steps, *changes], key=lambda line: line.at, reverse=True)[:LINES]
    return [(day, list(members)) for day, members in groupby(lines, key=_day)]


def _day(line: Line) -> str:
    day = timezone.localtime(line.at)
    return f"{day:%Y年%m月%d日} 星期{_WEEKDAYS[day.weekday()]}"


def _steps(obj: models.Model) -> list[Line]:
    if not isinstance(obj, FlowModel):
        return []
    return [
        Line(step.created_at, "step", "arrow-right", step.label, _who(step.user), step.reason) for step in steps_of(obj)
    ]


def _who(user: Any) -> str:
    return f"{user}（{user.get_role_display()}）" if user is not None else "系统"


def _change(line: HistoryLine, told: set[str]) -> Line | None:
    """Write a change; that a state changed is told by the step itself."""
    changes = [change for change in line.changes if change.label not in told]
    if line.changes and not changes:
        return None
    who = f"{line.who}（{line.role}）" if line.role else line.who
    return Line(line.at, "change", ICONS.get(line.act, "pencil"), line.what, who, changes=changes)
