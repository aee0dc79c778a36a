"""Writing looked-over lines to the register, thousands at a time: nothing here costs a statement a line.

A line's values were read, checked and sealed by the look-over, so they are taken as they stand; what may have changed
since (the elder's record, the day) is checked anew.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Q, Subquery

from songhe.core.calendar.services import today
from songhe.core.crypto.sealing import Sealer
from songhe.core.errors import Refused
from songhe.core.events.services import publish
from songhe.core.ids import uuid7
from songhe.core.validity import from_day
from songhe.registers.elders import names
from songhe.registers.elders import services as elders
from songhe.registers.elders.events import DifficultyChanged, ElderRegistered
from songhe.registers.elders.importing import bulk
from songhe.registers.elders.importing.columns import LABELS
from songhe.registers.elders.importing.judging import (
    COMPARED,
    Known,
    dump,
    first_day,
    has_contact,
    has_difficulty,
    known_by_id,
    known_by_number,
)
from songhe.registers.elders.models import (
    Contact,
    Difficulty,
    Elder,
    IdKind,
    ImportBatch,
    ImportRow,
    LivingSituation,
    Residence,
    Verdict,
)

READ = ("number", "pk", "verdict", "number_index", "elder_id", "elder_version", "changes", "errors", "values")
APPLIED = ("verdict", "errors", "elder_id", "elder_version", "before", "made", "applied")
FRESH = (
    "id", "name", "name_pinyin", "name_initials", "given_name", "sex", "birth_date", "id_kind", "id_number",
    "id_number_index", "phone", "phone_index", "ethnicity", "area", "address", "registered_address",
    "living_situation", "registered_on", "remarks",
)  # fmt: skip
AMENDED = (
    "name", "name_pinyin", "name_initials", "given_name", "sex", "birth_date", "id_kind", "id_number",
    "id_number_index", "phone", "phone_index", "ethnicity", "address", "registered_address", "living_situation",
    "remarks",
)  # fmt: skip
_VALUES, _BEFORE = ImportRow._meta.get_field("values"), ImportRow._meta.get_field("before")


@dataclass(slots=True)
class Entered:
    """A line while it is written to the register."""

    pk: UUID
    verdict: str
    number_index: bytes | None
    elder_id: UUID | None
    elder_version: int | None
    changes: list[str]
    errors: list[dict[str, str]]
    values: dict[str, Any]
    before: str = ""
    difficulties: list[UUID] = field(default_factory=list)
    contacts: list[UUID] = field(default_factory=list)
    applied: bool = False

    def refuse(self, why: str) -> None:
        """Set the line aside as wrong."""
        self.verdict = Verdict.WRONG
        self.errors = [*self.errors, {"column": LABELS["name"], "wrong": why, "todo": ""}]

    def columns(self, keys: Sealer) -> tuple[Any, ...]:
        """Return what is written back to the roll, its key first, as ``APPLIED`` names it."""
        made = {"difficulties": [str(pk) for pk in self.difficulties], "contacts": [str(pk) for pk in self.contacts]}
        before = keys.seal(self.before, context=_BEFORE.context(self.pk)) if self.before else None
        return (
            self.pk, self.verdict, dump(self.errors), self.elder_id, self.elder_version, before, dump(made),
            self.applied,
        )  # fmt: skip


class Desk:
    """Where the lines of one roll are written; numbers are sealed under one keyring."""

    def __init__(self, batch: ImportBatch, keys: Sealer) -> None:
        self.batch, self.keys, self.today = batch, keys, today()
        self.source = batch.source.name
        self.touched: set[UUID] = set()
        self.difficulties: list[Difficulty] = []
        self.contacts: list[Contact] = []

    def read(self, rows: Sequence[tuple[Any, ...]], said: dict[int, dict[str, Any]]) -> list[Entered]:
        """Return lines from their columns, as ``READ`` names them, and from what was read of them, by number."""
        return [
            Entered(
                pk, verdict, bytes(index) if index else None, elder_id, version, changes, errors,
                json.loads(self.keys.unseal(bytes(own), context=_VALUES.context(pk))) if own else said[number],
            )
            for number, pk, verdict, index, elder_id, version, changes, errors, own in rows
        ]  # fmt: skip

    def enter(self, lines: list[Entered]) -> None:
        """Write lines to the register, those that no longer fit set aside as wrong, and note it on the roll."""
        held = _hold(lines)
        known = known_by_number({line.number_index for line in lines if line.number_index})
        by_id = known_by_id(pk for line in lines if (pk := line.elder_id)) if held else {}
        self.difficulties, self.contacts = [], []
        fresh, amended = [], []
        for line in lines:
            try:
                if line.verdict == Verdict.NEW:
                    fresh.append(self._new(line, known))
                elif (elder := self._change(line, held, by_id)) is not None:
                    amended.append(elder)
            except Refused as error:
                line.refuse(error.message)
        bulk.insert_values(Elder, FRESH, fresh)
        _amend(amended, lines)
        bulk.insert(Difficulty, self.difficulties)
        bulk.insert(Contact, self.contacts)
        bulk.update_values(ImportRow, APPLIED, (line.columns(self.keys) for line in lines))
        self._tell(lines)

    def _new(self, line: Entered, known: dict[bytes, Known]) -> tuple[Any, ...]:
        """Return the columns of a new elder, as ``FRESH`` names them."""
        values = line.values
        if line.number_index is not None and line.number_index in known:
            raise Refused("核对之后已由他人建档，请重新核对")
        born = date.fromisoformat(values["birth_date"])
        if born > self.today:
            raise Refused(f"出生日期 {born} 晚于今天，请核对")
        pk, area = uuid7(), values["area"]
        keys, number, phone = names.keys(values["name"]), values.get("id_number", ""), values.get("phone", "")
        self._add(line, pk, area, values.get("difficulties", []), values.get("contact"), 1)
        line.elder_id, line.elder_version, line.applied = pk, 1, True
        return (
            pk, values["name"], keys.pinyin, keys.initials, keys.given, values["sex"], born,
            IdKind.RESIDENT.value if number else IdKind.NONE.value,
            self.keys.seal(number, context=_NUMBER.context(pk)) if number else None, line.number_index,
            self.keys.seal(phone, context=_PHONE.context(pk)) if phone else None,
            self.keys.index(phone, purpose="phone_index") if phone else None,
            values.get("ethnicity", ""), area, values.get("address", ""), values.get("registered_address", ""),
            values.get("living_situation", LivingSituation.OTHER.value), self.today, values.get("remarks", ""),
        )  # fmt: skip

    def _change(self, line: Entered, held: dict[UUID, Elder], by_id: dict[UUID, Known]) -> Elder | None:
        """Note what a line adds to an elder; return the elder's record, not yet written, if the line changes it."""
        values = line.values
        elder, known = (held.get(line.elder_id), by_id.get(line.elder_id)) if line.elder_id else (None, None)
        if elder is None or known is None or elder.version != line.elder_version or elder.pk in self.touched:
            raise Refused("核对之后被他人修改，请重新核对")
        fields = {key: values[key] for key in line.changes if key in COMPARED}
        if "id_number" in line.changes:
            fields |= {"id_number": values["id_number"], "id_kind": IdKind.RESIDENT}
        if fields:
            line.before = dump({key: getattr(elder, key) for key in fields})
            assign(elder, fields)
            if "id_number" in fields:
                elders.refuse_duplicate(elder)
        said = [one for one in values.get("difficulties", []) if not has_difficulty(known, one)]
        contact = values.get("contact")
        if contact and has_contact(self.keys, known, contact):
            contact = None
        self._add(line, elder.pk, elder.area_id, said, contact, known.last_order + 1)
        self.touched.add(elder.pk)
        line.elder_version, line.applied = elder.version + bool(fields), True
        return elder if fields else None

    def _add(
        self, line: Entered, pk: UUID, area: int, said: list[dict[str, Any]], contact: dict[str, Any] | None, order: int
    ) -> None:
        mine = [
            Difficulty(
                elder_id=pk,
                area_id=area,
                kind=one["kind"],
                grade=one["grade"],
                evidence=one["evidence"][:100],
                source=self.source,
                validity=from_day(first_day(one)),
            )
            for one in said
        ]
        self.difficulties += mine
        line.difficulties = [row.pk for row in mine]
        if contact:
            called = Contact(
                elder_id=pk,
                name=contact["name"],
                relation=contact["relation"][:20],
                phone=contact["phone"],
                order=order,
            )
            self.contacts.append(called)
            line.contacts = [called.pk]

    def _tell(self, lines: list[Entered]) -> None:
        for line in lines:
            if line.applied and line.elder_id is not None and line.verdict == Verdict.NEW:
                publish(ElderRegistered(elder_id=line.elder_id))
        for difficulty in self.difficulties:
            publish(DifficultyChanged(elder_id=difficulty.elder_id, kind=difficulty.kind))


