"""Taking a list out as a spreadsheet: for a stated reason, noted in the journal, in memory that does not grow."""

from datetime import date, datetime
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import xlsxwriter
from django.db.models import QuerySet

from songhe.core.console.display import Cell, Column, cells_of
from songhe.core.console.pages import Pages
from songhe.core.errors import Refused


def write_xlsx(pages: Pages, columns: list[Column], rows: QuerySet[Any]) -> tuple[Path, int]:
    """Write rows to a new temporary .xlsx and return its path and the number of rows; the caller removes it.

    Every text is written as text: what begins with ``=``, ``+``, ``-`` or ``@`` never becomes a formula.
    Raises Refused past the pages' limit.
    """
    with NamedTemporaryFile(prefix="songhe-", suffix=".xlsx", delete=False) as target:
        path = Path(target.name)
    book = xlsxwriter.Workbook(
        str(path),
        {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    )
    try:
        count = _fill(book, pages, columns, rows)
    except BaseException:
        path.unlink()
        raise
    book.close()
    return path, count


def _fill(book: Any, pages: Pages, columns: list[Column], rows: QuerySet[Any]) -> int:
    head = book.add_format({"bold": True, "bg_color": "#EEF2F6", "border": 1})
    formats = {
        "day": book.add_format({"num_format": "yyyy-mm-dd"}),
        "moment": book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
        "money": book.add_format({"num_format": "#,##0.00"}),
    }
    sheet = book.add_worksheet(pages.heading[:31])
    sheet.freeze_panes(1, 1)
    for index, column in enumerate(columns):
        label = pages.label(column) + ("（元）" if column.name.endswith("_fen") else "")
        sheet.set_column(index, index, max(12, len(label) * 2 + 4))
        sheet.write_string(0, index, label, head)
    number = 0
    ways = [
        (index, cells_of(pages.model, column), "money" if column.name.endswith("_fen") else "")
        for index, column in enumerate(columns)
    ]
    for number, row in enumerate(islice(rows.iterator(chunk_size=2000), pages.export_limit + 1), start=1):
        if number > pages.export_limit:
            raise Refused(f"一次最多导出 {pages.export_limit:,} 行，请先用筛选缩小范围。")
        for index, cell, form in ways:
            value = cell(row)
            if type(value) is str:
                sheet.write_string(number, index, value[:32767])
            elif value is not None:
                _write(sheet, number, index, value, formats, form)
    return number


def _write(sheet: Any, line: int, index: int, value: Cell, formats: dict[str, Any], form: str) -> None:
    match value:
        case datetime():
            sheet.write_datetime(line, index, value, formats["moment"])
        case date():
            sheet.write_datetime(line, index, datetime(value.year, value.month, value.day), formats["day"])  # noqa: DTZ001
        case int() | float():
            sheet.write_number(line, index, value, formats.get(form))
        case _:
            sheet.write_string(line, index, str(value)[:32767])
