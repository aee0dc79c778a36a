"""Visits of care in the console: who must be seen, visits planned and made, problems followed, families trained."""

from datetime import date, timedelta
from typing import Any, ClassVar

import django_filters
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import Select
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString

from songhe.care.outreach import forms, services
from songhe.care.outreach.models import Attendance, Call, Charge, Course, Frequency, Problem
from songhe.care.outreach.selectors import charges, coverage
from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.calendar.services import month_of, months_after, today
from songhe.core.console.pages import (
    FACTS,
    TIMELINE,
    Action,
    Bulk,
    Column,
    Command,
    Pages,
    StepForm,
    Tab,
    View,
    badge,
    pages,
)
from songhe.core.console.views.access import led_to, person
from songhe.registers.elders.console import ElderPages
from songhe.registers.elders.labelling.selectors import label_filter
from songhe.registers.elders.models import Elder
from songhe.registers.elders.selectors import search_elders, within_scope

VISIT, HANDLE = "outreach.visit", "outreach.handle"
ELDER = Column("elder.name", "老年人", order_by="elder__name_pinyin")
LATE = [("late", "已逾期"), ("week", "七天内到期"), ("later", "以后")]
MARK_TONES = {"verified": "green", "single_source": "azure", "unverified": "orange", "example": "secondary"}
RESULT_TONES = {"well": "green", "needs": "orange", "not_seen": "red"}


