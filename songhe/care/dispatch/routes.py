"""A carer's day on the ground: the ways between stops, what it comes to, and which rules it breaks, in words.

Times are minutes of the day. Nothing here asks the database: the same sums serve a plan of two thousand visits and the
question what one visit dropped on another carer would change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from songhe.engines.dispatch import Travel

METRES_A_KM = 1000.0
# Dispatchers think in steps of five minutes.
STEP = 5


@dataclass(frozen=True)
class Person:
    """A carer of the day: what they can do, when they are there, where they set out and how they travel."""

    id: str
    name: str
    skills: frozenset[str]
    shifts: tuple[tuple[int, int], ...]
    latitude: float | None
    longitude: float | None
    mode: str
    sex: str = ""


@dataclass(frozen=True)
class Task:
    """A visit to be made: where, for how long, when it is wished, and who may make it.

    It starts between ``earliest`` and ``latest``. ``barred`` gives for a carer the reason why they are not to come.
    """

    id: str
    name: str
    minutes: int
    earliest: int
    latest: int
    latitude: float | None
    longitude: float | None
    skills: frozenset[str] = frozenset()
    wished: frozenset[str] = frozenset()
    barred: Mapping[str, str] = field(default_factory=dict)
    familiar: frozenset[str] = frozenset()
    urgent: bool = False


@dataclass(frozen=True)
class Placed:
    """A task given to a carer at a time; ``frozen`` where it has begun, ``under_way`` where ``end`` is expected."""

    task: Task
    start: int
    end: int
    frozen: bool = False
    under_way: bool = False


@dataclass(frozen=True)
class Breach:
    """A rule that is broken: by which stop, in words; a ``hard`` one stands in the way of placing it there."""

    stop: str
    text: str
    hard: bool


@dataclass(frozen=True)
class Sums:
    """What a carer's day comes to; minutes and metres."""

    visits: int = 0
    service: int = 0
    travel: int = 0
    metres: int = 0
    waiting: int = 0
    known: int = 0
    familiar: int = 0
    breaches: int = 0

    @property
    def load(self) -> int:
        """Minutes at work: with elders and on the way."""
        return self.service + self.travel

    def plus(self, other: Sums, sign: int = 1) -> Sums:
        """Return the sums of two days together, or their difference."""
        return Sums(*(getattr(self, name) + sign * getattr(other, name) for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Walk:
    """A carer's day followed through: its sums, what it breaks, and the minutes of way to each stop."""

    sums: Sums
    breaches: tuple[Breach, ...]
    ways: Mapping[str, int]


@dataclass(frozen=True)
class Rules:
    """What the place asks of a day besides the elders' wishes; the lunch break is none where it has no minutes."""

    lunch_minutes: int = 0
    lunch_earliest: int = 0
    lunch_latest: int = 0
    travel: Travel = field(default_factory=Travel)


Point = tuple[float | None, float | None]


def clock(minute: float) -> str:
    """Write a minute of the day as a clock shows it."""
    return f"{int(minute) // 60:02d}:{int(minute) % 60:02d}"


def metres(here: Point, there: Point, travel: Travel) -> int:
    """Return the metres of a way; none where a place is unknown."""
    if None in here or None in there:
        return 0
    speed = travel.speeds["car"]
    exact = _minutes(np.array([here], dtype=float), np.array([there], dtype=float), travel, speed)
    return round(float(exact[0, 0]) / 60 * speed * METRES_A_KM)


def ways_between(points: Sequence[Point], modes: Iterable[str], travel: Travel) -> dict[str, npt.NDArray[np.float64]]:
    """Return for each way of travelling the minutes from every place to every other, whole minutes upwards."""
    places = np.array([[np.nan if value is None else value for value in point] for point in points], dtype=float)
    places = places.reshape(len(points), 2)
    found = {}
    for mode in set(modes):
        exact = _minutes(places, places, travel, travel.speeds.get(mode, 15.0))
        # What takes a whole minute but for rounding is no minute more.
        whole = np.ceil(exact - 1e-9)
        found[mode] = np.where(np.isnan(exact), float(travel.unknown), whole)
        np.fill_diagonal(found[mode], 0.0)
    return found


def _minutes(
    here: npt.NDArray[np.float64], there: npt.NDArray[np.float64], travel: Travel, speed: float
) -> npt.NDArray[np.float64]:
    from songhe.engines.dispatch.ranking import EARTH_RADIUS_KM

    first, second = np.radians(here)[:, None, :], np.radians(there)[None, :, :]
    half = (
        np.sin((second[..., 0] - first[..., 0]) / 2) ** 2
        + np.cos(first[..., 0]) * np.cos(second[..., 0]) * np.sin((second[..., 1] - first[..., 1]) / 2) ** 2
    )
    km = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0))) * travel.detour
    minutes: npt.NDArray[np.float64] = km / speed * 60
    return minutes


