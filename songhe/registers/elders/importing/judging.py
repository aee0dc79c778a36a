"""Holding a roll's lines against the register: who each is, what would change, and what a person must decide.

A line whose number is known is that elder's, unless the names are strangers to each other. Without a usable number, or
with one that nobody has, the line is weighed against those of like name, birth date or telephone; a likely one is put
to a person. Fields follow the source's rules.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection

from songhe.core.crypto.sealing import Sealer, sealer
from songhe.core.ids import uuid7
from songhe.core.scope.services import Scope, use
from songhe.registers.elders import names
from songhe.registers.elders.importing.checking import Judged
from songhe.registers.elders.importing.columns import LABELS
from songhe.registers.elders.importing.matching import ASKED_FROM, Described, same_name, weigh
from songhe.registers.elders.models import (
    Elder,
    ElderState,
    ImportBatch,
    ImportRow,
    Rule,
    Subject,
    Verdict,
)
from songhe.registers.elders.selectors import within_scope

# What a roll may change of an elder already known; sex and birth date are the same person's by definition, and a new
# community is a move, which a person decides.
COMPARED = ("name", "phone", "ethnicity", "address", "registered_address", "living_situation", "remarks")

WHO = "who"
NEW, SKIP = "new", "skip"
MOST_CANDIDATES = 5


@dataclass
class Desk:
    """What judging a roll's lines needs to know beyond the line: the source's rules and who was read before."""

    batch: ImportBatch
    seen: dict[bytes, int] = field(default_factory=dict)
    among: int = 0
    sealer: Sealer = field(default_factory=sealer)

    def __post_init__(self) -> None:
        self.source = self.batch.source
        self.about_dead = self.source.subject == Subject.DEATH

    def rule(self, name: str) -> str:
        """Return who is right about a field."""
        return str(self.source.rules.get(name, Rule.TAKE))


@dataclass(slots=True)
class Line:
    """A roll's line while it is judged: an ``ImportRow`` without the cost of a record, ``values`` not yet sealed."""

    number: int
    pk: UUID = field(default_factory=uuid7)
    answers: dict[str, str] = field(default_factory=dict)
    decided_by: int | None = None
    number_index: bytes | None = None
    name: str = ""
    verdict: str = Verdict.UNJUDGED
    said_on: date | None = None
    values: dict[str, Any] = field(default_factory=dict)
    asks: list[str] = field(default_factory=list)
    candidates: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, str]] = field(default_factory=list)
    notes: list[dict[str, str]] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    elder_id: UUID | None = None
    elder_version: int | None = None

    def write_to(self, row: ImportRow) -> None:
        """Give a record what was judged; saves nothing."""
        for name in JUDGED:
            setattr(row, name, getattr(self, name))
        row.values, row.before = dump(self.values), ""


JUDGED = (
    "number_index", "name", "verdict", "said_on", "values", "asks", "candidates", "errors", "notes", "changes",
    "elder_id", "elder_version",
)  # fmt: skip


@dataclass(slots=True)
class Known:
    """What the register knows of an elder that a line is held against; numbers by their blind indexes only."""

    pk: UUID
    version: int
    state: str
    area_id: int
    area_name: str
    number_index: bytes | None
    phone_index: bytes | None
    death_date: date | None
    moved_away_on: date | None
    merged_into_id: UUID | None
    written: dict[str, str]
    difficulties: list[tuple[str, date | None]] = field(default_factory=list)
    contacts: list[bytes] = field(default_factory=list)
    last_order: int = 0

    @property
    def name(self) -> str:
        """The elder's name."""
        return self.written["name"]


def judge(desk: Desk, judged: Sequence[tuple[Line, Judged]]) -> None:
    """Fill in every line's verdict, what would change and what is asked; saves nothing."""
    for row, line in judged:
        number = line.values.get("id_number")
        row.number_index = desk.sealer.index(number, purpose="id_number_index") if number else None
    indexes = [row.number_index for row, _line in judged if row.number_index]
    known = known_by_number(indexes)
    elsewhere = _elsewhere([index for index in indexes if index not in known])
    unknown = [pair for pair in judged if pair[0].number_index not in known and pair[0].number_index not in elsewhere]
    likely = _candidates(desk, unknown)
    told = [who for row, _line in judged if row.answers and (who := _told(row))]
    chosen = known_by_id(told)
    for row, line in judged:
        _judge_row(desk, row, line, known, elsewhere, likely.get(row.number, []), chosen)


