"""What a carer or assessor does at the door and at the bedside, on a phone."""

import base64
import binascii
from datetime import datetime, time, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from songhe.care.dispatch import services as dispatch
from songhe.care.dispatch.models import Notice, Swap
from songhe.care.dispatch.selectors.answers import asked_of, notices_of, open_swap
from songhe.care.outreach import selectors as outreach_reads
from songhe.care.outreach import services as outreach
from songhe.care.outreach.forms import HeldForm
from songhe.care.outreach.models import Call, Charge
from songhe.care.visits import services as visits
from songhe.care.visits.flow import VisitState
from songhe.care.visits.models import Visit
from songhe.care.visits.selectors import of_staff, with_names
from songhe.core.accounts.models import User
from songhe.core.calendar.services import today
from songhe.core.console.views.access import person, signed_in
from songhe.core.errors import Refused
from songhe.core.files.models import StoredFile
from songhe.core.files.services import store
from songhe.faces.field.forms import (
    AssessmentForm,
    CheckOutForm,
    DeclineForm,
    PlaceForm,
    PresenceForm,
    SwapForm,
)
from songhe.registers.elders.models import Elder
from songhe.rights.assessment import services as assessments
from songhe.rights.assessment.flow import AssessmentState
from songhe.rights.assessment.models import Assessment
from songhe.rights.assessment.scales import scale


def worker(request: HttpRequest) -> User:
    """Return the person signed in, who works in the field."""
    user = person(request)
    if not user.may("field.use"):
        raise PermissionDenied
    return user


@signed_in
def home(request: HttpRequest) -> HttpResponse:
    """Show the day: visits in order, and assessments to do."""
    user = worker(request)
    morning = timezone.make_aware(datetime.combine(today(), time()))
    planned = list(of_staff(user.staff_id, morning, morning + timedelta(days=2))) if user.staff_id else []
    told = notices_of(planned)
    waiting = _waiting_assessments(user) if user.may("assessment.assess") else []
    return render(
        request,
        "field/home.html",
        {
            "days": _by_day(planned, told),
            "left": sum(visit.state in (VisitState.PLANNED, VisitState.STARTED) for visit in planned),
            "works": user.staff_id is not None,
            "swaps": asked_of(user.staff_id) if user.staff_id else [],
            "assessments": waiting,
            "assesses": user.may("assessment.assess"),
            "care": _care(user) if user.may("outreach.visit") else None,
            "today": today(),
        },
    )


def _care(user: User) -> dict[str, object]:
    """Return whom a visitor of care is to see: planned, due within a week, and the problems still open."""
    return {
        "calls": list(outreach_reads.calls_of(user, today() + timedelta(days=1))),
        "due": list(outreach_reads.due_of(user, today() + timedelta(days=7))[:50]),
        "problems": list(outreach_reads.problems_of(user)[:20]),
    }


def _waiting_assessments(user: User) -> list[Assessment]:
    assigned = Assessment.objects.filter(state=AssessmentState.ASSIGNED)
    own = assigned.filter(Q(assessor_1=user) | Q(assessor_2=user))
    return list(own.select_related("elder__area").order_by("planned_at", "id"))


def _by_day(planned: list[Visit], told: dict[UUID, Notice]) -> list[tuple[str, list[tuple[Visit, Notice | None]]]]:
    """Return the visits of each day that has any, with what the carer was told; today's first, without a heading."""
    return [
        ("" if day == today() else "明天", [(visit, told.get(visit.pk)) for visit in of_day])
        for day, of_day in groupby(planned, key=lambda visit: timezone.localtime(visit.planned.lower).date())
    ]


@signed_in
def visit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show one visit: where, what, for whom; check in or out."""
    user = worker(request)
    found = get_object_or_404(with_names(Visit.objects.all()), pk=pk)
    return _visit_page(request, found, user, PresenceForm() if found.check_in_at is None else CheckOutForm())


def _visit_page(
    request: HttpRequest, found: Visit, user: User, form: PlaceForm, *, status: int = 200, **more: Any
) -> HttpResponse:
    own = user.staff_id == found.staff_id
    context: dict[str, Any] = {"visit": found, "form": form, "own": own}
    if own and found.state == VisitState.PLANNED:
        context |= {
            "notice": notices_of([found]).get(found.pk),
            "swap": open_swap(found),
            "decline_form": DeclineForm(),
            "swap_form": SwapForm(visit=found),
        }
    return render(request, "field/visit.html", {**context, **more}, status=status)


@signed_in
def acknowledge(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Say that one goes."""
    user = worker(request)
    if request.method == "POST":
        found = get_object_or_404(Visit, pk=pk)
        dispatch.acknowledge(visit_id=found.pk, user=user)
        messages.success(request, "已确认。")
    return redirect("field:home") if request.POST.get("next") == "home" else redirect("field:visit", pk)


@signed_in
def decline(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Say that one cannot go, and why."""
    user = worker(request)
    if request.method != "POST":
        return redirect("field:visit", pk)
    found = get_object_or_404(with_names(Visit.objects.all()), pk=pk)
    form = DeclineForm(request.POST)
    if form.is_valid():
        try:
            dispatch.decline(visit_id=pk, user=user, reason=form.cleaned_data["reason"])
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, "已告诉派单的人，会另请人去。")
            return redirect("field:home")
    return _visit_page(request, found, user, PresenceForm(), status=422, decline_form=form)


@signed_in
def swap(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Ask a colleague to go instead."""
    user = worker(request)
    if request.method != "POST":
        return redirect("field:visit", pk)
    found = get_object_or_404(with_names(Visit.objects.all()), pk=pk)
    form = SwapForm(request.POST, visit=found)
    if form.is_valid():
        try:
            dispatch.ask_swap(
                visit_id=pk,
                to_staff_id=form.cleaned_data["to_staff_id"],
                reason=form.cleaned_data["swap_reason"],
                user=user,
            )
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, "已请同事接替，等对方答复。在那之前仍由您负责。")
            return redirect("field:visit", pk)
    return _visit_page(request, found, user, PresenceForm(), status=422, swap_form=form)


