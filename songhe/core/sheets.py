"""Reading a spreadsheet as offices send it: xlsx, xls, csv or a web page called .xls; all cells come out as text."""

import csv
import io
import re
import unicodedata
import zipfile
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from html.parser import HTMLParser
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum

from songhe.core.errors import Refused

LIMIT = 100 * 1024 * 1024
UNPACKED_LIMIT = 1024 * 1024 * 1024
ROW_LIMIT = 1_100_000
# Past this many digits a spreadsheet's number has lost its last ones.
EXACT = 10**15

Row = list[str]


@dataclass
class Sheet:
    """One sheet as text; row 1 of the file is ``rows[0]``. ``merged`` are (top, left, bottom, right), from 0."""

    name: str
    rows: list[Row]
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)


def read(data: bytes) -> list[Sheet]:
    """Return the visible sheets that hold anything; what the file is called does not matter.

    Raises Refused, in words, for what is empty, locked, broken or too large.
    """
    if not data.strip():
        raise Refused("文件是空的，请检查后重新上传。", field="file")
    if len(data) > LIMIT:
        raise Refused(f"文件超过 {LIMIT // 1024 // 1024} MB，请拆分后再上传。", field="file")
    if data[:4] == b"PK\x03\x04":
        _refuse_bomb(data)
        sheets = _workbook(data)
    elif data[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        sheets = _workbook(data)
    else:
        text = decode(data)
        sheets = [_web_page(text)] if re.match(r"\s*(<!DOCTYPE|<html|<table|<\?xml)", text, re.I) else [_csv(text)]
    sheets = [sheet for sheet in sheets if any(any(row) for row in sheet.rows)]
    if not sheets:
        raise Refused("文件里没有任何内容，请检查后重新上传。", field="file")
    if max(len(sheet.rows) for sheet in sheets) > ROW_LIMIT:
        raise Refused(f"一次最多导入 {ROW_LIMIT:,} 行，请拆分后再上传。", field="file")
    for sheet in sheets:
        _fill_merged(sheet)
    return sheets


def tidy(text: str) -> str:
    """Return a cell's text with full-width digits and letters folded and white space brought to single spaces."""
    if text.isascii() and text.isprintable() and " " not in text:
        return text
    return " ".join(unicodedata.normalize("NFKC", text).replace("\u200b", "").replace("\ufeff", "").split())


# --- workbooks ---


def _refuse_bomb(data: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            size = sum(info.file_size for info in package.infolist())
    except zipfile.BadZipFile as error:
        raise Refused("表格文件已损坏，请用 WPS 或 Excel 打开后另存一份再上传。", field="file") from error
    if size > UNPACKED_LIMIT:
        raise Refused("表格解开后太大，请拆分后再上传。", field="file")


def _workbook(data: bytes) -> list[Sheet]:
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        return [_sheet(book, meta.name) for meta in book.sheets_metadata if meta.visible == SheetVisibleEnum.Visible]
    except PasswordError as error:
        raise Refused("表格设有密码，请取消密码后再上传。", field="file") from error
    except (CalamineError, ValueError) as error:
        raise Refused("不是可以读取的表格，请用 WPS 或 Excel 打开后另存为 xlsx 再上传。", field="file") from error


def _sheet(book: CalamineWorkbook, name: str) -> Sheet:
    sheet = book.get_sheet_by_name(name)
    rows: list[list[Any]] = sheet.to_python(skip_empty_area=False)
    for at, row in enumerate(rows):
        # In their place: a million lines twice are half a gigabyte.
        rows[at] = _tidied([value if value.__class__ is str else _text(value) for value in row])
    merged = [(*start, *end) for start, end in sheet.merged_cell_ranges or []]
    return Sheet(name, rows, merged)


def _text(value: Any) -> str:
    match value:
        case bool():
            return "是" if value else "否"
        case int() | float() if abs(value) >= EXACT:
            return f"{value:.5E}"
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case datetime():
            return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
        case _:
            return str(value)


def _fill_merged(sheet: Sheet) -> None:
    """Give every cell of a merged block its text; blocks over a whole line are titles and stay as they are."""
    for top, left, bottom, right in sheet.merged:
        if top >= len(sheet.rows) or (right - left >= 5 and right - left + 1 >= len(sheet.rows[top]) - 1):
            continue
        text = sheet.rows[top][left] if left < len(sheet.rows[top]) else ""
        for line in sheet.rows[top : bottom + 1]:
            for column in range(left, min(right + 1, len(line))):
                line[column] = text


# --- text ---


def decode(data: bytes) -> str:
    """Return the text of bytes in UTF-8, UTF-16 or GB18030, whichever they are."""
    marked = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    for coding in ["utf-16"] if marked else ["utf-8-sig", "gb18030"]:
        try:
            text = data.decode(coding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise Refused("认不出文件的编码，请用 WPS 或 Excel 打开后另存为 xlsx 再上传。", field="file")


def _csv(text: str) -> Sheet:
    head = "\n".join(text.splitlines()[:20])
    delimiter = max(",\t;|，", key=head.count)
    try:
        rows = [_tidied(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)]
    except csv.Error as error:
        raise Refused(f"文本表格读到一半出错（{error}），请另存为 xlsx 再上传。", field="file") from error
    return Sheet("", rows)


def _tidied(row: Row) -> Row:
    """Return a line with all its cells tidied; most need nothing, which is seen of the line at once."""
    whole = "".join(row)
    if whole.isprintable() and " " not in whole and '="' not in whole and unicodedata.is_normalized("NFKC", whole):
        return row
    return [tidy(_unquoted(cell)) for cell in row]


def _unquoted(cell: str) -> str:
    """Return what a cell like ="340802…" holds, as text is kept from becoming a number."""
    return cell[2:-1] if cell.startswith('="') and cell.endswith('"') else cell


class _Tables(HTMLParser):
    """Collects the rows of a page's tables, with spans written out."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self.cell: list[str] | None = None
        self.across = 1
        self.down = 1
        self.waiting: dict[int, tuple[int, str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            said = dict(attrs)
            self.across = _span(said.get("colspan"))
            self.down = _span(said.get("rowspan"))
            self.cell = []
        elif tag == "br" and self.cell is not None:
            self.cell.append(" ")

    def handle_data(self, data: str) -> None:
        if self.cell is not None:
            self.cell.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "tr" and self.rows:
            self._from_above()
        if tag not in ("td", "th") or self.cell is None:
            return
        self._from_above()
        text = tidy("".join(self.cell))
        for _ in range(self.across):
            if self.down > 1:
                self.waiting[len(self.rows[-1])] = (self.down - 1, text)
            self.rows[-1].append(text)
        self.cell = None

    def _from_above(self) -> None:
        row = self.rows[-1]
        while len(row) in self.waiting:
            left, text = self.waiting.pop(len(row))
            if left > 1:
                self.waiting[len(row)] = (left - 1, text)
            row.append(text)


def _span(text: str | None) -> int:
    return min(max(int(text), 1), 200) if text and text.isdecimal() else 1


def _web_page(text: str) -> Sheet:
    parser = _Tables()
    parser.feed(text)
    return Sheet("", parser.rows)
