"""Filling a new region's tables with many rows at once, as their owner and before anybody works in it.

Within one transaction the tables' triggers, references, exclusions and secondary indexes are laid aside and row-level
security, which does not take COPY, is lifted for the owner alone; when all rows are there, everything is put back, and
PostgreSQL checks it against every row in one sweep. If one row breaks one rule, nothing has happened. Checks of single
rows (CHECK, NOT NULL, generated columns) hold throughout. The journal gets its first line of each new row.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, models, transaction
from django.utils import timezone
from psycopg import sql

# References, exclusions and uniqueness; the primary key stays, because other tables refer to it.
_CONSTRAINTS = """
    SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid = %s::regclass AND contype IN ('f', 'x', 'u') ORDER BY contype = 'f', conname
"""
_INDEXES = """
    SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = %s::regclass AND NOT i.indisprimary
      AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('u', 'x', 'p'))
    ORDER BY c.relname
"""
# A reference is checked in one sweep only by whoever sees all rows it may point to.
_CLOSED = """
    SELECT DISTINCT c.relname::text FROM pg_class c
    WHERE c.relforcerowsecurity AND (c.oid = ANY (%(tables)s::regclass[]::oid[]) OR c.oid IN (
        SELECT confrelid FROM pg_constraint WHERE conrelid = ANY (%(tables)s::regclass[]::oid[]) AND contype = 'f'))
"""


@contextmanager
def loading(*tables: type[models.Model]) -> Iterator[None]:
    """Fill these models' tables (and their histories) in the block by ``copy_rows``; their walls stand again after it.

    Raises:
        IntegrityError: a row breaks a reference, an exclusion or a unique key; nothing of the block remains.
    """
    tracked: dict[type[models.Model], type[models.Model]] = {
        model: events for model in tables if (events := getattr(model, "pgh_event_model", None)) is not None
    }
    named = [model._meta.db_table for model in (*tables, *tracked.values())]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(_CLOSED, {"tables": named})
        closed = [table for (table,) in cursor.fetchall()]
        for table in closed:
            cursor.execute(_alter(table, "NO FORCE ROW LEVEL SECURITY"))
        aside = {table: _lay_aside(cursor, table) for table in named}
        yield
        for model in tracked:
            _note_inserts(cursor, model)
        for table in named:
            for statement in aside[table]:
                cursor.execute(statement)
            cursor.execute(_alter(table, "ENABLE TRIGGER USER"))
        for table in closed:
            cursor.execute(_alter(table, "FORCE ROW LEVEL SECURITY"))


def copy_rows(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]], **fixed: object) -> int:
    """Copy rows into a model's table and return how many; ``columns`` are the table's own names.

    ``fixed`` columns have one value in all rows; columns not named have their field's default, or nothing.
    """
    rest = {**_defaults(model, {*columns, *fixed}), **fixed}
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(model._meta.db_table),
        sql.SQL(", ").join(sql.Identifier(column) for column in (*columns, *rest)),
    )
    tail = tuple(rest.values())
    count = 0
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row((*row, *tail))
            count += 1
    return count


def _defaults(model: type[models.Model], given: set[str]) -> dict[str, Any]:
    """Return what Django would write into columns not given; NULL and the database's own defaults need no mention."""
    found: dict[str, Any] = {}
    for field in model._meta.concrete_fields:
        assert field.column is not None, "concrete fields have columns"
        if field.column in given or field.generated or field.has_db_default() or field.null:
            continue
        if getattr(field, "auto_now_add", False):
            found[field.column] = timezone.now()
        else:
            value = field.get_default()
            found[field.column] = json.dumps(value) if isinstance(field, models.JSONField) else value
    return found


def _lay_aside(cursor: Any, table: str) -> list[sql.Composed]:
    """Open one table for filling and return the statements that close it again, references last."""
    cursor.execute(_alter(table, "DISABLE TRIGGER USER"))
    cursor.execute(_INDEXES, [table])
    indexes = cursor.fetchall()
    cursor.execute(_CONSTRAINTS, [table])
    constraints = cursor.fetchall()
    for name, _definition in constraints:
        cursor.execute(_alter(table, "DROP CONSTRAINT ") + sql.Identifier(name))
    for name, _definition in indexes:
        cursor.execute(sql.SQL("DROP INDEX ") + sql.Identifier(name))
    return [
        *(sql.Composed([sql.SQL(definition)]) for _name, definition in indexes),
        *(
            _alter(table, "ADD CONSTRAINT ") + sql.Identifier(name) + sql.SQL(f" {definition}")
            for name, definition in constraints
        ),
    ]


def _note_inserts(cursor: Any, model: Any) -> None:
    """Write the journal's first line of every row that has none."""
    history = model.pgh_event_model
    own = [f.column for f in history._meta.concrete_fields if not f.column.startswith("pgh_")]
    columns = sql.SQL(", ").join(map(sql.Identifier, own))
    cursor.execute(
        sql.SQL(
            "INSERT INTO {history} ({columns}, pgh_created_at, pgh_label, pgh_obj_id) "
            "SELECT {columns}, clock_timestamp(), 'insert', id FROM {table} r "
            "WHERE NOT EXISTS (SELECT 1 FROM {history} h WHERE h.pgh_obj_id = r.id)"
        ).format(
            history=sql.Identifier(history._meta.db_table), columns=columns, table=sql.Identifier(model._meta.db_table)
        )
    )


def _alter(table: str, what: str) -> sql.Composed:
    return sql.SQL("ALTER TABLE {} " + what).format(sql.Identifier(table))
