"""A spreadsheet written straight through: one sheet, row after row, in memory that does not grow with them."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from types import TracebackType
from typing import IO, Any, Self

import xlsxwriter

from songhe.core.console.display import Cell

TEXT_LIMIT = 32_767
# How long the name of a sheet may be, and what it may not hold.
_TITLE_LIMIT = 31
_NOT_IN_TITLES = re.compile(r"[\[\]:*?/\\]")
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


class Workbook:
    """One sheet with a head that stays in view; ``money`` numbers the columns whose figures are sums of money.

    Every text is written as text: what begins with ``=``, ``+``, ``-`` or ``@`` never becomes a formula.
    """

    def __init__(self, target: IO[bytes], title: str, head: Sequence[str], *, money: frozenset[int]) -> None:
        self._book = xlsxwriter.Workbook(target, _OPTIONS)
        self._day = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._moment = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        self._money = self._book.add_format({"num_format": "#,##0.00"})
        self._sums = money
        self._sheet = self._book.add_worksheet(_NOT_IN_TITLES.sub(" ", title)[:_TITLE_LIMIT])
        self._sheet.freeze_panes(1, 1)
        top = self._book.add_format({"bold": True, "bg_color": "#EEF2F6", "border": 1})
        for index, label in enumerate(head):
            self._sheet.set_column(index, index, max(12, len(label) * 2 + 4))
            self._sheet.write_string(0, index, label, top)
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Finish the file; after an exception it holds only part of the rows, for the caller to throw away."""
        self._book.close()

    def add(self, cells: Sequence[Cell]) -> None:
        """Write one row; None leaves a cell empty, what is too long for a cell is cut."""
        self.rows += 1
        for index, value in enumerate(cells):
            if type(value) is str:
                self._sheet.write_string(self.rows, index, value[:TEXT_LIMIT])
            elif value is not None:
                self._write(index, value)

    def _write(self, index: int, value: Any) -> None:
        match value:
            case datetime():
                self._sheet.write_datetime(self.rows, index, value, self._moment)
            case date():
                midnight = datetime(value.year, value.month, value.day)  # noqa: DTZ001
                self._sheet.write_datetime(self.rows, index, midnight, self._day)
            case int() | float():
                self._sheet.write_number(self.rows, index, value, self._money if index in self._sums else None)
            case _:
                self._sheet.write_string(self.rows, index, str(value)[:TEXT_LIMIT])
