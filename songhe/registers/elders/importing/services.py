"""A roll's way in: staged, mapped, looked over, applied in one transaction, and undone if need be."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.calendar.services import now, today
from songhe.core.crypto.sealing import sealer
from songhe.core.errors import Refused
from songhe.core.events.services import publish
from songhe.core.locks import locked
from songhe.core.saving import save
from songhe.core.scope.services import Scope, use
from songhe.core.sheets import Sheet, read
from songhe.registers.elders.events import RollApplied, RollUndone
from songhe.registers.elders.importing import bulk, entering, parts, standing, undoing
from songhe.registers.elders.importing.checking import Checker, Places
from songhe.registers.elders.importing.columns import LABELS, NEEDED, Head, find_head, fold, suggest
from songhe.registers.elders.importing.judging import JUDGED, NEW, SKIP, WHO, Desk, Line, dump, judge
from songhe.registers.elders.models import ImportBatch, ImportRow, ImportSource, Rule, Verdict

CHUNK = 5000
KEPT = timedelta(days=90)
"""How long a roll's lines are kept for undoing it."""

MAY_BE_WRITTEN = frozenset({Verdict.NEW, Verdict.CHANGED, Verdict.CONFLICT})


# --- handing in -------------------------------------------------------------------------------------------------


@transaction.atomic
def stage(
    *,
    data: bytes,
    file_name: str,
    area: Area,
    source: str,
    default_area: Area | None = None,
    as_of: date | None = None,
    user: User | None = None,
) -> ImportBatch:
    """Read a roll, true on ``as_of``, and keep its lines, sealed, for looking over; the file itself is not kept.

    ``area`` is the importer's own. Columns are mapped as the ``source`` was mapped before, then by their headings.

    Raises:
        Refused: the file cannot be read, or no line in it looks like a head.
    """
    sheet, head = _best_sheet(read(data))
    office, _made = ImportSource.objects.get_or_create(area=area, name=source.strip() or "未注明来源")
    mapping = suggest(head.names, office.mapping)
    checker = Checker(head=list(head.names), mapping=mapping, places=Places([]), default_area=None)
    batch = ImportBatch(
        source=office,
        area=area,
        default_area=default_area,
        as_of=as_of or today(),
        file_name=file_name[-200:],
        digest=hashlib.sha256(data).hexdigest(),
        sheet=sheet.name[:100],
        head=list(head.names),
        mapping={str(column): key for column, key in mapping.items()},
        uploaded_by=user,
    )
    body = sheet.rows[head.first :]
    lines = [(number, cells) for number, cells in enumerate(body, start=head.first + 1) if checker.is_row(cells)]
    if not lines:
        raise Refused("表头下面没有数据行，请检查后重新上传。", field="file")
    batch.rows_read, batch.rows_skipped = len(lines), len(body) - len(lines)
    save(batch)
    parts.keep(batch, lines)
    return batch


def _best_sheet(sheets: list[Sheet]) -> tuple[Sheet, Head]:
    found = [(sheet, head) for sheet in sheets if (head := find_head(sheet)) is not None]
    if not found:
        raise Refused("没有找到表头：前 20 行里应有一行写明“姓名”“身份证号”等列名。", field="file")
    return max(found, key=lambda pair: (len(suggest(pair[1].names)), len(pair[0].rows)))


@transaction.atomic
def map_columns(*, batch_id: UUID, mapping: dict[int, str], version: int | None = None) -> ImportBatch:
    """Say which column (from 0) is what; remembered for the source's next roll. A look-over done before is void.

    Raises:
        Refused: name or number is missing, something is taken from two columns, or the roll is applied already.
    """
    batch = _open(batch_id, version)
    used = list(mapping.values())
    if unknown := set(used) - set(LABELS):
        raise Refused(f"没有“{'、'.join(sorted(unknown))}”这一项。")
    if twice := sorted({LABELS[key] for key in used if used.count(key) > 1}):
        raise Refused(f"“{'、'.join(twice)}”选了不止一列，每一项只能对应一列。")
    if missing := ["”或“".join(LABELS[key] for key in keys) for keys in NEEDED if set(keys).isdisjoint(used)]:
        raise Refused(f"还没有指定“{'”、“'.join(missing)}”对应哪一列。")
    if batch.source.adds_people and {"area", "area_code"}.isdisjoint(used) and batch.default_area_id is None:
        raise Refused("名册没有社区或区划代码列，请先为这份名册选定默认社区。", field="default_area")
    batch.mapping = {str(column): key for column, key in sorted(mapping.items())}
    batch.previewed_at = None
    save(batch)
    source = batch.source
    told = {fold(batch.head[column]): key for column, key in mapping.items() if fold(batch.head[column])}
    left_out = {fold(name): "" for column, name in enumerate(batch.head) if fold(name) and column not in mapping}
    if source.mapping != (merged := {**source.mapping, **left_out, **told}):
        source.mapping = merged
        save(source)
    return batch


