"""A room's pages, declared: list, detail, create, edit, export and bulk actions of one model in a few lines.

    @pages
    class ElderPages(Pages):
        model, room, noun, menu = Elder, "elders", "elder", "老人档案"
        columns = ["name", "age", "area", "living_situation"]
        search = search_elders
        filters = ["area", "living_situation"]
        form, create, update = ElderForm, services.register, services.amend
        tabs = [Tab("基本情况", "elders/_basics.html"), TIMELINE]

Permissions are ``<room>.view``, ``.create``/``.edit``, ``.export``, ``.reveal``; rows are those of the person's scope.
"""

from collections.abc import Iterable, Sequence
from functools import cache, cached_property
from types import FunctionType
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.db.models import Manager, Model, QuerySet
from django.forms import BaseForm
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django_filters import FilterSet

from songhe.core.accounts.models import User
from songhe.core.console.display import Column, ColumnSpec, as_column, badge, label_of
from songhe.core.console.filters import filterset_for
from songhe.core.console.parts import FACTS, TIMELINE, Action, Bulk, Command, StepForm, Tab, View
from songhe.core.console.registry import menu_link, pages, register
from songhe.core.console.sheets import SheetColumn, SheetImport
from songhe.core.crypto.fields import SealedField

if TYPE_CHECKING:
    from songhe.core.console.listing import Listing

__all__ = [
    "FACTS",
    "TIMELINE",
    "Action",
    "Bulk",
    "Column",
    "Command",
    "Pages",
    "SheetColumn",
    "SheetImport",
    "StepForm",
    "Tab",
    "View",
    "badge",
    "menu_link",
    "pages",
    "register",
]

# Selectors and services given as class attributes are called as they are, not as methods.
_PLAIN = ("search", "search_ways", "search_nearby", "create", "update", "row_link", "queryset", "row_tone")


