"""What the home page shows: what waits for the person, grouped by step, and where the loop holds more for them."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, Q

from songhe.core.accounts.models import User
from songhe.core.calendar.services import today
from songhe.core.console.pages import Pages
from songhe.core.console.registry import all_pages, pages_of
from songhe.core.flow.models import Todo
from songhe.core.flow.selectors import model_of
from songhe.core.flow.services import todos


@dataclass(frozen=True)
class Waiting:
    """One to-do with the page where it is done, and how long is left."""

    todo: Todo
    url: str | None
    days_left: int

    @property
    def tone(self) -> str:
        """Red when late, orange on the last day, quiet otherwise."""
        return "red" if self.days_left < 0 else "orange" if self.days_left == 0 else "secondary"

    @property
    def when(self) -> str:
        """How long is left, in words."""
        if self.days_left < 0:
            return f"逾期 {-self.days_left} 天"
        return "今天到期" if self.days_left == 0 else f"还有 {self.days_left} 天"


@dataclass(frozen=True)
class StepCount:
    """How many to-dos of one kind wait, and how many of them are late."""

    permission: str
    label: str
    count: int
    late: int


def waiting(user: User, *, late: bool | None = None, permission: str = "", limit: int = 20) -> list[Waiting]:
    """Return the soonest to-dos with their pages; ``late`` keeps only those past (or not past) their date."""
    day = today()
    rows = todos(user).select_related("area")
    if late is not None:
        rows = rows.filter(due_on__lt=day) if late else rows.filter(due_on__gte=day)
    if permission:
        rows = rows.filter(permission=permission)
    return [Waiting(todo, page_of(todo), (todo.due_on - day).days) for todo in rows[:limit]]


def page_of(todo: Todo) -> str | None:
    """Return the address of the record a to-do is about; None if its model has no page."""
    pages = pages_of(model_of(todo.object_table))
    return pages.url("detail", todo.object_id) if pages is not None else None


def step_counts(user: User, day: date | None = None) -> list[StepCount]:
    """Return what waits, by the permission it asks for, most first."""
    rows = (
        todos(user)
        .order_by()
        .values("permission", "object_table")
        .annotate(count=Count("id"), late=Count("id", filter=Q(due_on__lt=day or today())))
    )
    labels = {
        (model._meta.db_table, info.permission): info.label
        for model in {model_of(row["object_table"]) for row in rows}
        for info in reversed(getattr(model, "steps", dict)().values())
        if info.deadline is not None
    }
    found = [
        StepCount(
            row["permission"], labels.get((row["object_table"], row["permission"]), "办理"), row["count"], row["late"]
        )
        for row in rows
    ]
    return sorted(found, key=lambda step: (-step.late, -step.count))


def quick_actions(user: User) -> list[dict[str, Any]]:
    """Return what this person may make new, and the lists they may open, in the order of the loop."""
    creating = [pages for pages in all_pages() if pages.menu is not None and pages.may(user, "create")]
    viewing = [pages for pages in all_pages() if pages.menu is not None and pages.may(user, "view")]
    actions = [_action(pages, "create", f"新建{pages.thing}") for pages in creating[:4]]
    shown = {pages.key for pages in creating[:4]}
    return actions + [_action(pages, "list", pages.heading) for pages in viewing if pages.key not in shown][:4]


def _action(pages: Pages, kind: str, label: str) -> dict[str, Any]:
    return {"label": label, "url": pages.url(kind), "icon": pages.icon, "create": kind == "create"}