@signed_in
def answer_swap(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Agree to go instead of a colleague, or not."""
    user = worker(request)
    if request.method == "POST":
        found = get_object_or_404(Swap, pk=pk)
        agrees = request.POST.get("agrees") == "1"
        dispatch.answer_swap(swap_id=found.pk, user=user, agrees=agrees)
        messages.success(request, "已接替，这次上门现在是您的。" if agrees else "已回复不能接替。")
    return redirect("field:home")


@signed_in
def check_in(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Check in; whoever had to sign in again on the way is shown the visit."""
    user = worker(request)
    if request.method != "POST":
        return redirect("field:visit", pk)
    form = PresenceForm(request.POST)
    found = get_object_or_404(with_names(Visit.objects.all()), pk=pk)
    if form.is_valid():
        try:
            visits.check_in(visit_id=pk, user=user, presence=form.presence())
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, "已签到。")
            return redirect("field:visit", pk)
    return _visit_page(request, found, user, form, status=422)


@signed_in
def check_out(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Check out, with the photo and signature; whoever had to sign in again on the way is shown the visit."""
    user = worker(request)
    if request.method != "POST":
        return redirect("field:visit", pk)
    found = get_object_or_404(with_names(Visit.objects.all()), pk=pk)
    form = CheckOutForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            visits.check_out(
                visit_id=pk,
                user=user,
                presence=form.presence(),
                note=form.cleaned_data["note"],
                photo=_stored(form.cleaned_data["photo"], found, user, "visit-photo"),
                signature=_stored(_drawn(form.cleaned_data["signature"]), found, user, "signature"),
            )
        except Refused as refused:
            form.add_error("photo" if refused.field == "upload" else None, refused.message)
        else:
            messages.success(request, "已签退，服务完成。")
            return redirect("field:home")
    return _visit_page(request, found, user, form, status=422)


def _stored(upload: "UploadedFile[Any] | None", found: Visit, user: User, purpose: str) -> StoredFile | None:
    if not upload:
        return None
    return store(
        upload, purpose=purpose, area=found.area_id, provider=found.provider_id, elder=found.elder_id, user=user
    )


def _drawn(data_url: str) -> SimpleUploadedFile | None:
    """Turn a signature drawn on the screen (a PNG data URL) into an upload."""
    head, _comma, body = data_url.partition(",")
    if not body or not head.startswith("data:image/png;base64"):
        return None
    try:
        return SimpleUploadedFile("signature.png", base64.b64decode(body, validate=True), "image/png")
    except binascii.Error as error:
        raise Refused("签字没有传完整，请重新签字。") from error


@signed_in
def assessment(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Assess at the bedside: every item of the scale, then hand in."""
    user = worker(request)
    found = get_object_or_404(Assessment.objects.select_related("elder__area", "assessor_1", "assessor_2"), pk=pk)
    form = AssessmentForm(request.POST or None, scale=scale(found.scale))
    if request.method == "POST" and form.is_valid():
        try:
            assessments.record(
                assessment_id=pk,
                user=user,
                answers=form.answers(),
                circumstances=form.circumstances(),
                informant=form.cleaned_data["informant"],
                informant_relation=form.cleaned_data["informant_relation"],
            )
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, "评估已提交，等待复核。")
            return redirect("field:home")
    status = 422 if request.method == "POST" else 200
    return render(request, "field/assessment.html", {"assessment": found, "form": form}, status=status)


@signed_in
def call(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Hold a planned visit of care: how the elder is, and what is wrong."""
    user = _visitor(request)
    found = get_object_or_404(Call.objects.select_related("elder", "area"), pk=pk)
    form = HeldForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            outreach.hold(call=found, user=user, **form.cleaned_data)
        except Refused as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.message)
        else:
            messages.success(request, f"{found.elder}的探访已登记。")
            return redirect("field:home")
    return _call_page(request, found.elder, form, planned=found)


@signed_in
def charge(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """See an elder who is due, though no day was planned."""
    user = _visitor(request)
    found = get_object_or_404(Charge.objects.select_related("elder__area", "frequency"), pk=pk)
    form = HeldForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            outreach.drop_in(elder=found.elder, user=user, **form.cleaned_data)
        except Refused as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.message)
        else:
            messages.success(request, f"{found.elder}的探访已登记。")
            return redirect("field:home")
    return _call_page(request, found.elder, form, due=found)


def _visitor(request: HttpRequest) -> User:
    user = worker(request)
    if not user.may("outreach.visit"):
        raise PermissionDenied
    return user


def _call_page(
    request: HttpRequest, elder: Elder, form: HeldForm, *, planned: Call | None = None, due: Charge | None = None
) -> HttpResponse:
    context = {"elder": elder, "form": form, "planned": planned, "due": due, "contacts": elder.contacts.all()[:3]}
    return render(request, "field/call.html", context, status=422 if request.method == "POST" else 200)
