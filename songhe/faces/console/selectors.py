"""What the home page shows: what waits for the person, grouped by step, and where the loop holds more for them."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Count, Q

from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.calendar.services import today
from songhe.core.console.pages import Pages
from songhe.core.console.registry import GROUPS, all_pages, pages_of
from songhe.core.flow.models import Todo
from songhe.core.flow.selectors import model_of
from songhe.core.flow.services import todos
from songhe.registers.elders.models import Elder


@dataclass(frozen=True)
class Waiting:
    """One to-do with the page where it is done, how long is left, and the elder's name if its title leaves it out."""

    todo: Todo
    url: str | None
    days_left: int
    elder: str = ""

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
    lines = list(rows[:limit])
    # Read as the reader may: whoever does not see an elder is not told the name.
    people = {todo.elder_id for todo in lines if todo.elder_id is not None}
    names = dict(Elder.objects.filter(pk__in=people).values_list("pk", "name"))
    return [Waiting(todo, page_of(todo), (todo.due_on - day).days, _unsaid_name(todo, names)) for todo in lines]


def _unsaid_name(todo: Todo, names: dict[UUID, str]) -> str:
    name = names.get(todo.elder_id, "") if todo.elder_id is not None else ""
    return "" if name in todo.title else name


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


# What people of a role do most, in order; ``+`` makes a new one. What is not named here follows in the menu's order.
_CLERK = (
    "orders-order+",
    "elders-elder+",
    "assessment-assessment+",
    "elders-elder",
    "visits-visit",
    "orders-complaint",
)
QUICK: dict[str, tuple[str, ...]] = {
    Role.COMMUNITY_CLERK: (
        "elders-elder+",
        "assessment-assessment+",
        "orders-order+",
        "elders-import+",
        "elders-elder",
    ),
    Role.STREET_CLERK: _CLERK,
    Role.COUNTY_CLERK: (*_CLERK, "policy-decision", "settlement-statement"),
    Role.OPERATOR: ("orders-order+", "orders-order", "dispatch-assignment", "orders-complaint"),
    Role.ADVISER: ("orders-order+", "elders-elder"),
    Role.PROVIDER_MANAGER: ("orders-order", "visits-visit", "workforce-staff", "settlement-statement"),
    Role.POLICY_OFFICER: ("policy-policy-version", "policy-document", "policy-decision", "indicators-indicator"),
    Role.FINANCE_CHECKER: ("settlement-statement", "visits-visit", "contracts-contract"),
    Role.FINANCE_APPROVER: ("settlement-statement", "funds-line", "contracts-contract"),
    Role.CASHIER: ("payments-batch", "payments-payment", "payments-payee"),
    Role.INSPECTOR: ("visits-visit", "orders-complaint", "settlement-statement"),
    Role.AUDITOR: ("journal-access", "ledger-entry", "settlement-statement"),
}
SHOWN = 8


def quick_actions(user: User) -> list[dict[str, Any]]:
    """Return what this person does most: first what their role is for, then what else they may make or open."""
    known = {pages.key: pages for pages in all_pages()}
    named = [(known.get(name.rstrip("+")), name.endswith("+")) for name in QUICK.get(user.role, ())]
    wanted = [(pages, creates) for pages, creates in named if pages is not None]
    listed = [pages for pages in known.values() if pages.menu is not None]
    wanted += [(pages, False) for pages in sorted(listed, key=_place)]
    allowed = [
        (pages, creates) for pages, creates in dict.fromkeys(wanted) if pages.may(user, "create" if creates else "view")
    ]
    return [_action(pages, creates) for pages, creates in allowed[:SHOWN]]


def _place(pages: Pages) -> tuple[int, int]:
    return GROUPS.index(pages.menu or GROUPS[0]), pages.order


def _action(pages: Pages, creates: bool) -> dict[str, Any]:
    label = pages.create_text if creates else pages.heading
    url = pages.create_url if creates else pages.list_url
    return {"label": label, "url": url, "icon": pages.icon, "create": creates}
