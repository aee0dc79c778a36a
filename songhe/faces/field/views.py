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
from songhe.faces.field.forms import AssessmentForm, CheckOutForm, PlaceForm, PresenceForm
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
    waiting = _waiting_assessments(user) if user.may("assessment.assess") else []
    return render(
        request,
        "field/home.html",
        {
            "days": _by_day(planned),
            "left": sum(visit.state in (VisitState.PLANNED, VisitState.STARTED) for visit in planned),
            "works": user.staff_id is not None,
            "assessments": waiting,
            "today": today(),
        },
    )


def _waiting_assessments(user: User) -> list[Assessment]:
    assigned = Assessment.objects.filter(state=AssessmentState.ASSIGNED)
    own = assigned.filter(Q(assessor_1=user) | Q(assessor_2=user))
    return list(own.select_related("elder__area").order_by("planned_at", "id"))


def _by_day(planned: list[Visit]) -> list[tuple[str, list[Visit]]]:
    """Return the visits of each day that has any, today's first and without a heading."""
    return [
        ("" if day == today() else "明天", list(of_day))
        for day, of_day in groupby(planned, key=lambda visit: timezone.localtime(visit.planned.lower).date())
    ]


@signed_in
def visit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show one visit: where, what, for whom; check in or out."""
    user = worker(request)
    found = get_object_or_404(with_names(Visit.objects.all()), pk=pk)
    return _visit_page(request, found, user, PresenceForm() if found.check_in_at is None else CheckOutForm())


def _visit_page(request: HttpRequest, found: Visit, user: User, form: PlaceForm, *, status: int = 200) -> HttpResponse:
    own = user.staff_id == found.staff_id
    return render(request, "field/visit.html", {"visit": found, "form": form, "own": own}, status=status)


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
