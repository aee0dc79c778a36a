"""One view of a list: what was searched, filtered, sorted and paged, and how many rows there are, within bounds."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from django import forms
from django.db.models import Q, QuerySet, Sum, Value
from django.http import HttpRequest, QueryDict
from django_filters import FilterSet

from songhe.core.accounts.models import User
from songhe.core.console.display import Column, as_column, field_of, is_number, sort_fields
from songhe.core.console.fields import Lookup
from songhe.core.console.models import Preference
from songhe.core.console.pages import Pages
from songhe.core.console.parents import Parent
from songhe.core.scope.services import current

COUNT_BOUND = 10_000
SIZES = (20, 50, 100)
# These say how a list is shown, not what it holds, or are too private for an address.
_OWN = frozenset(
    {
        "q",
        "sort",
        "page",
        "size",
        "csrfmiddlewaretoken",
        "pk",
        "reason",
        "all",
        "column",
        "form_token",
        "filter_name",
        "filter_shared",
    }
)


class Listing:
    """A list as one request asks for it; parameters come from the query string, or from the body when it is POSTed."""

    def __init__(self, pages: Pages, request: HttpRequest, user: User) -> None:
        self.pages = pages
        self.request = request
        self.user = user
        self.params: QueryDict = request.POST if request.method == "POST" else request.GET

    @cached_property
    def parent(self) -> Parent | None:
        """The record whose rows alone are shown, where the address names one."""
        return Parent.asked(self.pages, self.request, self.params.get("of", ""))

    @cached_property
    def all_rows(self) -> QuerySet[Any]:
        """The rows before search and filters."""
        rows = self.pages.get_queryset(self.request)
        return self.parent.narrow(rows) if self.parent is not None else rows

    # --- what is asked -----------------------------------------------------------------------------------------

    @cached_property
    def text(self) -> str:
        """What was typed into the search field; only ever read from a request's body."""
        return self.request.POST.get("q", "").strip()[:100] if self.request.method == "POST" else ""

    @cached_property
    def size(self) -> int:
        """Rows a page."""
        asked = self.params.get("size", "")
        if asked.isdecimal() and int(asked) in SIZES:
            return int(asked)
        saved = self.preference.get("size")
        return saved if saved in SIZES else self.pages.rows_per_page

    @cached_property
    def number(self) -> int:
        """The page asked for, from 1."""
        asked = self.params.get("page", "")
        last = max(1, -(-COUNT_BOUND // self.size))
        return min(max(1, int(asked)), last) if asked.isdecimal() and len(asked) < 9 else 1

    @cached_property
    def sort(self) -> str:
        """The column sorted by, with a leading minus for descending; empty for the list's own order."""
        asked = self.params.get("sort", "")
        return asked if asked.lstrip("-") in {column.key for column in self.sortable} else ""

    @cached_property
    def sortable(self) -> list[Column]:
        """The columns that can be sorted by."""
        return [column for column in self.pages.all_columns if sort_fields(self.pages.model, column)]

    @cached_property
    def filterset(self) -> FilterSet | None:
        """The filters, bound to what was asked."""
        kind = self.pages.filter_kind
        if kind is None:
            return None
        found = kind(self.params or None, queryset=self.all_rows, request=self.request)
        for field in found.form.fields.values():
            _dress(field.widget)
        return found

    @cached_property
    def active_filters(self) -> list[tuple[str, str, str]]:
        """The filters in use: parameter names (joined by commas), label, and what was chosen."""
        found: list[tuple[str, str, str]] = []
        if self.parent is not None:
            found.append(("of", self.parent.pages.thing, str(self.parent.obj)))
        if self.filterset is None or not self.filterset.form.is_valid():
            return found
        for name, value in self.filterset.form.cleaned_data.items():
            if value in (None, "", []):
                continue
            field = self.filterset.form.fields[name]
            text = _chosen(field, value)
            keys = [key for key in self.params if key == name or key.startswith((f"{name}_", f"{name}-"))]
            found.append((",".join(keys), str(field.label), text))
        return found

    # --- columns -----------------------------------------------------------------------------------------------

    @cached_property
    def preference(self) -> dict[str, Any]:
        """What this person chose for this page before."""
        row = Preference.objects.filter(user=self.user, page=self.pages.key).values_list("value", flat=True).first()
        return row or {}

    @cached_property
    def columns(self) -> list[Column]:
        """The columns shown: the person's choice, or the usual ones; the first one always."""
        every = self.pages.all_columns
        chosen = self.preference.get("columns") or self.pages.usual_columns
        return [column for index, column in enumerate(every) if index == 0 or column.key in chosen]

    # --- rows --------------------------------------------------------------------------------------------------

    @cached_property
    def _filtered(self) -> QuerySet[Any]:
        return self.filterset.qs if self.filterset is not None else self.all_rows

    @cached_property
    def queryset(self) -> QuerySet[Any]:
        """All rows that match, in one definite order."""
        rows = self._filtered
        if self.text and self.pages.search is not None:
            rows = self.pages.search(rows, self.text)
        return rows.order_by(*self._ordering())

    def _ordering(self) -> list[Any]:
        if not self.sort:
            order: list[Any] = self.pages.default_ordering()
        else:
            column = next(column for column in self.sortable if column.key == self.sort.lstrip("-"))
            descending = self.sort.startswith("-")
            order = [_turned(name) if descending else name for name in sort_fields(self.pages.model, column)]
        names = {name.lstrip("-") for name in order if isinstance(name, str)}
        key = self.pages.model._meta.pk.name
        return order if names & {"pk", key} else [*order, "-pk" if self.sort.startswith("-") else "pk"]

    @cached_property
    def count(self) -> int:
        """How many rows match, counting no further than the bound plus one."""
        counted = self.pages.counted_elsewhere(self)
        if counted is not None:
            return _count(counted, COUNT_BOUND + 1)
        ways = self._ways()
        return self._counted_by(ways) if ways else _count(self.queryset, COUNT_BOUND + 1)

    def _ways(self) -> list[Q]:
        """Return the ways of searching that an index answers whole: none where a filter or a wall reads the row."""
        scope = current()
        walled = scope is None or scope.kind not in ("area", "inspect")
        if not self.text or self.pages.search_ways is None or walled or self.active_filters:
            return []
        ways: list[Q] = self.pages.search_ways(self.text)
        return ways

    def _counted_by(self, ways: list[Q]) -> int:
        """Count what one way of searching or another finds.

        To find either, the database fetches every row; what one way alone finds, its index tells.
        """
        found: list[tuple[Q, int]] = []
        for way in ways:
            number = _count(self._filtered.filter(way), COUNT_BOUND + 1)
            if number > COUNT_BOUND:
                return number
            if number:
                found.append((way, number))
        if len(found) > 2:
            return _count(self.queryset, COUNT_BOUND + 1)
        twice = _count(self._filtered.filter(*(way for way, _ in found)), COUNT_BOUND + 1) if len(found) == 2 else 0
        return min(sum(number for _, number in found) - twice, COUNT_BOUND + 1)

    @property
    def is_bounded(self) -> bool:
        """Tell whether there are more rows than were counted."""
        return self.count > COUNT_BOUND

    @property
    def count_text(self) -> str:
        """The count for people, ``10,000+`` past the bound."""
        return f"{COUNT_BOUND:,}+" if self.is_bounded else f"{self.count:,}"

    @cached_property
    def rows(self) -> list[Any]:
        """The page's rows."""
        start = (self.page - 1) * self.size
        # The page's keys first, from the list's own table: with every link joined in, the planner, who cannot see how
        # much a scope lets through, may fetch and join a whole provider's rows to show twenty.
        keys = list(self.queryset.values_list("pk", flat=True)[start : start + self.size])
        found = self.all_rows.filter(pk__in=keys).in_bulk()
        return [found[key] for key in keys if key in found]

    @cached_property
    def page(self) -> int:
        """The page shown: the one asked for, or the last there is."""
        return min(self.number, self.page_count)

    @cached_property
    def page_count(self) -> int:
        """How many pages can be turned to."""
        return max(1, -(-min(self.count, COUNT_BOUND) // self.size))

    @property
    def page_numbers(self) -> list[int | None]:
        """The page numbers to show, None where some are left out."""
        near = {1, self.page_count, *range(self.page - 1, self.page + 2)}
        numbers: list[int | None] = []
        for number in sorted(number for number in near if 1 <= number <= self.page_count):
            if numbers and numbers[-1] is not None and number - numbers[-1] > 1:
                numbers.append(None)
            numbers.append(number)
        return numbers

    @property
    def first(self) -> int:
        """The number of the page's first row."""
        return (self.page - 1) * self.size + 1 if self.count else 0

    @property
    def last(self) -> int:
        """The number of the page's last row."""
        return min(self.page * self.size, self.count)

    @property
    def is_narrowed(self) -> bool:
        """Tell whether a search or filter leaves rows out."""
        return bool(self.text or self.active_filters)

    def totals(self) -> list[tuple[str, int | float, bool]]:
        """Return the sum of each totalled column over all rows that match, and whether it is money in fen."""
        columns = [as_column(spec) for spec in self.pages.totals]
        if not columns:
            return []
        sums = self.queryset.order_by().aggregate(
            **{f"total_{index}": Sum(column.name.replace(".", "__")) for index, column in enumerate(columns)}
        )
        return [
            (self.pages.label(column), sums[f"total_{index}"] or 0, column.name.endswith("_fen"))
            for index, column in enumerate(columns)
        ]

    # --- addresses ---------------------------------------------------------------------------------------------

    def query(self, **changes: Any) -> str:
        """Return the address's query string with changes; the searched text is never in it."""
        kept = QueryDict(mutable=True)
        for key, values in self.params.lists():
            if key not in _OWN and any(values):
                kept.setlist(key, [value for value in values if value])
        own = {"sort": self.sort, "size": self._asked_size(), "page": "" if self.page == 1 else self.page}
        for key, value in (own | changes).items():
            kept.pop(key, None)
            if value not in ("", None):
                kept[key] = str(value)
        encoded = kept.urlencode()
        return f"?{encoded}" if encoded else ""

    def _asked_size(self) -> int | str:
        return "" if self.size == self.pages.rows_per_page else self.size

    @property
    def address(self) -> str:
        """The address that shows this list again, without the searched text."""
        return f"{self.pages.url()}{self.query()}"

    def headings(self) -> Iterator[dict[str, Any]]:
        """Yield what the table's head shows: label, sort direction and the sort that a click asks for."""
        keys = {column.key for column in self.sortable}
        for column in self.columns:
            ascending, descending = self.sort == column.key, self.sort == f"-{column.key}"
            yield {
                "label": self.pages.label(column),
                "key": column.key,
                "sortable": column.key in keys,
                "direction": "ascending" if ascending else "descending" if descending else "",
                "next_sort": f"-{column.key}" if ascending else "" if descending else column.key,
                "number": is_number(self.pages.model, column),
            }


def _count(rows: QuerySet[Any], bound: int) -> int:
    """Count rows up to a bound, without reading any where an index tells."""
    query = rows.query
    if not (query.distinct or query.annotations or query.combinator):
        rows = rows.annotate(counted=Value(1)).values("counted")
    return rows.order_by()[:bound].count()


def _turned(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"


def _chosen(field: Any, value: Any) -> str:
    if isinstance(value, slice):
        start, stop = value.start, value.stop
        edges = [getattr(edge, "date", lambda edge=edge: edge)() if edge is not None else "" for edge in (start, stop)]
        return f"{edges[0]}～{edges[1]}"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list | tuple):
        return "、".join(_chosen(field, item) for item in value)
    labels = {str(key): str(label) for key, label in getattr(field, "choices", ())} if _short(field) else {}
    return labels.get(str(value), str(value))


def _dress(widget: forms.Widget) -> None:
    """Give a filter's widgets the look of the frame."""
    if isinstance(widget, forms.MultiWidget):
        for part in widget.widgets:
            _dress(part)
        return
    name = "form-select" if isinstance(widget, forms.Select) and not isinstance(widget, Lookup) else "form-control"
    widget.attrs["class"] = f"{widget.attrs.get('class', '')} {name}".strip()


def _short(field: Any) -> bool:
    return not hasattr(field, "queryset")


__all__ = ["COUNT_BOUND", "SIZES", "Listing", "field_of"]
