"""Bringing two records of one person together with all that hangs on them, in any room, and taking them apart again.

Rooms on higher floors are reached through their models' foreign keys to ``Elder`` and columns named ``elder_id``, so
none need be named here. The record taken in stays, in the state 已并入他档; rows that the database's constraints do not
let pass (both had the same) stay with it and are listed for a person to settle.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection, transaction
from psycopg import sql

from songhe.core.accounts.models import User
from songhe.core.calendar.services import now, today
from songhe.core.errors import Refused
from songhe.core.events.services import publish
from songhe.core.locks import locked
from songhe.core.saving import save
from songhe.core.scope.services import Scope, use
from songhe.registers.elders import effects
from songhe.registers.elders.effects import set_stored, stored
from songhe.registers.elders.events import EldersMerged, EldersParted
from songhe.registers.elders.hanging import Hanging, everything
from songhe.registers.elders.models import Elder, ElderState, FollowUpKind, LifeEvent, Merge

# What is filled in from the record taken in where the kept one is blank; columns that go together stand together.
FILLED = (
    ("phone", "phone_index"),
    ("ethnicity",),
    ("address",),
    ("latitude", "longitude"),
    ("registered_area_id",),
    ("registered_address",),
    ("photo_id",),
    ("ability_level", "ability_assessed_on"),
)


def hangings() -> Iterator[Hanging]:
    """Yield every table of every room whose rows hang on an elder and may be moved to another."""
    for hanging in everything():
        if not hanging.model.row_scope.append_only and hanging.model not in (Elder, Merge):  # type: ignore[attr-defined]
            yield hanging


def count_of(elder_id: UUID) -> list[tuple[str, int]]:
    """Return what hangs on an elder, by the Chinese name of the thing; only what is in scope."""
    found = []
    for hanging in hangings():
        count = hanging.model._default_manager.filter(**{hanging.attribute: elder_id}).count()
        if count:
            found.append((hanging.noun, count))
    return found


@transaction.atomic
def merge(*, kept_id: UUID, dropped_id: UUID, reason: str, user: User | None = None) -> Merge:
    """Take one elder's record into another's: what hangs on it is moved, blanks of the kept one are filled.

    Raises:
        Refused: one is not in scope, is merged already, or the record to be taken in holds the only identity number.
    """
    if not reason.strip():
        raise Refused("请写明合并的理由。", field="reason")
    kept, dropped = _pair(kept_id, dropped_id)
    done = Merge(kept=kept, dropped=dropped, area_id=kept.area_id, reason=reason.strip(), by=user)
    done.former_state = dropped.state
    with use(Scope.system()):
        for hanging in hangings():
            moved, left = _move(hanging, dropped.pk, kept.pk)
            if moved:
                done.moved.setdefault(f"{hanging.table}.{hanging.column}", []).extend(moved)
            done.left += left
        done.before, done.after = _fill(kept, dropped)
        dropped.state, dropped.merged_into = ElderState.MERGED, kept
        save(dropped)
    done.event = _tell(kept, dropped, done)
    save(done)
    publish(EldersMerged(kept_id=kept.pk, dropped_id=dropped.pk, on=done.event.on, life_event_id=done.event.pk))
    return done


def _tell(kept: Elder, dropped: Elder, done: Merge) -> LifeEvent:
    """Enter the merging into the kept record's life; whose records disagree about life and death is to be checked."""
    detail = f"{dropped.name}的另一份档案并入：{done.reason}"
    event = save(LifeEvent(elder=kept, kind=LifeEvent.Kind.MERGED, on=today(), detail=detail[:500]))
    if done.former_state != ElderState.ACTIVE and kept.state == ElderState.ACTIVE:
        said = ElderState(done.former_state).label
        effects.follow_up(
            event.pk, kind=FollowUpKind.CHECK, what=f"并入的档案登记为“{said}”，保留的档案仍在册：请核实并办理相应登记"
        )
    return event


def _pair(kept_id: UUID, dropped_id: UUID) -> tuple[Elder, Elder]:
    if kept_id == dropped_id:
        raise Refused("两份档案须不同。")
    rows = {
        row.pk: row
        for row in Elder.objects.select_for_update(of=("self",)).filter(pk__in=[kept_id, dropped_id]).order_by("pk")
    }
    if len(rows) != 2:
        raise Refused("有一份档案不存在或不在您的管辖范围内，请由上级合并。")
    kept, dropped = rows[kept_id], rows[dropped_id]
    for one in (kept, dropped):
        if one.state == ElderState.MERGED:
            raise Refused(f"{one.name}的一份档案已并入他档，请刷新页面。")
    if dropped.id_number and not kept.id_number:
        raise Refused("请保留有证件号码的那一份档案。", field="kept")
    return kept, dropped