def known_by_number(indexes: Iterable[bytes]) -> dict[bytes, Known]:
    """Return the elders in scope by the blind index of their number, with what a roll may add to."""
    found = {elder.number_index: elder for elder in _known("id_number_index", list(indexes)) if elder.number_index}
    merged = {elder.merged_into_id for elder in found.values() if elder.merged_into_id}
    if merged:
        # Whose record was taken into another is the other.
        kept = known_by_id(merged)
        found = {
            index: kept.get(elder.merged_into_id, elder) if elder.merged_into_id else elder
            for index, elder in found.items()
        }
    return found


def known_by_id(pks: Iterable[UUID]) -> dict[UUID, Known]:
    """Return the elders in scope of these ids."""
    pks = set(pks)
    return {elder.pk: elder for elder in _known("id", list(pks))} if pks else {}


_TEXTS = tuple(name for name in COMPARED if name != "phone")


# Keys go as one array: thousands of them, each a parameter of its own, cost more than the answer.
_OF_ELDERS = f"""
SELECT elder.id, elder.version, elder.state, elder.area_id, area.name, elder.id_number_index, elder.phone_index,
       elder.death_date, elder.moved_away_on, elder.merged_into_id, {", ".join(f"elder.{name}" for name in _TEXTS)}
FROM elders_elder elder JOIN areas_area area ON area.code = elder.area_id WHERE elder.{{key}} = ANY(%s)
"""  # noqa: S608
_OF_DIFFICULTIES = "SELECT elder_id, kind, upper(validity) FROM elders_difficulty WHERE elder_id = ANY(%s)"
_OF_CONTACTS = 'SELECT elder_id, phone_index, "order" FROM elders_contact WHERE elder_id = ANY(%s)'


def _known(key: str, values: list[Any]) -> list[Known]:
    found: dict[UUID, Known] = {}
    with connection.cursor() as cursor:
        cursor.execute(_OF_ELDERS.format(key=key), [values])
        for pk, version, state, area, area_name, number, phone, died, left, merged, *texts in cursor:
            found[pk] = Known(
                pk, version, state, area, area_name, _bytes(number), _bytes(phone), died, left, merged,
                dict(zip(_TEXTS, texts, strict=True)),
            )  # fmt: skip
        if not found:
            return []
        cursor.execute(_OF_DIFFICULTIES, [list(found)])
        for elder_id, kind, upper in cursor:
            found[elder_id].difficulties.append((kind, upper))
        cursor.execute(_OF_CONTACTS, [list(found)])
        for elder_id, phone, order in cursor:
            found[elder_id].contacts.append(bytes(phone))
            found[elder_id].last_order = max(found[elder_id].last_order, order)
    return list(found.values())


def _bytes(value: Any) -> bytes | None:
    return None if value is None else bytes(value)


def _told(row: Line) -> UUID | None:
    who = row.answers.get(WHO, "")
    return UUID(who) if who not in ("", NEW, SKIP) else None


def _elsewhere(indexes: list[bytes]) -> set[bytes]:
    """Return which numbers are registered where the importer may not look."""
    if not indexes:
        return set()
    with use(Scope.system()), connection.cursor() as cursor:
        cursor.execute("SELECT id_number_index FROM elders_elder WHERE id_number_index = ANY(%s)", [indexes])
        return {bytes(index) for (index,) in cursor}


def _judge_row(
    desk: Desk,
    row: Line,
    line: Judged,
    known: dict[bytes, Known],
    elsewhere: set[bytes],
    likely: list[tuple[UUID, float, tuple[str, ...]]],
    chosen: dict[UUID, Known],
) -> None:
    values, index = line.values, row.number_index
    row.name = str(values.get("name", ""))[:60]
    row.elder_id = row.elder_version = None
    row.changes, row.asks, row.candidates = [], [], []
    row.said_on = date.fromisoformat(values["died_on"]) if "died_on" in values else None
    if index is not None and (earlier := desk.seen.setdefault(index, row.number)) != row.number:
        _wrong(line, f"与第 {earlier} 行是同一个身份证号", "请删去重复的一行。")
    elder = _whose(row, line, known.get(index) if index is not None else None, likely, chosen)
    if elder is not None:
        row.elder_id, row.elder_version = elder.pk, elder.version
        _tell_of_elder(desk, row, line, elder)
    elif index in elsewhere:
        _wrong(line, "已由您管辖范围以外的社区登记", "请联系上级民政部门核对，由原社区办理居住地变更。")
    elif not row.asks and not desk.about_dead:
        _newcomer(row, line)
    row.values, row.errors, row.notes = values, line.errors, line.notes
    row.verdict = _verdict(desk, row, line, elder)


