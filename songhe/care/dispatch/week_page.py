"""The dispatcher's page of a week: steady carers proposed, changed line by line, adopted whole, taken back whole."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from songhe.care.dispatch import services
from songhe.care.dispatch.weekly import Proposal, propose, steady_of
from songhe.core.calendar.services import today
from songhe.core.console.fields import DayInput, Lookup
from songhe.core.console.pages import Pages
from songhe.core.console.views.access import person
from songhe.core.errors import Refused
from songhe.registers.providers.models import Provider


class WeekForm(forms.Form):
    """Whose week is to be planned; a provider's people plan their own."""

    provider = forms.ModelChoiceField(
        Provider.objects.filter(state=Provider.State.ACTIVE), label="服务商", widget=Lookup("providers-provider")
    )
    monday = forms.DateField(label="这一周里的任意一天", widget=DayInput())

    def __init__(self, *args: Any, own: UUID | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.own = own
        if own is not None:
            del self.fields["provider"]

    def clean(self) -> dict[str, Any]:
        """Begin the week on its Monday."""
        data = super().clean() or {}
        if day := data.get("monday"):
            data["monday"] = day - timedelta(days=day.weekday())
        data["provider_id"] = self.own or getattr(data.get("provider"), "pk", None)
        return data


def week_view(request: HttpRequest, *, pages: Pages) -> HttpResponse:
    """Ask for a week; on 生成建议 show the proposal; on 采用 write it; on 撤销 take the last one back."""
    form = WeekForm(
        request.POST or None, initial={"monday": today() + timedelta(days=7)}, own=person(request).provider_id
    )
    proposal: Proposal | None = None
    provider_id = person(request).provider_id
    act = request.POST.get("act", "")
    if form.is_bound and form.is_valid():
        provider_id = form.cleaned_data["provider_id"]
        try:
            if act in ("adopt", "undo"):
                done = (
                    services.adopt_steady(provider_id=provider_id, chosen=_chosen(request), as_of=_as_of(request))
                    if act == "adopt"
                    else services.undo_adoption(provider_id=provider_id, as_of=_as_of(request))
                )
                messages.success(request, f"已采用：{done}" if act == "adopt" else f"已撤销上一次采用：{done}")
                return redirect(pages.url("week"))
            proposal = propose(provider_id, form.cleaned_data["monday"])
        except Refused as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.message)
            if act == "adopt":
                proposal = _again(form, provider_id)
    context = {
        "pages": pages,
        "form": form,
        "proposal": proposal,
        "lines": _shown(request, proposal),
        "as_of": services.steady_as_of(provider_id) if provider_id is not None else None,
        "steady": sum(map(len, steady_of(provider_id).values())) if provider_id is not None else None,
        "monday": form.cleaned_data.get("monday") if form.is_bound and form.is_valid() else None,
    }
    return render(request, "dispatch/week.html", context, status=422 if form.is_bound and form.errors else 200)


def _again(form: WeekForm, provider_id: UUID) -> Proposal | None:
    """Show the proposal once more beside what was wrong with the choice."""
    try:
        return propose(provider_id, form.cleaned_data["monday"])
    except Refused:
        return None


def _as_of(request: HttpRequest) -> datetime | None:
    """Read when the steady carers that the person saw had last changed."""
    try:
        return datetime.fromisoformat(seen) if (seen := request.POST.get("as_of", "")) else None
    except ValueError as error:
        raise Refused("页面已经过时，请重新生成建议。") from error


def _chosen(request: HttpRequest) -> dict[UUID, frozenset[UUID]]:
    """Read the lines: ``line-<elder>-<standing order>`` holds a carer or nothing."""
    found: dict[UUID, set[UUID]] = {}
    try:
        for name, value in request.POST.items():
            if name.startswith("line:") and value:
                found.setdefault(UUID(name.split(":")[1]), set()).add(UUID(str(value)))
    except ValueError as error:
        raise Refused("页面传来的编号不完整，请重新生成建议。") from error
    return {elder: frozenset(staff) for elder, staff in found.items()}


def _shown(request: HttpRequest, proposal: Proposal | None) -> list[dict[str, Any]]:
    """Return the lines with what was chosen by hand kept."""
    if proposal is None:
        return []
    shown = []
    for line in proposal.lines:
        name = f"line:{line.visit.elder_id}:{line.visit.id}"
        shown.append({"line": line, "name": name, "chosen": request.POST.get(name, line.staff_id)})
    return shown
