"""Trying a version on the population: asked for, watched, read, taken out."""

import io
from datetime import date
from typing import Any

from django import forms
from django.db.models import F, Model, QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django_filters import ChoiceFilter

from songhe.core.accounts.models import User
from songhe.core.calendar.services import today
from songhe.core.console.fields import DayInput
from songhe.core.console.pages import Action, Column, Command, Pages, Tab, View, pages
from songhe.core.console.views.access import person, record
from songhe.core.errors import Refused
from songhe.rights.policy import services
from songhe.rights.policy.models import Policy, PolicyVersion, SimulatedChange, Simulation
from songhe.rights.policy.workbook import GROUPS, simulation_xlsx

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
    """Show how far a simulation is; one that is over leads to its figures."""
    simulation = record(request, pages, pk)
    response = render(request, "policy/_progress.html", {"object": simulation, "pages": pages})
    if simulation.is_over:
        response["HX-Refresh"] = "true"
    return response


def again_view(request: HttpRequest, *, pages: Pages, pk: str) -> HttpResponse:
    """Ask for the same simulation once more, of the version as it is now."""
    before = record(request, pages, pk)
    made = _ask(policy_version=before.policy_version, on=before.on, user=person(request))
    return redirect(pages.url("detail", made.pk))


def sheet_view(request: HttpRequest, *, pages: Pages, pk: str) -> FileResponse:
    """Hand over a finished simulation as a spreadsheet; it names no person."""
    simulation = record(request, pages, pk)
    if simulation.finished_at is None:
        raise Refused("测算还没有完成，不能导出。")
    name = f"{simulation.policy_version}测算-{simulation.on:%Y%m%d}.xlsx"
    return FileResponse(io.BytesIO(simulation_xlsx(simulation)), as_attachment=True, filename=name)


def figures_of(simulation: Simulation) -> dict[str, Any]:
    """Return a finished simulation's figures as its page shows them; none while it is not finished."""
    results = simulation.results
    if not results:
        return {}
    total, budget = results["total"], results["budget"]
    year = {"was_fen": total["was_fen"] * MONTHS, "now_fen": total["now_fen"] * MONTHS}
    # What is set aside for a year is set against what that year would take.
    needed = next((row["now_fen"] for row in results["by_year"] if budget and row["year"] == budget["year"]), None)
    changes = ChangePages().url() + f"?simulation={simulation.pk}"
    return {
        "total": total,
        "difference_fen": total["now_fen"] - total["was_fen"],
        "year": {**year, "difference_fen": year["now_fen"] - year["was_fen"]},
        "years": results["by_year"],
        "groups": [(label, results[key]) for key, label in GROUPS],
        "others": results["others"],
        "by_change": results["by_change"],
        "budget": budget,
        "needed_fen": needed,
        "over_fen": needed - budget["planned_fen"] if budget and needed is not None else None,
        "stale": simulation.digest != simulation.policy_version.digest,
        "changes_url": changes,
        "winners_url": f"{changes}&direction=more",
        "losers_url": f"{changes}&direction=less",
    }


def _figures(simulation: Simulation, user: User) -> dict[str, Any]:
    return figures_of(simulation)


@pages
class SimulationPages(Pages):
    model, room, noun, menu, icon, order = Simulation, "policy", "simulation", "评估与待遇", "calculator", 62
    explain = "把草案放到全部在册老人身上试算：花多少钱，谁增谁减，与现行政策并排比较。"
    empty = "还没有测算。选一个草案开始。"
    create_label, submit_label = "测算", "开始测算"
    columns = ["policy_version", "on", "area", "asked_by", "progress", "stage", "finished_at"]
    more_columns = ["submitted_at"]
    facts = ["policy_version", "on", "area", "asked_by", "stage", "finished_at", "submitted_at"]
    select_related = ["policy_version__policy", "policy_version__document", "area", "asked_by"]
    filters = ["policy_version"]
    form, create = SimulationForm, _ask
    permissions = {"create": "policy.edit"}
    tabs = [Tab("测算结果", "policy/_simulation.html", _figures)]
    views = [
        View("<uuid:pk>/progress/", "progress", progress_view),
        View("<uuid:pk>/again/", "again", again_view, "policy.edit"),
        View("<uuid:pk>/sheet/", "sheet", sheet_view),
    ]
    commands = [
        Command(
            "stop",
            "停止测算",
            services.stop_simulation,
            "policy.edit",
            icon="player-stop",
            only_if=lambda row: not row.is_over,
        )
    ]
    detail_actions = [
        Action(
            "导出表格",
            lambda row: SimulationPages().url("sheet", row.pk),
            "file-spreadsheet",
            only_if=lambda row: row.finished_at is not None,
        ),
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


def _gaining(queryset: QuerySet[SimulatedChange], _name: str, chosen: str) -> QuerySet[SimulatedChange]:
    """Keep those who gain, or those who lose."""
    was = F("was_fen")
    return queryset.filter(now_fen__gt=was) if chosen == "more" else queryset.filter(now_fen__lt=was)


DIRECTION = ChoiceFilter(
    label="增减", choices=[("more", "增加"), ("less", "减少")], method=_gaining, empty_label="全部"
)


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
    filters = ["simulation", "area", ("direction", DIRECTION), "was_fen", "now_fen"]
    ordering = ["area", "id"]
    select_related = ["elder", "area"]
    totals = ["was_fen", "now_fen"]
    readonly = True

    @staticmethod
    def row_link(row: SimulatedChange) -> str:
        """Lead to the whole right of the elder."""
        from songhe.rights.policy.console.rights import DecisionPages

        return DecisionPages().url("rights", row.elder_id)
