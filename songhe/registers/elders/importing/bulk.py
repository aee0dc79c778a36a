"""Writing thousands of rows of one model at once under row-level security.

``insert`` and ``update`` take instances; ``insert_values`` and ``update_values`` take the columns' values as the
database takes them, which costs a tenth. PostgreSQL takes no COPY into a table with such walls, so rows are copied into
a temporary table and inserted or updated from there: walls, constraints and the journal hold as for any other row.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, connections, models
from django.utils import timezone
from psycopg import sql


def insert(model: type[models.Model], rows: Sequence[models.Model]) -> None:
    """Insert new rows; constraints raise IntegrityError as ever."""
    if rows:
        fields = [field for field in model._meta.concrete_fields if not field.generated]
        _insert(model, fields, _prepared(fields, rows, add=True), [], {})


def insert_values(
    model: type[models.Model], names: Sequence[str], values: Iterable[Sequence[Any]], **fixed: Any
) -> None:
    """Insert new rows of which the named columns are given; ``fixed`` ones are the same in all, others by default."""
    fields = [model._meta.get_field(name) for name in names]
    others = [field for field in model._meta.concrete_fields if field not in fields and not field.generated]
    _insert(model, fields, values, [field for field in others if not field.has_db_default()], fixed)


def update(model: type[models.Model], rows: Sequence[models.Model], names: Sequence[str]) -> None:
    """Write the named fields of rows that exist."""
    if rows:
        fields = [model._meta.pk, *(model._meta.get_field(name) for name in names)]
        _update(model, fields, _prepared(fields, rows, add=False))


def update_values(model: type[models.Model], names: Sequence[str], values: Iterable[Sequence[Any]]) -> None:
    """Write the named columns of rows that exist; each of the values begins with its row's key."""
    _update(model, [model._meta.pk, *(model._meta.get_field(name) for name in names)], values)


def _prepared(fields: Sequence[Any], rows: Sequence[models.Model], *, add: bool) -> Iterable[Sequence[Any]]:
    # Itself, not Django's stand-in for it, through which each cell would pay for finding it.
    here = connections[connection.alias]
    ways = [(field.pre_save, field.get_db_prep_save) for field in fields]
    for row in rows:
        yield [prepared(given(row, add), connection=here) for given, prepared in ways]


def _insert(
    model: type[models.Model],
    fields: Sequence[Any],
    values: Iterable[Sequence[Any]],
    constant: Sequence[Any],
    fixed: dict[str, Any],
) -> None:
    with _Copied(model, fields, values) as copied:
        given = [
            timezone.now() if getattr(field, "auto_now_add", False) else field.get_db_prep_save(
                fixed.get(field.name, field.get_default()), connection=connections[connection.alias]
            )
            for field in constant
        ]  # fmt: skip
        statement = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(
            sql.Identifier(model._meta.db_table),
            _columns([*fields, *constant]),
            sql.SQL(", ").join([*(sql.Identifier(field.column) for field in fields), *map(_cast, constant)]),
            copied.name,
        )
        copied.run(statement, given)


def _cast(field: Any) -> sql.Composable:
    return sql.SQL("%s::" + field.db_type(connection))


def _update(model: type[models.Model], fields: Sequence[Any], values: Iterable[Sequence[Any]]) -> None:
    key, *written = fields
    with _Copied(model, fields, values) as copied:
        copied.run(
            sql.SQL("UPDATE {table} SET {assigned} FROM {source} source WHERE {table}.{key} = source.{key}").format(
                table=sql.Identifier(model._meta.db_table),
                assigned=sql.SQL(", ").join(
                    sql.SQL("{0} = source.{0}").format(sql.Identifier(field.column)) for field in written
                ),
                source=copied.name,
                key=sql.Identifier(key.column),
            )
        )


class _Copied:
    """A temporary table that holds some columns of some rows."""

    def __init__(self, model: type[models.Model], fields: Sequence[Any], values: Iterable[Sequence[Any]]) -> None:
        self.model, self.fields, self.values = model, fields, values
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
        with connection.cursor() as cursor:
            statement = sql.SQL("COPY {} ({}) FROM STDIN").format(self.name, columns)
            with cursor.copy(statement) as copy:
                for row in self.values:
                    copy.write_row(row)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        # After an error the transaction is broken and the table goes with it.
        if kind is None:
            self.run(sql.SQL("DROP TABLE {}").format(self.name))

    def run(self, statement: sql.Composed, values: Sequence[Any] | None = None) -> None:
        """Run a statement made of identifiers, with values."""
        with connection.cursor() as cursor:
            # As text: the journal's context is put before it.
            cursor.execute(statement.as_string(cursor.connection), values)


def _columns(fields: Sequence[Any]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(field.column) for field in fields)
