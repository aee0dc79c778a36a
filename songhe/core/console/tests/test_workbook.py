"""The writer of spreadsheets: what two readers read is what was written."""

from datetime import date, datetime, time
from io import BytesIO

import openpyxl
import pytest
from python_calamine import CalamineWorkbook

from songhe.core.console.workbook import TEXT_LIMIT, Workbook

ROWS = [
    ["甲<乙>&丙", date(1931, 2, 28), 12.5, 7, datetime.combine(date(2026, 3, 1), time(8, 30))],
    [" 前后有空格 ", None, -0.01, 0, datetime.combine(date(2026, 12, 31), time(23, 59, 59))],
    ["=甲", date(1900, 3, 1), 1234567.89, 10**10, None],
    ["两\n行", None, None, 4.5, None],
]


def written(rows, title="老人/档案", money=frozenset({2})):
    into = BytesIO()
    with Workbook(into, title, ["姓名", "出生日期", "金额（元）", "次数", "时间"], money=money) as book:
        for row in rows:
            book.add(row)
    return into.getvalue()


def test_two_readers_read_what_was_written():
    data = written(ROWS)
    sheet = openpyxl.load_workbook(BytesIO(data)).active
    assert sheet.title == "老人 档案" and sheet.freeze_panes == "B2" and sheet["A1"].font.bold
    read = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    days = [row[1] and row[1].date() for row in read]
    assert days == [row[1] for row in ROWS]
    assert [[row[0], *row[2:]] for row in read] == [[row[0], *row[2:]] for row in ROWS]
    assert [sheet.cell(2, column).number_format for column in range(1, 6)] == [
        "General", "yyyy-mm-dd", "#,##0.00", "General", "yyyy-mm-dd hh:mm",
    ]  # fmt: skip
    other = CalamineWorkbook.from_filelike(BytesIO(data)).get_sheet_by_index(0).to_python()
    assert [row[0] for row in other[1:]] == [row[0] for row in ROWS]
    assert [row[1] or None for row in other[1:]] == days


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (date(1899, 12, 31), "1899-12-31"),
        (float("nan"), "nan"),
        ("\x01\ud800坏\x1f字", "坏字"),
        ("长" * (TEXT_LIMIT + 5), "长" * TEXT_LIMIT),
    ],
    ids=["before", "nan", "illegal", "long"],
)
def test_what_no_cell_can_hold_is_written_as_near_as_it_can_be(value, read):
    sheet = openpyxl.load_workbook(BytesIO(written([[value, None, None, None, None]]))).active
    assert sheet["A2"].value == read


def test_a_sheet_without_rows_opens():
    assert openpyxl.load_workbook(BytesIO(written([]))).active.max_row == 1