def _move(hanging: Hanging, source: UUID, target: UUID) -> tuple[list[str], list[dict[str, str]]]:
    """Move the rows of one table: all at once, or, where that breaks a constraint, those that can be, one by one."""
    pks = [
        str(pk) for pk in hanging.model._base_manager.filter(**{hanging.attribute: source}).values_list("pk", flat=True)
    ]
    if not pks or _repoint(hanging, pks, target) is None:
        return pks, []
    moved, left = [], []
    for pk in pks:
        why = _repoint(hanging, [pk], target)
        if why is None:
            moved.append(pk)
        else:
            left.append({"table": hanging.table, "noun": hanging.noun, "id": pk, "why": why[:200]})
    return moved, left


def _repoint(hanging: Hanging, pks: list[str], target: UUID) -> str | None:
    """Point rows to another elder; return why the database refuses, or None."""
    statement = sql.SQL("UPDATE {} SET {} = %s WHERE {}::text = ANY(%s)").format(
        sql.Identifier(hanging.table),
        sql.Identifier(hanging.column),
        sql.Identifier(str(hanging.model._meta.pk.column)),
    )
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement.as_string(cursor.connection), [target, pks])
            # What is checked at the end of the transaction is checked now, row by row.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    except DatabaseError as error:
        return str(error).splitlines()[0]
    return None


def _fill(kept: Elder, dropped: Elder) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fill the kept record's blanks; return the filled columns as they were stored before and after."""
    was = stored(kept)
    fields = [group for group in FILLED if _blank(kept, group[0]) and not _blank(dropped, group[0])]
    for group in fields:
        for name in group:
            if not name.endswith("_index"):
                setattr(kept, name, getattr(dropped, name))
    if not fields:
        return {}, {}
    save(kept)
    filled = stored(kept)
    names = [name for group in fields for name in group]
    return {name: was[name] for name in names}, {name: filled[name] for name in names}


def _blank(elder: Elder, name: str) -> bool:
    return getattr(elder, name) in (None, "")


@transaction.atomic
def part(*, merge_id: UUID, user: User | None = None, version: int | None = None) -> Merge:
    """Take a merging back: every row that was moved hangs on its own record again, filled columns are as they were.

    What came to the kept record since stays with it; a filled column that was changed since stays changed.
    """
    done = locked(Merge.objects.filter(pk=merge_id), version=version)
    if done.undone_at is not None:
        raise Refused(f"这次合并已于 {done.undone_at:%Y-%m-%d %H:%M} 拆开。")
    with use(Scope.system()):
        list(
            Elder.objects.select_for_update(of=("self",)).filter(pk__in=[done.kept_id, done.dropped_id]).order_by("pk")
        )
        if Merge.objects.filter(dropped_id=done.kept_id, undone_at__isnull=True).exists():
            raise Refused("保留的那份档案后来又并入了他档，请先拆开那一次。")
        by_place = {f"{hanging.table}.{hanging.column}": hanging for hanging in hangings()}
        for place, pks in done.moved.items():
            why = _repoint(by_place[place], pks, done.dropped_id)
            if why is not None:
                raise Refused(f"“{by_place[place].noun}”不能归还原档案：{why}")
        _unfill(done)
        Elder.objects.filter(pk=done.dropped_id).update(state=done.former_state, merged_into=None)
    done.undone_at, done.undone_by = now(), user
    save(done)
    event = save(LifeEvent(elder_id=done.kept_id, kind=LifeEvent.Kind.CORRECTED, on=today(), detail="拆开误并的档案"))
    if done.event is not None:
        effects.retract(done.event, event)
    publish(
        EldersParted(
            kept_id=done.kept_id,
            dropped_id=done.dropped_id,
            on=event.on,
            life_event_id=event.pk,
            retracted_id=done.event_id,
        )
    )
    return done


def _unfill(done: Merge) -> None:
    present = stored(done.kept)
    names = [name for name, after in done.after.items() if present[name] == after]
    if names:
        set_stored(done.kept, {name: done.before[name] for name in names})
