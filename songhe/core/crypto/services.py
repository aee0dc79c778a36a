"""Replacing the sealing key while the house is in use."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import connection, models, transaction
from psycopg import sql

from songhe.core.crypto import keyring, sealing
from songhe.core.crypto.fields import SealedField
from songhe.core.events.jobs import defer
from songhe.core.scope.services import Scope, use

logger = logging.getLogger(__name__)

Column = tuple[type[models.Model], SealedField]


@dataclass
class Resealing:
    """What resealing did: values sealed anew, and places (``table:row id:column``) whose value did not open."""

    resealed: int = 0
    unopened: list[str] = field(default_factory=list)


def rotate() -> int:
    """Make a new key the one in use and queue the resealing of everything; return the new key's number.

    Old keys stay in the keyring: the journal's lines are never rewritten and still need them.
    """
    from songhe.core.crypto.jobs import reseal_all

    number = keyring.add_key()
    with transaction.atomic():
        defer(reseal_all)
    return number


def sealed_columns() -> Iterator[Column]:
    """Yield every sealed column that may be rewritten; history is none, and append-only tables are none."""
    for model in apps.get_models():
        scope = getattr(model, "row_scope", None)
        if hasattr(model, "pgh_tracked_model") or scope is None or scope.append_only:
            continue
        for each in model._meta.concrete_fields:
            if isinstance(each, SealedField):
                yield model, each


def reseal(column: Column, *, batch: int = 500) -> Resealing:
    """Seal a column's values with the key in use, ``batch`` rows a transaction, while others read and write.

    A row changed meanwhile is left to the next pass; passes end when none is left. Neither versions nor history show
    it: what the column says has not changed.
    """
    done = Resealing()
    model, sealed = column
    while changed := _pass(model, sealed, batch, done):
        done.resealed += changed
    for place in done.unopened:
        logger.error("密文打不开，未能换钥：%s", place)
    return done


def _pass(model: type[models.Model], sealed: SealedField, batch: int, done: Resealing) -> int:
    last: Any = None
    changed = 0
    done.unopened.clear()
    while True:
        with use(Scope.system()):
            rows = _old(model, sealed, last, batch)
            if not rows:
                return changed
            changed += _replace(model, sealed, list(_sealed_anew(sealed, rows, done)))
        last = rows[-1][0]


def _old(model: type[models.Model], sealed: SealedField, last: Any, batch: int) -> list[tuple[Any, bytes]]:
    query = sql.SQL(
        "SELECT {pk}, {column} FROM {table} WHERE {column} IS NOT NULL AND substring({column} FROM 1 FOR 2) <> %(key)s "
        "AND (%(last)s::{type} IS NULL OR {pk} > %(last)s::{type}) ORDER BY {pk} LIMIT %(batch)s"
    ).format(
        pk=sql.Identifier(str(model._meta.pk.column)),
        column=sql.Identifier(str(sealed.column)),
        table=sql.Identifier(model._meta.db_table),
        type=sql.SQL(str(model._meta.pk.db_type(connection))),
    )
    key = keyring.load().current.to_bytes(2, "big")
    with connection.cursor() as cursor:
        cursor.execute(query, {"key": key, "last": last, "batch": batch})
        return [(pk, bytes(value)) for pk, value in cursor.fetchall()]


def _sealed_anew(
    sealed: SealedField, rows: list[tuple[Any, bytes]], done: Resealing
) -> Iterator[tuple[Any, bytes, bytes]]:
    for pk, value in rows:
        context = sealed.context(pk)
        try:
            text = sealing.unseal(value, context=context)
        except sealing.NotOpened:
            done.unopened.append(context)
            continue
        yield pk, value, sealing.seal(text, context=context)


def _replace(model: type[models.Model], sealed: SealedField, rows: list[tuple[Any, bytes, bytes]]) -> int:
    if not rows:
        return 0
    statement = sql.SQL(
        "UPDATE {table} SET {column} = fresh.new "
        "FROM unnest(%s::{type}[], %s::bytea[], %s::bytea[]) fresh (pk, old, new) "
        "WHERE {table}.{pk} = fresh.pk AND {table}.{column} = fresh.old"
    ).format(
        table=sql.Identifier(model._meta.db_table),
        column=sql.Identifier(str(sealed.column)),
        pk=sql.Identifier(str(model._meta.pk.column)),
        type=sql.SQL(str(model._meta.pk.db_type(connection))),
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pgtrigger.ignore', %s, true)", [_silent(model)])
        cursor.execute(statement, [list(column) for column in zip(*rows, strict=True)])
        changed = int(cursor.rowcount)
        cursor.execute("SELECT set_config('pgtrigger.ignore', '{}', true)")
    return changed


def _silent(model: type[models.Model]) -> str:
    """Name the triggers that would raise the row's version and write a line of history, as pgtrigger reads them."""
    names = [
        trigger.get_pgid(model)
        for trigger in model._meta.triggers  # type: ignore[attr-defined]
        if trigger.name == "raise_version" or trigger.name.startswith("update_")
    ]
    return "{" + ",".join(names) + "}"
