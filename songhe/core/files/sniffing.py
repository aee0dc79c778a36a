"""What a file is, told from its bytes; its name is not believed."""

import zipfile
from io import BytesIO

JPEG, PNG, WEBP = "image/jpeg", "image/png", "image/webp"
PDF = "application/pdf"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv"

IMAGES = {JPEG: "JPEG", PNG: "PNG", WEBP: "WEBP"}
SUFFIXES = {JPEG: ".jpg", PNG: ".png", WEBP: ".webp", PDF: ".pdf", XLSX: ".xlsx", CSV: ".csv"}

# A workbook that unpacks to more than this was made to do harm.
UNPACKED_LIMIT = 500 * 1024 * 1024


def content_type(data: bytes) -> str | None:
    """Return the media type of jpeg, png, webp, pdf, xlsx or csv bytes; None for anything else."""
    if data.startswith(b"\xff\xd8\xff"):
        return JPEG
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    if data.startswith(b"%PDF-"):
        return PDF
    if data.startswith(b"PK\x03\x04"):
        return XLSX if _is_workbook(data) else None
    return CSV if _is_table(data) else None


def text_of(data: bytes) -> str | None:
    """Decode the text of a table as UTF-8 or GB18030; None if it is neither."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _is_workbook(data: bytes) -> bool:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            entries = archive.infolist()
    except zipfile.BadZipFile:
        return False
    names = {entry.filename for entry in entries}
    return {"[Content_Types].xml", "xl/workbook.xml"} <= names and sum(e.file_size for e in entries) <= UNPACKED_LIMIT


def _is_table(data: bytes) -> bool:
    text = text_of(data)
    if not text or text.lstrip()[:1] in ("<", "{", "%", ""):
        return False
    if any(ord(letter) < 32 and letter not in "\t\r\n" for letter in text):
        return False
    first = text.lstrip().splitlines()[0]
    return any(mark in first for mark in ",\t;，")
