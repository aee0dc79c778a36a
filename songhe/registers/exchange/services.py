"""Comparing whole rolls with each other and with the register, and settling what comes of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.errors import Refused
from songhe.core.flow.services import fire, fire_many, start_many
from songhe.core.locks import locked
from songhe.core.saving import save
from songhe.core.scope.services import Scope, use
from songhe.core.validity import in_force
from songhe.registers.elders import services as elders
from songhe.registers.elders.models import Difficulty, Elder, ElderState, ImportBatch, ImportSource, RollEntry, Subject
from songhe.registers.exchange.flow import FindingState
from songhe.registers.exchange.models import OUTCOMES, Exclusion, Finding, FindingKind, Outcome

_PROFILE = frozenset(
    {
        "name", "office", "subject", "kinds", "cadence", "is_whole", "adds_people", "from_age", "responsible",
        "contact", "rules",
    }
)  # fmt: skip


# --- sources ----------------------------------------------------------------------------------------------------


@transaction.atomic
def open_source(*, area: Area, name: str, **profile: Any) -> ImportSource:
    """Enter an office whose rolls will come, before the first of them does."""
    if unknown := set(profile) - _PROFILE:
        raise TypeError(f"open_source() 没有：{'、'.join(sorted(unknown))}")
    return _fit(ImportSource(area=area, name=name.strip(), **profile))


@transaction.atomic
def amend_source(*, source_id: UUID, version: int | None = None, **profile: Any) -> ImportSource:
    """Change what is known of a source; rolls applied before stay as they are."""
    if unknown := set(profile) - _PROFILE:
        raise TypeError(f"amend_source() 不能修改：{'、'.join(sorted(unknown))}")
    source = locked(ImportSource.objects.filter(pk=source_id), version=version)
    for field, value in profile.items():
        setattr(source, field, value.strip() if isinstance(value, str) else value)
    return _fit(source)


def _fit(source: ImportSource) -> ImportSource:
    if source.subject == Subject.DEATH:
        source.adds_people = False
    if source.from_age is not None and source.subject != Subject.BENEFIT:
        raise Refused("“应覆盖年龄”只用于待遇发放名册。", field="from_age")
    if source.from_age is not None and not source.is_whole:
        raise Refused("要查到龄未享受，名册须是全量名册。", field="is_whole")
    return save(source)


# --- comparing --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Found:
    """Somebody of whom a roll says something to look into."""

    elder_id: UUID
    area_id: int
    said_on: date | None = None


_GONE = """
SELECT entry.elder_id, elder.area_id, NULL::date FROM elders_rollentry entry
JOIN elders_elder elder ON elder.id = entry.elder_id AND elder.state = 'active'
WHERE entry.closed_by_id = %(batch)s
"""
_STILL_HERE = """
SELECT entry.elder_id, elder.area_id, entry.said_on FROM elders_rollentry entry
JOIN elders_elder elder ON elder.id = entry.elder_id AND elder.state = 'active'
WHERE entry.source_id = %(source)s AND entry.closed_by_id IS NULL
"""
_ON_BOTH = """
SELECT one.elder_id, elder.area_id, coalesce(one.said_on, other.said_on) FROM elders_rollentry one
JOIN elders_rollentry other ON other.elder_id = one.elder_id AND other.closed_by_id IS NULL
JOIN elders_elder elder ON elder.id = one.elder_id AND elder.state = 'active'
WHERE one.source_id = %(source)s AND one.closed_by_id IS NULL AND other.source_id = %(other)s
"""
_NOT_ON = """
SELECT elder.id, elder.area_id, NULL::date FROM elders_elder elder
WHERE elder.state = 'active' AND elder.area_id >= %(lo)s AND elder.area_id < %(hi)s AND elder.birth_date <= %(born)s
  AND NOT EXISTS (SELECT 1 FROM elders_rollentry entry WHERE entry.elder_id = elder.id
                  AND entry.source_id = %(source)s AND entry.closed_by_id IS NULL)
