"""Reads of the elders' register: searching, recognising a caller, facts for policies."""

import io
import re
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection
from django.db.models import Prefetch, Q, QuerySet

from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.crypto.sealing import blind_index, normal
from songhe.core.errors import Refused
from songhe.core.scope.services import Scope, current, use
from songhe.registers.elders import identity, names
from songhe.registers.elders.models import Contact, Difficulty, Elder, ElderState, Guardian, LifeEvent

if TYPE_CHECKING:
    import polars as pl

_HAN = re.compile(r"[^\x00-\x7f]+")


# --- lists and search ---


def listed() -> QuerySet[Elder]:
    """Return all elders the person may see, for lists.

    The scope's range is repeated here with its own figures: the walls hold without it, but they hide the figures from
    the planner, which then cannot tell a community from a city.
    """
    present = Prefetch("difficulties", Difficulty.objects.filter(Difficulty.on(today())), to_attr="present_rows")
    return within_scope(Elder.objects.all()).select_related("area").prefetch_related(present)


def present_difficulties(elder: Elder) -> list[Difficulty]:
    """Return the kinds of difficulty an elder is in today."""
    if not hasattr(elder, "present_rows"):
        elder.present_rows = list(elder.difficulties.filter(Difficulty.on(today())))
    return elder.present_rows


def within_scope(queryset: QuerySet[Any]) -> QuerySet[Any]:
    """Repeat the scope's area range as a plain condition, for speed only."""
    scope = current()
    if scope is None or scope.kind not in ("area", "inspect"):
        return queryset
    return queryset.filter(area_id__gte=scope.area_lo, area_id__lt=scope.area_hi)


def search_elders(queryset: QuerySet[Elder], text: str) -> QuerySet[Elder]:
    """Return those found by a name or given name, pinyin or initials (from the start), or a whole number or phone."""
    return queryset.filter(reduce(or_, ways_to_elders(text), Q()))


def ways_to_elders(text: str) -> list[Q]:
    """Return the conditions of which a search asks that one hold, each with an index of its own; none for no text."""
    text = text.strip()
    folded = normal(text)
    if not folded:
        return []
    if re.fullmatch(r"\d{15}|\d{17}[\dX]", folded):
        return [Q(id_number_index=number_index(folded))]
    if folded.lstrip("+").isdigit():
        return [_by_phone(folded)]
    if text.isascii():
        latin = re.sub(r"[^a-z]", "", text.lower().replace("u:", "v"))
        if not latin:
            return [Q(id_number_index=blind_index(folded, purpose="id_number_index"))]
        if len(latin) == 1:
            # One letter begins both or neither; one condition is one index.
            return [Q(name_initials__startswith=latin)]
        return [Q(name_pinyin__startswith=latin), Q(name_initials__startswith=latin)]
    return _by_name(text)


def _by_name(text: str) -> list[Q]:
    name = names.clean_name(text.replace("ü", "v"))
    latin = re.sub(r"[^a-z]", "", _HAN.sub("", name).lower())
    if not latin:
        return [Q(name__startswith=name), Q(given_name__startswith=name)]
    # A name begun in characters and ended in initials: 王xm.
    written = _HAN.match(name)
    head = written.group() if written else ""
    return [Q(name__startswith=head) & Q(name_initials__startswith=names.keys(head).initials + latin)]


def _by_phone(text: str) -> Q:
    found = _phone_indexes(text)
    if not found:
        return Q(pk__in=[])
    of_contacts = list(Contact.objects.filter(phone_index__in=found).values_list("elder_id", flat=True)[:200])
    return Q(phone_index__in=found) | Q(pk__in=of_contacts)


def number_index(text: str) -> bytes:
    """Return the blind index of an identity number; a 15-digit one is looked up in its 18-character form."""
    try:
        text = identity.read(text).number
    except Refused:
        text = identity.plain(text)
    return blind_index(text, purpose="id_number_index")


def _phone_indexes(text: str) -> list[bytes]:
    """Return the blind indexes a caller's number may be stored under: with and without the area code."""
    try:
        number = identity.phone(text)
    except Refused:
        return []
    forms = {number}
    if re.fullmatch(r"0\d{9,11}", number):
        forms |= {number[3:], number[4:]}
    return [blind_index(form, purpose="phone_index") for form in sorted(forms)]


@dataclass(frozen=True)
class Holder:
    """Whose an identity number is: ``sentence`` names them only within the asker's scope."""

    elder_id: UUID
    sentence: str


def holder_of_number(number: str) -> Holder | None:
    """Return who in the region has an identity number, if anybody."""
    index = number_index(number)
    elder = Elder.objects.filter(id_number_index=index).select_related("area").first()
    if elder is not None:
        if elder.merged_into_id is not None:
            sentence = f"此身份证号的档案（{elder.name}）已并入另一份档案，请打开保留的那一份。"
            return Holder(elder.merged_into_id, sentence)
        where = f"{elder.area.full_name}，{elder.get_state_display()}"
        return Holder(elder.pk, f"此身份证号已登记：{elder.name}（{where}）。请打开该档案修改，不要重复建档。")
    with use(Scope.system()):
        elder_id = Elder.objects.filter(id_number_index=index).values_list("pk", flat=True).first()
    if elder_id is None:
        return None
    return Holder(elder_id, "此身份证号已由您管辖范围以外的社区登记。请联系上级民政部门核对，由原社区办理居住地变更。")


def namesakes(elder: Elder) -> list[Elder]:
    """Return other elders in scope of the same name and birth date: perhaps the same person."""
    return list(
        within_scope(Elder.objects.filter(name=elder.name, birth_date=elder.birth_date, merged_into=None))
        .exclude(pk=elder.pk)
        .select_related("area")[:5]
    )


