"""Running a compiled model in PostgreSQL: where the rows are, or over a file that is brought there and back."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.datatypes as dt
import psycopg
from psycopg import sql

from songhe.engines.policy.columns.running import POPULATION, Compiled, columns_of, quoted
from songhe.engines.policy.errors import PolicyError

_BLOCK = 1 << 20
# Text may hold anything that is written plainly; this marks what is null in the files between the two databases.
_NULL = r"\N"


def run_postgres(compiled: Compiled, connection: psycopg.Connection[Any], source: Path, target: Path) -> int:
    """Write the answers for a parquet file's people to another, computed in PostgreSQL; return how many there are.

    What is brought there lives in a temporary table of one transaction. Memory does not grow with the file.

    Raises:
        PolicyError: a column is of a type that no input can have, or a number outgrew its column.
    """
    with duckdb.connect() as files, tempfile.TemporaryDirectory() as folder:
        files.execute("SET memory_limit = '1GB'")
        files.read_parquet(str(source)).create_view(POPULATION)
        schema = columns_of(files, POPULATION)
        going, coming = Path(folder, "people.csv"), Path(folder, "answers.csv")
        shown = ", ".join(_written_by_duckdb(name, type_) for name, type_ in schema.items())
        files.view(POPULATION).project(shown).write_csv(str(going), header=False, na_rep=_NULL, quoting=csv.QUOTE_ALL)
        try:
            with connection.transaction(), connection.cursor() as cursor:
                _bring(cursor, going, schema)
                _fetch(cursor, compiled.sql("postgres", POPULATION, schema), answers(compiled, schema), coming)
                cursor.execute(sql.SQL("DROP TABLE pg_temp.{}").format(sql.Identifier(POPULATION)))
        except psycopg.errors.NumericValueOutOfRange as error:
            raise PolicyError(f"有数字超出了列的范围：{error}") from error
        columns = ", ".join(_read_by_duckdb(name, type_) for name, type_ in answers(compiled, schema).items())
        names = ", ".join(f"'{_quote(name)}': 'VARCHAR'" for name in answers(compiled, schema))
        # Names are quoted above; of the paths one is this function's own and the other the caller's, quoted too.
        written = files.execute(
            f"COPY (SELECT {columns} FROM read_csv({quoted(coming)}, header = false, columns = {{{names}}},"  # noqa: S608
            f" nullstr = '{_NULL}', quote = '\"', escape = '\"', delim = ',', allow_quoted_nulls = false,"
            f" auto_detect = false)) TO {quoted(target)} (FORMAT parquet)"
        ).fetchone()
        return int(written[0]) if written else 0


def answers(compiled: Compiled, schema: Mapping[str, Any]) -> dict[str, dt.DataType]:
    """Return the columns of the result with their types."""
    plan = compiled.plan(schema, POPULATION, "postgres")
    types = plan.table.schema()
    return {name: types[name] for name in compiled.shown(plan, schema)}


def _bring(cursor: psycopg.Cursor[Any], file: Path, schema: Mapping[str, dt.DataType]) -> None:
    """Fill a temporary table from a file."""
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(_type(name, type_))) for name, type_ in schema.items()
    )
    cursor.execute(sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP").format(sql.Identifier(POPULATION), columns))
    copy = sql.SQL("COPY pg_temp.{} FROM STDIN (FORMAT csv, NULL {})").format(sql.Identifier(POPULATION), _NULL)
    with cursor.copy(copy) as copying, file.open("rb") as blocks:
        while block := blocks.read(_BLOCK):
            copying.write(block)
    cursor.execute(sql.SQL("ANALYZE pg_temp.{}").format(sql.Identifier(POPULATION)))


def _fetch(cursor: psycopg.Cursor[Any], query: str, types: Mapping[str, dt.DataType], file: Path) -> None:
    """Write a query's rows to a file, lists as JSON."""
    columns = sql.SQL(", ").join(
        sql.SQL("to_json({})").format(sql.Identifier(name)) if type_.is_array() else sql.Identifier(name)
        for name, type_ in types.items()
    )
    # The statement is this module's own, with every name and text in it quoted by its writer.
    statement = sql.SQL("COPY (SELECT {} FROM ({}) AS answers) TO STDOUT (FORMAT csv, NULL {}, FORCE_QUOTE *)").format(
        columns,
        sql.SQL(query),
        _NULL,
    )
    with cursor.copy(statement) as copying, file.open("wb") as written:
        for block in copying:
            written.write(block)


def _type(name: str, type_: dt.DataType) -> str:
    from ibis.backends.sql.datatypes import PostgresType

    if type_.is_unsigned_integer():
        # PostgreSQL has none: the next wider holds all of its values.
        type_ = dt.Decimal(20, 0) if type_.nbytes == 8 else dt.int64
    try:
        return str(PostgresType.to_string(type_))
    except (KeyError, NotImplementedError, ibis.common.exceptions.IbisError) as error:
        raise PolicyError(f"列“{name}”的类型 {type_} 不能放到 PostgreSQL 中。") from error


def _written_by_duckdb(name: str, type_: dt.DataType) -> str:
    if not type_.is_array():
        return _identifier(name)
    # PostgreSQL's way of writing a list.
    item = r"""'"' || replace(replace(item::VARCHAR, '\', '\\'), '"', '\"') || '"'"""
    items = f"list_transform({_identifier(name)}, lambda item: coalesce({item}, 'NULL'))"
    return f"'{{' || array_to_string({items}, ',') || '}}' AS {_identifier(name)}"


def _read_by_duckdb(name: str, type_: dt.DataType) -> str:
    from ibis.backends.sql.datatypes import DuckDBType

    column, wanted = _identifier(name), DuckDBType.to_string(type_)
    if type_.is_array():
        return f"CAST(CAST({column} AS JSON) AS {wanted}) AS {column}"
    if type_.is_boolean():
        return f"({column} = 't') AS {column}"
    return f"CAST({column} AS {wanted}) AS {column}"


def _identifier(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def _quote(text: str) -> str:
    return text.replace("'", "''")