def follow(person: Person, placed: Iterable[Placed], rules: Rules) -> Walk:
    """Follow a carer through a day from where they set out and back."""
    stops = sorted(placed, key=lambda each: (each.start, each.end))
    breaches: list[Breach] = []
    ways: dict[str, int] = {}
    place: Point = (person.latitude, person.longitude)
    free = min((start for start, _end in person.shifts), default=0)
    travel = length = waiting = service = familiar = known = 0
    before: Placed | None = None
    gaps: list[tuple[int, int]] = []
    for stop in stops:
        task = stop.task
        there: Point = (task.latitude, task.longitude)
        way = rules.travel.minutes(*place, *there, person.mode)
        ways[task.id] = way
        travel, length, service = (
            travel + way,
            length + metres(place, there, rules.travel),
            service + stop.end - stop.start,
        )
        gaps.append((free + way, stop.start))
        waiting += max(0, stop.start - free - way) if before is not None else 0
        if not stop.frozen:
            breaches += _reach(person, before, stop, free, way)
            breaches += fit(person, stop)
        if task.familiar:
            known += 1
            familiar += person.id in task.familiar
        place, free, before = there, stop.end, stop
    if before is not None:
        way = rules.travel.minutes(*place, person.latitude, person.longitude, person.mode)
        travel, length = travel + way, length + metres(place, (person.latitude, person.longitude), rules.travel)
        breaches += _home(person, before, way)
        gaps.append((free, max((end for _start, end in person.shifts), default=free) - way))
        if not before.frozen:
            breaches += _lunch(person, before, gaps, rules)
    sums = Sums(len(stops), service, travel, length, waiting, known, familiar, len(breaches))
    return Walk(sums, tuple(breaches), ways)


def expected(person: Person, placed: Iterable[Placed], rules: Rules) -> list[Placed]:
    """Return a carer's stops in order as they are to be expected now: what follows a visit under way waits for it."""
    found: list[Placed] = []
    waits = False
    for stop in sorted(placed, key=lambda each: (each.start, each.end)):
        now = stop
        if waits and not stop.frozen:
            before = found[-1]
            here: Point = (before.task.latitude, before.task.longitude)
            way = rules.travel.minutes(*here, stop.task.latitude, stop.task.longitude, person.mode)
            late = before.end + way - stop.start
            waits = late > 0
            if waits:
                now = replace(stop, start=stop.start + late, end=stop.end + late)
        waits = waits or stop.under_way
        found.append(now)
    return found


def _reach(person: Person, before: Placed | None, stop: Placed, free: int, way: int) -> list[Breach]:
    if before is None:
        late = free + way - stop.start
        if late > 0 and stop.start >= free:
            return [
                Breach(stop.task.id, f"从驻点过去要 {way} 分钟，{clock(free)} 上班赶不到 {clock(stop.start)}", False)
            ]
        return []
    if before.under_way and before.start + before.task.minutes <= stop.start < before.end:
        told = f"{before.task.name}的上门超时还没有结束，预计 {clock(before.end)} 才能离开"
        return [Breach(stop.task.id, told, False)]
    if stop.start < before.end:
        return [
            Breach(stop.task.id, f"与{before.task.name} {clock(before.start)}–{clock(before.end)} 的上门重叠", True)
        ]
    if stop.start < before.end + way:
        short = before.end + way - stop.start
        return [
            Breach(stop.task.id, f"从{before.task.name}家到{stop.task.name}家要 {way} 分钟，差 {short} 分钟", False)
        ]
    return []