def of_elder(queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Find rows by the elder."""
    return queryset.filter(elder__in=search_elders(Elder.objects.all(), text))


def by_due(rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
    """Keep what is late, due within a week, or due later."""
    day = today()
    if value == "late":
        return rows.filter(due_on__lt=day)
    if value == "week":
        return rows.filter(due_on__range=(day, day + timedelta(days=7)))
    return rows.filter(due_on__gt=day + timedelta(days=7))


def due_filter() -> django_filters.ChoiceFilter:
    """Return the filter by how soon something is due."""
    return django_filters.ChoiceFilter(label="期限", choices=LATE, method=by_due, empty_label="全部")


def _due(row: Any) -> SafeString | str:
    return badge(f"逾期 {row.due_on:%Y-%m-%d}", "red") if row.due_on < today() else f"{row.due_on:%Y-%m-%d}"


def _problem_due(row: Problem) -> SafeString | str:
    return f"{row.due_on:%Y-%m-%d}" if row.state == Problem.State.SETTLED else _due(row)


def coverage_view(request: HttpRequest, *, pages: Pages) -> HttpResponse:
    """Show how many were to be seen in a month and were; this month unless ``?month=2026-11``."""
    try:
        first = date.fromisoformat(f"{request.GET.get('month', '')}-01")
    except ValueError:
        first = today()
    first, following = month_of(first)
    own = person(request).area
    area = Area.objects.filter(pk=request.GET.get("area") or 0).first() or own or Area.objects.order_by("code").first()
    if own is not None and area is not None and area.code not in own:
        area = own
    rows = coverage(area, first) if area is not None else []
    context = {
        "pages": pages,
        "area": area,
        "rows": rows,
        "month": first,
        "before": months_after(first, -1),
        "after": following if following <= today() else None,
        "due": sum(row.due for row in rows),
        "seen": sum(row.seen for row in rows),
        "problems": sum(row.problems for row in rows),
        "late": sum(row.late for row in rows),
    }
    return render(request, "outreach/coverage.html", context)


def refresh_view(request: HttpRequest, *, pages: Pages) -> HttpResponse:
    """Bring who must be seen in the person's area in line with the roll at once, as every night does."""
    area = person(request).area
    if area is None:
        raise PermissionDenied("您的账号没有负责的区划。")
    if request.method == "POST":
        came, went = services.refresh(area=area, on=today())
        messages.success(request, f"已按档案更新：新列入 {came} 位，不再列入 {went} 位。")
        return led_to(request, pages.list_url)
    return render(request, "outreach/refresh.html", {"pages": pages, "area": area})


def _plan(*, charge: Charge, user: User, on: date, visitor: User | None = None) -> None:
    services.plan(charge=charge, on=on, user=user, visitor=visitor)


@pages
class ChargePages(Pages):
    model, room, noun, menu, icon, order = Charge, "outreach", "charge", "服务", "heart-handshake", 30
    title, explain = "探访对象", "按档案和探访频次须定期探访的老人：最迟何时、由谁去。每晚随档案更新。"
    empty = "没有须探访的老人。探访频次来自本地政策包。"
    columns = [
        ELDER, Column("elder.age", "年龄"), "area", Column("frequency", "频次"), "visitor", "last_seen_on",
        Column("due", "最迟探访", render=_due, order_by="due_on"),
    ]  # fmt: skip
    queryset = charges
    search, search_hint = of_elder, "姓名、拼音首字母、身份证号或电话"
    filters = ["area", "frequency", ("visitor", "探访人"), ("due", due_filter()), ("label", label_filter("elder_id"))]
    ordering = ["due_on", "id"]
    select_related = ["elder", "area", "frequency", "visitor"]
    facts = [ELDER, "area", "frequency", "visitor", "last_seen_on", Column("due", "最迟探访", render=_due), "validity"]
    tabs: ClassVar[list[Tab]] = [TIMELINE]
    readonly = True
    permissions: ClassVar[dict[str, str]] = {"export": HANDLE}
    commands = [
        Command("plan", "安排探访", _plan, VISIT, forms.PlanForm, icon="calendar-plus"),
        Command("assign", "指定探访人", services.assign, HANDLE, forms.VisitorForm, icon="user-check"),
    ]
    bulk = [
        Bulk("plan", "安排探访", VISIT, run=_plan, form=forms.PlanForm),
        Bulk("assign", "指定探访人", HANDLE, run=services.assign, form=forms.VisitorForm),
    ]
    views = [
        View("coverage/", "coverage", coverage_view),
        View("refresh/", "refresh", refresh_view, HANDLE),
    ]
    extra_actions = [
        Action("探访率", lambda: ChargePages().url("coverage"), "chart-bar"),
        Action("按档案更新", lambda: ChargePages().url("refresh"), "refresh", HANDLE),
    ]
    detail_actions = [Action("老人档案", lambda row: ElderPages().url("detail", row.elder_id), "user")]


@pages
class CallPages(Pages):
    model, room, noun, menu, icon, order = Call, "outreach", "call", "服务", "home-heart", 31
    title, create_label = "探访记录", "登记临时探访"
    explain = "计划的和临时的探访：谁去、怎样、老人好不好。"
    empty = "还没有探访。在“探访对象”里安排，或登记临时探访。"
    columns = [
        ELDER, "area", "planned_on", "done_on", "visitor", "way", Column("result", tones=RESULT_TONES), "note", "state",
    ]  # fmt: skip
    more_columns = ["companions"]
    search, search_hint = of_elder, "姓名、拼音首字母、身份证号或电话"
    filters = [
        "state", "result", "way", "area", ("visitor", "探访人"), "done_on",
        ("adhoc", django_filters.BooleanFilter(
            label="临时探访", field_name="planned_on", lookup_expr="isnull",
            widget=Select(choices=(("", "全部"), ("true", "是"), ("false", "否"))))),
    ]  # fmt: skip
    ordering = ["-id"]
    select_related = ["elder", "area", "visitor"]
    under: ClassVar = {Elder: "elder"}
    tab_label = "探访"
    form, create = forms.DropInForm, services.drop_in
    permissions: ClassVar[dict[str, str]] = {"create": VISIT, "export": HANDLE}
    steps = {
        "hold": StepForm(forms.HeldForm, services.hold, primary=True),
        "cancel": StepForm(run=services.cancel),
    }
    tabs: ClassVar[list[Tab]] = [FACTS, TIMELINE]
    detail_actions = [Action("老人档案", lambda row: ElderPages().url("detail", row.elder_id), "user")]

    @staticmethod
    def queryset() -> QuerySet[Call]:
        """Return the visits in scope."""
        return within_scope(Call.objects.all())


@pages
class ProblemPages(Pages):
    model, room, noun, menu, icon, order = Problem, "outreach", "problem", "服务", "alert-triangle", 32
    title = "探访发现的问题"
    explain = "探访中发现的问题，逐件跟到解决：社区能解决的社区办，办不了的上报街道。"
    empty = "没有问题。"
    columns = [
        ELDER, "area", "kind", "text", "urgent", Column("due", "处理期限", render=_problem_due, order_by="due_on"),
        "state", "outcome",
    ]  # fmt: skip
    search, search_hint = of_elder, "姓名、拼音首字母、身份证号或电话"
    filters = ["state", "kind", "urgent", "area", ("due", due_filter())]
    ordering = ["due_on", "id"]
    select_related = ["elder", "area", "call"]
    under: ClassVar = {Elder: "elder", Call: "call"}
    tab_label = "探访问题"
    readonly = True
    permissions: ClassVar[dict[str, str]] = {"export": HANDLE}
    steps = {
        "settle": StepForm(run=services.settle, primary=True),
        "close": StepForm(run=services.close, primary=True),
    }
    facts = [ELDER, "area", "kind", "text", "urgent", "due_on", "outcome", "settled_on"]
    detail_actions = [Action("老人档案", lambda row: ElderPages().url("detail", row.elder_id), "user")]

    @staticmethod
    def queryset() -> QuerySet[Problem]:
        """Return the problems in scope."""
        return within_scope(Problem.objects.all())


@pages
class FrequencyPages(Pages):
    model, room, noun, menu, icon, order = Frequency, "outreach", "frequency", "服务", "repeat", 33
    explain = "哪些老人至少多久探访一次，来自政策包；未核实的已标明，请按本地文件更正政策包。"
    empty = "本地政策包没有探访频次。"
    columns = ["name", "period", "condition", "document", Column("mark", tones=MARK_TONES), "active"]
    filters = ["period", "mark", "active"]
    ordering = ["code"]
    readonly, exportable = True, False


@pages
class CoursePages(Pages):
    model, room, noun, menu, icon, order = Course, "outreach", "course", "服务", "school", 34
    explain = "给在家照护老人的家属办的培训，谁参加了、是否合格。"
    empty = "还没有培训。"
    columns = ["topic", "area", "on", "hours", "trainer", "place"]
    filters = ["area", "on"]
    ordering = ["-on", "-id"]
    select_related = ["area"]
    form, create = forms.CourseForm, services.hold_course
    permissions: ClassVar[dict[str, str]] = {"create": HANDLE, "export": HANDLE}

    @staticmethod
    def search(queryset: QuerySet[Course], text: str) -> QuerySet[Course]:
        """Find trainings by topic."""
        return queryset.filter(topic__icontains=text.strip())


@pages
class AttendancePages(Pages):
    model, room, noun, title, tab_label, create_label = (
        Attendance,
        "outreach",
        "attendance",
        "参训家庭照护者",
        "参训",
        "登记参训",
    )
    columns = ["course", ELDER, "area", "name", "relation", "passed"]
    filters = ["passed", "area"]
    ordering = ["-id"]
    select_related = ["course", "elder", "area"]
    under: ClassVar = {Course: "course", Elder: "elder"}
    form, create = forms.AttendForm, services.attend
    permissions: ClassVar[dict[str, str]] = {"create": HANDLE, "export": HANDLE}
