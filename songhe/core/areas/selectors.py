"""The tree of divisions, read by ranges of codes."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from django.db.models import BigIntegerField, ExpressionWrapper, F, QuerySet, Value
from django.db.models.functions import Mod

from songhe.core.areas.codes import ancestors, upper
from songhe.core.areas.models import Area

_BLOCK = {
    Area.Level.PROVINCE: 10**10,
    Area.Level.CITY: 10**8,
    Area.Level.COUNTY: 10**6,
    Area.Level.TOWNSHIP: 10**3,
    Area.Level.VILLAGE: 1,
}


def subtree(code: int, *, level: str | None = None) -> QuerySet[Area]:
    """Return a division and everything below it, in the order of codes; only one level of it if told."""
    found = Area.objects.filter(code__gte=code, code__lt=upper(code))
    return found.filter(level=level) if level else found


def path(code: int) -> list[Area]:
    """Return the divisions from the province down to this one; one query."""
    return list(Area.objects.filter(code__in=[*ancestors(code), code]))


def children(code: int | None = None) -> QuerySet[Area]:
    """Return the divisions directly below one; those at the top for None."""
    return Area.objects.filter(parent=code)


def children_options(code: int | None = None) -> list[tuple[int, str]]:
    """Return the divisions directly below one as (code, name), for a drop-down; nobody lives in a virtual one."""
    return list(children(code).exclude(kind="virtual").values_list("code", "name"))


def level_below(level: str) -> str | None:
    """Return the next level down; None below a village."""
    order = Area.Level.values
    following = order.index(level) + 1
    return order[following] if following < len(order) else None


def at_level(field: str, level: str) -> "ExpressionWrapper[Any]":
    """Return the expression that lifts a column of codes to a level, to group rows by county, say.

    ``rows.values(county=at_level("area_id", Area.Level.COUNTY)).annotate(n=Count("id"))``
    """
    code = F(field)
    # The block is a constant of the query, so equal expressions group together.
    return ExpressionWrapper(code - Mod(code, Value(_BLOCK[Area.Level(level)])), output_field=BigIntegerField())


def roll_up(values: Mapping[int, int], *, top: int | None = None) -> dict[int, int]:
    """Add figures by division into every division above it; those above ``top`` are left out."""
    totals: dict[int, int] = defaultdict(int)
    for code, value in values.items():
        for each in (*ancestors(code), code):
            if top is None or top <= each < upper(top):
                totals[each] += value
    return dict(totals)
