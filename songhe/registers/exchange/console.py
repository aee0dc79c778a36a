"""The exchange's pages in the console: sources of rolls, what comparing them shows, a month of it."""

from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header

from songhe.core.accounts.models import User
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
from songhe.core.console.views.access import led_to, person, record
from songhe.core.errors import Refused
from songhe.registers.elders import merging
from songhe.registers.elders.console import ElderPages
from songhe.registers.elders.labelling.selectors import label_filter
from songhe.registers.elders.models import Elder, ImportSource, Merge, Rule
from songhe.registers.elders.selectors import search_elders, within_scope
from songhe.registers.exchange import duplicates, handing, selectors, services
from songhe.registers.exchange.flow import FindingState
from songhe.registers.exchange.forms import (
    HandOutForm,
    MergeForm,
    PartnerForm,
    SettleForm,
    SourceForm,
    initial_of,
    profile_of,
)
from songhe.registers.exchange.models import (
    Duplicate,
    Finding,
    Handout,
    HandoutSubject,
    Outcome,
    Partner,
)

IMPORT, EDIT, HAND_OUT = "elders.import", "elders.edit", "elders.hand_out"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
KIND_TONES = {"vanished": "yellow", "dead": "red", "exclusive": "red", "uncovered": "azure"}


def _due(source: ImportSource) -> Any:
    due = selectors.due_on(source)
    if due is None:
        return "—"
    return badge(f"逾期 {due:%Y-%m-%d}", "red") if selectors.overdue(source) else f"{due:%Y-%m-%d}"


def _last(source: Any) -> str:
    return f"{source.last_as_of:%Y-%m-%d}" if source.last_as_of else "从未报送"


def _kinds(source: ImportSource) -> str:
    labels = dict(ImportSource._meta.get_field("kinds").base_field.flatchoices)
    return "、".join(labels[kind] for kind in source.kinds) or "—"


def _rules(source: ImportSource, user: User) -> dict[str, Any]:
    from songhe.registers.elders.importing.columns import LABELS
    from songhe.registers.elders.importing.judging import COMPARED

    rows = [(LABELS[key], Rule(source.rules.get(key, Rule.TAKE)).label) for key in COMPARED]
    return {"rules": rows, "batches": source.batches.select_related("uploaded_by").order_by("-as_of", "-id")[:24]}


def _open_source(*, user: User, **profile: Any) -> ImportSource:
    if user.area is None:
        raise Refused("您的账号没有负责的区划，不能登记名册来源。")
    return services.open_source(area=user.area, **profile_of(profile))


def _amend_source(*, source_id: UUID, version: int | None, **profile: Any) -> ImportSource:
    profile.pop("user", None)
    return services.amend_source(source_id=source_id, version=version, **profile_of(profile))


def month_view(request: HttpRequest, *, pages: Pages) -> HttpResponse:
    """Show what the rolls of a month brought; this month unless ``?month=2026-11``."""
    try:
        first = date.fromisoformat(f"{request.GET.get('month', '')}-01")
    except ValueError:
        first = today().replace(day=1)
    first, next_first = month_of(first)
    context = {
        "pages": pages,
        "month": selectors.month(first, next_first),
        "before": months_after(first, -1),
        "after": next_first if next_first <= today() else None,
        "findings_url": reverse("console:exchange-finding-list"),
    }
    return render(request, "exchange/month.html", context)


