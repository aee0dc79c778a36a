"""The facts of a record's page: labels, values that lead to what they name, and numbers that may be shown in full."""

from typing import Any

from django.db.models import Model
from django.utils.html import format_html
from django.utils.safestring import SafeString

from songhe.core.accounts.models import User
from songhe.core.console.display import NOTHING, Column, html_of, value_of
from songhe.core.console.pages import Pages, url_of
from songhe.core.console.registry import pages_of


def facts_of(pages: Pages, obj: Any, user: User) -> list[dict[str, Any]]:
    """Return the facts of a page's head."""
    sealed = set(pages.revealable()) if user.may(pages.permission("reveal")) else set()
    found = []
    for column in pages.fact_columns:
        shown = column.name in sealed and getattr(obj, f"{column.name}_masked")
        url = pages.url("reveal", obj.pk, column.name) if shown else ""
        found.append({"label": pages.label(column), "value": linked(obj, column, user), "reveal_url": url})
    return found


def more_facts(pages: Pages, obj: Any, user: User) -> list[dict[str, Any]]:
    """Return what the list can show of a record and the page's head and title do not."""
    return [{"label": pages.label(column), "value": linked(obj, column, user)} for column in pages.further_facts(obj)]


def linked(obj: Any, column: Column, user: User) -> SafeString | str:
    """Write a value; where it names another record whose page this person may see, it leads there."""
    html = html_of(obj, column)
    if column.render is not None or html == NOTHING:
        return html
    target = _named(obj, column)
    pages = pages_of(type(target)) if target is not None else None
    if target is None or pages is None or not pages.may(user, "view") or not (url := url_of(target)):
        return html
    return format_html('<a href="{}">{}</a>', url, html)


def _named(obj: Any, column: Column) -> Model | None:
    """Return the record that a value names: itself a record, or the name of one."""
    path, _dot, last = column.name.replace("__", ".").rpartition(".")
    value = value_of(obj, path if path and last in ("name", "full_name") else column.name)
    return value if isinstance(value, Model) else None
