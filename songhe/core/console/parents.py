"""Rows of one record: the tab they make on its page, and the list narrowed to them."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest

from songhe.core.accounts.models import User
from songhe.core.console.display import Column
from songhe.core.console.pages import Pages
from songhe.core.console.parts import TIMELINE, Tab
from songhe.core.console.registry import pages_named, pages_under

ROWS = 20


@dataclass(frozen=True)
class Parent:
    """A record, its pages, and the relation by which rows of other pages belong to it."""

    pages: Pages
    obj: Model
    relation: str

    @classmethod
    def asked(cls, pages: Pages, request: HttpRequest, text: str) -> "Parent | None":
        """Return the record that ``<pages>:<pk>`` names, None for no text; 404 if no such record may be seen."""
        if not text:
            return None
        key, _colon, pk = text.partition(":")
        try:
            above = pages_named(key)
            relation = pages.under[above.model]
            obj = above.get_object_queryset(request).get(pk=pk)
        except (KeyError, ValueError, ValidationError, ObjectDoesNotExist) as error:
            raise Http404("没有找到这条记录，或者它不在您的管辖范围内。") from error
        return cls(above, obj, relation)

    @property
    def address(self) -> str:
        """What names this record in an address."""
        return f"{self.pages.key}:{self.obj.pk}"

    def narrow(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return those of the rows that belong to the record."""
        return rows.filter(**{self.relation: self.obj})

    def hides(self, column: Column) -> bool:
        """Tell whether a column would only repeat the record in every row."""
        return column.name.replace(".", "__").split("__")[0] == self.relation


@dataclass(frozen=True)
class Excerpt:
    """The newest rows that belong to a record, as a table is made of them."""

    pages: Pages
    parent: Parent
    rows: list[Any]
    more: bool

    @property
    def columns(self) -> list[Column]:
        """The usual columns, without the record itself."""
        usual = [column for column in self.pages.all_columns if column.key in self.pages.usual_columns]
        return [column for column in usual if not self.parent.hides(column)]

    @property
    def list_url(self) -> str:
        """The address of the list narrowed to these rows."""
        return f"{self.pages.list_url}?of={self.parent.address}"

    @property
    def create_url(self) -> str:
        """The address of a form that already names the record."""
        return f"{self.pages.create_url}?of={self.parent.address}"


def tabs_of(pages: Pages) -> list[Tab]:
    """Return a record's tabs: its own, then one for each kind of row that belongs to it, its timeline last."""
    below = [tab_under(other) for other in pages_under(pages.model)]
    own = list(pages.tabs)
    return own[:-1] + below + own[-1:] if own and own[-1] is TIMELINE else own + below


def tab_under(other: Pages) -> Tab:
    """Return the tab that shows the rows of other pages on the record they belong to."""
    return Tab(
        other.tab_label or other.heading, "console/tabs/rows.html", permission=other.permission("view"), rows=other
    )


def excerpt(request: HttpRequest, pages: Pages, obj: Any, other: Pages, user: User) -> dict[str, Any]:
    """Return what the tab's template gets."""
    from songhe.core.console.tables import table_for

    parent = Parent(pages, obj, other.under[pages.model])
    rows = list(parent.narrow(other.get_queryset(request)).order_by(*other.default_ordering())[: ROWS + 1])
    found = Excerpt(other, parent, rows[:ROWS], len(rows) > ROWS)
    return {"excerpt": found, "table": table_for(found), "may_create": other.may(user, "create")}