def _whose(
    row: Line,
    line: Judged,
    holder: Known | None,
    likely: list[tuple[UUID, float, tuple[str, ...]]],
    chosen: dict[UUID, Known],
) -> Known | None:
    """Return the elder a line is about; where only a person can tell, ask and return None."""
    answer = row.answers.get(WHO, "")
    if answer in (NEW, SKIP):
        return None
    if (told := _told(row)) is not None:
        return chosen.get(told)
    name = line.values.get("name", "")
    if holder is not None:
        if not name or same_name(name, holder.name):
            return holder
        row.asks = [WHO]
        row.candidates = [_candidate(holder.pk, None, ("身份证号相同", f"档案姓名为{holder.name}，名册姓名为{name}"))]
        return None
    if likely:
        row.asks = [WHO]
        row.candidates = [_candidate(elder_id, chance, reasons) for elder_id, chance, reasons in likely]
    return None


def _candidate(elder_id: UUID, chance: float | None, reasons: Sequence[str]) -> dict[str, Any]:
    return {"elder": str(elder_id), "chance": None if chance is None else round(chance, 4), "reasons": list(reasons)}


def _tell_of_elder(desk: Desk, row: Line, line: Judged, elder: Known) -> None:
    values = line.values
    if elder.state != ElderState.ACTIVE:
        if not desk.about_dead:
            day = elder.death_date or elder.moved_away_on
            said = f"档案显示该老人{ElderState(elder.state).label}（{day}）"
            _wrong(line, said, "请核实；属误登的，先恢复在册再导入。")
    elif "area" in values and values["area"] != elder.area_id:
        said = f"与档案中的居住社区（{elder.area_name}）不同，导入不改居住社区，请另行办理居住地变更"
        line.notes.append({"column": LABELS["area"], "wrong": said, "todo": ""})
    if line.no_number is not None:
        line.notes.append({**line.no_number, "todo": ""})
    elif elder.number_index and row.number_index not in (None, elder.number_index):
        said = "与档案中的证件号码不同，导入不改号码，请核对后在档案中更正"
        line.notes.append({"column": LABELS["id_number"], "wrong": said, "todo": ""})


def _newcomer(row: Line, line: Judged) -> None:
    """Say what a line lacks to become a record of its own."""
    if line.no_number is None:
        return
    if row.answers.get(WHO) != NEW:
        line.errors.insert(0, line.no_number)
        return
    line.notes.append({**line.no_number, "todo": ""})
    for key in ("birth_date", "sex"):
        if len(line.values.get(key, "")) < (10 if key == "birth_date" else 1):
            todo = "无证件号码的老人建档，须写明出生年月日和性别。"
            line.errors.append({"column": LABELS[key], "wrong": f"没有完整的{LABELS[key]}", "todo": todo})


def _verdict(desk: Desk, row: Line, line: Judged, elder: Known | None) -> str:
    if row.answers.get(WHO) == SKIP:
        return Verdict.LEFT
    if line.errors:
        return Verdict.WRONG
    if row.asks:
        return Verdict.CONFLICT
    if elder is None:
        return Verdict.NEW if desk.source.adds_people else Verdict.ABSENT
    if desk.about_dead:
        return Verdict.SAME
    row.changes, row.asks = _differences(desk, row, elder, line.values)
    if row.asks:
        return Verdict.CONFLICT
    return Verdict.CHANGED if row.changes else Verdict.SAME


def _wrong(line: Judged, wrong: str, todo: str) -> None:
    line.errors.append({"column": LABELS["id_number"], "wrong": wrong, "todo": todo})


# --- what would change ---


