"""Policy versions: the life of each, the editor of drafts, trying one person, two versions side by side."""

import json
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from songhe.core.accounts.models import User
from songhe.core.calendar.services import today
from songhe.core.console.display import yuan
from songhe.core.console.fields import DayInput, Lookup
from songhe.core.console.pages import TIMELINE, Action, Pages, StepForm, Tab, View, pages
from songhe.core.console.views.access import person, record
from songhe.core.errors import Changed, Refused
from songhe.engines.policy import PolicyError, name_column
from songhe.packs import policies
from songhe.registers.elders.models import Elder
from songhe.registers.elders.selectors import facts_for_policy
from songhe.rights.policy import services
from songhe.rights.policy.console.simulations import figures_of
from songhe.rights.policy.drafting import compared, figure_in_words, figures_in_words, from_editor, lines_of, to_editor
from songhe.rights.policy.flow import VersionState
from songhe.rights.policy.models import Policy, PolicyVersion, Simulation
from songhe.rights.policy.rules import WORDS, digest_of, judge, problems_of
from songhe.rights.policy.selectors import submitted_simulation

FIGURE = ("name", "value", "unit", "first", "last", "document", "clause", "mark")


class DraftForm(forms.Form):
    """Why a new version is drafted, and from when it should hold."""

    note = forms.CharField(label="修改说明", max_length=300, widget=forms.Textarea(attrs={"rows": 2}))
    first = forms.DateField(label="拟施行日", widget=DayInput(), initial=today)


class EnactForm(forms.Form):
    """The first day of the law."""

    first = forms.DateField(label="施行日", widget=DayInput(), help_text="早于今天的，将逐人列出应补发或追回的月份。")
    takes_record = True

    def __init__(self, *args: Any, record: PolicyVersion, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"first": record.validity.lower})
        super().__init__(*args, **kwargs)


class TryForm(forms.Form):
    """The elder a draft is tried on."""

    elder = forms.ModelChoiceField(Elder.objects.all(), label="老年人", widget=Lookup("elders-elder"))


def draft_view(request: HttpRequest, *, pages: Pages, pk: str) -> HttpResponse:
    """Begin a draft from a version, and open it in the editor."""
    version = record(request, pages, pk)
    form = DraftForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = services.draft(policy_version=version, user=person(request), **form.cleaned_data)
        return redirect(pages.url("editor", made.pk))
    return render(request, "policy/draft.html", {"pages": pages, "object": version, "form": form})


def editor_view(request: HttpRequest, *, pages: Pages, pk: str) -> HttpResponse:
    """Show a draft in the editor, or save it."""
    version = record(request, pages, pk)
    if version.state != VersionState.DRAFT:
        raise Refused(f"{version}是“{version.get_state_display()}”，不能修改。请由它起草新版本。")
    error, sent = "", None
    if request.method == "POST":
        sent = _sent(request, version)
        try:
            services.edit(
                policy_version=version,
                user=person(request),
                version=_number(request.POST.get("version", "")),
                model_xml=sent.model_xml,
                parameters=sent.parameters,
                examples=sent.examples,
            )
        except Changed as changed:
            error = changed.message
        except Refused as refused:
            error = refused.message
        else:
            messages.success(request, "草案已保存。")
            return redirect(pages.url("editor", version.pk))
    shown = sent or version
    context = {
        "pages": pages,
        "object": version,
        "error": error,
        "editor": {
            "xml": to_editor(shown.model_xml),
            "parameters": shown.parameters,
            "examples": shown.examples,
            "columns": _columns(shown),
        },
        "form": TryForm(),
        "is_for_elders": version.policy.subject == Policy.Subject.ELDER,
        **_checked(shown),
    }
    return render(request, "policy/editor.html", context)


@require_POST
def check_view(request: HttpRequest, *, pages: Pages, pk: str) -> HttpResponse:
    """Look over what stands in the editor, saved or not."""
    sent = _sent(request, record(request, pages, pk))
    return render(request, "policy/_checks.html", _checked(sent))


@require_POST
def try_view(request: HttpRequest, *, pages: Pages, pk: str) -> HttpResponse:
    """Try what stands in the editor on one elder, beside the law of today."""
    version = record(request, pages, pk)
    sent = _sent(request, version)
    form = TryForm(request.POST)
    context: dict[str, Any] = {"form": form}
    if form.is_valid():
        elder = form.cleaned_data["elder"]
        facts = facts_for_policy(elder, today())
        try:
            context |= {"elder": elder, "judgement": judge(sent, facts, max(today(), sent.validity.lower))}
        except PolicyError as error:
            context["error"] = str(error)
        if version.based_on is not None:
            context["before"] = judge(version.based_on, facts, today())
    return render(request, "policy/_tried.html", context)


