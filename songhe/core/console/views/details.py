"""The page of one record: facts, tabs, the flow's buttons, revealing a personal number."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from songhe.core.accounts.models import User
from songhe.core.console.calling import call, names_for
from songhe.core.console.display import Column, html_of
from songhe.core.console.facts import facts_of
from songhe.core.console.fields import say_choose
from songhe.core.console.once import once
from songhe.core.console.pages import Pages
from songhe.core.console.parents import excerpt, tabs_of
from songhe.core.console.parts import Command, StepForm, Tab
from songhe.core.console.views.access import led_to, person, record
from songhe.core.errors import Refused
from songhe.core.flow.models import FlowModel, StepInfo
from songhe.core.flow.services import available, fire
from songhe.core.ids import uuid7

# More buttons than this fold into a menu.
BUTTONS = 4


def shown_tabs(pages: Pages, obj: Any, user: User) -> list[tuple[int, Tab]]:
    """Return the tabs this person sees, each with its number."""
    return [(number, tab) for number, tab in enumerate(tabs_of(pages)) if tab.shown(obj, user)]


def tab_context(request: HttpRequest, pages: Pages, obj: Any, user: User, tab: Tab) -> dict[str, Any]:
    """Return what a tab's template gets."""
    extra = tab.context(obj, user) if tab.context is not None else {}
    if tab.rows is not None:
        extra |= excerpt(request, pages, obj, tab.rows, user)
    return {"object": obj, pages.noun.replace("-", "_"): obj, "pages": pages, "tab": tab, **extra}


def steps_for(pages: Pages, obj: Any, user: User) -> list[StepInfo]:
    """Return the flow's buttons for this person."""
    if not isinstance(obj, FlowModel):
        return []
    return [info for info in available(obj, user) if info.name not in pages.hidden_steps]


def detail_view(request: HttpRequest, *, pages: Pages, pk: str) -> HttpResponse:
    """Show a record; ``?tab=`` opens another tab than the first."""
    user = person(request)
    obj = record(request, pages, pk)
    tabs = shown_tabs(pages, obj, user)
    asked = request.GET.get("tab", "")
    current = next(((number, tab) for number, tab in tabs if str(number) == asked), tabs[0] if tabs else None)
    steps = steps_for(pages, obj, user)
    buttons = _buttons(pages, obj, user, steps)
    context: dict[str, Any] = {
        "pages": pages,
        "object": obj,
        "facts": facts_of(pages, obj, user),
        "state_badge": state_badge(obj),
        "steps": [{"label": info.label, "url": pages.url("step", obj.pk, info.name)} for info in steps],
        "tabs": [_tab_line(pages, obj, number, tab, current) for number, tab in tabs],
        "current_tab": current[0] if current else None,
        "edit_url": pages.url("edit", obj.pk),
        "may_edit": pages.can_edit and pages.editable(obj, user),
        "buttons": buttons[:BUTTONS],
        "more_buttons": buttons[BUTTONS:],
        "subtitle": pages.subtitle(obj),
        "record_notices": list(pages.notices(obj, user)),
        **pages.get_context(obj, user),
    }
    if current is not None:
        context |= {"tab_template": current[1].template, **tab_context(request, pages, obj, user, current[1])}
    return render(request, pages.detail_template, context)


def _buttons(pages: Pages, obj: Any, user: User, steps: list[StepInfo]) -> list[dict[str, Any]]:
    """Return the record's buttons, what moves it on first: the flow's steps, links to other pages, commands."""
    found = [
        {
            "label": info.label,
            "url": pages.url("step", obj.pk, info.name),
            "icon": "",
            "dialog": True,
            "primary": pages.steps[info.name].primary if info.name in pages.steps else number == 0,
        }
        for number, info in enumerate(steps)
    ]
    found += [
        {
            "label": action.label,
            "url": action.href(obj),
            "icon": action.icon,
            "dialog": False,
            "primary": action.primary,
        }
        for action in pages.detail_actions
        if action.shown(user, obj)
    ]
    found += [
        {
            "label": command.label,
            "url": pages.url("do", obj.pk, command.key),
            "icon": command.icon,
            "dialog": True,
            "primary": False,
        }
        for command in pages.commands
        if command.shown(user, obj)
    ]
    return found


def _tab_line(pages: Pages, obj: Any, number: int, tab: Tab, current: tuple[int, Tab] | None) -> dict[str, Any]:
    selected = current is not None and current[0] == number
    url = pages.url("tab", obj.pk, number)
    return {"number": number, "label": tab.label, "url": url, "selected": "true" if selected else "false"}


def state_badge(obj: Any) -> str:
    """Return the badge of a flow's state, or nothing."""
    return html_of(obj, Column("state")) if isinstance(obj, FlowModel) else ""


def tab_view(request: HttpRequest, *, pages: Pages, pk: str, number: int) -> HttpResponse:
    """Show one tab's content, when it is opened."""
    user = person(request)
    obj = record(request, pages, pk)
    tab = dict(shown_tabs(pages, obj, user)).get(number)
    if tab is None:
        raise Http404("没有这个标签页。")
    return render(request, tab.template, tab_context(request, pages, obj, user, tab))


