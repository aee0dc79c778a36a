"""Writing thousands of rows of one model at once under row-level security.

PostgreSQL takes no COPY into a table with such walls, so rows are copied into a temporary table and inserted or
updated from there: walls, constraints and the journal hold as for any other row.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection, connections, models
from psycopg import sql


def insert(model: type[models.Model], rows: Sequence[models.Model]) -> None:
    """Insert new rows; constraints raise IntegrityError as ever."""
    if not rows:
        return
    fields = [field for field in model._meta.concrete_fields if not field.generated]
    table, columns = sql.Identifier(model._meta.db_table), _columns(fields)
    with _Copied(model, fields, rows, add=True) as copied:
        statement = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}")
        copied.run(statement.format(table, columns, columns, copied.name))


def update(model: type[models.Model], rows: Sequence[models.Model], names: Sequence[str]) -> None:
    """Write the named fields of rows that exist."""
    if not rows:
        return
    fields = [model._meta.get_field(name) for name in names]
    key = model._meta.pk
    assigned = sql.SQL(", ").join(sql.SQL("{0} = source.{0}").format(sql.Identifier(field.column)) for field in fields)
    with _Copied(model, [key, *fields], rows, add=False) as copied:
        copied.run(
            sql.SQL("UPDATE {table} SET {assigned} FROM {source} source WHERE {table}.{key} = source.{key}").format(
                table=sql.Identifier(model._meta.db_table),
                assigned=assigned,
                source=copied.name,
                key=sql.Identifier(key.column),
            )
        )


class _Copied:
    """A temporary table that holds some columns of some rows."""

    def __init__(
        self, model: type[models.Model], fields: Sequence[Any], rows: Sequence[models.Model], *, add: bool
    ) -> None:
        self.model, self.fields, self.rows, self.add = model, fields, rows, add
        self.name = sql.Identifier("pg_temp", f"{model._meta.db_table}_copied")

    def __enter__(self) -> "_Copied":
        columns = _columns(self.fields)
        self.run(
            sql.SQL("CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WHERE false").format(
                sql.Identifier(f"{self.model._meta.db_table}_copied"),
                columns,
                sql.Identifier(self.model._meta.db_table),
            )
        )
        # Itself, not Django's stand-in for it, through which each cell would pay for finding it.
        here, add = connections[connection.alias], self.add
        ways = [(field.pre_save, field.get_db_prep_save) for field in self.fields]
        with connection.cursor() as cursor:
            statement = sql.SQL("COPY {} ({}) FROM STDIN").format(self.name, columns)
            with cursor.copy(statement) as copy:
                for row in self.rows:
                    copy.write_row([prepared(given(row, add), connection=here) for given, prepared in ways])
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        # After an error the transaction is broken and the table goes with it.
        if kind is None:
            self.run(sql.SQL("DROP TABLE {}").format(self.name))

    def run(self, statement: sql.Composed) -> None:
        """Run a statement made of identifiers only."""
        with connection.cursor() as cursor:
            # As text: the journal's context is put before it.
            cursor.execute(statement.as_string(cursor.connection))


def _columns(fields: Sequence[Any]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(field.column) for field in fields)