def compare_view(request: HttpRequest, *, pages: Pages, pk: str, other: str) -> HttpResponse:
    """Show two versions side by side, clause by clause."""
    after, before = record(request, pages, pk), record(request, pages, other)
    rules = compared(lines_of(before.model_xml, WORDS), lines_of(after.model_xml, WORDS))
    numbers = compared(_figure_lines(before), _figure_lines(after))
    everything = request.GET.get("all") == "1"
    context = {
        "pages": pages,
        "before": before,
        "after": after,
        "everything": everything,
        "parts": [
            ("参数", [row for row in numbers if everything or row.kind != "same"]),
            ("规则", [row for row in rules if everything or row.kind != "same"]),
        ],
    }
    return render(request, "policy/compare.html", context)


def _figure_lines(version: PolicyVersion) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in version.parameters:
        until = f"至 {row['last']}" if row["last"] else "起"
        line = f"{row['name']} = {figure_in_words(row['value'], row['unit'])}（{row['first']} {until}）"
        found.setdefault(f"{row['document']}{row['clause']}" or row["name"], []).append(line)
    return found


# --- what the editor sends -------------------------------------------------------------------------------------


def _sent(request: HttpRequest, version: PolicyVersion) -> PolicyVersion:
    """Return an unsaved version with what the page holds, so that nothing typed is lost."""
    made = PolicyVersion(
        pk=version.pk,
        policy=version.policy,
        number=version.number,
        validity=version.validity,
        document=version.document,
        model_xml=from_editor(request.POST.get("model_xml", "")),
        parameters=_rows(request.POST.get("parameters", ""), FIGURE),
        examples=_rows(request.POST.get("examples", ""), ()),
        based_on=version.based_on,
    )
    made.digest = digest_of(made.model_xml, made.parameters)
    return made


