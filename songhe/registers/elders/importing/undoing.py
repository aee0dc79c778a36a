"""Taking back what a roll wrote, thousands of lines at a time.

Elders that somebody has worked on since, or for whom other rooms hold records, stay.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import ProtectedError, QuerySet

from songhe.core.crypto.sealing import Sealer
from songhe.registers.elders.importing import bulk
from songhe.registers.elders.importing.entering import assign, write
from songhe.registers.elders.models import (
    Consent,
    Contact,
    Difficulty,
    Disclosure,
    Elder,
    Guardian,
    ImportRow,
    LifeEvent,
    Verdict,
)

READ = ("pk", "verdict", "elder_id", "elder_version", "made", "before")
_BEFORE = ImportRow._meta.get_field("before")


def take_back(rows: Sequence[tuple[Any, ...]], keys: Sealer) -> None:
    """Take back lines, given by their columns as ``READ`` names them, and mark those that could be ``undone``."""
    held = dict(
        Elder.objects.select_for_update(of=("self",))
        .filter(pk__in=[row[2] for row in rows])
        .order_by("pk")
        .values_list("pk", "version")
    )
    made = {
        "difficulties": [UUID(pk) for row in rows for pk in row[4].get("difficulties", [])],
        "contacts": [UUID(pk) for row in rows for pk in row[4].get("contacts", [])],
    }
    worked_on = _elders(Difficulty.objects.filter(pk__in=made["difficulties"], version__gt=1))
    worked_on |= _elders(Contact.objects.filter(pk__in=made["contacts"], version__gt=1))
    unchanged = [row for row in rows if held.get(row[2]) == row[3] and row[2] not in worked_on]
    new = [row[2] for row in unchanged if row[1] == Verdict.NEW]
    gone = _remove(_untouched(new, made))
    changed = [row for row in unchanged if row[1] != Verdict.NEW]
    _restore(changed, keys)
    undone = gone | {row[2] for row in changed}
    bulk.update_values(ImportRow, ["undone"], ((row[0], row[2] in undone) for row in rows))


def _elders(rows: "QuerySet[Any]") -> set[UUID]:
    return set(rows.order_by().values_list("elder", flat=True))


def _untouched(new: list[UUID], made: dict[str, list[UUID]]) -> list[UUID]:
    """Return those of the new elders to whom nobody has added anything since."""
    worked_on = _elders(Contact.objects.filter(elder__in=new).exclude(pk__in=made["contacts"]))
    worked_on |= _elders(Difficulty.objects.filter(elder__in=new).exclude(pk__in=made["difficulties"]))
    for model in (Consent, Guardian, Disclosure, LifeEvent):
        worked_on |= _elders(model._default_manager.filter(elder__in=new))
    return [pk for pk in new if pk not in worked_on]


def _remove(pks: list[UUID]) -> set[UUID]:
    """Remove elders; return who could be. Where another room's records keep one, the others are found by halves."""
    if not pks:
        return set()
    try:
        with transaction.atomic():
            Elder.objects.filter(pk__in=pks).delete()
    except ProtectedError:
        if len(pks) == 1:
            return set()
        half = len(pks) // 2
        return _remove(pks[:half]) | _remove(pks[half:])
    return set(pks)


def _restore(changed: Iterable[tuple[Any, ...]], keys: Sealer) -> None:
    """Give changed elders their particulars back, and take away what was added to them."""
    changed = list(changed)
    Difficulty.objects.filter(pk__in=[pk for row in changed for pk in row[4].get("difficulties", [])]).delete()
    Contact.objects.filter(pk__in=[pk for row in changed for pk in row[4].get("contacts", [])]).delete()
    before = {
        row[2]: json.loads(keys.unseal(bytes(row[5]), context=_BEFORE.context(row[0]))) for row in changed if row[5]
    }
    elders = list(Elder.objects.filter(pk__in=before))
    for elder in elders:
        assign(elder, before[elder.pk])
    write(elders, [elder.pk for elder in elders if "address" in before[elder.pk]])
