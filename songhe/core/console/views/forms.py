"""Creating and editing a record: nothing typed is lost, nothing is saved twice, nobody overwrites unseen changes."""

from copy import copy
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.forms import BaseForm, BoundField, ModelForm, Textarea
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from songhe.core.accounts.models import User
from songhe.core.console.calling import call, names_for
from songhe.core.console.display import Column, field_of, text_of, write
from songhe.core.console.fields import say_choose
from songhe.core.console.once import once
from songhe.core.console.pages import Pages
from songhe.core.console.parents import Parent
from songhe.core.console.views.access import led_to, person, record
from songhe.core.crypto.fields import SealedField
from songhe.core.errors import Changed, Refused
from songhe.core.ids import uuid7
from songhe.core.locks import locked


@dataclass(frozen=True)
class Difference:
    """A field whose value now differs from what the person typed."""

    label: str
    typed: str
    stored: str


def create_view(request: HttpRequest, *, pages: Pages) -> HttpResponse:
    """Show an empty form, or create a record from a filled one."""
    return _form_view(request, pages, None)


def edit_view(request: HttpRequest, *, pages: Pages, pk: str) -> HttpResponse:
    """Show a record's form, or save it."""
    obj = record(request, pages, pk)
    if not pages.editable(obj, person(request)):
        raise PermissionDenied(f"这条{pages.thing}现在不能修改。")
    return _form_view(request, pages, obj)


def _form_view(request: HttpRequest, pages: Pages, obj: Any) -> HttpResponse:
    user = person(request)
    form = build_form(request, pages, obj)
    context: dict[str, Any] = {"pages": pages, "object": obj, "form": form}
    context["version"] = request.POST.get("version") or getattr(obj, "version", "")
    context["form_token"] = request.POST.get("form_token") or uuid7()
    context["back"] = pages.url("detail", obj.pk) if obj is not None else pages.url()
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            url = once(request, user, lambda: _save(request, pages, obj, form, user))
        except Changed as error:
            now = record(request, pages, str(obj.pk))
            context |= {"conflict": error.message, "differences": _differences(form, now), "version": now.version}
            status = 409
        except Refused as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, f"{pages.thing}已保存。")
            return led_to(request, url)
    context["sections"] = sections(form)
    return render(request, pages.form_template, context, status=status)


def build_form(request: HttpRequest, pages: Pages, obj: Any) -> Any:
    """Return the form, bound when it was sent; sealed fields start empty and stay as they are when left empty."""
    kind = pages.form_class(obj)
    initial = {**_named_above(request, pages, obj), **pages.initial(request, obj)}
    kwargs: dict[str, Any] = {"initial": initial, **pages.form_kwargs(request, obj)}
    if issubclass(kind, ModelForm):
        # The form writes into its instance before the service has agreed, so it gets one of its own.
        kwargs["instance"] = copy(obj) if obj is not None else None
    elif obj is not None:
        stored = {name: getattr(obj, name) for name in kind.base_fields if _stored(obj, name)}  # type: ignore[attr-defined]
        kwargs["initial"] = stored | kwargs["initial"]
    if request.method == "POST":
        kwargs |= {"data": request.POST, "files": request.FILES}
    form = say_choose(kind(**kwargs))
    for name in sealed_names(pages, form):
        _seal(form, name, obj)
    return form


def _named_above(request: HttpRequest, pages: Pages, obj: Any) -> dict[str, Any]:
    """Return the field that names the record on whose page the person chose to create."""
    parent = Parent.asked(pages, request, request.GET.get("of", "")) if obj is None else None
    return {} if parent is None else {parent.relation: parent.obj.pk, f"{parent.relation}_id": parent.obj.pk}


def _stored(obj: Model, name: str) -> bool:
    return field_of(type(obj), name) is not None and not isinstance(field_of(type(obj), name), SealedField)


def sealed_names(pages: Pages, form: Any) -> list[str]:
    """Return the form's fields that hold personal numbers: the model's sealed ones and those named in ``sealed``."""
    named = set(getattr(form, "sealed", ()))
    return [name for name in form.fields if name in named or isinstance(field_of(pages.model, name), SealedField)]


def _seal(form: Any, name: str, obj: Any) -> None:
    field = form.fields[name]
    field.widget.attrs.update({"data-sealed": "", "autocomplete": "off"})
    if obj is None:
        return
    form.initial[name] = ""
    masked = getattr(obj, f"{name}_masked", "")
    if masked:
        field.required = False
        field.widget.attrs["placeholder"] = f"{masked}（不修改请留空）"


def _save(request: HttpRequest, pages: Pages, obj: Any, form: Any, user: User) -> str:
    data = {name: form.cleaned_data[name] for name in form.fields if name in form.cleaned_data}
    offered: dict[str, Any] = {"user": user, "by": user, "reason": request.POST.get("reason", "").strip()}
    if obj is None:
        assert pages.create is not None
        return pages.after_save(call(pages.create, data, **offered))
    assert pages.update is not None
    text = request.POST.get("version", "")
    version = int(text) if text.isdecimal() else None
    rows = pages.model._base_manager.filter(pk=obj.pk)
    fresh = locked(rows, version=version) if version is not None else obj
    for name in sealed_names(pages, form):
        if not data.get(name):
            data[name] = getattr(fresh, name, "")
    saved = call(pages.update, data, version=version, **offered, **names_for(pages.noun, fresh))
    return pages.after_save(saved if isinstance(saved, Model) else fresh)


def _differences(form: Any, now: Model) -> list[Difference]:
    found = []
    for name, field in form.fields.items():
        if "data-sealed" in field.widget.attrs or field_of(type(now), name) is None:
            continue
        typed = write(form.cleaned_data.get(name), field_of(type(now), name), holder=now, name=name)
        stored = text_of(now, Column(name))
        if typed != stored:
            found.append(Difference(str(field.label or name), typed, stored))
    return found


def sections(form: BaseForm) -> list[tuple[str, list[tuple[BoundField, bool]]]]:
    """Return the form's visible fields in the sections it declares (``sections = [("基本信息", ["name", …]), …]``).

    Each field comes with whether it takes a whole line: long texts, choices shown at once, and those in ``wide``.
    """
    declared = getattr(form, "sections", None)
    visible = {field.name: field for field in form.visible_fields()}
    wide = set(getattr(form, "wide", ()))

    def placed(names: Any) -> list[tuple[BoundField, bool]]:
        return [
            (visible[name], name in wide or isinstance(visible[name].field.widget, Textarea))
            for name in names
            if name in visible
        ]

    if not declared:
        return [("", placed(visible))]
    named = {name for _title, names in declared for name in names}
    rest = [name for name in visible if name not in named]
    found = [(title, placed(names)) for title, names in declared]
    return [*found, ("其他", placed(rest))] if rest else found
