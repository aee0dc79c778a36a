"""Taking a list in from a spreadsheet: every row is tried before any is written, and all are written or none.

A room says which columns there are and what one row does (``Pages.sheet``). Nothing is kept between the trial and the
writing: the browser still holds the file and sends it again, and its digest shows that it is the same one.
"""

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import xlsxwriter
from django.db import transaction

from songhe.core.accounts.models import User
from songhe.core.console.calling import call
from songhe.core.errors import Refused
from songhe.core.sheets import read, tidy

ROW_LIMIT = 5_000
HEAD_WITHIN = 10
SHOWN = 200


@dataclass(frozen=True)
class SheetColumn:
    """A column a list may bring: the name ``row`` gets it under, its heading, and how others head it."""

    key: str
    label: str
    heads: tuple[str, ...] = ()
    required: bool = False
    example: str = ""


@dataclass(frozen=True)
class SheetImport:
    """How a list comes in.

    ``row(user=…, <key>=text, …)`` writes one row and returns ``new``, ``changed`` or ``same``; all values are text,
    empty where the cell or column is missing. A Refused whose ``field`` is a column's key is shown at that cell.
    """

    columns: Sequence[SheetColumn]
    row: Callable[..., str]
    explain: str = ""
    permission: str = "edit"


@dataclass(frozen=True)
class Fault:
    """What is wrong in a row of the file (as numbered there) and in which column."""

    line: int
    column: str
    message: str


@dataclass
class Trial:
    """What came, or would come, of a list."""

    digest: str
    counts: dict[str, int] = field(default_factory=lambda: {"new": 0, "changed": 0, "same": 0})
    faults: list[Fault] = field(default_factory=list)
    applied: bool = False

    @property
    def rows(self) -> int:
        """How many rows were read without fault."""
        return sum(self.counts.values())

    @property
    def shown_faults(self) -> list[Fault]:
        """The faults a page has room for."""
        return self.faults[:SHOWN]


class _Undone(Exception):
    """Only a trial: what it wrote is not to stay."""


def take_in(sheet: SheetImport, data: bytes, *, user: User, confirmed: str = "") -> Trial:
    """Try a file's rows; write them only if ``confirmed`` is this file's digest and no row is wrong.

    Raises:
        Refused: the file cannot be read, has no such head or too many rows, or is not the one that was tried.
    """
    trial = Trial(hashlib.sha256(data).hexdigest())
    if confirmed and confirmed != trial.digest:
        raise Refused("文件与刚才核对的不是同一份，请重新核对。", field="file")
    rows = _rows(sheet, data)
    try:
        with transaction.atomic():
            for line, values in rows:
                _one(sheet, trial, line, values, user)
            if trial.faults or not confirmed:
                raise _Undone
    except _Undone:
        return trial
    trial.applied = True
    return trial


def _one(sheet: SheetImport, trial: Trial, line: int, values: dict[str, str], user: User) -> None:
    labels = {column.key: column.label for column in sheet.columns}
    missing = [column for column in sheet.columns if column.required and not values[column.key]]
    if missing:
        trial.faults += [Fault(line, column.label, "没有填写") for column in missing]
        return
    try:
        with transaction.atomic():
            trial.counts[call(sheet.row, values, user=user)] += 1
    except Refused as error:
        trial.faults.append(Fault(line, labels.get(error.field or "", ""), error.message))


def _rows(sheet: SheetImport, data: bytes) -> list[tuple[int, dict[str, str]]]:
    """Return the file's rows by their number there, with the text under each known heading."""
    for found in read(data):
        head = _head(sheet, found.rows)
        if head is None:
            continue
        top, where = head
        rows = [
            (number, {key: _cell(row, where.get(key)) for key in (column.key for column in sheet.columns)})
            for number, row in enumerate(found.rows[top + 1 :], start=top + 2)
            if any(row)
        ]
        if len(rows) > ROW_LIMIT:
            raise Refused(f"一次最多导入 {ROW_LIMIT:,} 行，请拆分后再上传。", field="file")
        if not rows:
            raise Refused("表头下面没有任何内容。", field="file")
        return rows
    needed = "、".join(column.label for column in sheet.columns if column.required)
    raise Refused(f"没有找到表头。前 {HEAD_WITHIN} 行里应有一行写着：{needed}。", field="file")


def _head(sheet: SheetImport, rows: list[list[str]]) -> tuple[int, dict[str, int]] | None:
    known = {_fold(head): column.key for column in sheet.columns for head in (column.label, *column.heads)}
    needed = {column.key for column in sheet.columns if column.required}
    for number, row in enumerate(rows[:HEAD_WITHIN]):
        where: dict[str, int] = {}
        for index, text in enumerate(row):
            if (key := known.get(_fold(text))) is not None:
                where.setdefault(key, index)
        if needed <= set(where):
            return number, where
    return None


def _fold(head: str) -> str:
    return "".join(letter for letter in tidy(head) if letter.isalnum())


def _cell(row: list[str], index: int | None) -> str:
    return row[index].strip() if index is not None and index < len(row) else ""


def template(sheet: SheetImport, title: str) -> bytes:
    """Return an empty spreadsheet with the list's head and one example row."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_numbers": False, "strings_to_formulas": False})
    page = book.add_worksheet(title[:31])
    bold = book.add_format({"bold": True, "bg_color": "#EEF2F6", "border": 1})
    as_text = book.add_format({"num_format": "@"})
    for index, column in enumerate(sheet.columns):
        # Long numbers typed into a text column keep all their digits.
        page.set_column(index, index, max(14, len(column.label) * 2 + 4), as_text)
        page.write_string(0, index, column.label, bold)
        page.write_string(1, index, column.example, as_text)
    page.freeze_panes(1, 0)
    book.close()
    return out.getvalue()


def context_of(sheet: SheetImport) -> dict[str, Any]:
    """Return what the page says of the columns."""
    return {"sheet": sheet, "sheet_columns": list(sheet.columns)}