@pages
class SourcePages(Pages):
    model, room, noun, menu, icon, order = ImportSource, "exchange", "source", "老人档案", "building-bank", 16
    title, explain = "名册来源", "哪些部门报送名册：说明什么、多久一次、谁负责、与档案不一致时以谁为准。"
    empty = "登记第一个来源，或直接导入名册，系统会按来源名称自动登记。"
    columns = [
        "name",
        "office",
        "subject",
        "cadence",
        "is_whole",
        Column("last", "最近一期", render=_last),
        Column("due", "下期应到", render=_due),
        "responsible",
    ]
    more_columns = [Column("kinds", "认定的困难类别", render=_kinds), "contact", "from_age"]
    queryset = selectors.sources
    filters = ["office", "subject", "cadence"]
    select_related = ["responsible", "area"]
    facts = [*columns, Column("kinds", "认定的困难类别", render=_kinds), "contact", "from_age", "adds_people"]
    form, create, update = SourceForm, _open_source, _amend_source
    permissions = {"view": IMPORT, "create": IMPORT, "edit": IMPORT}
    exportable = False
    tabs: ClassVar[list[Tab]] = [Tab("名册与规则", "exchange/_source.html", _rules), FACTS, TIMELINE]
    extra_actions = [
        Action("本月比对", lambda: reverse("console:exchange-source-month"), "calendar-stats"),
        Action("导入名册", lambda: reverse("console:elders-import-create"), "table-import", IMPORT),
    ]
    views = [View("month/", "month", month_view, IMPORT)]

    def initial(self, request: HttpRequest, obj: Model | None) -> dict[str, Any]:
        """Start with the source's own profile."""
        return initial_of(obj) if isinstance(obj, ImportSource) else {}

    def form_kwargs(self, request: HttpRequest, obj: Model | None) -> dict[str, Any]:
        """Offer the people of one's own area as responsible."""
        users = User.objects.filter(is_active=True, area__isnull=False).order_by("display_name")
        return {"users": within_scope(users)}

    def notices(self, obj: Model, user: User) -> Any:
        """Point out a roll that is missing."""
        assert isinstance(obj, ImportSource)
        if selectors.overdue(obj):
            yield "warning", f"应于 {selectors.due_on(obj)} 前报送的名册还没有导入。"


def _settle_died(*, finding: Finding, user: User) -> None:
    if finding.said_on is None:
        raise Refused("名册没有写明死亡日期，请逐条核查。")
    services.settle(finding=finding, outcome=Outcome.DIED, on=finding.said_on, user=user, reason="按死亡名册批量登记")


def _not_open(finding: Finding) -> str | None:
    if finding.state != FindingState.OPEN:
        return "已办结"
    return None if finding.said_on else "名册没有写明死亡日期"


def _search(queryset: QuerySet[Finding], text: str) -> QuerySet[Finding]:
    return queryset.filter(elder__in=search_elders(Elder.objects.all(), text))


@pages
class FindingPages(Pages):
    model, room, noun, menu, icon, order = Finding, "exchange", "finding", "老人档案", "user-question", 17
    title, explain = (
        "名册核查",
        "名册之间、名册与档案之间对不上的人：从名册消失、已死亡仍在册、互斥名册并存、到龄未享受。",
    )
    empty = "没有要核查的人。导入全量名册后，对不上的人会出现在这里。"
    columns = [
        Column("elder.name", "老年人", order_by="elder__name_pinyin"),
        Column("elder.age", "年龄"),
        "area",
        Column("kind", tones=KIND_TONES),
        "source",
        "detail",
        "found_on",
        "state",
        "outcome",
    ]
    more_columns = ["other", "said_on", "settled_on", "note"]
    search, search_hint = _search, "姓名、拼音首字母、身份证号或电话"
    filters = ["kind", "state", "source", "area", "outcome", ("label", label_filter("elder_id"))]
    select_related = ["elder", "area", "source", "other"]
    facts = [
        Column("elder.name", "老年人"),
        "area",
        "kind",
        "source",
        "other",
        "said_on",
        "detail",
        "found_on",
        "outcome",
        "note",
    ]
    readonly = True
    under = {Elder: "elder"}
    permissions = {"view": "elders.view", "export": "elders.export"}
    steps = {"settle": StepForm(SettleForm, services.settle, warning="选“去世”“迁出”“终止认定”的，同时办理相应登记。")}
    hidden_steps = ["clear"]
    detail_actions = [Action("老人档案", lambda row: ElderPages().url("detail", row.elder_id), "user")]
    extra_actions = [Action("本月比对", lambda: reverse("console:exchange-source-month"), "calendar-stats", IMPORT)]
    bulk = [
        Bulk(
            "died",
            "按名册登记去世",
            EDIT,
            run=_settle_died,
            check=_not_open,
            icon="cross",
            warning="按死亡名册所载日期逐人登记去世，当天起终止待遇。",
        )
    ]

    @staticmethod
    def queryset() -> QuerySet[Finding]:
        """Return the findings in scope."""
        return within_scope(Finding.objects.all())

    def subtitle(self, obj: Model) -> str:
        """Say what it is about in one line."""
        assert isinstance(obj, Finding)
        against = f"与{obj.other}" if obj.other else ""
        return f"{obj.get_kind_display()} · {obj.source}{against} · {obj.area.name}"


