"""Which weekdays a demand is served on, and which shifts the limits of work leave."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations

import numpy as np

from songhe.engines.dispatch.problem import Fault, Minutes
from songhe.engines.dispatch.week import (
    WEEK,
    Demand,
    Horizon,
    Shift,
    Worker,
    dates_of,
    shift_minutes,
    weekday_of,
)

# A shift cut to less than this is not worth setting out for.
SHORTEST = 60.0
PASSES = 3
# How many neighbours on the same weekday make a weekday near.
NEIGHBOURS = 3
# A minute with an elder takes so many of a shift, ways and waiting with it.
WAYS = 1.4
DAY = 24 * 60.0
ALMOST = 1e-6
# A minute of work beyond what a weekday's shifts hold weighs as much as so many of way.
CROWDED = 2.0


def unevenness(weekdays: tuple[int, ...]) -> int:
    """Return how unevenly weekdays lie in the week that goes round: the sum of the squared gaps, less is more even."""
    rising = sorted(weekdays)
    following = [*rising[1:], *rising[:1]]
    return sum(((after - before - 1) % WEEK + 1) ** 2 for before, after in zip(rising, following, strict=True))


def choices(demand: Demand) -> list[tuple[int, ...]]:
    """Return the sets of weekdays that serve a demand best: most wished ones, then most evenly spread."""
    allowed = [day for day in range(1, WEEK + 1) if day not in demand.barred]
    sets = list(combinations(allowed, min(demand.times, len(allowed))))
    rank = {each: (len(set(each) & demand.wished) * -1, unevenness(each)) for each in sets}
    best = min(rank.values())
    return [each for each in sets if rank[each] == best]


def sound_demands(horizon: Horizon) -> tuple[list[Demand], list[Fault]]:
    """Return the demands that can be given weekdays, and what is wrong with others."""
    kept: list[Demand] = []
    faults = []
    seen: set[str] = set()
    for demand in horizon.demands:
        allowed = WEEK - len(demand.barred & set(range(1, WEEK + 1)))
        if demand.id in seen:
            faults.append(Fault("visit", demand.id, f"{demand.id}：编号重复，只排第一个"))
            continue
        seen.add(demand.id)
        if demand.times < 1 or not allowed:
            faults.append(Fault("visit", demand.id, f"{demand.id}：每周次数不足一次，或没有可以上门的日子"))
            continue
        if demand.times > allowed:
            faults.append(
                Fault("visit", demand.id, f"{demand.id}：每周要 {demand.times} 次，可以上门的只有 {allowed} 天")
            )
        kept.append(demand)
    return kept, faults


def choose_weekdays(horizon: Horizon, demands: list[Demand]) -> dict[str, tuple[int, ...]]:
    """Give every demand its weekdays: where several sets serve it as well, the one whose neighbours are visited too.

    A weekday holds as much work as its shifts have minutes.
    """
    ways = np.min([horizon.ways[mode] for mode in sorted(horizon.ways)], axis=0) if horizon.ways else np.zeros((1, 1))
    room = np.zeros(WEEK + 1)
    for worker in horizon.workers:
        for date, shift in worker.shifts.items():
            room[weekday_of(date)] += shift_minutes(worker, shift) / horizon.weeks
    load = np.zeros(WEEK + 1)
    chosen: dict[str, tuple[int, ...]] = {}
    present: list[list[int]] = [[] for _ in range(WEEK + 1)]
    of_elder: dict[str, list[int]] = defaultdict(list)
    work = {each.id: sum(need.minutes for need in each.needs) for each in demands}

    def place(demand: Demand, days: tuple[int, ...], sign: int) -> None:
        for day in days:
            load[day] += sign * work[demand.id]
            if sign > 0:
                present[day].append(demand.place)
                of_elder[demand.elder].append(day)
            else:
                present[day].remove(demand.place)
                of_elder[demand.elder].remove(day)

    def cost(demand: Demand, days: tuple[int, ...]) -> float:
        found = 0.0
        for day in days:
            found += CROWDED * max(0.0, WAYS * (load[day] + work[demand.id]) - room[day])
            near = np.sort(ways[demand.place, present[day]])[:NEIGHBOURS]
            found += float(near.mean()) if len(near) else 0.0
            # A second demand of an elder falls on a weekday of its own where all else is the same.
            found += 0.01 * of_elder[demand.elder].count(day)
        return found

    possible = {demand.id: choices(demand) for demand in demands}
    order = sorted(demands, key=lambda each: (len(possible[each.id]), -work[each.id] * each.times, each.id))
    for turn in range(PASSES):
        for demand in order:
            sets = possible[demand.id]
            if turn and len(sets) == 1:
                continue
            if turn:
                place(demand, chosen[demand.id], -1)
            chosen[demand.id] = min(sets, key=lambda days: (cost(demand, days), days))
            place(demand, chosen[demand.id], +1)
    return chosen


def lawful_shifts(
    horizon: Horizon, demands: list[Demand], weekdays: dict[str, tuple[int, ...]]
) -> dict[str, dict[int, Shift]]:
    """Cut the shifts to what the limits allow, on the dates where they are wanted least."""
    wanted = np.zeros(len(horizon.dates))
    for demand in demands:
        for date in dates_of(horizon, demand, weekdays[demand.id]):
            wanted[date] += WAYS * sum(need.minutes for need in demand.needs)
    late = _late_workers(horizon, demands, weekdays)
    kept = {worker.id: _lawful_days(horizon, worker, worker.id in late) for worker in horizon.workers}
    spare = -wanted
    for worker in horizon.workers:
        for date, shift in kept[worker.id].items():
            spare[date] += shift_minutes(worker, shift)
    for worker in horizon.workers:
        for week in range(horizon.weeks):
            own = kept[worker.id]
            _keep_week(horizon, worker, own, range(WEEK * week, WEEK * (week + 1)), spare, worker.id in late)
    return kept


def _late_workers(horizon: Horizon, demands: list[Demand], weekdays: dict[str, tuple[int, ...]]) -> frozenset[str]:
    """Return whose shifts, where they are longer than a day's limit, are to begin later instead of ending sooner.

    They are as many as take what is wanted when all others have gone.
    """
    most = horizon.limits.day_minutes
    left: dict[int, dict[str, float]] = defaultdict(dict)
    for demand in demands:
        for date in dates_of(horizon, demand, weekdays[demand.id]):
            left[date][demand.id] = WAYS * sum(need.minutes for need in demand.needs)
    of = {demand.id: demand for demand in demands}
    found = set()
    for worker in horizon.workers:
        worth = {False: 0.0, True: 0.0}
        takes: dict[bool, list[tuple[int, str, float]]] = {False: [], True: []}
        for date, shift in worker.shifts.items():
            sooner, later = _cut(worker, shift, most), _cut(worker, shift, most, late=True)
            room = dict.fromkeys(worth, shift[1] - sooner[1])
            for key, minutes in left[date].items():
                demand = of[key]
                side = _side(demand, sooner, later)
                if side is None or room[side] <= 0 or not _may(worker, demand):
                    continue
                taken = min(minutes, room[side])
                room[side] -= taken
                worth[side] += taken
                takes[side].append((date, key, taken))
        late = worth[True] > worth[False]
        if late:
            found.add(worker.id)
        for date, key, taken in takes[late]:
            left[date][key] -= taken
    return frozenset(found)


def _side(demand: Demand, sooner: Shift, later: Shift) -> bool | None:
    """Tell whether only who begins later (True) or only who ends sooner (False) can come to a demand in time."""
    if demand.earliest + max(need.minutes for need in demand.needs) > sooner[1]:
        return True
    return False if demand.latest < later[0] else None


def _may(worker: Worker, demand: Demand) -> bool:
    return worker.id not in demand.barred_carers and any(need.skills <= worker.skills for need in demand.needs)


def _lawful_days(horizon: Horizon, worker: Worker, late: bool) -> dict[int, Shift]:
    """Return a carer's shifts as the limits of single dates, and of the night between two, leave them."""
    limits = horizon.limits
    kept: dict[int, Shift] = {}
    for date in horizon.dates:
        if date not in worker.shifts:
            continue
        begins, ends = _cut(worker, worker.shifts[date], limits.day_minutes, late=late)
        if limits.between is not None and date - 1 in kept:
            begins = max(begins, kept[date - 1][1] + limits.between - DAY)
        # Without its rest a later shift may be too long again.
        shift = _cut(worker, (begins, ends), limits.day_minutes, late=late)
        if shift[1] - shift[0] >= SHORTEST:
            kept[date] = shift
    return kept