_NUMBER, _PHONE = Elder._meta.get_field("id_number"), Elder._meta.get_field("phone")


def _hold(lines: list[Entered]) -> dict[UUID, Elder]:
    """Lock the elders that lines are about, in one order."""
    told = [line.elder_id for line in lines if line.elder_id]
    if not told:
        return {}
    rows = Elder.objects.select_for_update(of=("self",)).filter(pk__in=told).order_by("pk")
    return {elder.pk: elder for elder in rows}


def assign(elder: Elder, fields: dict[str, Any]) -> None:
    """Give an elder other particulars, brought into their stored form; writes nothing."""
    for key, value in fields.items():
        if key != "name":
            setattr(elder, key, value)
    elders.fit(elder, name=fields.get("name", elder.name))


def _amend(amended: list[Elder], lines: list[Entered]) -> None:
    moved = {line.elder_id for line in lines if line.applied and "address" in line.changes}
    write(amended, [elder.pk for elder in amended if elder.pk in moved])


def write(amended: list[Elder], of_new_address: list[UUID]) -> None:
    """Write elders' changed particulars, and their address to the home they live in."""
    bulk.update(Elder, amended, AMENDED)
    if of_new_address:
        homes = Residence.objects.filter(
            Q(elder__in=of_new_address), kind=Residence.Kind.LIVING, validity__endswith=None
        )
        homes.update(address=Subquery(Elder.objects.filter(pk=OuterRef("elder")).values("address")))
