"""Taking back what a roll wrote, thousands of lines at a time.

Elders that somebody has worked on since, or on whom anything hangs that the roll did not make, stay, and their lines
say why.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import ProtectedError, QuerySet

from songhe.core.crypto.sealing import Sealer
from songhe.core.files.models import StoredFile
from songhe.core.flow.models import Step, Todo
from songhe.registers.elders.hanging import Hanging, everything
from songhe.registers.elders.importing import bulk
from songhe.registers.elders.importing.entering import assign, write
from songhe.registers.elders.importing.judging import dump
from songhe.registers.elders.models import Contact, Difficulty, Elder, ImportRow, Verdict

# What is about another row, which itself hangs on the elder and is asked.
_ABOUT_OTHERS = (StoredFile, Step, Todo)
_BEFORE = ImportRow._meta.get_field("before")


class Applied(NamedTuple):
    """What a written line says of itself; ``made`` holds the ids of what it added, ``before`` what it changed."""

    pk: UUID
    verdict: str
    elder_id: UUID
    elder_version: int
    made: dict[str, list[str]]
    before: bytes | None
    notes: list[dict[str, str]]

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
    made = {Difficulty: _made(lines, "difficulties"), Contact: _made(lines, "contacts")}
    worked_on: dict[UUID, list[str]] = defaultdict(list)
    for line in lines:
        if held.get(line.elder_id) != line.elder_version:
            worked_on[line.elder_id].append("档案的修改")
    for model, pks in made.items():
        rows = model._base_manager.filter(pk__in=pks, version__gt=1)
        _add(worked_on, _elders(rows), f"{model._meta.verbose_name}的修改")
    _hang(worked_on, [line.elder_id for line in lines if line.verdict == Verdict.NEW], made)
    unchanged = [line for line in lines if line.elder_id not in worked_on]
    new = [line.elder_id for line in unchanged if line.verdict == Verdict.NEW]
    gone = _remove(new)
    _add(worked_on, set(new) - gone, "其他业务记录")
    changed = [line for line in unchanged if line.verdict != Verdict.NEW]
    _restore(changed, keys)
    bulk.update_values(ImportRow, ["undone"], ((line.pk, line.elder_id not in worked_on) for line in lines))
    kept = [line for line in lines if line.elder_id in worked_on]
    bulk.update_values(ImportRow, ["notes"], ((line.pk, dump(_said(line, worked_on))) for line in kept))


def _made(lines: Sequence[Applied], what: str) -> list[UUID]:
    return [pk for line in lines for pk in line.added(what)]


def _said(line: Applied, worked_on: dict[UUID, list[str]]) -> list[dict[str, str]]:
    """Return a kept line's notes with what it was kept for."""
    why = "、".join(dict.fromkeys(worked_on[line.elder_id]))
    return [*line.notes, {"column": "撤销", "wrong": f"档案保留：导入后又有{why}", "todo": ""}]


def _add(worked_on: dict[UUID, list[str]], elders: set[UUID], why: str) -> None:
    for pk in elders:
        worked_on[pk].append(why)


def _elders(rows: "QuerySet[Any]", column: str = "elder_id") -> set[UUID]:
    return set(rows.order_by().values_list(column, flat=True))


def asked() -> Iterator[Hanging]:
    """Yield the tables whose rows keep an elder that a roll entered from going with it, whoever wrote them.

    What is computed of an elder alone, and again when need be, goes with the elder: its model says
    ``goes_with_elder``.
    """
    for hanging in everything():
        if hanging.model not in _ABOUT_OTHERS and not getattr(hanging.model, "goes_with_elder", False):
            yield hanging


def _hang(worked_on: dict[UUID, list[str]], new: list[UUID], made: dict[Any, list[UUID]]) -> None:
    """Note of the new elders what hangs on them beside what the roll ``made``."""
    if not new:
        return
    for hanging in asked():
        rows = hanging.model._base_manager.filter(**{f"{hanging.attribute}__in": new})
        if pks := made.get(hanging.model):
            rows = rows.exclude(pk__in=pks)
        _add(worked_on, _elders(rows, hanging.attribute), hanging.noun)


def _remove(pks: list[UUID]) -> set[UUID]:
    """Remove elders; return who could be. Where a record keeps one all the same, the others are found by halves."""
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
