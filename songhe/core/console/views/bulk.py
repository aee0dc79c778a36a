"""Doing one thing to many rows: choose, preview, confirm; each row stands or falls alone."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from songhe.core.accounts.models import User
from songhe.core.console.calling import call, names_for
from songhe.core.console.fields import say_choose
from songhe.core.console.listing import Listing
from songhe.core.console.once import once
from songhe.core.console.pages import Pages
from songhe.core.console.parts import Bulk
from songhe.core.console.views.access import person
from songhe.core.errors import Refused
from songhe.core.flow.services import available, fire
from songhe.core.ids import uuid7

LIMIT = 500


@dataclass
class Line:
    """One chosen row, and why it will be or was left out."""

    obj: Any
    url: str | None
    refusal: str = ""


@require_POST
def bulk_view(request: HttpRequest, *, pages: Pages, key: str) -> HttpResponse:
    """Preview a bulk action on the chosen rows; with ``confirmed`` carry it out and show what came of each row."""
    user = person(request)
    action = next((action for action in pages.bulk if action.key == key), None)
    if action is None:
        raise Http404("没有这个批量操作。")
    if not user.may(action.permission):
        raise PermissionDenied(f"“{action.label}”需要 {action.permission} 权限。")
    rows, left_out = _chosen(request, pages, user)
    confirmed = "confirmed" in request.POST
    form = say_choose(action.form(request.POST if confirmed else None)) if action.form else None
    lines = [Line(obj, pages.link(obj), _refusal(action, obj, user)) for obj in rows]
    context: dict[str, Any] = {"pages": pages, "action": action, "form": form, "lines": lines, "left_out": left_out}
    context["doable"] = sum(not line.refusal for line in lines)
    context["back"] = Listing(pages, request, user).address
    context["form_token"] = request.POST.get("form_token") or uuid7()
    if not confirmed or (form is not None and not form.is_valid()):
        return render(request, "console/bulk_preview.html", context)
    done = _carry_out(request, pages, action, user, lines, form)
    context["lines"] = done
    context["done"] = None if done is None else sum(not line.refusal for line in done)
    return render(request, "console/bulk_result.html", context)


def _chosen(request: HttpRequest, pages: Pages, user: User) -> tuple[list[Any], bool]:
    if "all" in request.POST:
        rows = list(Listing(pages, request, user).queryset[: LIMIT + 1])
    else:
        keys = [key for key in request.POST.getlist("pk") if key][: LIMIT + 1]
        rows = list(pages.get_queryset(request).filter(pk__in=keys))
    return rows[:LIMIT], len(rows) > LIMIT


def _refusal(action: Bulk, obj: Any, user: User) -> str:
    if action.check is not None and (refusal := action.check(obj)):
        return refusal
    if action.step is not None and action.step not in {info.name for info in available(obj, user)}:
        return f"当前状态是“{obj.get_state_display()}”，或您须回避，不能办理。"
    return ""


def _carry_out(
    request: HttpRequest, pages: Pages, action: Bulk, user: User, lines: list[Line], form: BaseForm | None
) -> list[Line] | None:
    """Run the action once for this form; None if the same form was sent before."""
    ran = False

    def act() -> str:
        nonlocal ran
        ran = True
        data = dict(form.cleaned_data) if form is not None else {}
        for line in lines:
            if not line.refusal:
                line.refusal = _one(pages, action, user, line.obj, data, request.POST.get("reason", "").strip())
        return pages.url()

    once(request, user, act)
    return lines if ran else None


def _one(pages: Pages, action: Bulk, user: User, obj: Any, data: dict[str, Any], reason: str) -> str:
    try:
        with transaction.atomic():
            if action.run is not None:
                call(action.run, data, user=user, reason=reason, **names_for(pages.noun, obj))
            elif action.step is not None:
                fire(obj, action.step, user=user, reason=reason, **data)
    except Refused as error:
        return error.message
    return ""
