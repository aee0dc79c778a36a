"""Trying a version on the population: asked for, watched, read, taken out."""

from datetime import date
from typing import Any

from django import forms
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from songhe.core.accounts.models import User
from songhe.core.calendar.services import today
from songhe.core.console.fields import DayInput
from songhe.core.console.pages import Action, Column, Pages, Tab, View, pages
from songhe.core.console.views.access import person, record
from songhe.core.errors import Refused
from songhe.rights.policy import services
from songhe.rights.policy.models import Policy, PolicyVersion, SimulatedChange, Simulation

GROUPS = (("by_area", "按区划"), ("by_kind", "按困难类别"), ("by_age", "按年龄"), ("by_level", "按能力等级"))
MONTHS = 12


class SimulationForm(forms.Form):
    """Which version is tried, on the roll of which day."""

    policy_version = forms.ModelChoiceField(
        PolicyVersion.objects.filter(policy__subject=Policy.Subject.ELDER).exclude(
            state__in=[PolicyVersion.State.SUPERSEDED, PolicyVersion.State.WITHDRAWN]
        ),
        label="政策版本",
    )
    on = forms.DateField(label="测算基准日", widget=DayInput(), initial=today)


def _ask(*, policy_version: PolicyVersion, on: date, user: User) -> Simulation:
    if user.area is None:
        raise Refused("您的账号没有负责的区划，不能测算。")
    return services.ask_simulation(policy_version=policy_version, area=user.area, on=on, user=user)


def progress_view(request: HttpRequest, *, pages: Pages, pk: str) -> HttpResponse:
    """Show how far a simulation is; a finished one leads to its figures."""
    simulation = record(request, pages, pk)
    response = render(request, "policy/_progress.html", {"object": simulation, "pages": pages})
    if simulation.finished_at or simulation.failure:
        response["HX-Refresh"] = "true"
    return response


def again_view(request: HttpRequest, *, pages: Pages, pk: str) -> HttpResponse:
    """Ask for the same simulation once more, of the version as it is now."""
    before = record(request, pages, pk)
    made = _ask(policy_version=before.policy_version, on=before.on, user=person(request))
    return redirect(pages.url("detail", made.pk))


def _figures(simulation: Simulation, user: User) -> dict[str, Any]:
    results = simulation.results
    if not results:
        return {}
    total = results["total"]
    year = {"was_fen": total["was_fen"] * MONTHS, "now_fen": total["now_fen"] * MONTHS}
    return {
        "total": total,
        "difference_fen": total["now_fen"] - total["was_fen"],
        "year": {**year, "difference_fen": year["now_fen"] - year["was_fen"]},
        "groups": [(label, results[key]) for key, label in GROUPS],
        "budget": results["budget"],
        "over_fen": year["now_fen"] - results["budget"]["planned_fen"] if results["budget"] else None,
        "stale": simulation.digest != simulation.policy_version.digest,
        "changes_url": f"{ChangePages().url()}?simulation={simulation.pk}",
    }


@pages
class SimulationPages(Pages):
    model, room, noun, menu, icon, order = Simulation, "policy", "simulation", "评估与待遇", "calculator", 62
    explain = "把草案放到全部在册老人身上试算：花多少钱，谁增谁减，与现行政策并排比较。"
    empty = "还没有测算。选一个草案开始。"
    create_label = "测算"
    columns = ["policy_version", "on", "area", "asked_by", "progress", "stage", "finished_at"]
    select_related = ["policy_version__policy", "area", "asked_by"]
    filters = ["policy_version"]
    form, create = SimulationForm, _ask
    permissions = {"create": "policy.edit"}
    tabs = [Tab("测算结果", "policy/_simulation.html", _figures)]
    views = [
        View("<uuid:pk>/progress/", "progress", progress_view),
        View("<uuid:pk>/again/", "again", again_view, "policy.edit"),
    ]
    detail_actions = [
        Action("按现在的草案重新测算", lambda row: SimulationPages().url("again", row.pk), "refresh", "policy.edit"),
        Action("政策版本", lambda row: SimulationPages.version_url(row), "scale"),
    ]

    def initial(self, request: HttpRequest, obj: Model | None) -> dict[str, Any]:
        """Start with the version the person comes from."""
        return {"policy_version": request.GET.get("policy_version"), "on": today()}

    @staticmethod
    def version_url(row: Simulation) -> str:
        """Return the page of the version that was tried."""
        from songhe.rights.policy.console.versions import VersionPages

        return VersionPages().url("detail", row.policy_version_id)


@pages
class ChangePages(Pages):
    model, room, noun = SimulatedChange, "policy", "change"
    title = "测算变动人员"
    explain = "测算中每月待遇会增加或减少的老人。"
    empty = "没有人的待遇会变。"
    columns = [
        Column("elder.name", "老年人", order_by="elder__name_pinyin"), "area", "was_fen", "now_fen",
        Column("difference_fen", "差额"),
    ]  # fmt: skip
    filters = ["simulation", "area", "was_fen", "now_fen"]
    ordering = ["area", "id"]
    select_related = ["elder", "area"]
    totals = ["was_fen", "now_fen"]
    readonly = True

    @staticmethod
    def row_link(row: SimulatedChange) -> str:
        """Lead to the whole right of the elder."""
        from songhe.rights.policy.console.rights import DecisionPages

        return DecisionPages().url("rights", row.elder_id)
