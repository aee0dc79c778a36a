"""What a life event closes, in any room, written down so that a mistaken one can be taken back; and the work it leaves.

A room that answers an event closes its own records by its own services inside ``noting``, and puts what a person must
see to on the list by ``follow_up``.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import DatabaseError, connection, models, transaction
from psycopg import sql

from songhe.core.accounts.models import User
from songhe.core.flow.services import fire, start
from songhe.core.saving import save
from songhe.core.scope.services import Scope, use
from songhe.registers.elders.flow import FollowUpState
from songhe.registers.elders.models import Effect, FollowUp, FollowUpKind, LifeEvent


@contextmanager
def noting(event_id: UUID, obj: models.Model, what: str, *, fen: int | None = None) -> Iterator[None]:
    """Note on an event what the block changes of a record's row, so that it can be put back; under the system's scope.

    Nothing is noted where nothing changed.
    """
    before = stored(obj)
    yield
    after = stored(obj)
    kept = _kept(type(obj))
    changed = [name for name in before if before[name] != after[name] and name not in kept]
    if changed:
        _note(event_id, obj, what, fen, {n: before[n] for n in changed}, {n: after[n] for n in changed})


def _kept(model: type[models.Model]) -> set[str]:
    """Return the columns that are never put back: the version, which every update raises, and generated ones."""
    return {"version", *(str(field.column) for field in model._meta.concrete_fields if field.generated)}


def note(event_id: UUID, obj: models.Model, what: str, *, fen: int | None = None) -> None:
    """Note on an event that a record went on through its states because of it; nothing is put back by itself."""
    _note(event_id, obj, what, fen, {}, {})


def note_opened(
    event_id: UUID, obj: models.Model, what: str, *, closed: dict[str, Any], fen: int | None = None
) -> None:
    """Note that a record was opened because of an event; ``closed`` are the columns that close it if that was wrong."""
    after = stored(obj)
    _note(event_id, obj, what, fen, closed, {name: after[name] for name in closed})


def _note(
    event_id: UUID, obj: models.Model, what: str, fen: int | None, before: dict[str, Any], after: dict[str, Any]
) -> None:
    with use(Scope.system()):
        Effect(
            event_id=event_id,
            table=obj._meta.db_table,
            row_id=obj.pk,
            what=what[:200],
            amount_fen=fen,
            before=before,
            after=after,
        ).save(force_insert=True)


def follow_up(
    event_id: UUID, *, kind: FollowUpKind, what: str, fen: int | None = None, obj: models.Model | None = None
) -> FollowUp | None:
    """Put what an event left onto the work list of the elder's community; told twice of one record, listed once."""
    with use(Scope.system()):
        event = LifeEvent.objects.select_related("elder").get(pk=event_id)
        table, row_id = (obj._meta.db_table, obj.pk) if obj is not None else ("", None)
        if row_id is not None and event.follow_ups.filter(kind=kind, table=table, row_id=row_id).exists():
            return None
        row = save(
            FollowUp(
                event=event,
                elder=event.elder,
                area_id=event.elder.area_id,
                kind=kind,
                what=what[:200],
                amount_fen=fen,
                table=table,
                row_id=row_id,
            )
        )
        start(row)
        return row


def effects_of(event_id: UUID, model: type[models.Model]) -> list[Effect]:
    """Return what an event did to the rows of one model, in the order it was done."""
    with use(Scope.system()):
        return list(Effect.objects.filter(event=event_id, table=model._meta.db_table))


@transaction.atomic
def settle(*, follow_up: FollowUp, user: User, reason: str, version: int | None = None) -> FollowUp:
    """Note that something a life event left was done, and how."""
    return _close(follow_up, "settle", user, reason, version)


@transaction.atomic
def drop(*, follow_up: FollowUp, user: User, reason: str, version: int | None = None) -> FollowUp:
    """Note that nothing need be done about something a life event left, and why."""
    return _close(follow_up, "drop", user, reason, version)


def _close(row: FollowUp, step: str, user: User, reason: str, version: int | None) -> FollowUp:
    row = fire(row, step, user=user, reason=reason, version=version)
    row.outcome = reason.strip()[:300]
    return save(row)


def retract(was: LifeEvent, by: LifeEvent) -> None:
    """Take a mistaken event back by another one: put back what it changed, and list what could not be."""
    was.retracted_by = by
    save(was)
    for effect in put_back(was):
        follow_up(by.pk, kind=FollowUpKind.CHECK, what=f"未能自动恢复，请人工办理：{effect.what}（已另有变更或占用）")


def put_back(event: LifeEvent) -> list[Effect]:
    """Put back what a mistaken event changed, the last first; return what could not be, for a person to see to.

    A row that was changed again since, or that a constraint no longer lets back (the bed has somebody else in it by
    now), stays as it is. Open work that the event left is struck off.
    """
    with use(Scope.system()):
        for row in event.follow_ups.filter(state=FollowUpState.OPEN):
            fire(row, "void", user=None)
        tables = {model._meta.db_table: model for model in apps.get_models() if model._meta.managed}
        undone = [effect for effect in reversed(event.effects.all()) if effect.before]
        return [effect for effect in undone if not _put_back(effect, tables[effect.table])]


def _put_back(effect: Effect, model: type[models.Model]) -> bool:
    row = model._base_manager.filter(pk=effect.row_id).first()
    if row is None:
        return False
    present = stored(row)
    if any(present[name] != value for name, value in effect.after.items()):
        return False
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            set_stored(row, effect.before)
            # What is checked at the end of the transaction is checked now, row by row.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    except DatabaseError:
        return False
    return True


def stored(obj: models.Model) -> dict[str, Any]:
    """Return a record's row as it lies in the table, sealed columns sealed."""
    statement = sql.SQL("SELECT to_jsonb(r)::text FROM {} r WHERE {} = %s").format(
        sql.Identifier(obj._meta.db_table), sql.Identifier(str(obj._meta.pk.column))
    )
    with connection.cursor() as cursor:
        cursor.execute(statement.as_string(cursor.connection), [obj.pk])
        row: dict[str, Any] = json.loads(cursor.fetchone()[0])
        return row


def set_stored(obj: models.Model, values: dict[str, Any]) -> None:
    """Write columns of a record's row as ``stored`` returned them."""
    table = sql.Identifier(obj._meta.db_table)
    names = list(values)
    statement = sql.SQL(
        "UPDATE {table} SET ({columns}) = ROW({values}) FROM jsonb_populate_record(NULL::{table}, %s) was "
        "WHERE {table}.{key} = %s"
    ).format(
        table=table,
        columns=sql.SQL(", ").join(map(sql.Identifier, names)),
        values=sql.SQL(", ").join(sql.SQL("was.{}").format(sql.Identifier(name)) for name in names),
        key=sql.Identifier(str(obj._meta.pk.column)),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement.as_string(cursor.connection), [json.dumps(values), obj.pk])