def _keep_week(
    horizon: Horizon, worker: Worker, own: dict[int, Shift], week: range, spare: Minutes, late: bool
) -> None:
    """Keep a week of a carer's shifts within the dates and minutes of a week."""
    limits = horizon.limits

    def shorten(date: int, minutes: float) -> None:
        shift = _cut(worker, own.pop(date), minutes, late=late)
        spare[date] -= before[date]
        if shift[1] - shift[0] >= SHORTEST:
            own[date] = shift
            spare[date] += shift_minutes(worker, shift)

    most = min((each for each in (limits.week_minutes, worker.week_minutes) if each is not None), default=None)
    while True:
        before = {date: shift_minutes(worker, own[date]) for date in week if date in own}
        over = 0.0 if most is None else sum(before.values()) - most
        if limits.days is not None and len(before) > limits.days:
            shorten(max(before, key=lambda date: float(spare[date])), 0.0)
        elif over > ALMOST:
            date = max(before, key=lambda each: float(spare[each]))
            shorten(date, max(0.0, before[date] - over))
        else:
            return


def _cut(worker: Worker, shift: Shift, minutes: float | None, *, late: bool = False) -> Shift:
    """Let a shift end sooner or begin later, so that it has at most these minutes without its rests."""
    while minutes is not None and (over := shift_minutes(worker, shift) - minutes) > ALMOST:
        shift = (shift[0] + over, shift[1]) if late else (shift[0], shift[1] - over)
    return shift
