"""A spreadsheet written straight through: one sheet, row after row, in memory that does not grow with them.

A cell is written where it stands (as an inline text, a number or a day), so nothing is looked up, kept or sorted; the
general writers spend most of their time on just that. Office Open XML, ECMA-376 part 1, 18.3.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime
from math import isfinite
from types import TracebackType
from typing import IO, Self
from zipfile import ZIP_DEFLATED, ZipFile

from songhe.core.console.display import Cell

TEXT_LIMIT = 32_767
FLUSH = 4_000
# What a spreadsheet counts as its day 0; days before 1 March 1900 it counts wrongly, so they are written as text.
_DAY_0 = date(1899, 12, 30).toordinal()
_FIRST_RIGHT = date(1900, 3, 1)
_PLAIN, _HEAD, _DAY, _MOMENT, _MONEY = range(5)

_UNSAFE = re.compile(r"[&<>\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_x(?=[0-9A-Fa-f]{4}_)")
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "_x": "_x005F_x"}

_HEADER = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKED = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKED}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_KIND}.worksheet+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_KIND}.styles+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKED}/relationships">'
    f'<Relationship Id="rId1" Type="{_LINKS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKED}/relationships">'
    f'<Relationship Id="rId1" Type="{_LINKS}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_LINKS}/styles" Target="styles.xml"/></Relationships>',
    "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}">'
    '<numFmts count="3"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm"/><numFmt numFmtId="166" formatCode="#,##0.00"/>'
    "</numFmts>"
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '<fill><patternFill patternType="solid"><fgColor rgb="FFEEF2F6"/><bgColor indexed="64"/></patternFill></fill>'
    "</fills>"
    '<borders count="2"><border><left/><right/><top/><bottom/><diagonal/></border>'
    '<border><left style="thin"/><right style="thin"/><top style="thin"/><bottom style="thin"/><diagonal/></border>'
    "</borders>"
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="5"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" fillId="2" borderId="1" xfId="0" applyFont="1" applyFill="1" applyBorder="1"/>'
    + "".join(
        f'<xf numFmtId="{number}" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
        for number in (164, 165, 166)
    )
    + '</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
}


def escaped(text: str) -> str:
    """Return a text as it stands in the file; what no XML may hold is left out, what is too long for a cell is cut."""
    text = text[:TEXT_LIMIT]
    return _UNSAFE.sub(lambda found: _ESCAPED.get(found.group(), ""), text) if _UNSAFE.search(text) else text


class Workbook:
    """One sheet with a head that stays in view; ``money`` numbers the columns whose figures are sums of money.

    Every text is written as text: what begins with ``=``, ``+``, ``-`` or ``@`` never becomes a formula.
    """

    def __init__(self, target: IO[bytes], title: str, head: Sequence[str], *, money: frozenset[int]) -> None:
        self._zip = ZipFile(target, "w", ZIP_DEFLATED, compresslevel=1)
        name = escaped(re.sub(r"[\[\]:*?/\\]", " ", title)[:31]).replace('"', "&quot;")
        for part, body in _PARTS.items():
            self._zip.writestr(part, _HEADER + body)
        self._zip.writestr(
            "xl/workbook.xml",
            f'{_HEADER}<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}"><sheets>'
            f'<sheet name="{name}" sheetId="1" r:id="rId1"/></sheets></workbook>',
        )
        self._sheet = self._zip.open("xl/worksheets/sheet1.xml", "w", force_zip64=True)
        self._letters = [_letters(index) for index in range(len(head))]
        self._styles = [_MONEY if index in money else _PLAIN for index in range(len(head))]
        self._lines: list[str] = [
            f'{_HEADER}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
            '<pane xSplit="1" ySplit="1" topLeftCell="B2" activePane="bottomRight" state="frozen"/>'
            "</sheetView></sheetViews><cols>",
            *(
                f'<col min="{number}" max="{number}" width="{max(12, len(label) * 2 + 4)}" customWidth="1"/>'
                for number, label in enumerate(head, start=1)
            ),
            '</cols><sheetData><row r="1">',
            *(
                f'<c r="{letters}1" s="{_HEAD}" t="inlineStr"><is><t>{escaped(label)}</t></is></c>'
                for letters, label in zip(self._letters, head, strict=True)
            ),
            "</row>",
        ]
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Finish the file; after an exception it holds only part of the rows, for the caller to throw away."""
        if kind is None:
            self._lines.append("</sheetData></worksheet>")
            self._flush()
        self._sheet.close()
        self._zip.close()

    def add(self, cells: Sequence[Cell]) -> None:
        """Write one row; None leaves a cell empty."""
        self.rows += 1
        number = self.rows + 1
        parts = [f'<row r="{number}">']
        for letters, value, style in zip(self._letters, cells, self._styles, strict=True):
            if type(value) is str:
                text = escaped(value)
                parts.append(f'<c r="{letters}{number}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>')
            elif value is not None:
                parts.append(_other(f"{letters}{number}", value, style))
        parts.append("</row>")
        self._lines.append("".join(parts))
        if len(self._lines) >= FLUSH:
            self._flush()

    def _flush(self) -> None:
        self._sheet.write("".join(self._lines).encode())
        self._lines.clear()


def _other(place: str, value: Cell, style: int) -> str:
    if isinstance(value, date) and value.year >= _FIRST_RIGHT.year:
        whole = value.toordinal() - _DAY_0
        if isinstance(value, datetime):
            part = (value.hour * 3600 + value.minute * 60 + value.second) / 86_400
            return f'<c r="{place}" s="{_MOMENT}"><v>{whole + part!r}</v></c>'
        if value >= _FIRST_RIGHT:
            return f'<c r="{place}" s="{_DAY}"><v>{whole}</v></c>'
    elif isinstance(value, int | float) and isfinite(value):
        return f'<c r="{place}" s="{style}"><v>{value!r}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escaped(str(value))}</t></is></c>'


def _letters(index: int) -> str:
    name = ""
    while index >= 0:
        name = chr(ord("A") + index % 26) + name
        index = index // 26 - 1
    return name
