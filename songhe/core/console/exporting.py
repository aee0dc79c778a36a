"""Large exports, written in the background: asked for, followed, stopped, fetched for a while, and swept away.

The rows are read in pieces, each under the scope the person has then, so that progress is seen, a stop is heeded and no
transaction is long. A file comes under its name whole or not at all: whatever kills the writer leaves no half of one.
"""

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, QueryDict
from procrastinate.contrib.django.models import ProcrastinateJob

from songhe.core.accounts.models import User
from songhe.core.calendar.services import now
from songhe.core.console.display import Column
from songhe.core.console.export import CHUNK, ListWorkbook, read_only_for
from songhe.core.console.listing import Listing
from songhe.core.console.models import Export, ExportState
from songhe.core.console.notes import note_export
from songhe.core.console.pages import Pages
from songhe.core.console.registry import autodiscover, pages_named
from songhe.core.errors import Refused
from songhe.core.events.jobs import defer
from songhe.core.scope.services import Scope, use

FOLDER = "exports"
UNDER_WAY = (ExportState.WAITING, ExportState.RUNNING)
# So many exports of one person may be under way.
AT_A_TIME = 3

_TOLD = {"failed": "后台处理出错，请稍后重新导出；再出错请联系管理员。", "aborted": "后台处理被中止，请重新导出。"}


class _Stopped(Exception):
    """The person stopped it."""


@transaction.atomic
def ask(*, listing: Listing, reason: str, subject: str) -> Export:
    """Queue a list's export; Refused where the person has too many under way."""
    from songhe.core.console.jobs import write_export

    user = listing.user
    if Export.objects.filter(user=user, state__in=UNDER_WAY).count() >= AT_A_TIME:
        raise Refused(f"您已有 {AT_A_TIME} 份导出正在生成，请等其完成，或到“我的导出”取消不要的。")
    export = Export(
        user=user,
        page=listing.pages.key,
        subject=subject,
        query=listing.query(page="", size="").removeprefix("?"),
        columns=[column.key for column in listing.columns],
        reason=reason,
        scope=_scope_text(user),
    )
    export.searched = listing.text
    export.save(force_insert=True)
    # Jobs of one person wait for each other, so that one person's many do not hold up everybody's.
    export.job_id = defer(write_export, export_id=export.pk, _lock=f"console.export:{user.pk}")
    export.save(update_fields=["job_id"])
    return export


def _scope_text(user: User) -> str:
    return repr(user.scope())[:300]


def mine(user: User) -> list[Export]:
    """Return a person's exports, the latest first; those whose job was given up say so."""
    rows = list(Export.objects.filter(user=user)[:50])
    jobs = {row.job_id: row for row in rows if row.is_under_way and row.job_id}
    ended = ProcrastinateJob.objects.filter(pk__in=jobs, status__in=_TOLD).values_list("pk", "status")
    for job_id, status in ended:
        row = jobs[job_id]
        row.state, row.failure = ExportState.FAILED, _TOLD[status]
    for row in rows:
        if row.state == ExportState.READY and row.expires_at is not None and row.expires_at <= now():
            row.state = ExportState.GONE
    return rows


# --- writing ----------------------------------------------------------------------------------------------------


def write(export_id: UUID) -> None:
    """Write an export's file; what the rules refuse is written on it for its page to show.

    Safe to run again: a second run begins from the first row, and one that is over is left alone.
    """
    autodiscover()
    with use(Scope.system()):
        export = Export.objects.select_related("user__area").get(pk=export_id)
    if not export.is_under_way:
        return
    try:
        _write(export)
    except _Stopped:
        return
    except Refused as error:
        with use(Scope.system()):
            Export.objects.filter(pk=export_id, state__in=UNDER_WAY).update(
                state=ExportState.FAILED, failure=error.message[:300], finished_at=now(), searched=None
            )


def _write(export: Export) -> None:
    pages = _allowed(export)
    part = _folder() / f"{export.pk}.part"
    try:
        with part.open("wb") as target:
            columns = [column for column in pages.all_columns if column.key in export.columns]
            with ListWorkbook(target, pages, columns) as book:
                _fill(book, export, _listing(export, pages), columns)
            target.flush()
            os.fsync(target.fileno())
        _finish(export, part, book.rows)
    finally:
        part.unlink(missing_ok=True)


def _allowed(export: Export) -> Pages:
    pages = pages_named(export.page)
    if not pages.may(export.user, "export") or _scope_text(export.user) != export.scope:
        raise Refused("您的角色或管辖范围已变更，请重新导出。")
    return pages


def _listing(export: Export, pages: Pages) -> Listing:
    """Return the list as it was asked for."""
    request = HttpRequest()
    request.method, request.user = "POST", export.user
    asked = QueryDict(export.query, mutable=True)
    if export.searched:
        asked["q"] = export.searched
    request.POST = asked  # type: ignore[assignment]
    return Listing(pages, request, export.user)