def step_view(request: HttpRequest, *, pages: Pages, pk: str, step: str) -> HttpResponse:
    """Ask for what a step of the flow needs, then take it."""
    user = person(request)
    obj = record(request, pages, pk)
    info = next((info for info in steps_for(pages, obj, user) if info.name == step), None)
    if info is None:
        raise Refused("这一步现在不能办理：状态已经改变，或您没有权限、须回避。请刷新页面查看最新情况。")
    declared = pages.steps.get(step, StepForm())
    form = _step_form(request, declared, obj)
    context: dict[str, Any] = {"pages": pages, "object": obj, "info": info, "form": form, "declared": declared}
    context |= {"version": getattr(obj, "version", None), "reason": request.POST.get("reason", "")}
    context |= {"form_token": request.POST.get("form_token") or uuid7(), "takes_reason": True}
    if request.method != "POST" or (form is not None and not form.is_valid()):
        return render(request, "console/dialogs/step.html", context)
    try:
        url = once(request, user, lambda: _take(request, pages, obj, info, declared, form, user))
    except Refused as error:
        return _refused_step(request, context, form, error)
    messages.success(request, f"已办理：{info.label}。")
    return led_to(request, url)


def command_view(request: HttpRequest, *, pages: Pages, pk: str, key: str) -> HttpResponse:
    """Ask for what a command needs, then carry it out; what it returns as text is shown this once."""
    user = person(request)
    obj = record(request, pages, pk)
    command = next((command for command in pages.commands if command.key == key), None)
    if command is None:
        raise Http404("没有这个操作。")
    if not user.may(command.permission):
        raise PermissionDenied(f"“{command.label}”需要 {command.permission} 权限。")
    if not command.shown(user, obj):
        raise Refused(f"“{command.label}”现在不能办理，请刷新页面查看最新情况。")
    form = _step_form(request, command, obj)
    context: dict[str, Any] = {"pages": pages, "object": obj, "info": command, "form": form, "declared": command}
    context |= {"version": getattr(obj, "version", None), "reason": request.POST.get("reason", "")}
    context |= {"form_token": request.POST.get("form_token") or uuid7(), "takes_reason": command.takes_reason}
    if request.method != "POST" or (form is not None and not form.is_valid()):
        return render(request, "console/dialogs/step.html", context)
    results: list[Any] = []
    try:
        url = once(request, user, lambda: _carry_out(request, pages, obj, command, form, user, results))
    except Refused as error:
        return _refused_step(request, context, form, error)
    if results and isinstance(results[0], str):
        context |= {"result": results[0], "done_url": url}
        response = render(request, "console/dialogs/result.html", context)
        response["Cache-Control"] = "no-store"
        return response
    messages.success(request, f"已办理：{command.label}。")
    return led_to(request, url)


def _carry_out(
    request: HttpRequest, pages: Pages, obj: Any, command: Command, form: Any, user: User, results: list[Any]
) -> str:
    data = dict(form.cleaned_data) if form is not None else {}
    reason = request.POST.get("reason", "").strip()
    if command.needs_reason and not reason:
        raise Refused(f"“{command.label}”必须填写理由。")
    offered = {"user": user, "by": user, "reason": reason, "version": _version(request), **names_for(pages.noun, obj)}
    results.append(call(command.run, data, **offered))
    return pages.url("detail", obj.pk)


def _refused_step(request: HttpRequest, context: dict[str, Any], form: Any, error: Refused) -> HttpResponse:
    if form is not None and error.field in form.fields:
        form.add_error(error.field, error.message)
    else:
        context["error"] = error.message
    return render(request, "console/dialogs/step.html", context)


def _step_form(request: HttpRequest, declared: StepForm | Command, obj: Any) -> Any:
    if declared.form is None:
        return None
    wants = getattr(declared.form, "takes_record", False)
    extra = {"record": obj} if wants else {}
    return say_choose(declared.form(request.POST or None, request.FILES or None, **extra))


def _take(
    request: HttpRequest, pages: Pages, obj: Any, info: StepInfo, declared: StepForm, form: Any, user: User
) -> str:
    data = dict(form.cleaned_data) if form is not None else {}
    reason = request.POST.get("reason", "").strip()
    version = _version(request)
    if declared.run is None:
        fire(obj, info.name, user=user, reason=reason, version=version, **data)
    else:
        if info.needs_reason and not reason:
            raise Refused(f"办理“{info.label}”必须填写理由。")
        call(declared.run, data, user=user, reason=reason, version=version, **names_for(pages.noun, obj))
    return pages.url("detail", obj.pk)


def _version(request: HttpRequest) -> int | None:
    text = request.POST.get("version", "")
    return int(text) if text.isdecimal() else None


def reveal_view(request: HttpRequest, *, pages: Pages, pk: str, field: str) -> HttpResponse:
    """Show a personal number in full for a stated reason, and note it in the journal."""
    from songhe.core.journal.services import reveal

    user = person(request)
    obj = record(request, pages, pk)
    if field not in pages.revealable():
        raise PermissionDenied("这一项不能查看完整内容。")
    label = str(obj._meta.get_field(field).verbose_name)
    context: dict[str, Any] = {"pages": pages, "object": obj, "field": field, "label": label}
    if request.method != "POST":
        return render(request, "console/dialogs/reveal.html", context)
    reason = request.POST.get("reason", "").strip()
    if len(reason) < 2:
        context["error"] = "请写明查看的原因。"
        return render(request, "console/dialogs/reveal.html", context)
    context["value"] = reveal(user=user, obj=obj, field=field, reason=reason)
    response = render(request, "console/dialogs/reveal.html", context)
    response["Cache-Control"] = "no-store"
    return response