@transaction.atomic
def set_default_area(*, batch_id: UUID, area: Area | None, version: int | None = None) -> ImportBatch:
    """Say which community takes the lines that name none; a look-over done before is void."""
    batch = _open(batch_id, version)
    if area is not None and area.level != Area.Level.VILLAGE:
        raise Refused(f"“{area.name}”不是社区或村，请选到最末一级。", field="default_area")
    batch.default_area, batch.previewed_at = area, None
    return save(batch)


def _open(batch_id: UUID, version: int | None = None) -> ImportBatch:
    batch = locked(ImportBatch.objects.filter(pk=batch_id), version=version)
    if batch.applied_at is not None:
        raise Refused(f"这份名册已于 {batch.applied_at:%Y-%m-%d %H:%M} 导入，不能再改。")
    return batch


# --- looking over -----------------------------------------------------------------------------------------------


@transaction.atomic
def look_over(*, batch_id: UUID) -> ImportBatch:
    """Judge every line against the register as it is now; writes nothing to it. Decisions made before still count.

    Raises:
        Refused: a column is missing, or the roll was handed in when lines were not yet kept in parts.
    """
    batch = _open(batch_id)
    if not batch.parts.exists():
        raise Refused("这份名册是系统升级前上传的，请重新上传。")
    checker, desk = _checker(batch), Desk(batch)
    decided = {
        number: (pk, answers, by)
        for pk, number, answers, by in batch.rows.exclude(answers={}).values_list(
            "pk", "number", "answers", "decided_by"
        )
    }
    batch.rows.all().delete()
    for some in parts.each(batch):
        lines = [
            [(Line(number, *decided.get(number, ())), checker.judge(cells)) for number, cells in part.lines]
            for part in some
        ]
        judge(desk, [pair for of_part in lines for pair in of_part])
        # The rows of a batch that was taken under the importer's own scope: no need to ask for each whose it is.
        with use(Scope.system()):
            bulk.insert_values(
                ImportRow, LOOKED_OVER, (_looked_over(line) for of_part in lines for line, _said in of_part),
                batch=batch.pk,
            )  # fmt: skip
            parts.note_read(
                (part.pk, [(line.number, line.values) for line, _said in of_part if line.verdict in MAY_BE_WRITTEN])
                for part, of_part in zip(some, lines, strict=True)
            )
    batch.previewed_at, batch.refusal = now(), ""
    return save(batch)


LOOKED_OVER = ("id", "number", "answers", "decided_by", *(name for name in JUDGED if name != "values"))


def _looked_over(line: Line) -> tuple[Any, ...]:
    """Return what was found about a line, as ``LOOKED_OVER`` names it."""
    return (
        line.pk, line.number, dump(line.answers), line.decided_by, line.number_index, line.name, line.verdict,
        line.said_on, dump(line.asks), dump(line.candidates), dump(line.errors), dump(line.notes),
        dump(line.changes), line.elder_id, line.elder_version,
    )  # fmt: skip


def _checker(batch: ImportBatch) -> Checker:
    mapping = {int(column): key for column, key in batch.mapping.items()}
    if any(set(keys).isdisjoint(mapping.values()) for keys in NEEDED):
        raise Refused("请先确认每一列的对应关系。")
    return Checker(
        head=batch.head,
        mapping=mapping,
        places=Places.of(batch.area),
        default_area=batch.default_area,
        kinds=batch.source.kinds,
        needs_area=batch.source.adds_people,
        as_of=batch.as_of,
    )


@transaction.atomic
def decide(*, row_id: UUID, answers: dict[str, str], user: User | None = None) -> ImportRow:
    """Answer what a line asks, and judge it anew.

    ``answers`` says by field ``take`` (the roll is right) or ``keep``, and under ``who`` an elder's id, ``new`` or
    ``skip``.

    Raises:
        Refused: the roll is applied already, or the answer is none of those offered.
    """
    row = ImportRow.objects.select_related("batch__source").get(pk=row_id)
    batch = _open(row.batch_id)
    row = locked(ImportRow.objects.filter(pk=row_id))
    offered = {one["elder"] for one in row.candidates} | {NEW, SKIP}
    for key, answer in answers.items():
        if answer not in (offered if key == WHO else {Rule.TAKE, Rule.KEEP}):
            raise Refused("没有这个选项，请刷新页面后重新选择。")
    row.answers, row.decided_by = {**row.answers, **answers}, user
    desk, line = Desk(batch), Line(row.number, row.pk, row.answers)
    said = _checker(batch).judge(parts.cells_of([row])[row.number])
    if number := said.values.get("id_number"):
        index = desk.sealer.index(number, purpose="id_number_index")
        first = batch.rows.filter(number_index=index).exclude(verdict=Verdict.LEFT).order_by("number").first()
        desk.seen[index] = min(first.number, row.number) if first else row.number
    judge(desk, [(line, said)])
    line.write_to(row)
    row.save()
    return row


