"""The dispatcher's page of one plan: shown once, then changed piece by piece; each change is one service's."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from songhe.care.dispatch import services
from songhe.care.dispatch.models import DayPlan
from songhe.care.dispatch.selectors import desk as selectors
from songhe.care.dispatch.selectors.answers import to_be_seen_to
from songhe.care.dispatch.services import shifting
from songhe.core.console.pages import Pages
from songhe.core.console.views.access import person
from songhe.core.errors import Refused

Answer = Callable[..., dict[str, Any]]


def _plan(pk: UUID) -> DayPlan:
    return get_object_or_404(DayPlan.objects.select_related("provider", "area", "made_by"), pk=pk)


def answering(act: Answer) -> Callable[..., HttpResponseBase]:
    """Answer with what an action returns as JSON; a refusal is answered in words, with nothing changed."""

    @require_POST
    @wraps(act)
    def view(request: HttpRequest, *, pages: Pages, pk: UUID) -> HttpResponseBase:
        if not person(request).may("dispatch.assign"):
            raise PermissionDenied("排单需要 dispatch.assign 权限。")
        plan = _plan(pk)
        try:
            return JsonResponse(act(request, plan))
        except Refused as refused:
            return JsonResponse({"error": refused.message}, status=422)

    return view


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.POST.get(name, "")
    return int(text) if text.isdecimal() else None


def _key(request: HttpRequest, name: str) -> UUID | None:
    text = request.POST.get(name, "")
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        raise Refused("页面传来的编号不完整，请刷新页面。") from error


def _order(request: HttpRequest) -> UUID:
    found = _key(request, "order")
    if found is None:
        raise Refused("请先选择一次上门。")
    return found


def desk(request: HttpRequest, *, pages: Pages, pk: UUID) -> HttpResponse:
    """Show the page of a plan; its script fetches the sheet."""
    plan = _plan(pk)
    before = selectors.yesterday(plan)
    context = {
        "plan": plan,
        "pages": pages,
        "measures": selectors.measures(plan.carers, plan.stops.count(), before),
        "before": before,
        "answers": to_be_seen_to(plan.provider_id, plan.day),
        "plans": selectors.plans_of(plan.provider_id, plan.day),
        "may_assign": person(request).may("dispatch.assign"),
        "urls": {name: pages.url(name, plan.pk) for name in ACTIONS},
    }
    return render(request, "dispatch/desk.html", context)


def sheet(request: HttpRequest, *, pages: Pages, pk: UUID) -> JsonResponse:
    """Give the page its carers and stops."""
    return JsonResponse(selectors.sheet(_plan(pk)))


def ground(request: HttpRequest, *, pages: Pages, pk: UUID) -> JsonResponse:
    """Give the map its counties."""
    return JsonResponse(selectors.ground(_plan(pk)))


def progress(request: HttpRequest, *, pages: Pages, pk: UUID) -> JsonResponse:
    """Tell how far the computing is."""
    run = selectors.latest_run(_plan(pk))
    return JsonResponse({"run": selectors.run_state(run) if run is not None else None})


def others(request: HttpRequest, *, pages: Pages, pk: UUID) -> JsonResponse:
    """Tell who else could make a visit, and what that costs."""
    try:
        order = UUID(request.GET.get("order", ""))
    except ValueError:
        return JsonResponse({"error": "请先选择一次上门。"}, status=422)
    return JsonResponse({"others": selectors.alternatives(_plan(pk), order)})


@answering
def consequence(request: HttpRequest, plan: DayPlan) -> dict[str, Any]:
    """Tell what a change would come to, without making it."""
    made = shifting.consequence(
        plan=plan, order_id=_order(request), staff_id=_key(request, "staff"), start=_number(request, "start")
    )
    return selectors.change_told(made)


@answering
def move(request: HttpRequest, plan: DayPlan) -> dict[str, Any]:
    """Make a change by hand."""
    changed = services.move(
        plan_id=plan.pk,
        order_id=_order(request),
        staff_id=_key(request, "staff"),
        start=_number(request, "start"),
        user=person(request),
    )
    return selectors.sheet(changed)


@answering
def undo(request: HttpRequest, plan: DayPlan) -> dict[str, Any]:
    """Take the last change by hand back."""
    return selectors.sheet(services.undo(plan_id=plan.pk, user=person(request)))


@answering
def hold(request: HttpRequest, plan: DayPlan) -> dict[str, Any]:
    """Keep a visit with its carer, or let it go."""
    held = request.POST.get("held") == "1"
    return selectors.sheet(services.hold(plan_id=plan.pk, order_id=_order(request), held=held))


@answering
def run(request: HttpRequest, plan: DayPlan) -> dict[str, Any]:
    """Have the plan computed."""
    seconds = _number(request, "seconds") or services.SECONDS
    return {"run": selectors.run_state(services.ask_run(plan_id=plan.pk, user=person(request), seconds=seconds))}


@answering
def stop(request: HttpRequest, plan: DayPlan) -> dict[str, Any]:
    """Stop the computing with what it has."""
    services.stop(plan_id=plan.pk)
    found = selectors.latest_run(plan)
    return {"run": selectors.run_state(found) if found is not None else None}


@answering
def give_up(request: HttpRequest, plan: DayPlan) -> dict[str, Any]:
    """Close a computing whose worker is lost."""
    services.give_up(plan_id=plan.pk)
    return selectors.sheet(_plan(plan.pk))


@answering
def refresh(request: HttpRequest, plan: DayPlan) -> dict[str, Any]:
    """Bring the draft up to what happened since."""
    return selectors.sheet(services.refresh(plan_id=plan.pk))


@answering
def publish(request: HttpRequest, plan: DayPlan) -> dict[str, Any]:
    """Turn the draft into visits."""
    done = services.publish(plan_id=plan.pk, user=person(request), version=_number(request, "version"))
    messages.success(request, f"方案已发布：{done}")
    return {"published": str(done)}


@answering
def away(request: HttpRequest, plan: DayPlan) -> dict[str, Any]:
    """Note a carer as ill for the rest of the day, and lead to the draft of who goes instead."""
    staff = _key(request, "staff")
    if staff is None:
        raise Refused("请先选择一位护理员。")
    draft = services.carer_away(staff_id=staff, day=plan.day, user=person(request))
    messages.success(request, f"{draft.note}。请核对这份草案后发布。")
    return {"to": desk_url(draft.pk)}


def desk_url(pk: UUID) -> str:
    """Return the address of a plan's page."""
    return reverse("console:dispatch-plan-desk", args=[pk])


ACTIONS: dict[str, Callable[..., HttpResponseBase]] = {
    "sheet": sheet,
    "ground": ground,
    "progress": progress,
    "others": others,
    "consequence": consequence,
    "move": move,
    "undo": undo,
    "hold": hold,
    "run": run,
    "stop": stop,
    "give-up": give_up,
    "refresh": refresh,
    "publish": publish,
    "away": away,
}
