"""The journal as one stream of lines, and the SM3 chain over it.

Every history table and every append-only table takes its line numbers from one sequence. A line's digest covers its
table's name and the text of its columns; a seal covers the digests of a run of lines and the seal before it.
"""

import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes
from django.apps import apps
from django.db import connection, models
from psycopg import sql

from songhe.core.records import AppendOnly

ENTRY = struct.Struct(">qH32s")
FETCH = 2000

# What decides how a value reads as text; set for the transaction, so that a line's digest never depends on a server.
PINNED = {
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "iso_8601",
    "bytea_output": "hex",
    "extra_float_digits": "1",
}

# A table's name and the digested columns, the line's own column first.
Table = tuple[str, list[str]]


@dataclass(frozen=True)
class Line:
    """One line of the journal: its number, its table's place in the list that was asked for, and its digest."""

    number: int
    table: int
    digest: bytes


def tables() -> list[Table]:
    """Return every table that belongs to the journal with its columns as they are now."""
    found: list[Table] = []
    for model in apps.get_models():
        if not model.__module__.startswith("songhe.") or model._meta.proxy or not model._meta.managed:
            continue
        if (number := line_column(model)) is not None:
            columns = sorted({str(field.column) for field in model._meta.concrete_fields} - {number})
            found.append((model._meta.db_table, [number, *columns]))
    return sorted(found)


def line_column(model: type[models.Model]) -> str | None:
    """Return the column that numbers a model's journal lines; None if its rows are no part of the journal."""
    if hasattr(model, "pgh_tracked_model"):
        return "pgh_line"
    return "line" if issubclass(model, AppendOnly) else None


def sm3(*parts: bytes) -> bytes:
    """Return the SM3 digest (GB/T 32905) of the parts, one after another."""
    digest = hashes.Hash(hashes.SM3())
    for part in parts:
        digest.update(part)
    return digest.finalize()


def chained(before: bytes, named: list[Table], digests: bytes) -> bytes:
    """Return the digest that ties a run of lines, and the tables they are of, to the seal before it."""
    return sm3(before, repr(named).encode(), b"\0", digests)


def stream(named: list[Table], *, after: int, up_to: int, most: int | None = None) -> Iterator[Line]:
    """Yield the lines numbered ``after`` < n ≤ ``up_to``, ``most`` of them, in order, by a server-side cursor.

    Needs a transaction and the system's scope. Holds a few thousand lines at a time whatever the journal's length.
    """
    if not named or up_to <= after:
        return
    parts = [
        sql.SQL(
            "SELECT {line} AS line, {tag}::int AS tag, ROW({columns})::text AS body FROM {table} "
            "WHERE {line} > {after} AND {line} <= {up_to}"
        ).format(
            line=sql.Identifier(columns[0]),
            tag=sql.Literal(tag),
            columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
            table=sql.Identifier(table),
            after=sql.Literal(after),
            up_to=sql.Literal(up_to),
        )
        for tag, (table, columns) in enumerate(named)
    ]
    query = sql.SQL("SELECT line, tag, body FROM ({}) journal ORDER BY line LIMIT {}").format(
        sql.SQL(" UNION ALL ").join(parts), sql.Literal(most)
    )
    prefixes = [table.encode() + b"\0" for table, _columns in named]
    with pinned(), connection.chunked_cursor() as cursor:
        cursor.cursor.itersize = FETCH
        cursor.execute(query)
        for number, tag, body in cursor:
            yield Line(number, tag, sm3(prefixes[tag], body.encode()))


@contextmanager
def pinned() -> Iterator[None]:
    """Fix how values read as text for the block."""
    with connection.cursor() as cursor:
        before = {name: _setting(cursor, name) for name in PINNED}
        _set(cursor, PINNED)
    yield
    if not connection.needs_rollback:
        with connection.cursor() as cursor:
            _set(cursor, before)


def _setting(cursor: Any, name: str) -> str:
    cursor.execute("SELECT current_setting(%s)", [name])
    return str(cursor.fetchone()[0])


def _set(cursor: Any, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        cursor.execute("SELECT set_config(%s, %s, true)", [name, value])


def pack(lines: Iterable[Line]) -> bytes:
    """Pack lines for a seal."""
    return b"".join(ENTRY.pack(line.number, line.table, line.digest) for line in lines)


def unpack(digests: bytes) -> Iterator[Line]:
    """Yield the lines of a seal."""
    for number, table, digest in ENTRY.iter_unpack(bytes(digests)):
        yield Line(number, table, digest)
