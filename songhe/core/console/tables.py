"""The list as a django-tables2 table, built from the declared columns."""

from collections.abc import Callable, Iterator
from typing import Any

import django_tables2 as tables
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString

from songhe.core.console.display import Column, html_of, is_moment, is_number
from songhe.core.console.listing import Listing
from songhe.core.console.pages import Pages
from songhe.core.console.parents import Excerpt


class _Cell(tables.Column):  # type: ignore[misc]
    """A cell written as the kit writes that value everywhere; the first one leads to the record."""

    def __init__(self, pages: Pages, column: Column, *, leads: bool) -> None:
        self.shown = column
        self.pages = pages
        self.leads = leads
        kind = "text-end font-num text-nowrap" if is_number(pages.model, column) else ""
        if is_moment(pages.model, column):
            kind = "text-nowrap"
        label = pages.label(column)
        super().__init__(
            verbose_name=label, empty_values=(), orderable=False, attrs={"td": {"class": kind, "data-label": label}}
        )
        self.before = format_html('<td class="{}" data-label="{}">', kind, label)

    def render(self, record: Any) -> SafeString | str:
        """Write the value."""
        html = html_of(record, self.shown)
        if not self.leads or not (href := self.pages.link(record)):
            return html
        return format_html('<a href="{}" class="row-link">{}</a>', href, html)


class _Choose(tables.Column):  # type: ignore[misc]
    """The box that chooses a row for a bulk action."""

    before = SafeString('<td class="choose">')

    def __init__(self) -> None:
        super().__init__(verbose_name="", empty_values=(), orderable=False, attrs={"td": {"class": "choose"}})

    def render(self, record: Any) -> SafeString:
        """Write the box."""
        return format_html(
            '<input class="form-check-input" type="checkbox" name="pk" value="{}" form="bulk" aria-label="选择 {}">',
            record.pk,
            record,
        )


class _Table(tables.Table):  # type: ignore[misc]
    """A table whose rows are written at one stroke.

    The library looks each cell's attributes and arguments up anew, for columns that could be anything; of the kit's
    own columns both are known beforehand. On a list of twenty rows that was a third of the whole page.
    """

    row_tone: Callable[[Any], str | None] | None = None

    def lines(self) -> Iterator[SafeString]:
        """Yield the rows as they stand in the page."""
        cells = [(column.column.before, column.column.render) for column in self.columns]
        for record in self.data:
            tone = self.row_tone(record) if self.row_tone is not None else None
            head = format_html('<tr class="row-{}">', tone) if tone else "<tr>"
            inner = "".join([f"{before}{conditional_escape(render(record))}</td>" for before, render in cells])
            # Each piece is escaped or written here.
            yield SafeString(f"{head}{inner}</tr>")


def table_for(listing: "Listing | Excerpt", *, choosable: bool = False) -> tables.Table:
    """Return the table of a list's present page, or of the rows on a record's tab."""
    members: dict[str, Any] = {"choose": _Choose()} if choosable else {}
    for index, column in enumerate(listing.columns):
        members[column.key] = _Cell(listing.pages, column, leads=index == 0)
    row_tone = listing.pages.row_tone
    members["row_tone"] = None if row_tone is None else staticmethod(row_tone)
    members["Meta"] = type("Meta", (), {"orderable": False})
    kind = type(f"{listing.pages.model.__name__}Table", (_Table,), members)
    return kind(listing.rows)