def fit(person: Person, stop: Placed) -> list[Breach]:
    """Return which rules a carer breaks by making one visit at its time, whatever else they do."""
    task, found = stop.task, []
    if lacking := sorted(task.skills - person.skills):
        found.append(Breach(task.id, f"{person.name}缺少技能 {'、'.join(lacking)}", True))
    if person.id in task.barred:
        found.append(Breach(task.id, f"{person.name}：{task.barred[person.id]}", True))
    if not any(start <= stop.start and stop.end <= end for start, end in person.shifts):
        hours = "、".join(f"{clock(start)}–{clock(end)}" for start, end in person.shifts)
        found.append(Breach(task.id, f"{person.name}这时不在班（{hours or '当天没有班次'}）", True))
    if stop.start < task.earliest:
        found.append(
            Breach(task.id, f"比老人期望的 {clock(task.earliest)} 早 {task.earliest - stop.start} 分钟", False)
        )
    if stop.start > task.latest:
        found.append(Breach(task.id, f"比老人能等的 {clock(task.latest)} 晚 {stop.start - task.latest} 分钟", False))
    if task.wished and person.id not in task.wished:
        found.append(Breach(task.id, "不是老人希望的护理员", False))
    return found


def _home(person: Person, last: Placed, way: int) -> list[Breach]:
    ends = max((end for _start, end in person.shifts), default=last.end)
    if last.frozen or last.end > ends or last.end + way <= ends:
        return []
    return [Breach(last.task.id, f"做完回到驻点要到 {clock(last.end + way)}，超过下班时间 {clock(ends)}", False)]


def _lunch(person: Person, last: Placed, gaps: list[tuple[int, int]], rules: Rules) -> list[Breach]:
    if not takes_lunch(person, rules):
        return []
    for free, until in gaps:
        begins = max(free, rules.lunch_earliest)
        if begins <= rules.lunch_latest and begins + rules.lunch_minutes <= until:
            return []
    return [Breach(last.task.id, f"{person.name}没有 {rules.lunch_minutes} 分钟的午休", False)]


def takes_lunch(person: Person, rules: Rules) -> bool:
    """Tell whether a carer is on duty all through the time of the lunch break."""
    last = rules.lunch_latest + rules.lunch_minutes
    return rules.lunch_minutes > 0 and any(
        start <= rules.lunch_earliest and last <= end for start, end in person.shifts
    )


@dataclass(frozen=True)
class Change:
    """What moving one visit changes: the sums' difference, rules newly broken, whether it may be at all."""

    sums: Sums
    breaches: tuple[Breach, ...]

    @property
    def possible(self) -> bool:
        """Tell whether no hard rule stands in the way."""
        return not any(breach.hard for breach in self.breaches)


def change(
    task: Task,
    *,
    source: tuple[Person, Sequence[Placed]] | None,
    target: tuple[Person, Sequence[Placed]] | None,
    start: int,
    rules: Rules,
) -> Change:
    """Return what giving a task to the target's carer at a time changes; no source for one not placed, no target to
    take it out. ``source`` and ``target`` carry all stops of their carers as they are now.
    """
    before: list[Walk] = []
    after: list[Walk] = []
    if source is not None:
        before.append(follow(*source, rules))
        left = [each for each in source[1] if each.task.id != task.id]
        if target is None or target[0].id != source[0].id:
            after.append(follow(source[0], left, rules))
    if target is not None:
        if source is None or target[0].id != source[0].id:
            before.append(follow(*target, rules))
        others = [each for each in target[1] if each.task.id != task.id]
        after.append(follow(target[0], [*others, Placed(task, start, start + task.minutes)], rules))
    sums = Sums()
    for walk in after:
        sums = sums.plus(walk.sums)
    for walk in before:
        sums = sums.plus(walk.sums, -1)
    old = {(breach.stop, breach.text) for walk in before for breach in walk.breaches}
    new = [breach for walk in after for breach in walk.breaches if (breach.stop, breach.text) not in old]
    return Change(sums, tuple(new))