def _fill(book: ListWorkbook, export: Export, listing: Listing, columns: Sequence[Column]) -> None:
    """Write the list's rows, a piece a transaction; between them progress is noted and a stop is heeded."""
    scope, limit = export.user.scope(), listing.pages.export_limit
    with use(scope):
        keys = list(listing.queryset.values_list("pk", flat=True)[: limit + 1])
    book.refuse_beyond(len(keys))
    _go_on(export, 0, len(keys))
    for start in range(0, len(keys), CHUNK):
        piece = keys[start : start + CHUNK]
        with use(scope), _unswept():
            found = read_only_for(listing.all_rows.filter(pk__in=piece), columns).in_bulk()
            book.add_records(found[key] for key in piece if key in found)
        _go_on(export, min(start + CHUNK, len(keys)), len(keys))


@contextmanager
def _unswept() -> Iterator[None]:
    """Look for garbage once, after a block that makes very many objects, instead of over and over while it does."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect(0)


def _go_on(export: Export, done: int, total: int) -> None:
    with use(Scope.system()):
        if not Export.objects.filter(pk=export.pk, state__in=UNDER_WAY).update(
            state=ExportState.RUNNING, done=done, total=total
        ):
            raise _Stopped


def _finish(export: Export, part: Path, rows: int) -> None:
    """Give the file its name in the transaction that says it is ready, unless it was stopped meanwhile."""
    name, size = f"{export.pk}.xlsx", part.stat().st_size
    with use(Scope.system()):
        row = Export.objects.select_for_update().get(pk=export.pk)
        if not row.is_under_way:
            raise _Stopped
        row.state, row.path, row.size, row.finished_at = ExportState.READY, name, size, now()
        row.expires_at = row.finished_at + timedelta(hours=settings.EXPORT_KEPT_HOURS)
        row.done, row.searched = rows, None
        row.save()
        part.replace(_folder() / name)


def _folder() -> Path:
    folder = Path(settings.FILES_ROOT) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    return folder


# --- what the person does --------------------------------------------------------------------------------------


@transaction.atomic
def cancel(*, export_id: UUID, user: User) -> None:
    """Stop one of the person's own exports, or remove its file; what is over already is left."""
    row = _own(export_id, user)
    if row.is_under_way or row.state == ExportState.READY:
        _close(row, ExportState.CANCELLED)


@transaction.atomic
def fetch(*, export_id: UUID, user: User) -> tuple[Export, BinaryIO]:
    """Return one of the person's own files, open, and note in the journal who took what and why.

    Raises:
        Refused: it is not the person's, not ready, kept no longer, or the person's role or scope is another by now.
    """
    row = _own(export_id, user)
    if row.state == ExportState.READY and row.expires_at is not None and row.expires_at <= now():
        raise Refused("这份导出已过保留期，请重新导出。")
    if row.state != ExportState.READY:
        raise Refused("这份导出还没有可下载的文件。")
    pages = pages_named(row.page)
    if not pages.may(user, "export") or _scope_text(user) != row.scope:
        raise Refused("您的角色或管辖范围已变更，请重新导出。")
    handle = (_folder() / row.path).open("rb")
    note_export(user=user, pages=pages, rows=row.done, reason=row.reason, subject=row.subject)
    return row, handle


def _own(export_id: UUID, user: User) -> Export:
    row = Export.objects.select_for_update().filter(pk=export_id, user=user).first()
    if row is None:
        raise Refused("没有这份导出，或者它不是您提出的。")
    return row


def _close(row: Export, state: ExportState) -> None:
    """End an export; its file goes once that is certain."""
    path = row.path
    row.state, row.path, row.expires_at, row.searched = state, "", None, None
    row.finished_at = row.finished_at or now()
    row.save()
    if path:
        transaction.on_commit(lambda: (_folder() / path).unlink(missing_ok=True))


# --- sweeping --------------------------------------------------------------------------------------------------


def sweep(*, on: datetime, forget_after: timedelta = timedelta(days=30)) -> int:
    """Remove the files kept long enough, those that no row names, and old rows; return how many files went."""
    removed = 0
    with use(Scope.system()):
        for row in Export.objects.select_for_update(skip_locked=True).filter(
            state=ExportState.READY, expires_at__lte=on
        ):
            _close(row, ExportState.GONE)
            removed += 1
        Export.objects.filter(asked_at__lt=on - forget_after).exclude(state=ExportState.READY).delete()
        known = set(Export.objects.exclude(path="").values_list("path", flat=True))
        old = (on - timedelta(days=1)).timestamp()
        for file in _folder().iterdir():
            if file.name not in known and file.stat().st_mtime < old:
                file.unlink(missing_ok=True)
                removed += 1
    return removed