"""


@transaction.atomic
def compare(*, source_id: UUID, batch_id: UUID | None = None, on: date | None = None) -> dict[str, int]:
    """Hold a whole roll against the register and the other rolls; return how many new findings of each kind.

    ``batch_id`` is the roll just applied. What no longer holds is cleared; what is being looked into stays.
    """
    on = on or today()
    with use(Scope.system()):
        source = ImportSource.objects.select_related("area").get(pk=source_id)
        batch = ImportBatch.objects.get(pk=batch_id) if batch_id else None
        found: dict[str, int] = {}
        if batch is not None:
            gone = _ask(_GONE, batch=batch.pk)
            said = f"{batch.as_of} 的名册不再列入"
            found[FindingKind.VANISHED] = _note(FindingKind.VANISHED, source, gone, on, batch=batch, detail=said)
            _clear_returned(source)
        if source.subject == Subject.DEATH:
            dead = _ask(_STILL_HERE, source=source.pk)
            found[FindingKind.DEAD] = _renew(FindingKind.DEAD, source, dead, on, batch=batch)
        if source.from_age is not None:
            missing = _ask(
                _NOT_ON, source=source.pk, lo=source.area.code, hi=source.area.upper, born=_born(source.from_age, on)
            )
            said = f"满 {source.from_age} 周岁，不在名册上"
            found[FindingKind.UNCOVERED] = _renew(FindingKind.UNCOVERED, source, missing, on, batch=batch, detail=said)
        found[FindingKind.EXCLUSIVE] = _compare_with_others(source, on, batch)
    return found


def _compare_with_others(source: ImportSource, on: date, batch: ImportBatch | None) -> int:
    count = 0
    rules = list(Exclusion.objects.all())
    for other in ImportSource.objects.filter(is_whole=True).exclude(pk=source.pk):
        reasons = [rule for rule in rules if _opposed(rule, source, other)]
        one, two = sorted((source, other), key=lambda each: each.pk)
        both = _ask(_ON_BOTH, source=one.pk, other=two.pk) if reasons else []
        said = "；".join(rule.why for rule in reasons)[:300]
        count += _renew(FindingKind.EXCLUSIVE, one, both, on, other=two, batch=batch, detail=said)
    return count


def _opposed(rule: Exclusion, source: ImportSource, other: ImportSource) -> bool:
    says, against = {source.subject, *source.kinds}, {other.subject, *other.kinds}
    return (rule.one in says and rule.other in against) or (rule.other in says and rule.one in against)


def _born(age: int, on: date) -> date:
    """Return the last birth date of those who are that old on a day."""
    try:
        return on.replace(year=on.year - age)
    except ValueError:
        return on.replace(year=on.year - age, day=28)


def _ask(statement: str, **values: Any) -> list[_Found]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [_Found(*row) for row in cursor.fetchall()]


def _open(kind: str, source: ImportSource, other: ImportSource | None) -> Any:
    return Finding.objects.filter(kind=kind, source=source, other=other, state=FindingState.OPEN)


def _note(
    kind: FindingKind,
    source: ImportSource,
    found: Iterable[_Found],
    on: date,
    *,
    other: ImportSource | None = None,
    batch: ImportBatch | None = None,
    detail: str = "",
) -> int:
    """Enter what is not being looked into already."""
    known = set(_open(kind, source, other).values_list("elder_id", flat=True))
    # Whoever looked into it and found it right is not asked again about the same roll's same word.
    known |= set(
        Finding.objects.filter(
            kind=kind, source=source, other=other, state=FindingState.SETTLED,
            outcome__in=[Outcome.NOT_DUE, Outcome.REMAINS],
        ).values_list("elder_id", flat=True)
        if kind != FindingKind.VANISHED
        else []
    )  # fmt: skip
    fresh = [
        Finding(
            kind=kind,
            elder_id=one.elder_id,
            area_id=one.area_id,
            source=source,
            other=other,
            batch=batch,
            found_on=on,
            said_on=one.said_on,
            detail=detail,
        )
        for one in found
        if one.elder_id not in known
    ]
    Finding.objects.bulk_create(fresh, batch_size=2000)
    names = Elder.objects.in_bulk([finding.elder_id for finding in fresh])
    for finding in fresh:
        finding.elder = names[finding.elder_id]
    start_many(fresh)
    return len(fresh)


def _renew(kind: FindingKind, source: ImportSource, found: list[_Found], on: date, **more: Any) -> int:
    """Enter what is new and clear what no longer holds."""
    holds = {one.elder_id for one in found}
    _clear([finding for finding in _open(kind, source, more.get("other")) if finding.elder_id not in holds])
    return _note(kind, source, found, on, **more)


def _clear_returned(source: ImportSource) -> None:
    """Those who vanished and are on the roll again, or are no longer on the register, need no looking into."""
    vanished = _open(FindingKind.VANISHED, source, None)
    back = RollEntry.objects.filter(source=source, closed_by=None).values("elder_id")
    _clear(vanished.filter(elder_id__in=back) | vanished.exclude(elder__state=ElderState.ACTIVE))


def _clear(findings: Iterable[Finding]) -> None:
    if found := list(findings):
        fire_many(found, "clear", user=None)


@transaction.atomic
def compare_all(*, on: date | None = None) -> int:
    """Compare every whole roll as it stands; return how many findings are new. Once a month, and when ages turn."""
    with use(Scope.system()):
        sources = list(ImportSource.objects.filter(is_whole=True).values_list("pk", flat=True))
    return sum(sum(compare(source_id=pk, on=on).values()) for pk in sources)


@transaction.atomic
def forget_roll(*, batch_id: UUID) -> None:
    """Clear what an undone roll had brought up, and compare what now stands."""
    with use(Scope.system()):
        batch = ImportBatch.objects.get(pk=batch_id)
        _clear(Finding.objects.filter(batch=batch, state=FindingState.OPEN))
    if batch.source.is_whole:
        compare(source_id=batch.source_id)


# --- settling ---------------------------------------------------------------------------------------------------


@transaction.atomic
def settle(
    *,
    finding: Finding,
    outcome: str,
    user: User | None,
    on: date | None = None,
    reason: str = "",
    version: int | None = None,
) -> Finding:
    """Say what is behind a finding, and do what follows from it: death, leaving, the end of a kind of difficulty.

    ``on`` is the day of death or leaving, or the last day of what ends.

    Raises:
        Refused: the outcome does not answer this kind of finding, or its day is missing.
    """
    finding = locked(Finding.objects.filter(pk=finding.pk), version=version)
    if outcome not in OUTCOMES[finding.kind]:
        raise Refused(f"“{finding.get_kind_display()}”没有这种核查结果。", field="outcome")
    if outcome in (Outcome.DIED, Outcome.MOVED_AWAY, Outcome.ENDED) and on is None:
        raise Refused("请填写日期。", field="on")
    finding.outcome, finding.note, finding.settled_on = outcome, reason.strip(), today()
    save(finding)
    # Settled first: what follows clears the elder's other findings.
    settled = fire(finding, "settle", user=user, reason=reason)
    if on is not None:
        _follow(finding, outcome, on)
    return settled


def _follow(finding: Finding, outcome: str, on: date) -> None:
    source = finding.source.name
    if outcome == Outcome.DIED:
        elders.record_death(elder_id=finding.elder_id, on=on, source=source, detail=finding.detail)
    elif outcome == Outcome.MOVED_AWAY:
        elders.move_away(elder_id=finding.elder_id, on=on)
    elif outcome == Outcome.ENDED:
        _end_difficulties(finding, on)


def _end_difficulties(finding: Finding, on: date) -> None:
    rows = Difficulty.objects.filter(in_force(on), elder_id=finding.elder_id, kind__in=finding.source.kinds)
    ended = [
        elders.end_difficulty(difficulty_id=row.pk, last_day=on, reason=f"{finding.get_kind_display()}核查")
        for row in rows
    ]
    if not ended:
        raise Refused("档案里没有由这份名册认定的困难类别，无可终止；请选其他结果。", field="outcome")


@transaction.atomic
def clear_findings(*, elder_id: UUID) -> None:
    """Clear what was to be looked into about somebody who is no longer on the register."""
    with use(Scope.system()):
        for finding in Finding.objects.filter(elder_id=elder_id, state=FindingState.OPEN):
            fire(finding, "clear", user=None)


@transaction.atomic
def follow_move(*, elder_id: UUID, area_id: int) -> None:
    """Hand the open findings of an elder who moved to the new community."""
    with use(Scope.system()):
        Finding.objects.filter(elder_id=elder_id, state=FindingState.OPEN).update(area_id=area_id)