def openings(task: Task, person: Person, placed: Sequence[Placed], rules: Rules, *, since: int = 0) -> list[int]:
    """Return the earliest start in each gap of a carer's day where the task breaks no rule, moving nobody else.

    A visit under way and what has to wait for it take the time they are expected to take.
    """
    if task.skills - person.skills or person.id in task.barred:
        return []
    stops = expected(person, placed, rules)
    found = []
    for shift_start, shift_end in person.shifts:
        before: Placed | None = None
        for after in [*stops, None]:
            here = (before.task.latitude, before.task.longitude) if before else (person.latitude, person.longitude)
            way = rules.travel.minutes(*here, task.latitude, task.longitude, person.mode)
            free = max(shift_start, before.end if before else shift_start, since) + way
            start = max(task.earliest, free)
            start += -start % STEP
            if after is not None:
                there: Point = (after.task.latitude, after.task.longitude)
                limit = after.start - rules.travel.minutes(task.latitude, task.longitude, *there, person.mode)
            else:
                limit = shift_end - rules.travel.minutes(
                    task.latitude, task.longitude, person.latitude, person.longitude, person.mode
                )
            if start <= task.latest and start + task.minutes <= min(limit, shift_end):
                found.append(start)
            before = after
    return sorted(set(found))


def best_places(
    task: Task,
    people: Mapping[str, Person],
    days: Mapping[str, Sequence[Placed]],
    rules: Rules,
    *,
    since: int = 0,
    most: int = 5,
    stranger: int = 15,
) -> list[tuple[float, Person, int, Change]]:
    """Return the best ways to place a task without moving anybody else: cost in minutes of way, carer, start, change.

    A carer the elder does not know costs ``stranger`` minutes more where there is one they know.
    """
    found = []
    for person in people.values():
        stops = [each for each in days.get(person.id, ()) if each.task.id != task.id]
        for start in openings(task, person, stops, rules, since=since):
            made = change(task, source=None, target=(person, stops), start=start, rules=rules)
            if not made.possible:
                continue
            cost = made.sums.travel + 0.2 * made.sums.waiting + 30.0 * len(made.breaches)
            cost += stranger if task.familiar and person.id not in task.familiar else 0
            found.append((cost, person, start, made))
    found.sort(key=lambda each: (each[0], each[2], each[1].id))
    return found[:most]


def why_nobody(task: Task, people: Mapping[str, Person], days: Mapping[str, Sequence[Placed]], rules: Rules) -> str:
    """Say why nobody takes a task, and what would make it possible."""
    if not people:
        return "当天没有在岗的护理员，请先排班次"
    skilled = [person for person in people.values() if task.skills <= person.skills]
    if not skilled:
        return f"没有护理员同时具备技能 {'、'.join(sorted(task.skills))}"
    allowed = [person for person in skilled if person.id not in task.barred]
    if not allowed:
        return "会做的护理员老人都不希望上门"
    on_duty = [
        person
        for person in allowed
        if any(start <= task.latest and task.earliest + task.minutes <= end for start, end in person.shifts)
    ]
    if not on_duty:
        return f"期望时间 {clock(task.earliest)}–{clock(task.latest)} 没有会做的人在班，会做的共 {len(allowed)} 人"
    wide = replace(task, earliest=0, latest=24 * 60 - task.minutes)
    near: list[tuple[int, int, Person]] = []
    for person in on_duty:
        for start in openings(wide, person, days.get(person.id, ()), rules):
            off = task.earliest - start if start < task.earliest else start - task.latest
            near.append((max(0, off), start, person))
    if near:
        off, start, person = min(near, key=lambda each: (each[0], each[1], each[2].id))
        if off > 0:
            early = "早" if start < task.earliest else "晚"
            return f"期望时间内 {len(on_duty)} 人都没有空；若{early} {off} 分钟，{person.name} {clock(start)} 可以去"
        return f"{person.name} {clock(start)} 前后有空，可以手工安排"
    return f"期望时间内会做的 {len(on_duty)} 人都没有空，当天其他时间也没有"
