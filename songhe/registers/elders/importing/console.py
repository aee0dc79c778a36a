"""The pages of importing a roll: hand in, map, look over, apply, undo."""

from dataclasses import replace
from datetime import date
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.console.facts import facts_of
from songhe.core.console.notes import note_export
from songhe.core.console.pages import Action, Column, Command, Pages, View, badge, pages
from songhe.core.console.views.access import led_to, person, record
from songhe.core.errors import Refused
from songhe.registers.elders.forms import UploadForm
from songhe.registers.elders.importing import running, selectors, services, standing
from songhe.registers.elders.importing.columns import TARGETS
from songhe.registers.elders.models import ImportBatch, Verdict

IMPORT = "elders.import"
SHOWN = 100
VANISHED = "vanished"
ALWAYS_SHOWN = ("new", "changed", "same", "wrong")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def stage_of(batch: ImportBatch) -> tuple[str, str]:
    """Return where a roll stands, in words, and the tone of its badge."""
    if batch.undone_at is not None:
        return "已撤销", "secondary"
    if batch.applied_at is not None:
        return "已导入", "green"
    return ("待导入", "yellow") if batch.previewed_at is not None else ("待核对", "azure")


def _stage(
    *, file: "UploadedFile[Any]", source: str, default_area: Area | None, as_of: date | None, user: User
) -> ImportBatch:
    if user.area is None:
        raise Refused("您的账号没有负责的区划，不能导入名册。")
    return services.stage(
        data=file.read(),
        file_name=file.name or "",
        area=user.area,
        source=source,
        default_area=default_area,
        as_of=as_of,
        user=user,
    )


def _apply(*, obj: ImportBatch, user: User, version: int | None) -> ImportBatch:
    return running.start(batch=obj, deed="apply", user=user, version=version)


def _undo(*, obj: ImportBatch, user: User, version: int | None) -> ImportBatch:
    return running.start(batch=obj, deed="undo", user=user, version=version)


@require_POST
def map_view(request: HttpRequest, *, pages: Pages, pk: str) -> HttpResponse:
    """Take the mapping and look the roll over."""
    user = person(request)
    batch = record(request, pages, pk)
    mapping = {index: key for index in range(len(batch.head)) if (key := request.POST.get(f"column-{index}", ""))}
    try:
        batch = services.map_columns(batch_id=batch.pk, mapping=mapping)
        running.start(batch=batch, deed="look_over", user=user)
    except Refused as error:
        columns = [replace(column, key=mapping.get(column.index, "")) for column in selectors.columns(batch)]
        return _page(request, pages, batch, status=422, error=error.message, mapping=True, columns=columns)
    return led_to(request, pages.url("detail", batch.pk))


def lines_view(request: HttpRequest, *, pages: Pages, pk: str, verdict: str) -> HttpResponse:
    """Show the lines of one verdict."""
    batch = record(request, pages, pk)
    if verdict == VANISHED:
        return _page(request, pages, batch, verdict=verdict, lines=[], vanished=standing.vanished(batch, SHOWN)[1])
    if verdict not in Verdict.values and not (verdict == selectors.KEPT and batch.undone_at is not None):
        raise Http404("没有这一类。")
    return _page(request, pages, batch, verdict=verdict, lines=selectors.lines(batch, verdict, limit=SHOWN))


@require_POST
def decide_view(request: HttpRequest, *, pages: Pages, pk: str) -> HttpResponse:
    """Take the answer to what a line asks, or the same answer for every line that asks it."""
    user = person(request)
    batch = record(request, pages, pk)
    row, key, answer = (request.POST.get(name, "") for name in ("row", "key", "answer"))
    try:
        if row:
            services.decide(row_id=batch.rows.get(pk=row).pk, answers={key: answer}, user=user)
        else:
            services.decide_all(batch_id=batch.pk, field=key, answer=answer, user=user)
    except Refused as error:
        lines = selectors.lines(batch, Verdict.CONFLICT, limit=SHOWN)
        return _page(request, pages, batch, status=422, error=error.message, verdict=Verdict.CONFLICT, lines=lines)
    return led_to(request, pages.url("lines", batch.pk, Verdict.CONFLICT.value))


def mapping_view(request: HttpRequest, *, pages: Pages, pk: str) -> HttpResponse:
    """Show the mapping of a roll that was looked over already."""
    batch = record(request, pages, pk)
    if batch.applied_at is not None:
        return redirect(pages.url("detail", batch.pk))
    return _page(request, pages, batch, mapping=True, columns=selectors.columns(batch))


def wrong_view(request: HttpRequest, *, pages: Pages, pk: str) -> HttpResponse:
    """Hand over the wrong lines with their reasons, and note it in the journal."""
    batch = record(request, pages, pk)
    content, count = selectors.wrong_xlsx(batch)
    note_export(user=person(request), pages=pages, rows=count, reason="下载名册中需要更正的行", subject=batch.file_name)
    response = HttpResponse(content, content_type=XLSX)
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''wrong-rows-{today():%Y%m%d}.xlsx"
    response["Cache-Control"] = "no-store"
    return response


