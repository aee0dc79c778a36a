"""Reads of imports: counts, lines to show, and the wrong lines as a spreadsheet."""

import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import xlsxwriter
from django.db.models import Count

from songhe.core.crypto.sealing import mask
from songhe.registers.elders.importing import parts
from songhe.registers.elders.importing.columns import LABELS
from songhe.registers.elders.importing.judging import NEW, SKIP, WHO
from songhe.registers.elders.models import Elder, ImportBatch, ImportRow, LivingSituation, Rule, Verdict

SAMPLE = 6
KEPT = "kept"
"""The lines of an undone roll whose elders stayed, shown like those of a verdict."""


def counts(batch: ImportBatch) -> dict[str, int]:
    """Return how many lines of each verdict there are, all verdicts named; and how many were applied and undone."""
    found = dict(batch.rows.order_by().values_list("verdict").annotate(Count("id")))
    return {
        **{verdict: found.get(verdict, 0) for verdict in Verdict.values if verdict},
        "applied": batch.rows.filter(applied=True).count(),
        "undone": batch.rows.filter(undone=True).count(),
    }


def twin_of(batch: ImportBatch) -> ImportBatch | None:
    """Return the roll of the very same content that was applied before, if any."""
    same = ImportBatch.objects.filter(digest=batch.digest, applied_at__isnull=False, undone_at__isnull=True)
    return same.exclude(pk=batch.pk).order_by("-applied_at").first()


@dataclass(frozen=True)
class Column:
    """One column of a roll: its heading, what it was taken for, and some of what it holds (numbers masked)."""

    index: int
    head: str
    key: str
    samples: list[str]


def columns(batch: ImportBatch) -> list[Column]:
    """Return a roll's columns with samples, for the page that maps them."""
    lines = parts.first(batch)[:SAMPLE]
    return [
        Column(
            index,
            head or f"（第 {index + 1} 列，无列名）",
            batch.mapping.get(str(index), ""),
            [masked(line[index]) for line in lines if index < len(line) and line[index]][:3],
        )
        for index, head in enumerate(batch.head)
    ]


def masked(text: str) -> str:
    """Return a cell's text with the middle of long numbers hidden."""
    digits = sum(letter.isdigit() for letter in text)
    return mask(text, head=3, tail=4) if digits >= 9 else text


@dataclass(frozen=True)
class Option:
    """One answer to a question: its value, its words, and what speaks for it."""

    value: str
    label: str
    detail: str = ""
    elder: Elder | None = None


@dataclass(frozen=True)
class Question:
    """Something about a line that a person must decide."""

    key: str
    text: str
    options: list[Option]


@dataclass(frozen=True)
class Line:
    """A line of a roll for a page: what would change, from what to what, in words, and what is asked."""

    row: ImportRow
    changes: list[tuple[str, str, str]]
    questions: list[Question]


def lines(batch: ImportBatch, verdict: str, *, offset: int = 0, limit: int = 100) -> list[Line]:
    """Return lines of one verdict, or those ``KEPT`` when the roll was undone, in the roll's order."""
    of_verdict = batch.rows.filter(verdict=verdict)
    found = batch.rows.filter(applied=True, undone=False) if verdict == KEPT else of_verdict
    rows = list(found.order_by("number")[offset : offset + limit])
    meant = {row.elder_id for row in rows if (row.changes or row.asks) and row.elder_id}
    meant |= {UUID(one["elder"]) for row in rows for one in row.candidates}
    known = Elder.objects.select_related("area").in_bulk(meant)
    said = parts.values_of([row for row in rows if row.changes or row.asks])
    return [
        Line(
            row,
            _changes(row, known.get(row.elder_id), said.get(row.number, {})),
            _questions(batch, row, known, said.get(row.number, {})),
        )
        for row in rows
    ]


def _questions(batch: ImportBatch, row: ImportRow, known: dict[UUID, Elder], values: dict[str, Any]) -> list[Question]:
    if row.verdict != Verdict.CONFLICT or batch.applied_at is not None:
        return []
    found = []
    for key in row.asks:
        if key == WHO:
            found.append(Question(key, "这一行是谁？", _people(row, known)))
            continue
        elder = known.get(row.elder_id) if row.elder_id else None
        old, new = getattr(elder, key, ""), values.get(key, "")
        options = [
            Option(Rule.TAKE, f"以名册为准：{_written(key, new)}"),
            Option(Rule.KEEP, f"以档案为准：{_written(key, old)}"),
        ]
        found.append(Question(key, f"{LABELS[key]}不一致", options))
    return found