def _differences(desk: Desk, row: Line, elder: Known, values: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return what a line would change of an elder, by target, and what a person must decide first.

    A blank cell changes nothing.
    """
    changes, asks = [], []
    for key in COMPARED:
        if key not in values:
            continue
        if key == "phone":
            present: Any = elder.phone_index
            if desk.sealer.index(values[key], purpose="phone_index") == present:
                continue
        elif values[key] == (present := elder.written[key]):
            continue
        rule = desk.rule(key)
        if rule == Rule.ASK and present:
            if (answer := row.answers.get(key)) is None:
                asks.append(key)
            elif answer == Rule.TAKE:
                changes.append(key)
        elif rule != Rule.KEEP and (rule != Rule.FILL or not present):
            changes.append(key)
    if row.number_index and not elder.number_index:
        changes.append("id_number")
    if any(not has_difficulty(elder, said) for said in values.get("difficulties", [])):
        changes.append("difficulties")
    contact = values.get("contact")
    if contact and not has_contact(desk.sealer, elder, contact):
        changes.append("contact_phone")
    return changes, asks


def has_difficulty(elder: Known, said: dict[str, Any]) -> bool:
    """Tell whether an elder is in a kind of difficulty on or after the day a line says."""
    first = first_day(said)
    return any(kind == said["kind"] and (upper is None or upper > first) for kind, upper in elder.difficulties)


def has_contact(with_keys: Sealer, elder: Known, said: dict[str, Any]) -> bool:
    """Tell whether a telephone is already one of an elder's contacts."""
    return with_keys.index(said["phone"], purpose="phone_index") in elder.contacts


def first_day(said: dict[str, Any]) -> date:
    """Return the first day of a difficulty as a line says it."""
    return date.fromisoformat(said["first"])


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def dump(value: Any) -> str:
    """Return a value as compact JSON."""
    return "[]" if value == [] else _encode(value)


# --- who it may be ---

# Those without a usable number may be anybody of like name, birth or telephone; a number that nobody has is held only
# against namesakes born the same day.
_LIKE = """
SELECT r.n, e.id FROM unnest(%(n)s::int[], %(name)s::text[]) r(n, name)
JOIN elders_elder e ON e.name = r.name AND e.state <> 'merged'
UNION
SELECT r.n, e.id FROM unnest(%(n)s::int[], %(pinyin)s::text[], %(birth)s::date[]) r(n, pinyin, birth)
JOIN elders_elder e ON e.name_pinyin = r.pinyin AND e.birth_date = r.birth AND e.state <> 'merged'
UNION
SELECT r.n, e.id FROM unnest(%(n)s::int[], %(phone)s::bytea[]) r(n, phone)
JOIN elders_elder e ON e.phone_index = r.phone AND e.state <> 'merged'
LIMIT 20000
"""
_NAMESAKES = """
SELECT r.n, e.id FROM unnest(%(n)s::int[], %(name)s::text[], %(birth)s::date[]) r(n, name, birth)
JOIN elders_elder e ON e.name = r.name AND e.birth_date = r.birth AND e.state <> 'merged'
"""


def _candidates(desk: Desk, rows: list[tuple[Line, Judged]]) -> dict[int, list[tuple[UUID, float, tuple[str, ...]]]]:
    """Return, by line number, those in scope whom a line is likely to be about, the likeliest first."""
    by_line = {row.number: line for row, line in rows if "name" in line.values}
    pairs = _alike(desk, {n: _described(line) for n, line in by_line.items() if line.no_number is not None})
    pairs += _namesakes({n: line.values for n, line in by_line.items() if "id_number" in line.values})
    if not pairs:
        return {}
    described = {number: _described(by_line[number]) for number, _elder_id in pairs}
    elders = Elder.objects.in_bulk({elder_id for _n, elder_id in pairs})
    desk.among = desk.among or within_scope(Elder.objects.all()).count()
    found: dict[int, list[tuple[UUID, float, tuple[str, ...]]]] = defaultdict(list)
    for number, elder_id in pairs:
        elder = elders[elder_id]
        weighed = weigh(described[number], describe(elder), among=desk.among)
        if weighed.probability >= ASKED_FROM:
            found[number].append((elder_id, weighed.probability, weighed.reasons))
    return {n: sorted(of, key=lambda one: -one[1])[:MOST_CANDIDATES] for n, of in found.items()}


def _alike(desk: Desk, described: dict[int, Described]) -> list[tuple[int, UUID]]:
    people = described.values()
    return _pairs(
        _LIKE,
        n=list(described),
        name=[one.name for one in people],
        birth=[one.birth for one in people],
        pinyin=[names.keys(one.name).pinyin for one in people],
        phone=[desk.sealer.index(one.phone, purpose="phone_index") if one.phone else None for one in people],
    )


def _namesakes(said: dict[int, dict[str, Any]]) -> list[tuple[int, UUID]]:
    people = said.values()
    return _pairs(
        _NAMESAKES,
        n=list(said),
        name=[one["name"] for one in people],
        birth=[one["birth_date"] for one in people],
    )


def _pairs(statement: str, **columns: list[Any]) -> list[tuple[int, UUID]]:
    if not columns["n"]:
        return []
    with connection.cursor() as cursor:
        cursor.execute(statement, columns)
        return list(cursor.fetchall())


def _described(line: Judged) -> Described:
    values = line.values
    born = values.get("birth_date", "")
    return Described(
        name=values.get("name", ""),
        birth=date.fromisoformat(born) if len(born) == 10 else None,
        sex=values.get("sex", ""),
        phone=values.get("phone", ""),
        number=values.get("id_number", ""),
        area=values.get("area"),
        address=values.get("address", ""),
    )


def describe(elder: Elder) -> Described:
    """Return what the register knows of an elder, for weighing."""
    return Described(
        elder.name, elder.birth_date, elder.sex, elder.phone, elder.id_number, elder.area_id, elder.address
    )
