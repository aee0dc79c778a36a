"""Writing a list's rows as a spreadsheet, in memory that does not grow with them."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, cast

from django.db.models import QuerySet

from songhe.core.console.display import Column, cells_of
from songhe.core.console.pages import Pages
from songhe.core.console.workbook import Workbook
from songhe.core.errors import Refused

CHUNK = 2_000


class ListWorkbook(Workbook):
    """A list's columns as a spreadsheet; Refused past the pages' limit of rows."""

    def __init__(self, target: IO[bytes], pages: Pages, columns: Sequence[Column]) -> None:
        money = frozenset(index for index, column in enumerate(columns) if column.name.endswith("_fen"))
        head = [pages.label(column) + ("（元）" if index in money else "") for index, column in enumerate(columns)]
        super().__init__(target, pages.heading, head, money=money)
        self._cells = [cells_of(pages.model, column) for column in columns]
        self._limit = pages.export_limit

    def add_records(self, records: Iterable[Any]) -> None:
        """Write a row for each record; to be called under the scope that the records were read under."""
        for record in records:
            if self.rows >= self._limit:
                raise Refused(f"一次最多导出 {self._limit:,} 行，请先用筛选缩小范围。")
            self.add([cell(record) for cell in self._cells])


def write_xlsx(pages: Pages, columns: Sequence[Column], rows: QuerySet[Any]) -> tuple[Path, int]:
    """Write rows to a new temporary .xlsx and return its path and the number of rows; the caller removes it.

    Raises Refused past the pages' limit.
    """
    with NamedTemporaryFile(prefix="songhe-", suffix=".xlsx", delete=False) as target:
        path = Path(target.name)
        try:
            # Its cursor is to be closed within the transaction that opened it, whatever happens.
            records = cast("Generator[Any]", rows.iterator(chunk_size=CHUNK))
            with ListWorkbook(target, pages, columns) as book, closing(records):
                book.add_records(records)
        except BaseException:
            path.unlink()
            raise
    return path, book.rows
