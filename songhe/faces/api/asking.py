"""What one request asks of a list: its page's own filters and search, and a run through the rows in one order.

Rows come by their keys: whoever goes on from the last row they got meets every row that stood there at the start once,
whatever is entered meanwhile, and the thousandth step costs what the first did. What is entered meanwhile may be
missed: a key is given when a row is made, and the row is seen when its transaction ends.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cached_property
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django_filters.widgets import SuffixedMultiWidget

from songhe.core.accounts.models import User
from songhe.core.console.listing import Listing
from songhe.core.console.pages import Pages
from songhe.faces.api.values import Item, items_of

MOST = 500
USUAL = 100
OF = "of"
# An identity number or a telephone number: kept out of addresses, which servers on the way write down.
_NUMBER = re.compile(r"(?<!\d)(1\d{10}|\d{15}|\d{17}[\dX])(?!\d)")


class Wrong(Exception):
    """A request that says what cannot be; ``errors`` has a sentence for each parameter."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(errors)
        self.errors = errors


class RunForm(forms.Form):
    """The parameters that every list takes."""

    q = forms.CharField(label="搜索", required=False, max_length=100)
    limit = forms.IntegerField(label=f"每次行数，不写为 {USUAL}", required=False, min_value=1, max_value=MOST)
    cursor = forms.CharField(label="从哪一行之后取：上次回答的 next", required=False, max_length=40)
    count = forms.BooleanField(label="写 true 时一并回答符合条件的行数，数到 10,000 为止", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Forms keep a name of their own for this one.
        label = "要哪些项目，逗号分隔；不写为名单页面常用的各列"
        self.fields["fields"] = forms.CharField(label=label, required=False, max_length=1000)


def without_numbers(text: str) -> str:
    """Return what is searched for; Wrong if it holds a personal number, which an address must not."""
    if _NUMBER.search(unicodedata.normalize("NFKC", text).upper().replace(" ", "")):
        raise Wrong({"q": "身份证号、电话不能写在地址里（沿途会留下记录），请用 POST /api/v1/search，写在正文里。"})
    return text


def parameters_of(form: forms.BaseForm) -> Iterator[tuple[str, forms.Field, str]]:
    """Yield the names under which a form's fields are sent, each with its field and which end of a range it is."""
    for name, field in form.fields.items():
        if isinstance(field.widget, SuffixedMultiWidget):
            for suffix, end in zip(field.widget.suffixes, ("起", "止"), strict=True):
                yield field.widget.suffixed(name, suffix), field, end
        else:
            yield name, field, ""


def filter_form_of(pages: Pages) -> forms.BaseForm | None:
    """Return the form of a list's filters, unfilled."""
    kind = pages.filter_kind
    return None if kind is None else kind(None, queryset=pages.model._default_manager.none()).form


class Selection(Listing):
    """The rows that one request asks for, checked."""

    def __init__(self, pages: Pages, request: HttpRequest, user: User) -> None:
        super().__init__(pages, request, user)
        self.own = RunForm(request.GET)
        self.params = QueryDict(mutable=True)
        for name, values in request.GET.lists():
            if name not in self.own.fields and any(values):
                self.params.setlist(name, values)
        if errors := {**self._strange(), **self._own_errors(), **self._filter_errors()}:
            raise Wrong(errors)

    # --- checking ----------------------------------------------------------------------------------------------

    @cached_property
    def known(self) -> dict[str, forms.Field]:
        """The filters' parameters; those that hold money are asked in fen here."""
        return {} if self.filterset is None else {n: field for n, field, _ in parameters_of(self.filterset.form)}

    def _strange(self) -> dict[str, str]:
        allowed = {*self.known, *([OF] if self.pages.under else ())}
        found = {name: "没有这个参数。" for name in self.params if name not in allowed}
        if self.request.GET.get("q") and not self.pages.searchable:
            found["q"] = "这个名单不能搜索，请用筛选。"
        return found

    def _own_errors(self) -> dict[str, str]:
        if not self.own.is_valid():
            return {name: str(told[0]) for name, told in self.own.errors.items()}
        without_numbers(self.text)
        found = {}
        if unknown := [name for name in self._asked_names if name not in self.items]:
            found["fields"] = f"没有这些项目：{'、'.join(unknown)}。可以写：{'、'.join(self.items)}。"
        try:
            self.pages.model._meta.pk.to_python(self.own.cleaned_data["cursor"] or None)
        except ValidationError:
            found["cursor"] = "不是上次回答的 next。"
        return found

    def _filter_errors(self) -> dict[str, str]:
        if self.filterset is None or not self.filterset.is_bound:
            return {}
        sent = {name: self.params.getlist(name) for name in self.known if name in self.params}
        found = {name: wrong for name, values in sent.items() if (wrong := _ambiguous(self.known[name], values))}
        for name, told in self.filterset.form.errors.items():
            field = self.filterset.form.fields[name]
            found |= {sent_as: str(told[0]) for sent_as in sent if self.known[sent_as] is field}
        return found

    # --- what is asked -----------------------------------------------------------------------------------------

    @cached_property
    def text(self) -> str:
        """What is searched for."""
        return str(self.own.cleaned_data["q"]) if self.own.is_valid() else ""

    @cached_property
    def filterset(self) -> Any:
        """The page's filters, bound to what was asked."""
        kind = self.pages.filter_kind
        if kind is None:
            return None
        names = [n for name, one in kind.base_filters.items() if name.endswith("_fen") for n in _ends(name, one)]
        data = _yuan(self.params, names)
        return kind(data or None, queryset=self.all_rows, request=self.request)

    @cached_property
    def items(self) -> dict[str, Item]:
        """Everything that a row can say."""
        return items_of(self.pages, self.pages.all_columns)

    @cached_property
    def chosen(self) -> dict[str, Item]:
        """What the rows are to say."""
        usual = set(self.pages.usual_columns)
        names = self._asked_names or [name for name, item in self.items.items() if item.column.key in usual]
        return {name: self.items[name] for name in names}

    @property
    def _asked_names(self) -> list[str]:
        return [name.strip() for name in self.own.cleaned_data["fields"].split(",") if name.strip()]

    @property
    def cursor(self) -> str:
        """The key of the row to go on from."""
        return str(self.own.cleaned_data["cursor"])

    # --- rows --------------------------------------------------------------------------------------------------

    def run(self) -> tuple[list[dict[str, Any]], str | None]:
        """Return the rows, and the key to go on from where there are more."""
        limit = self.own.cleaned_data["limit"] or USUAL
        rows: QuerySet[Any] = self.queryset.order_by("pk")
        rows = rows.filter(pk__gt=self.cursor) if self.cursor else rows
        # Keys first, as on the page: see Listing.rows.
        keys = list(rows.values_list("pk", flat=True)[: limit + 1])
        more, keys = len(keys) > limit, keys[:limit]
        found = self.all_rows.in_bulk(keys)
        written = [row_of(found[key], self.chosen) for key in keys if key in found]
        return written, str(keys[-1]) if more else None


def row_of(obj: Any, items: dict[str, Item]) -> dict[str, Any]:
    """Return a record as other systems get it."""
    return {"id": str(obj.pk), **{name: item.value(obj) for name, item in items.items()}}


def _ends(name: str, one: django_filters.Filter) -> Iterable[str]:
    widget = one.field.widget
    return [widget.suffixed(name, each) for each in widget.suffixes] if hasattr(widget, "suffixes") else [name]


def _yuan(params: QueryDict, names: Iterable[str]) -> QueryDict:
    """Return the parameters with money, sent in fen, in the yuan that the page's filters take."""
    found = params.copy()
    for name in names:
        try:
            if name in found:
                found[name] = str(Decimal(int(str(found[name]))) / 100)
        except ValueError:
            found[name] = "?"
    return found


def _ambiguous(field: forms.Field, values: list[str]) -> str:
    many = isinstance(field, forms.MultipleChoiceField | forms.ModelMultipleChoiceField)
    if len(values) > 1 and not many:
        return "只能写一个值。"
    if isinstance(field, forms.NullBooleanField) and values[0] not in ("true", "false"):
        return "只能写 true 或 false。"
    return ""
