"""Writing many rows of a new region at once, as the owner of the tables and before anybody works in it.

Row-level security does not take COPY, so it is lifted from the table, for the owner alone, within one transaction. A
journalled table keeps its triggers and writes its history; others are filled bare, as a restore would.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models, transaction
from psycopg import sql


def copy_rows(
    model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]], *, journalled: bool
) -> int:
    """Copy rows into a model's table and return how many; ``columns`` are the table's own names."""
    table = model._meta.db_table
    history = getattr(model, "pgh_event_model", None)
    tables = [table, *([history._meta.db_table] if history is not None and journalled else [])]
    count = 0
    with transaction.atomic(), connection.cursor() as cursor:
        for each in tables:
            cursor.execute(_alter(each, "NO FORCE ROW LEVEL SECURITY"))
        if not journalled:
            cursor.execute(_alter(table, "DISABLE TRIGGER USER"))
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(table), sql.SQL(", ").join(sql.Identifier(column) for column in columns)
        )
        with cursor.cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
                count += 1
        # Deferred checks of the rows just written must run before the table changes again.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        if not journalled:
            cursor.execute(_alter(table, "ENABLE TRIGGER USER"))
        for each in tables:
            cursor.execute(_alter(each, "FORCE ROW LEVEL SECURITY"))
    return count


def _alter(table: str, what: str) -> sql.Composed:
    return sql.SQL("ALTER TABLE {} " + what).format(sql.Identifier(table))