def _compare(pair: Duplicate, user: User) -> dict[str, Any]:
    particulars, hanging = selectors.side_by_side(pair.first, pair.second)
    return {"particulars": particulars, "hanging": hanging}


def _find(request: HttpRequest, *, pages: Pages) -> HttpResponse:
    """Look for double records now, in the person's own area."""
    user = person(request)
    if user.area is None:
        raise Refused("您的账号没有负责的区划。")
    if request.method != "POST":
        return render(request, "exchange/find.html", {"pages": pages, "area": user.area})
    count = duplicates.find(area=user.area)
    messages.success(request, f"查找完毕，新发现 {count} 对。" if count else "查找完毕，没有新的疑似重复档案。")
    return led_to(request, pages.url())


@pages
class DuplicatePages(Pages):
    model, room, noun, menu, icon, order = Duplicate, "exchange", "duplicate", "老人档案", "copy", 18
    title, explain = (
        "疑似重复档案",
        "很可能是同一个人的两份档案：并排核对，合并，或确认不是同一人。合并可以拆开，名下业务原样归还。",
    )
    empty = "没有疑似重复的档案。系统每周日查找，也可以点“立即查找”。"
    columns = [
        Column("first.name", "档案一"),
        Column("second.name", "档案二"),
        "area",
        Column("chance", "相符程度", render=lambda pair: f"{pair.chance:.0%}"),
        "reasons",
        "found_on",
        "state",
    ]
    filters = ["state", "area"]
    select_related = ["first__area", "second__area", "area", "first__registered_area", "second__registered_area"]
    facts = [Column("chance", "相符程度", render=lambda pair: f"{pair.chance:.0%}"), "reasons", "found_on"]
    readonly, exportable = True, False
    permissions = {"view": EDIT}
    tabs: ClassVar[list[Tab]] = [Tab("并排核对", "exchange/_compare.html", _compare), TIMELINE]
    steps = {
        "merge": StepForm(
            MergeForm,
            duplicates.merge,
            warning="另一份档案名下的评估、待遇、订单、联系人等全部转到保留的档案；可以在“档案合并”里原样拆开。",
        )
    }
    extra_actions = [
        Action("立即查找", lambda: reverse("console:exchange-duplicate-find"), "zoom-scan"),
        Action("档案合并记录", lambda: reverse("console:exchange-merge-list"), "git-merge"),
    ]
    views = [View("find/", "find", _find, EDIT)]

    @staticmethod
    def queryset() -> QuerySet[Duplicate]:
        """Return the pairs in scope."""
        return within_scope(Duplicate.objects.all())


def _moved(merge: Merge, user: User) -> dict[str, Any]:
    tables = {f"{one.table}.{one.column}": str(one.model._meta.verbose_name) for one in merging.hangings()}
    return {"moved": [(tables.get(place, place), len(pks)) for place, pks in merge.moved.items()]}


@pages
class MergePages(Pages):
    model, room, noun = Merge, "exchange", "merge"
    title, explain = "档案合并记录", "哪些档案合并过、转移了什么；合并错了的，可以原样拆开。"
    columns = [
        Column("kept.name", "保留的档案"), Column("dropped.name", "并入的档案"), "area", "reason", "by", "created_at",
        "undone_at",
    ]  # fmt: skip
    facts = [*columns, "undone_by"]
    select_related = ["kept", "dropped", "area", "by", "undone_by"]
    ordering = ["-id"]
    readonly, exportable = True, False
    permissions = {"view": EDIT}
    tabs: ClassVar[list[Tab]] = [Tab("转移的记录", "exchange/_moved.html", _moved), TIMELINE]
    detail_actions = [
        Action("保留的档案", lambda row: ElderPages().url("detail", row.kept_id), "user"),
        Action("并入的档案", lambda row: ElderPages().url("detail", row.dropped_id), "user-off"),
    ]
    commands = [
        Command(
            "part",
            "拆开",
            merging.part,
            EDIT,
            icon="git-fork",
            warning="合并时转移的记录全部归还原档案，补入的内容恢复原样；合并之后新增的业务留在保留的档案。",
            only_if=lambda merge: merge.undone_at is None,
        )
    ]