# --- the caller ---


@dataclass(frozen=True)
class Caller:
    """An elder whom a number may concern, and whose number it is; ``relation`` is 本人 for the elder's own."""

    elder: Elder
    relation: str
    name: str


def find_caller(phone: str) -> list[Caller]:
    """Return the elders a calling number belongs to: their own first, then as contact or guardian; usually one."""
    indexes = _phone_indexes(phone)
    if not indexes:
        return []
    found = [
        Caller(elder, "本人", elder.name)
        for elder in Elder.objects.filter(phone_index__in=indexes).select_related("area")[:20]
    ]
    seen = {caller.elder.pk for caller in found}
    for kind in (Contact, Guardian):
        for row in kind.objects.filter(phone_index__in=indexes).select_related("elder__area")[:20]:
            if row.elder_id not in seen:
                seen.add(row.elder_id)
                found.append(Caller(row.elder, row.relation, row.name))
    return sorted(found, key=lambda caller: caller.elder.state != ElderState.ACTIVE)


# --- facts for policies ---

CITY = 10**8
"""How many codes one city spans; two communities of one city agree above it."""


def facts_for_policy(elder: Elder, on: date) -> dict[str, Any]:
    """Return what policies may ask of an elder, as it was on a day.

    年龄 is in whole years. 困难类别 lists the kinds in force by code (``DifficultyKind``), 居住状况 is a code
    (``LivingSituation``), 能力等级 is 0–4 and 残疾等级 1–4, the heaviest; either is None where nothing is known.
    """
    # In Python, so that difficulties fetched for many elders at once are not asked for again one by one.
    rows = [row for row in elder.difficulties.all() if on in row.validity]
    grades = [row.grade for row in rows if row.grade is not None]
    assessed = elder.ability_assessed_on is not None and elder.ability_assessed_on <= on
    return {
        "年龄": elder.age_on(on),
        "性别": elder.sex,
        "在册": elder.state == ElderState.ACTIVE,
        "户籍在本市": elder.registered_area_id is not None
        and elder.registered_area_id // CITY == elder.area_id // CITY,
        "居住区划": elder.area_id,
        "居住状况": elder.living_situation,
        "困难类别": sorted(row.kind for row in rows),
        "残疾等级": min(grades, default=None),
        "能力等级": elder.ability_level if assessed else None,
    }


_FRAME = """
COPY (
    SELECT e.id, e.birth_date, e.sex, e.registered_area_id, e.area_id, e.living_situation, d.kinds, d.grade,
           e.ability_level, e.ability_assessed_on
    FROM elders_elder e
    LEFT JOIN (
        SELECT elder_id, string_agg(kind, '|' ORDER BY kind) AS kinds, min(grade) AS grade
        FROM elders_difficulty
        WHERE area_id >= %(lo)s AND area_id < %(hi)s AND starts_on <= %(on)s AND ends_before > %(on)s
        GROUP BY elder_id
    ) d ON d.elder_id = e.id
    WHERE e.area_id >= %(lo)s AND e.area_id < %(hi)s AND e.state = 'active'
) TO STDOUT (FORMAT csv)
"""


def facts_frame(area: Area, on: date) -> "pl.DataFrame":
    """Return the facts of ``facts_for_policy`` for every active elder of an area's subtree, a row each.

    The column ``elder_id`` is the id as text; 困难类别 is a list.
    """
    # A second to import, which no page should wait for.
    import polars as pl

    columns = {
        "elder_id": pl.String,
        "born": pl.Date,
        "性别": pl.String,
        "registered": pl.Int64,
        "居住区划": pl.Int64,
        "居住状况": pl.String,
        "困难类别": pl.String,
        "残疾等级": pl.Int8,
        "能力等级": pl.Int8,
        "assessed": pl.Date,
    }
    values = {"on": on, "lo": area.code, "hi": area.upper}
    buffer = io.BytesIO()
    with connection.cursor() as cursor, cursor.copy(_FRAME, values) as copy:
        for block in copy:
            buffer.write(block)
    buffer.seek(0)
    if buffer.getbuffer().nbytes:
        frame = pl.read_csv(buffer, has_header=False, schema=columns)
    else:
        frame = pl.DataFrame(schema=columns)
    born = pl.col("born").dt
    had_birthday = (born.month() < on.month) | ((born.month() == on.month) & (born.day() <= on.day))
    return frame.select(
        "elder_id",
        (on.year - born.year() - (~had_birthday).cast(pl.Int32)).cast(pl.Int16).alias("年龄"),
        "性别",
        pl.lit(True).alias("在册"),
        (pl.col("registered") // CITY == pl.col("居住区划") // CITY).fill_null(False).alias("户籍在本市"),
        "居住区划",
        "居住状况",
        pl.col("困难类别").str.split("|").fill_null(pl.lit([], dtype=pl.List(pl.String))),
        "残疾等级",
        pl.when(pl.col("assessed") <= on).then("能力等级").alias("能力等级"),
    )


# --- detail pages ---


def difficulties_of(elder: Elder) -> QuerySet[Difficulty]:
    """Return an elder's kinds of difficulty, those in force first."""
    return elder.difficulties.select_related("evidence_file").order_by("-validity")


def life_of(elder: Elder) -> QuerySet[LifeEvent]:
    """Return what happened to an elder, the latest first, each with what it did and the work it left."""
    return elder.life_events.prefetch_related("effects", "follow_ups").order_by("-on", "-id")
