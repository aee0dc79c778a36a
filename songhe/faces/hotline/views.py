"""The operator's desk: take a call, see who it is, order, dispatch, end."""

from datetime import timedelta
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from songhe.core.accounts.models import User
from songhe.core.calendar.services import now
from songhe.core.console.views.access import PageView, person, signed_in
from songhe.core.errors import Refused
from songhe.faces.hotline import selectors, services
from songhe.faces.hotline.forms import ElderForm, EndForm, OrderForm
from songhe.faces.hotline.models import Call
from songhe.registers.elders.models import Elder
from songhe.registers.elders.selectors import find_caller, search_elders


def operator(request: HttpRequest) -> User:
    """Return the operator who is signed in."""
    user = person(request)
    if not user.may("hotline.use"):
        raise PermissionDenied
    return user


def of_call(view: PageView) -> PageView:
    """Take forms sent from a call's page; whoever opens such an address (reloading, signed in anew) sees the call."""

    @signed_in
    @wraps(view)
    def inner(request: HttpRequest, pk: UUID) -> HttpResponseBase:
        return view(request, pk) if request.method == "POST" else redirect("hotline:call", pk)

    return inner


@signed_in
def home(request: HttpRequest) -> HttpResponse:
    """Show the desk: a number to enter, what waits, and the day's calls."""
    user = operator(request)
    return render(
        request,
        "hotline/home.html",
        {"calls": selectors.calls_today(user)[:15], "waiting": selectors.waiting_orders()[:15]},
    )


@signed_in
@require_POST
def take(request: HttpRequest) -> HttpResponseBase:
    """Take a call from a number typed or pushed by the telephone exchange."""
    call = services.take(phone=request.POST.get("phone", ""), operator=operator(request))
    return redirect("hotline:call", call.pk)


@signed_in
def call(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show a call: the caller's card, or a search to find them; the order form; how to end it."""
    operator(request)
    return render(request, "hotline/call.html", _context(_call(pk)))


def _call(pk: UUID) -> Call:
    return get_object_or_404(Call.objects.select_related("elder__area", "order"), pk=pk)


def _context(found: Call, **more: Any) -> dict[str, Any]:
    soon = timezone.localtime(now() + timedelta(hours=2)).replace(minute=0, second=0, microsecond=0)
    return {
        "call": found,
        "caller": selectors.caller(found.elder) if found.elder else None,
        "elders": [] if found.elder else [caller.elder for caller in find_caller(found.phone)[:12]],
        "form": OrderForm(initial={"wanted_from": soon}),
        "end_form": EndForm(),
        **more,
    }


@signed_in
@require_POST
def find(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Find the elder a call is about by name, pinyin, number or address; what is typed never lands in an address."""
    operator(request)
    text = request.POST.get("text", "").strip()
    found = list(search_elders(Elder.objects.select_related("area"), text)[:12]) if text else []
    return render(request, "hotline/_found.html", {"elders": found, "text": text, "call_id": pk})


@of_call
def identify(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Say whom the call is about."""
    operator(request)
    form = ElderForm(request.POST)
    if not form.is_valid():
        raise Refused("没有找到这位老人。请返回来电页面，重新查找后再选。", field="elder")
    services.identify(call_id=_call(pk).pk, elder_id=form.cleaned_data["elder"].pk)
    return redirect("hotline:call", pk)


@of_call
def order(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Place the order and dispatch it at once; where nobody can come, say why and leave it waiting."""
    user = operator(request)
    found, form = _call(pk), OrderForm(request.POST)
    if found.elder is None:
        raise Refused("请先确认来电的是哪位老人，再下单。")
    if not form.is_valid():
        return render(request, "hotline/call.html", _context(found, form=form), status=422)
    try:
        placed, visit, why_not = services.order_and_dispatch(call_id=pk, operator=user, **form.cleaned_data)
    except Refused as refused:
        form.add_error(refused.field if refused.field in form.fields else None, refused.message)
        return render(request, "hotline/call.html", _context(found, form=form), status=422)
    if visit is not None:
        start = timezone.localtime(visit.planned.lower)
        messages.success(request, f"订单 {placed.number} 已派：{visit.staff}，{start:%m月%d日 %H:%M} 上门。")
    else:
        messages.warning(request, f"订单 {placed.number} 已登记，等待派单。{why_not}")
    return redirect("hotline:call", pk)


@of_call
def end(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """End a call."""
    operator(request)
    found, form = _call(pk), EndForm(request.POST)
    if form.is_valid():
        services.end(call_id=found.pk, **form.cleaned_data)
        messages.success(request, "通话已记录。")
        return redirect("hotline:home")
    return render(request, "hotline/call.html", _context(found, end_form=form), status=422)