def _people(row: ImportRow, known: dict[UUID, Elder]) -> list[Option]:
    options = []
    for one in row.candidates:
        elder = known.get(UUID(one["elder"]))
        if elder is None:
            continue
        chance = "" if one["chance"] is None else f"（相符程度 {one['chance']:.0%}）"
        said = f"{elder.name}，{elder.birth_date}，{elder.area.name}，{elder.id_number_masked or '无证件号'}{chance}"
        options.append(Option(str(elder.pk), f"就是{elder.name}", f"{said}：{'、'.join(one['reasons'])}", elder))
    if row.number_index is None or not any(one["chance"] is None for one in row.candidates):
        options.append(Option(NEW, "是另一个人，新建档案"))
    return [*options, Option(SKIP, "这一行不导入")]


def asked(batch: ImportBatch) -> list[tuple[str, str, int]]:
    """Return which fields are in question on how many lines: key, name, count; whose a line is, is asked one by one."""
    asks = batch.rows.filter(verdict=Verdict.CONFLICT).values_list("asks", flat=True)
    found = Counter(key for keys in asks for key in keys if key != WHO)
    return [(key, LABELS[key], count) for key, count in found.most_common()]


def _changes(row: ImportRow, elder: Any, values: dict[str, Any]) -> list[tuple[str, str, str]]:
    if not row.changes:
        return []
    before = json.loads(row.before) if row.before else {}
    found = []
    for key in row.changes:
        if key == "difficulties":
            found.append((LABELS[key], "", "新增认定"))
        elif key == "id_number":
            found.append((LABELS[key], "（空）", masked(str(values["id_number"]))))
        elif key == "contact_phone":
            found.append(("联系人", "", str(values["contact"]["name"])))
        else:
            old = before.get(key, getattr(elder, key, "") if elder is not None else "")
            found.append((LABELS[key], _written(key, old), _written(key, values.get(key, ""))))
    return found


def _written(key: str, value: str) -> str:
    if key == "living_situation":
        return str(dict(LivingSituation.choices).get(value, value))
    return masked(value) or "（空）"


def wrong_lines(batch: ImportBatch) -> Iterator[tuple[ImportRow, list[str]]]:
    """Yield the wrong lines with their cells as they came."""
    wrong, last = batch.rows.filter(verdict=Verdict.WRONG).order_by("number"), -1
    while rows := list(wrong.filter(number__gt=last)[:1000]):
        last = rows[-1].number
        cells = parts.cells_of(rows)
        yield from ((row, cells[row.number]) for row in rows)


def complaint(row: ImportRow) -> str:
    """Return all that is wrong with a line in one text: column, what is wrong, what to do."""
    return "；".join(
        f"【{error['column']}】{error['wrong']}{'。' + error['todo'] if error['todo'] else ''}" for error in row.errors
    )


def wrong_xlsx(batch: ImportBatch) -> tuple[bytes, int]:
    """Return the wrong lines as a spreadsheet with the reason in a first column, to be corrected and sent again."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(
        buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    sheet = book.add_worksheet("需要更正的行")
    bold, red = book.add_format({"bold": True}), book.add_format({"font_color": "#B02A37", "text_wrap": True})
    text = book.add_format({"num_format": "@"})
    sheet.set_column(0, 0, 60)
    sheet.set_column(1, 1, 8)
    sheet.set_column(2, len(batch.head) + 1, 18, text)
    sheet.freeze_panes(1, 2)
    for index, head in enumerate(["错误原因", "原行号", *batch.head]):
        sheet.write_string(0, index, head, bold)
    count = 0
    for count, (row, cells) in enumerate(wrong_lines(batch), start=1):
        sheet.write_string(count, 0, complaint(row), red)
        sheet.write_number(count, 1, row.number)
        for index, cell in enumerate(cells):
            sheet.write_string(count, index + 2, cell[:32767], text)
    book.close()
    return buffer.getvalue(), count
