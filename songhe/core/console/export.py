"""Writing a list's rows as a spreadsheet, in memory that does not grow with them."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, cast

from django.db.models import Model, QuerySet

from songhe.core.console.display import Column, cells_of, field_of
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
        self._model, self._columns = pages.model, columns
        self._limit = pages.export_limit

    def refuse_beyond(self, rows: int) -> None:
        """Refuse so many rows if they are more than the pages give out at once."""
        if rows > self._limit:
            raise Refused(f"一次最多导出 {self._limit:,} 行，请先用筛选缩小范围。")

    def add_records(self, records: Iterable[Any]) -> None:
        """Write a row for each record; to be called under the scope that the records were read under."""
        cells = [cells_of(self._model, column) for column in self._columns]
        for record in records:
            self.refuse_beyond(self.rows + 1)
            self.add([cell(record) for cell in cells])


def read_only_for(rows: QuerySet[Any], columns: Iterable[Column]) -> QuerySet[Any]:
    """Return the same rows, read only as far as the columns go, if all of these say how far that is."""
    model: type[Model] = rows.model
    fields = [link.name for link in model._meta.concrete_fields if link.is_relation]
    for column in columns:
        stored = field_of(model, column.name.replace("__", ".").partition(".")[0])
        if column.needs is not None:
            fields += column.needs
        elif column.render is None and stored is not None and stored.concrete:
            fields.append(stored.name)
        else:
            return rows
    return rows.only(*fields)


def write_xlsx(pages: Pages, columns: Sequence[Column], rows: QuerySet[Any]) -> tuple[Path, int]:
    """Write rows to a new temporary .xlsx and return its path and the number of rows; the caller removes it.

    Raises Refused past the pages' limit.
    """
    with NamedTemporaryFile(prefix="songhe-", suffix=".xlsx", delete=False) as target:
        path = Path(target.name)
        try:
            # Its cursor is to be closed within the transaction that opened it, whatever happens.
            records = cast("Generator[Any]", read_only_for(rows, columns).iterator(chunk_size=CHUNK))
            with ListWorkbook(target, pages, columns) as book, closing(records):
                book.add_records(records)
        except BaseException:
            path.unlink()
            raise
    return path, book.rows