def _page(request: HttpRequest, pages: Pages, batch: ImportBatch, *, status: int = 200, **more: Any) -> HttpResponse:
    """Show a roll's page as the kit shows it, with some of it changed."""
    user = person(request)
    context = {
        "pages": pages,
        "object": batch,
        "facts": facts_of(pages, batch, user),
        "subtitle": pages.subtitle(batch),
        **pages.get_context(batch, user),
        **more,
    }
    return render(request, pages.detail_template, context, status=status)


def deeds_of(pages: Pages, batch: ImportBatch, user: User) -> list[dict[str, str]]:
    """Return the page's buttons."""
    return [
        {"label": command.label, "icon": command.icon, "url": pages.url("do", batch.pk, command.key)}
        for command in pages.commands
        if command.shown(user, batch)
    ]


def context_of(batch: ImportBatch) -> dict[str, Any]:
    """Return what a roll's page shows at the stage it is in."""
    stage, tone = stage_of(batch)
    context: dict[str, Any] = {
        "stage": stage,
        "stage_badge": badge(stage, tone),
        "targets": [(target.key, target.label) for target in TARGETS],
        "job": running.job_state(batch),
        "twin": selectors.twin_of(batch) if batch.applied_at is None else None,
        "mapping": batch.previewed_at is None,
    }
    if batch.previewed_at is None:
        return context | {"columns": selectors.columns(batch)}
    counts = selectors.counts(batch)
    verdict = next((name for name in ("conflict", "wrong", "changed", "new", "same") if counts[name]), "new")
    tallies = [(str(name), label, counts[name]) for name, label in Verdict.choices if name]
    gone, vanished = standing.vanished(batch, SHOWN) if batch.source.is_whole else (0, [])
    if batch.source.is_whole:
        tallies.append((VANISHED, "本期未见", gone))
    left = counts["applied"] - counts["undone"] if batch.undone_at else 0
    if left:
        tallies.append((selectors.KEPT, "撤销时保留", left))
    return context | {
        "counts": [tally for tally in tallies if tally[2] or tally[0] in ALWAYS_SHOWN],
        "asked": selectors.asked(batch) if counts[Verdict.CONFLICT] and batch.applied_at is None else [],
        "vanished": vanished,
        "applied_count": counts["applied"],
        "undone_count": counts["undone"],
        "left_count": left,
        "verdict": verdict,
        "lines": selectors.lines(batch, verdict, limit=SHOWN),
        "shown_limit": SHOWN,
    }


@pages
class ImportPages(Pages):
    model, room, noun, menu, icon, order = ImportBatch, "elders", "import", "老人档案", "table-import", 15
    title, explain = "名册导入", "把其他部门的名册核对后并入老人档案；有问题的行可下载更正后再次导入。"
    columns = [
        "file_name",
        Column("source.name", "名册来源"),
        Column("stage", "进度", render=lambda batch: badge(*stage_of(batch))),
        "rows_read",
        "uploaded_by",
        "created_at",
        "applied_at",
    ]
    filters = ["created_at"]
    ordering = ["-id"]
    select_related = ["source", "uploaded_by", "area", "default_area"]
    form, create = UploadForm, _stage
    exportable = False
    detail_template = "elders/import.html"
    tabs = ()
    facts = [
        Column("source.name", "名册来源"),
        "as_of",
        "sheet",
        "rows_read",
        "rows_skipped",
        "default_area",
        "uploaded_by",
        "created_at",
        "applied_by",
        "applied_at",
    ]
    permissions = {"view": IMPORT, "create": IMPORT, "edit": IMPORT}
    extra_actions = [Action("老年人", lambda: reverse("console:elders-elder-list"), "users-group")]
    views = [
        View("<uuid:pk>/map/", "map", map_view, IMPORT),
        View("<uuid:pk>/mapping/", "mapping", mapping_view, IMPORT),
        View("<uuid:pk>/lines/<slug:verdict>/", "lines", lines_view, IMPORT),
        View("<uuid:pk>/decide/", "decide", decide_view, IMPORT),
        View("<uuid:pk>/wrong/", "wrong", wrong_view, IMPORT),
    ]
    commands = [
        Command(
            "apply",
            "确认导入",
            _apply,
            IMPORT,
            warning="新增和有变化的行写入老人档案，有问题和待裁决的行不写入。导入后可以撤销。",
            only_if=lambda batch: batch.previewed_at is not None and batch.applied_at is None,
            icon="check",
        ),
        Command(
            "undo",
            "撤销导入",
            _undo,
            IMPORT,
            warning="本次新建的档案将删除、修改的内容将恢复；导入后又被他人办理过业务的档案保留不动。",
            only_if=lambda batch: batch.applied_at is not None and batch.undone_at is None and batch.purged_on is None,
            icon="arrow-back-up",
        ),
    ]

    def subtitle(self, obj: Model) -> str:
        """Say where the roll stands."""
        assert isinstance(obj, ImportBatch)
        return f"共 {obj.rows_read} 行，跳过 {obj.rows_skipped} 行（空行、合计行、重复表头）"

    def get_context(self, obj: Model, user: User) -> dict[str, Any]:
        """Return what the page shows at the roll's stage."""
        assert isinstance(obj, ImportBatch)
        return {**context_of(obj), "deeds": deeds_of(self, obj, user)}
