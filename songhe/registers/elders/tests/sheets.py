"""Rolls as offices really send them, made here."""

import io

import xlsxwriter


def xlsx(rows, *, merged=(), sheet="Sheet1", before=()):
    """Return an xlsx of rows; ``merged`` are ``(top, left, bottom, right, text)``; ``before`` are sheets put first."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    for name, lines in before:
        _fill(book, book.add_worksheet(name), lines)
    target = book.add_worksheet(sheet)
    _fill(book, target, rows)
    for top, left, bottom, right, text in merged:
        target.merge_range(top, left, bottom, right, text)
    book.close()
    return buffer.getvalue()


def _fill(book, target, rows):
    day = book.add_format({"num_format": "yyyy/m/d"})
    for line, row in enumerate(rows):
        for column, value in enumerate(row):
            if hasattr(value, "year"):
                target.write_datetime(line, column, value, day)
            elif isinstance(value, int | float):
                target.write_number(line, column, value)
            elif value not in (None, ""):
                target.write_string(line, column, value)


def csv(rows, *, encoding="utf-8", delimiter=","):
    return "\r\n".join(delimiter.join(str(cell) for cell in row) for row in rows).encode(encoding)


def web_page(rows, *, encoding="gb18030"):
    """Return what many old systems call an .xls: a web page with a table."""
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<html><head><meta charset=gbk></head><body><table border=1>{lines}</table></body></html>".encode(encoding)
