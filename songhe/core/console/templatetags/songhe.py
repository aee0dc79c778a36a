"""Template filters that every page has at hand."""

from typing import Any

from django import template
from django.db import models

register = template.Library()


@register.filter
def yuan(fen: int | None) -> str:
    """Write integer fen as yuan with two decimals and thousands separators."""
    if fen is None:
        return "—"
    sign, fen = ("-" if fen < 0 else ""), abs(fen)
    return f"{sign}{fen // 100:,}.{fen % 100:02d}"


@register.filter
def count(number: float | None) -> str:
    """Write a number with thousands separators, which Django's own filter leaves out in Chinese."""
    return "—" if number is None else f"{number:,}"


@register.simple_tag
def page_url(obj: models.Model | None) -> str:
    """Return the address of a record's own page, or nothing if it has none."""
    from songhe.core.console.pages import url_of

    return (url_of(obj) or "") if obj is not None else ""


@register.filter
def shown(obj: models.Model, name: str) -> str:
    """Write a record's value as the kit writes it on lists: ``{{ elder|shown:"living_situation" }}``."""
    from songhe.core.console.display import Column, html_of

    return html_of(obj, Column(name))


@register.filter
def value(anything: Any) -> str:
    """Write any value as the kit writes it: dates, ranges, yes and no, a dash for nothing."""
    from songhe.core.console.display import write

    return write(anything)


@register.inclusion_tag("console/parts/fact_list.html")
def fact_list(obj: models.Model, names: str) -> dict[str, Any]:
    """List facts of a record, by names separated by spaces; labels and writing are the kit's."""
    from songhe.core.console.display import Column, html_of, label_of

    columns = [Column(name) for name in names.split()]
    return {"facts": [{"label": label_of(type(obj), column), "value": html_of(obj, column)} for column in columns]}


@register.simple_tag
def demo_accounts() -> list[tuple[str, list[Any]]]:
    """Return the demonstration's accounts grouped by role; none outside the demonstration."""
    from songhe.core.console.signin import demo_accounts as accounts

    return [(role, list(people)) for role, people in accounts()]
