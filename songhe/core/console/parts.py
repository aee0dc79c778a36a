"""What a room's pages are put together from: tabs, actions, bulk actions, steps with a form, views of its own."""

from collections.abc import Callable
from dataclasses import dataclass, field
from inspect import signature
from typing import TYPE_CHECKING, Any

from django.db.models import Model
from django.forms import BaseForm
from django.http import HttpResponseBase

from songhe.core.accounts.models import User

if TYPE_CHECKING:
    from songhe.core.console.pages import Pages

Context = Callable[..., dict[str, Any]]


@dataclass(frozen=True)
class Tab:
    """One tab of a detail page; its template gets ``object``, ``pages`` and what ``context(obj, user)`` returns.

    The first tab comes with the page, the others when they are opened. ``permission`` (a whole name such as
    ``visits.view``) hides the tab from those without it. ``only_if(obj)`` hides it where it says nothing.
    """

    label: str
    template: str
    context: Context | None = None
    permission: str | None = None
    only_if: Callable[[Any], bool] | None = None
    rows: "Pages | None" = None
    """The pages whose rows of this record the tab shows; their template gets them."""

    def shown(self, obj: Model, user: User) -> bool:
        """Tell whether this person sees the tab on this record."""
        return (self.permission is None or user.may(self.permission)) and (self.only_if is None or self.only_if(obj))


def _timeline(obj: Model, user: User) -> dict[str, Any]:
    from songhe.core.console.timeline import timeline

    return {"timeline": timeline(obj)}


def _more_facts(obj: Model, user: User) -> dict[str, Any]:
    from songhe.core.console.facts import more_facts
    from songhe.core.console.registry import pages_of

    pages = pages_of(type(obj))
    return {"more_facts": more_facts(pages, obj, user) if pages is not None else []}


def _says_more(obj: Model) -> bool:
    from songhe.core.console.registry import pages_of

    pages = pages_of(type(obj))
    return pages is not None and bool(pages.further_facts(obj))


FACTS = Tab("其他信息", "console/tabs/facts.html", _more_facts, only_if=_says_more)
TIMELINE = Tab("时间线", "console/tabs/timeline.html", _timeline)


@dataclass(frozen=True)
class Action:
    """A button that leads to ``url``: an address, or a function (of the record, on a detail page) that makes it."""

    label: str
    url: str | Callable[..., str]
    icon: str = ""
    permission: str | None = None
    primary: bool = False
    only_if: Callable[[Any], bool] | None = None

    def shown(self, user: User, obj: Model | None = None) -> bool:
        """Tell whether this person sees the button."""
        allowed = self.permission is None or user.may(self.permission)
        return allowed and (self.only_if is None or obj is None or self.only_if(obj))

    def href(self, obj: Model | None = None) -> str:
        """Return the address the button leads to."""
        if isinstance(self.url, str):
            return self.url
        return self.url(obj) if obj is not None else self.url()


@dataclass(frozen=True)
class Bulk:
    """Something done to many chosen rows, each in its own savepoint, after a preview.

    ``run(<noun>=record, user=…, **form data)`` is called row by row; a Refused is shown beside its row and the others
    go on. ``check(record)`` may say in the preview why a row will be left out. ``step`` instead of ``run`` takes a
    step of the flow.
    """

    key: str
    label: str
    permission: str
    run: Callable[..., Any] | None = None
    step: str | None = None
    form: type[BaseForm] | None = None
    check: Callable[[Any], str | None] | None = None
    icon: str = ""
    warning: str = ""


@dataclass(frozen=True)
class StepForm:
    """How a step of the flow is taken from the page when it asks for more than a reason.

    ``run(<noun>=record, user=…, reason=…, version=…, **form data)`` replaces ``flow.services.fire``; only the
    parameters that it declares are passed.
    """

    form: type[BaseForm] | None = None
    run: Callable[..., Any] | None = None
    warning: str = ""
    primary: bool = False


@dataclass(frozen=True)
class Command:
    """A button of a detail page that does one thing after asking for what it needs; for verbs that are no flow's step.

    ``run(<noun>=record, user=…, reason=…, version=…, **form data)`` gets those of these parameters that it declares.
    A text that it returns is shown once (a new password); anything else leads back to the record.
    """

    key: str
    label: str
    run: Callable[..., Any]
    permission: str
    form: type[BaseForm] | None = None
    needs_reason: bool = False
    warning: str = ""
    icon: str = ""
    only_if: Callable[[Any], bool] | None = None
    result_label: str = ""

    @property
    def takes_reason(self) -> bool:
        """Tell whether a reason is asked for."""
        return self.needs_reason or "reason" in signature(self.run).parameters

    def shown(self, user: User, obj: Model) -> bool:
        """Tell whether this person sees the button on this record."""
        return user.may(self.permission) and (self.only_if is None or self.only_if(obj))


@dataclass(frozen=True)
class View:
    """A view of the room's own under its pages' address; ``permission`` is a verb (``import``) or a whole name.

    ``view(request, pages, **kwargs)`` is called for people who hold the permission only.
    """

    route: str
    name: str
    view: Callable[..., HttpResponseBase]
    permission: str = "view"
    extra: dict[str, Any] = field(default_factory=dict)
