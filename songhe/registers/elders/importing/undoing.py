"""Taking back what a roll wrote, thousands of lines at a time.

Elders that somebody has worked on since, or for whom other rooms hold records, stay.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple
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

_BEFORE = ImportRow._meta.get_field("before")


class Applied(NamedTuple):
    """What a written line says of itself; ``made`` holds the ids of what it added, ``before`` what it changed."""

    pk: UUID
    verdict: str
    elder_id: UUID
    elder_version: int
    made: dict[str, list[str]]
    before: bytes | None

    def added(self, what: str) -> list[UUID]:
        """Return the ids of the ``difficulties`` or ``contacts`` that the line added."""
        return [UUID(pk) for pk in self.made.get(what, [])]


READ = Applied._fields


def take_back(columns: Sequence[tuple[Any, ...]], keys: Sealer) -> None:
    """Take back lines, given by their columns as ``READ`` names them, and mark those that could be ``undone``."""
    lines = [Applied(*line) for line in columns]
    held = dict(
        Elder.objects.select_for_update(of=("self",))
        .filter(pk__in=[line.elder_id for line in lines])
        .order_by("pk")
        .values_list("pk", "version")
    )
    made = {what: [pk for line in lines for pk in line.added(what)] for what in ("difficulties", "contacts")}
    worked_on = _elders(Difficulty.objects.filter(pk__in=made["difficulties"], version__gt=1))
    worked_on |= _elders(Contact.objects.filter(pk__in=made["contacts"], version__gt=1))
    unchanged = [
        line for line in lines if held.get(line.elder_id) == line.elder_version and line.elder_id not in worked_on
    ]
    new = [line.elder_id for line in unchanged if line.verdict == Verdict.NEW]
    gone = _remove(_untouched(new, made))
    changed = [line for line in unchanged if line.verdict != Verdict.NEW]
    _restore(changed, keys)
    undone = gone | {line.elder_id for line in changed}
    bulk.update_values(ImportRow, ["undone"], ((line.pk, line.elder_id in undone) for line in lines))


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


def _restore(changed: list[Applied], keys: Sealer) -> None:
    """Give changed elders their particulars back, and take away what was added to them."""
    Difficulty.objects.filter(pk__in=[pk for line in changed for pk in line.added("difficulties")]).delete()
    Contact.objects.filter(pk__in=[pk for line in changed for pk in line.added("contacts")]).delete()
    before = {
        line.elder_id: json.loads(keys.unseal(bytes(line.before), context=_BEFORE.context(line.pk)))
        for line in changed
        if line.before
    }
    elders = list(Elder.objects.filter(pk__in=before))
    for elder in elders:
        assign(elder, before[elder.pk])
    write(elders, [elder.pk for elder in elders if "address" in before[elder.pk]])
