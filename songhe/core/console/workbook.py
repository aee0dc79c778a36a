"""A spreadsheet written straight through: one sheet, row after row, in memory that does not grow with them.

XlsxWriter makes the workbook around the rows. The rows are written here, for a general writer spends on a cell what may
be spent on a whole row: each stands where it belongs as a text, a number or a day (ECMA-376 part 1, 18.3.1.4).
"""

import re
from collections.abc import Sequence
from datetime import date, datetime
from io import BytesIO
from math import isfinite
from types import TracebackType
from typing import IO, Self
from zipfile import ZIP_DEFLATED, ZipFile

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from songhe.core.console.display import Cell

TEXT_LIMIT = 32_767
FLUSH = 2_000
# How long the name of a sheet may be, and what it may not hold.
_TITLE_LIMIT = 31
_NOT_IN_TITLES = re.compile(r"[\[\]:*?/\\]")
_SHEET = "xl/worksheets/sheet1.xml"
# The day that a spreadsheet counts as 0. It counts those before 1 March 1900 wrongly: they are written as text.
_DAY_0 = date(1899, 12, 30).toordinal()
_FIRST_RIGHT = date(1900, 3, 1)
# What means something else in XML or to a spreadsheet, and what neither may hold.
_UNSAFE = re.compile(r"[&<>\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_x(?=[0-9A-Fa-f]{4}_)")
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "_x": "_x005F_x"}


class Workbook:
    """One sheet with a head that stays in view; ``money`` numbers the columns whose figures are sums of money.

    Every text is written as text: what begins with ``=``, ``+``, ``-`` or ``@`` never becomes a formula.
    """

    def __init__(self, target: IO[bytes], title: str, head: Sequence[str], *, money: frozenset[int]) -> None:
        before, self._after, (self._day, self._moment, yuan) = self._begun(target, title, head)
        self._places = [(xl_col_to_name(index), yuan if index in money else "") for index in range(len(head))]
        self._lines = [before]
        self.rows = 0

    def _begun(self, target: IO[bytes], title: str, head: Sequence[str]) -> tuple[str, str, list[str]]:
        """Write all but the sheet; return what stands before and after its rows, and the styles of what is no text."""
        mould = BytesIO()
        with xlsxwriter.Workbook(mould) as book:
            sheet = book.add_worksheet(_NOT_IN_TITLES.sub(" ", title)[:_TITLE_LIMIT])
            sheet.freeze_panes(1, 1)
            top = book.add_format({"bold": True, "bg_color": "#EEF2F6", "border": 1})
            for index, label in enumerate(head):
                sheet.set_column(index, index, max(12, len(label) * 2 + 4))
                sheet.write_string(0, index, label, top)
            for index, shape in enumerate(("yyyy-mm-dd", "yyyy-mm-dd hh:mm", "#,##0.00")):
                sheet.write_number(1, index, 0, book.add_format({"num_format": shape}))
        self._zip = ZipFile(target, "w", ZIP_DEFLATED, compresslevel=1)
        with ZipFile(mould) as made:
            for part in made.namelist():
                if part != _SHEET:
                    self._zip.writestr(part, made.read(part))
            text = made.read(_SHEET).decode()
        self._sheet = self._zip.open(_SHEET, "w", force_zip64=True)
        # How far the sheet reaches need not be said, and is not known yet.
        before, pattern, after = re.split(r'(<row r="2".*</row>)', re.sub(r"<dimension [^>]*/>", "", text))
        return before, after, re.findall(r' s="\d+"', pattern)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Finish the file; after an exception it holds only part of the rows, for the caller to throw away."""
        self._lines.append(self._after)
        self._flush()
        self._sheet.close()
        self._zip.close()

    def add(self, cells: Sequence[Cell]) -> None:
        """Write one row; None leaves a cell empty, what is too long for a cell is cut."""
        self.rows += 1
        number = self.rows + 1
        parts = [f'<row r="{number}">']
        for (letter, shape), value in zip(self._places, cells, strict=True):
            if type(value) is str:
                # Letters and digits alone mean nothing else to anybody; of a list's texts most are that.
                text = value if value.isalnum() and len(value) <= TEXT_LIMIT else _safe(value)
                parts.append(f'<c r="{letter}{number}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>')
            elif value is not None:
                parts.append(self._other(f"{letter}{number}", shape, value))
        parts.append("</row>")
        self._lines.append("".join(parts))
        if len(self._lines) >= FLUSH:
            self._flush()

    def _other(self, place: str, shape: str, value: Cell) -> str:
        if isinstance(value, datetime):
            if value.date() >= _FIRST_RIGHT:
                seconds = value.hour * 3600 + value.minute * 60 + value.second
                return f'<c r="{place}"{self._moment}><v>{value.toordinal() - _DAY_0 + seconds / 86_400}</v></c>'
        elif isinstance(value, date):
            if value >= _FIRST_RIGHT:
                return f'<c r="{place}"{self._day}><v>{value.toordinal() - _DAY_0}</v></c>'
        elif isinstance(value, int | float) and isfinite(value):
            return f'<c r="{place}"{shape}><v>{value}</v></c>'
        return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{_safe(str(value))}</t></is></c>'

    def _flush(self) -> None:
        self._sheet.write("".join(self._lines).encode())
        self._lines.clear()


def _safe(text: str) -> str:
    """Return a text as long as a cell may be, without what means something else there."""
    return _UNSAFE.sub(lambda found: _ESCAPED.get(found.group(), ""), text[:TEXT_LIMIT])