def _agree(*, user: User, **data: Any) -> Partner:
    if user.area is None:
        raise Refused("您的账号没有负责的区划，不能登记协议。")
    return handing.agree(area=user.area, user=user, **data)


def hand_out_view(request: HttpRequest, *, pages: Pages, pk: str) -> HttpResponse:
    """Ask what is to be given to a partner region and why, and give it as a file."""
    user, partner = person(request), record(request, pages, pk)
    form = HandOutForm(request.POST or None, partner=partner, initial={"area": user.area})
    if request.method == "POST" and form.is_valid():
        try:
            log, body = handing.hand_out(partner=partner, user=user, **form.cleaned_data)
        except Refused as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.message)
        else:
            kind = "text/csv" if log.form == "csv" else XLSX
            name = f"{partner}-{log.get_subject_display()}-{today():%Y%m%d}.{log.form}"
            answer = HttpResponse(body, content_type=kind)
            answer.headers["Content-Disposition"] = content_disposition_header(True, name)
            return answer
    context = {"pages": pages, "object": partner, "form": form}
    return render(request, "exchange/hand_out.html", context, status=422 if request.method == "POST" else 200)


def _subjects(partner: Partner) -> str:
    return "、".join(HandoutSubject(each).label for each in partner.subjects) or "—"


@pages
class PartnerPages(Pages):
    model, room, noun, menu, icon, order = Partner, "exchange", "partner", "老人档案", "topology-star", 18
    title, explain = "协作地区", "与其他地区的协议：互认哪些评估，可以提供哪些数据，提供过什么。"
    empty = "还没有与其他地区的协议。"
    create_label = "登记协议"
    columns = [
        "name",
        "agreement",
        "recognises",
        Column("subjects", "可提供的数据", render=_subjects),
        "validity",
        "contact",
    ]
    filters = ["recognises", "validity"]
    form, create = PartnerForm, _agree

    @staticmethod
    def search(queryset: QuerySet[Partner], text: str) -> QuerySet[Partner]:
        """Find regions by part of the name."""
        return queryset.filter(name__icontains=text.strip())

    permissions = {"view": "elders.view", "create": HAND_OUT, "edit": HAND_OUT}
    exportable = False
    facts = [
        "name",
        "agreement",
        "recognises",
        Column("subjects", "可提供的数据", render=_subjects),
        "scales",
        "validity",
        "contact",
    ]
    views = [View("<uuid:pk>/hand-out/", "hand-out", hand_out_view, HAND_OUT)]
    detail_actions = [
        Action("提供数据", lambda row: PartnerPages().url("hand-out", row.pk), "file-export", HAND_OUT, primary=True)
    ]


def _columns(handout: Handout) -> str:
    return "、".join(handout.columns)


@pages
class HandoutPages(Pages):
    model, room, noun, menu, icon, order = Handout, "exchange", "handout", "老人档案", "file-export", 19
    title, explain = "对外提供登记", "向哪个地区提供过谁的什么数据、多少条、谁经手、为什么；只增不改。"
    empty = "还没有对外提供过数据。"
    columns = ["created_at", "partner", "area", "subject", "rows", "form", "by", "reason"]
    more_columns = ["digest", Column("columns", "项目", render=_columns)]
    filters = ["partner", "subject", "created_at"]
    select_related = ["partner", "area", "by"]
    ordering = ["-line"]
    under = {Partner: "partner"}
    permissions = {"view": "elders.view", "export": HAND_OUT}
    facts = [
        "created_at",
        "partner",
        "area",
        "subject",
        Column("columns", "项目", render=_columns),
        "rows",
        "form",
        "by",
        "reason",
        "digest",
    ]
    tabs = []
    readonly = True