def _rows(text: str, names: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        rows = json.loads(text or "[]")
        found = [{str(name): str(value).strip() for name, value in row.items()} for row in rows]
    except (ValueError, AttributeError, TypeError) as error:
        raise Refused("页面传来的表格不完整，请刷新后重试。") from error
    return [{name: row.get(name, "") for name in names} for row in found] if names else found


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _columns(version: PolicyVersion) -> list[str]:
    """Return the columns of the examples: the person's name, then facts and answers in the model's order."""
    kept = list(version.examples[0]) if version.examples else ["例"]
    try:
        model = policies.read_model(version.model_xml)
    except PolicyError:
        return kept
    order = {name: place for place, name in enumerate([*model.inputs, *model.decisions], 1)}
    order[name_column(model, kept)] = 0
    return sorted(kept, key=lambda name: order.get(name, len(order) + 1))


def _checked(version: PolicyVersion) -> dict[str, Any]:
    try:
        problems = problems_of(version, max(today(), version.validity.lower))
    except (ArithmeticError, ValueError, KeyError) as error:
        problems = [f"参数表里有不是数字或日期的内容：{error}"]
    return {"problems": problems, "tried_examples": len(version.examples)}


# --- pages -----------------------------------------------------------------------------------------------------


def _day_of(version: PolicyVersion) -> date:
    """Return the day whose figures a version's page shows: today, its first day if that is to come, or its last."""
    first: date | None = version.validity.lower
    end: date | None = version.validity.upper
    day = max(first or today(), today())
    return min(day, end - timedelta(days=1)) if end else day


def _parameters(version: PolicyVersion, user: User) -> dict[str, Any]:
    return {"rows": [{**row, "written": figure_in_words(row["value"], row["unit"])} for row in version.parameters]}


def _rules(version: PolicyVersion, user: User) -> dict[str, Any]:
    on = _day_of(version)
    return {"on": on, "rules": lines_of(version.model_xml, WORDS, figures_in_words(version.parameters, on)).items()}


def _examples(version: PolicyVersion, user: User) -> dict[str, Any]:
    on = max(version.validity.lower, today()) if version.validity.lower else today()
    return {
        "columns": _columns(version),
        "rows": [[row.get(name, "") for name in _columns(version)] for row in version.examples],
        "problems": problems_of(version, on),
    }


def _simulations(version: PolicyVersion, user: User) -> dict[str, Any]:
    return {"simulations": version.simulations.select_related("area", "asked_by").order_by("-id")[:20]}


def _cost(simulation: Simulation) -> str:
    """Say in a sentence what a version would cost and whom it touches."""
    figures = figures_of(simulation)
    total, year = figures["total"], figures["year"]
    parts = [
        f"随附测算（{simulation.on:%Y年%m月%d日}，{simulation.asked_by or '系统'}）："
        f"每年 {yuan(year['was_fen'])} 元 → {yuan(year['now_fen'])} 元，"
        f"{total['winners']:,} 人增加，{total['losers']:,} 人减少"
    ]
    if _over(simulation):
        parts.append(f"当年超出预算 {yuan(figures['over_fen'])} 元")
    return "；".join(parts) + "。"


def _over(simulation: Simulation) -> bool:
    return (figures_of(simulation)["over_fen"] or 0) > 0


def _before(version: PolicyVersion) -> PolicyVersion | None:
    return version.based_on or version.policy.versions.filter(number__lt=version.number).order_by("-number").first()


@pages
class VersionPages(Pages):
    model, room, noun, menu, icon, order = PolicyVersion, "policy", "policy-version", "评估与待遇", "scale", 60
    title = "政策版本"
    explain = "每项政策在每段时间的规则、参数和依据文件；新版本由一人起草测算、另一人复核批准后施行。"
    empty = "还没有政策。用 songhe pack load 载入本地政策包。"
    columns = ["policy", "number", "validity", "state", "document"]
    more_columns = ["author", "note"]
    facts = ["policy", "number", "validity", "state", "document", "based_on", "author", "note"]
    filters = ["policy", "state", "policy__subject"]
    ordering = ["policy", "-number"]
    select_related = ["policy", "document", "based_on__policy", "author"]
    readonly = True
    hidden_steps = ["edit", "supersede"]
    steps = {
        "simulate": StepForm(run=services.submit, primary=True),
        "enact": StepForm(
            form=EnactForm, run=services.enact, primary=True, warning="施行后，涉及的老人将自施行日起重新认定。"
        ),
    }
    tabs = [
        Tab("规则", "policy/_rules.html", _rules),
        Tab("参数", "policy/_parameters.html", _parameters),
        Tab("示例人员", "policy/_examples.html", _examples),
        Tab("测算", "policy/_simulations.html", _simulations),
        TIMELINE,
    ]
    views = [
        View("<uuid:pk>/draft/", "draft", draft_view, "policy.edit"),
        View("<uuid:pk>/editor/", "editor", editor_view, "policy.edit"),
        View("<uuid:pk>/check/", "check", check_view, "policy.edit"),
        View("<uuid:pk>/try/", "try", try_view, "policy.edit"),
        View("<uuid:pk>/compare/<uuid:other>/", "compare", compare_view),
    ]
    detail_actions = [
        Action(
            "编辑草案",
            lambda row: VersionPages().url("editor", row.pk),
            "pencil",
            "policy.edit",
            only_if=lambda row: row.state == VersionState.DRAFT,
        ),
        Action(
            "起草新版本",
            lambda row: VersionPages().url("draft", row.pk),
            "git-branch",
            "policy.edit",
            only_if=lambda row: row.state in (VersionState.IN_FORCE, VersionState.SUPERSEDED),
        ),
        Action(
            "与上一版比较",
            lambda row: VersionPages().url("compare", row.pk, getattr(_before(row), "pk", "")),
            "columns",
            only_if=lambda row: _before(row) is not None,
        ),
    ]

    def notices(self, obj: Model, user: User) -> Iterable[tuple[str, str]]:
        """Put the simulation that came with a draft before those who review and approve it."""
        assert isinstance(obj, PolicyVersion)
        if obj.state not in (VersionState.SIMULATED, VersionState.REVIEWED):
            return
        simulation = submitted_simulation(obj)
        if simulation is not None:
            yield ("warning" if _over(simulation) else "info"), _cost(simulation)

    def subtitle(self, obj: Model) -> str:
        """Say from when the law holds where that is still to come."""
        assert isinstance(obj, PolicyVersion)
        first: date | None = obj.validity.lower
        if obj.state == VersionState.IN_FORCE and first and first > today():
            return f"已批准，{first:%Y年%m月%d日}起施行"
        return ""