class Pages:
    """The pages of one model; every attribute but the first four has a working default."""

    model: ClassVar[type[Model]]
    room: ClassVar[str]
    noun: ClassVar[str]
    menu: ClassVar[str | None] = None
    """The menu group (档案, 评估与待遇, 服务, 资金, 监管, 系统); None leaves the pages out of the menu."""
    icon: ClassVar[str] = "list"
    order: ClassVar[int] = 50
    title: ClassVar[str] = ""
    """What the list is called; the model's ``verbose_name_plural`` unless given."""
    explain: ClassVar[str] = ""
    """One sentence under the list's title: what is kept here."""
    create_label: ClassVar[str] = ""
    """The words on the button that creates; 新建 and the thing's name unless given."""
    submit_label: ClassVar[str] = "保存"
    """The words on the form's own button."""
    empty: ClassVar[str] = ""
    """What to do when there is nothing yet."""

    columns: ClassVar[Sequence[ColumnSpec]] = ()
    more_columns: ClassVar[Sequence[ColumnSpec]] = ()
    """Columns that a person may switch on."""
    search: ClassVar[Any] = None
    """A selector: (queryset, text) → queryset; the text comes in a request's body, for it may be a number."""
    search_hint: ClassVar[str] = "搜索"
    search_ways: ClassVar[Any] = None
    """A function of the text: the conditions of which ``search`` asks that one hold; each is counted by its index."""
    search_nearby: ClassVar[Any] = None
    """A selector like ``search`` for what was typed almost right; asked by the search box where nothing was found."""
    search_everywhere: ClassVar[bool] = False
    """The search box at the top of every page looks here too."""
    filters: ClassVar[Sequence[Any]] = ()
    """Names of fields, ``(name, label)``, or ``(name, django_filters.Filter)``."""
    filterset: ClassVar[type[FilterSet] | None] = None
    ordering: ClassVar[Sequence[str]] = ()
    queryset: ClassVar[Any] = None
    """A queryset, or a function of nothing that returns one."""
    select_related: ClassVar[Sequence[str]] = ()
    prefetch_related: ClassVar[Sequence[Any]] = ()
    rows_per_page: ClassVar[int] = 20
    totals: ClassVar[Sequence[ColumnSpec]] = ()
    """Columns whose sum is shown under the list."""
    row_link: ClassVar[Any] = None
    """A function of a row that gives its address, or None; the detail page unless given."""
    row_tone: ClassVar[Any] = None
    """A function of a row that gives ``red``, ``orange``, ``secondary`` or None for its edge."""
    bulk: ClassVar[Sequence[Bulk]] = ()
    extra_actions: ClassVar[Sequence[Action]] = ()
    """Buttons of the list page."""
    exportable: ClassVar[bool] = True
    export_limit: ClassVar[int] = 200_000

    facts: ClassVar[Sequence[ColumnSpec]] = ()
    """What the detail page's head shows; the list's columns unless given."""
    tabs: ClassVar[Sequence[Tab]] = (TIMELINE,)
    under: ClassVar[dict[type[Model], str]] = {}
    """Records on whose own pages these rows make a tab, and the relation that leads there: ``{Elder: "elder"}``."""
    tab_label: ClassVar[str] = ""
    """What that tab is called; the list's title unless given."""
    detail_actions: ClassVar[Sequence[Action]] = ()
    commands: ClassVar[Sequence[Command]] = ()
    """Buttons that do one thing in place, for verbs that are no step of a flow."""
    steps: ClassVar[dict[str, StepForm]] = {}
    """Steps of the flow that ask for more than a reason, by step name."""
    hidden_steps: ClassVar[Sequence[str]] = ()
    """Steps that are taken elsewhere (by a phone at the door, by a job)."""
    reveal: ClassVar[Sequence[str] | None] = None
    """Sealed fields that may be shown in full for a reason; all of the model's unless given."""

    form: ClassVar[type[BaseForm] | None] = None
    create: ClassVar[Any] = None
    """The service that creates: gets the form's data and ``user``, ``by`` where it declares them."""
    update: ClassVar[Any] = None
    """The service that amends: also the record (as its noun, ``obj`` or an id) and ``version``."""
    edit_form: ClassVar[type[BaseForm] | None] = None
    readonly: ClassVar[bool] = False
    permissions: ClassVar[dict[str, str]] = {}
    """Whole permission names that replace ``<room>.<verb>``."""
    views: ClassVar[Sequence[View]] = ()
    sheet: ClassVar[SheetImport | None] = None
    """How rows come in from a spreadsheet; adds a button to the list."""

    list_template: ClassVar[str] = "console/list.html"
    rows_template: ClassVar[str] = "console/parts/rows.html"
    detail_template: ClassVar[str] = "console/detail.html"
    form_template: ClassVar[str] = "console/form.html"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name in _PLAIN:
            value = cls.__dict__.get(name)
            if isinstance(value, FunctionType) and value.__code__.co_varnames[:1] != ("self",):
                setattr(cls, name, staticmethod(value))

    # --- names -------------------------------------------------------------------------------------------------

    @property
    def key(self) -> str:
        """The pages' own name, ``<room>-<noun>``."""
        return f"{self.room}-{self.noun}"

    @property
    def heading(self) -> str:
        """What the list is called."""
        return self.title or str(self.model._meta.verbose_name_plural)

    @property
    def thing(self) -> str:
        """What one row is called."""
        return str(self.model._meta.verbose_name)

    @property
    def create_text(self) -> str:
        """The words on the button that creates."""
        return self.create_label or f"新建{self.thing}"

    def url(self, action: str = "list", *args: Any) -> str:
        """Return the address of ``list``, ``detail``, ``create``, ``edit`` … or of one of the room's own views."""
        name = f"console:{self.key}-{action}"
        if not args:
            return _address(name)
        if len(args) == 1 and isinstance(args[0], UUID):
            before, after = _around(name)
            return f"{before}{args[0]}{after}"
        return reverse(name, args=args)

    @property
    def list_url(self) -> str:
        """The list's address."""
        return self.url()

    @property
    def create_url(self) -> str:
        """The address of the empty form."""
        return self.url("create")

    @property
    def import_url(self) -> str:
        """The address that takes a spreadsheet in."""
        return self.url("import")

    @property
    def template_url(self) -> str:
        """The address of the empty spreadsheet."""
        return self.url("template")

    @property
    def export_url(self) -> str:
        """The address that hands out a spreadsheet."""
        return self.url("export")

    @property
    def filters_url(self) -> str:
        """The address of the kept filters."""
        return self.url("filters")

    @property
    def columns_url(self) -> str:
        """The address that saves a choice of columns."""
        return self.url("columns")

    @property
    def count_url(self) -> str:
        """The address that counts exactly."""
        return self.url("count")

    def link(self, obj: Model) -> str | None:
        """Return where a row of the list leads."""
        if self.row_link is not None:
            found: str | None = self.row_link(obj)
            return found
        return self.url("detail", obj.pk)

    def label(self, column: Column) -> str:
        """Return a column's heading."""
        return label_of(self.model, column)

    # --- who may -----------------------------------------------------------------------------------------------

    def permission(self, verb: str) -> str:
        """Return the whole permission name of a verb."""
        return self.permissions.get(verb) or (verb if "." in verb else f"{self.room}.{verb}")

    def may(self, user: User, verb: str) -> bool:
        """Tell whether this person may do this here at all; the record's own state is asked elsewhere."""
        if verb == "create":
            return self.can_create and user.may(self.permissions.get("create") or self.permission("edit"))
        if verb == "edit":
            return self.can_edit and user.may(self.permission("edit"))
        if verb == "import":
            return self.sheet is not None and user.may(self.permission(self.sheet.permission))
        if verb == "lookup":
            return user.may(self.permission("view")) or user.may(self.permission("lookup"))
        if verb == "export":
            return self.exportable and user.may(self.permission("export"))
        return user.may(self.permission(verb))

    @property
    def searchable(self) -> bool:
        """Tell whether these pages have a search; templates ask this, for they would call the search itself."""
        return self.search is not None

    @property
    def can_create(self) -> bool:
        """Tell whether these pages have a page that creates."""
        return not self.readonly and self.form is not None and self.create is not None

    @property
    def can_edit(self) -> bool:
        """Tell whether these pages have a page that edits."""
        return not self.readonly and (self.edit_form or self.form) is not None and self.update is not None

    def editable(self, obj: Model, user: User) -> bool:
        """Tell whether this record may be edited now; override for states that close a record."""
        return self.may(user, "edit")

    # --- rows --------------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return all rows of the list before search and filters."""
        source = self.queryset
        if source is None:
            manager: Manager[Any] = self.model._default_manager
            rows = manager.all()
        elif isinstance(source, QuerySet):
            rows = source.all()
        else:
            rows = source()
        rows = rows.select_related(*self.select_related) if self.select_related else rows
        return rows.prefetch_related(*self.prefetch_related) if self.prefetch_related else rows

    def get_object_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows a detail page may show."""
        return self.get_queryset(request)

    def counted_elsewhere(self, listing: "Listing") -> QuerySet[Any] | None:
        """Return other rows that are as many as the list's and counted faster; override where there are such."""
        return None

    @cached_property
    def filter_kind(self) -> type[FilterSet] | None:
        """The list's filters as a form of them is made from; None if there are none."""
        return self.filterset or filterset_for(self.model, self.filters)

    @property
    def all_columns(self) -> list[Column]:
        """Every column a person may see, the usual ones first."""
        return [as_column(spec) for spec in (*self.columns, *self.more_columns)]

    @property
    def usual_columns(self) -> list[str]:
        """The keys of the columns shown to whoever has not chosen."""
        return [as_column(spec).key for spec in self.columns]

    @property
    def fact_columns(self) -> list[Column]:
        """What the detail page's head shows."""
        return [as_column(spec) for spec in (self.facts or self.columns)]

    @property
    def further_fact_columns(self) -> list[Column]:
        """What the list can show of a record and the detail page's head does not."""
        shown = {column.key for column in self.fact_columns}
        return [column for column in self.all_columns if column.key not in shown and column.name != "state"]

    def further_facts(self, obj: Model) -> list[Column]:
        """What the list can show of a record and neither the detail page's head nor its title says."""
        title = str(obj)
        return [
            column
            for column in self.further_fact_columns
            if column.render is not None or getattr(obj, column.name, None) != title
        ]

    def revealable(self) -> list[str]:
        """Return the sealed fields that may be shown in full for a reason."""
        if self.reveal is not None:
            return list(self.reveal)
        return [field.name for field in self.model._meta.fields if isinstance(field, SealedField)]

    def default_ordering(self) -> list[str]:
        """Return the order of a list nobody has sorted; the key makes it one order only."""
        return [str(name) for name in self.ordering or self.model._meta.ordering or ["-pk"]]

    # --- detail ------------------------------------------------------------------------------------------------

    def subtitle(self, obj: Model) -> str:
        """Return a short line under the record's name; override."""
        return ""

    def notices(self, obj: Model, user: User) -> Iterable[tuple[str, str]]:
        """Return ``(tone, sentence)`` pairs shown above a record: what needs attention; override."""
        return ()

    def related(self, obj: Model) -> Iterable[Model]:
        """Return records whose changes the timeline tells as this record's own (contacts, evidence); override."""
        return ()

    def get_context(self, obj: Model, user: User) -> dict[str, Any]:
        """Return more for the detail page's template; override."""
        return {}

    # --- forms -------------------------------------------------------------------------------------------------

    def form_class(self, obj: Model | None) -> type[BaseForm]:
        """Return the form that creates (no record) or edits one."""
        form = (self.edit_form or self.form) if obj is not None else self.form
        if form is None:
            raise LookupError(f"{self.key} 没有表单。")
        return form

    def initial(self, request: HttpRequest, obj: Model | None) -> dict[str, Any]:
        """Return what a form starts with; a plain form of a record starts with the record's own values."""
        return {}

    def form_kwargs(self, request: HttpRequest, obj: Model | None) -> dict[str, Any]:
        """Return further arguments of the form; override."""
        return {}

    def after_save(self, obj: Model) -> str:
        """Return where a person goes after saving."""
        return self.url("detail", obj.pk)


@cache
def _address(name: str) -> str:
    return reverse(name)


@cache
def _around(name: str) -> tuple[str, str]:
    """Return what stands before and after a record's key in an address: each row of each list has one."""
    nobody = UUID(int=0)
    before, _key, after = reverse(name, args=[nobody]).partition(str(nobody))
    return before, after


def url_of(obj: Model) -> str | None:
    """Return the address of a record's own page, if its model has pages that are mounted."""
    from songhe.core.console.registry import pages_of

    found = pages_of(type(obj))
    if found is None:
        return None
    try:
        return found.link(obj)
    except NoReverseMatch:
        return None