@transaction.atomic
def decide_all(*, batch_id: UUID, field: str, answer: str, user: User | None = None) -> int:
    """Answer one question the same way for every line that asks it; return how many lines that were."""
    batch = _open(batch_id)
    if answer not in ((NEW, SKIP) if field == WHO else (Rule.TAKE, Rule.KEEP)):
        raise Refused("没有这个选项。")
    rows = batch.rows.filter(verdict=Verdict.CONFLICT, asks__contains=[field]).values_list("pk", flat=True)
    pks = list(rows)
    for pk in pks:
        decide(row_id=pk, answers={field: answer}, user=user)
    return len(pks)


# --- applying ---------------------------------------------------------------------------------------------------


@transaction.atomic
def apply(*, batch_id: UUID, user: User | None = None, version: int | None = None) -> ImportBatch:
    """Write the new and changed lines to the register, all in one transaction; wrong and undecided ones stay out.

    A line whose elder was changed or entered by somebody since the look-over is set aside as wrong.

    Raises:
        Refused: not looked over yet, applied already, or somebody entered one of the numbers at this very moment.
    """
    batch = _open(batch_id, version)
    if batch.previewed_at is None:
        raise Refused("请先核对名册，再导入。")
    # One roll of a source at a time: who stands on it follows from the order of its rolls.
    locked(ImportSource.objects.filter(pk=batch.source_id))
    standing.refuse_out_of_order(batch)
    try:
        with transaction.atomic():
            desk = entering.Desk(batch, sealer())
            for rows in _rows(batch, entering.READ, verdict__in=[Verdict.NEW, Verdict.CHANGED]):
                desk.enter(desk.read(rows, parts.read(batch, [row[0] for row in rows])))
            standing.enter(batch)
    except IntegrityError as error:
        raise Refused("导入期间名册里的老人被他人登记或修改，本次没有写入任何内容，请重新核对后再导入。") from error
    batch.applied_at, batch.applied_by, batch.refusal = now(), user, ""
    save(batch)
    publish(RollApplied(batch_id=batch.pk))
    return batch


# --- undoing ----------------------------------------------------------------------------------------------------


@transaction.atomic
def undo(*, batch_id: UUID, user: User | None = None, version: int | None = None) -> ImportBatch:
    """Take back what a roll wrote: elders it entered go, what it changed is as before.

    Elders that somebody has worked on since, or on whom anything hangs that the roll did not make (another source's
    standing, a finding, a visit), stay; their lines are not marked ``undone`` and note why.
    """
    batch = locked(ImportBatch.objects.filter(pk=batch_id), version=version)
    if batch.applied_at is None:
        raise Refused("这份名册还没有导入，无需撤销。")
    if batch.undone_at is not None:
        raise Refused(f"这次导入已于 {batch.undone_at:%Y-%m-%d %H:%M} 撤销。")
    if batch.purged_on is not None:
        raise Refused(f"明细已于 {batch.purged_on} 按保存期限清除，不能再撤销。")
    locked(ImportSource.objects.filter(pk=batch.source_id))
    standing.refuse_not_latest(batch)
    standing.take_back(batch)
    keys = sealer()
    with use(Scope.system()):
        for rows in _rows(batch, undoing.READ, applied=True):
            undoing.take_back(rows, keys)
    batch.undone_at, batch.undone_by, batch.refusal = now(), user, ""
    save(batch)
    publish(RollUndone(batch_id=batch.pk))
    return batch


@transaction.atomic
def purge(*, before: date) -> int:
    """Remove the lines of rolls handed in before a day; return how many rolls. Afterwards they cannot be undone."""
    stale = ImportBatch.objects.filter(created_at__date__lt=before, purged_on__isnull=True)
    count = 0
    for batch in stale.iterator():
        batch.rows.all().delete()
        batch.parts.all().delete()
        batch.purged_on = today()
        save(batch)
        count += 1
    return count


# --- small things -----------------------------------------------------------------------------------------------


def _rows(batch: ImportBatch, names: Sequence[str], **kept: Any) -> Iterator[list[tuple[Any, ...]]]:
    """Yield columns of the batch's lines in order, a chunk at a time; lines changed meanwhile do not come twice."""
    last = 0
    lines = batch.rows.order_by("number").values_list("number", *names)
    while rows := list(lines.filter(number__gt=last, **kept)[:CHUNK]):
        last = rows[-1][0]
        yield [row[1:] for row in rows]
