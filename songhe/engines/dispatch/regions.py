"""Days too wide for one search: cut into regions that are searched side by side, and cut anew where the seams were.

Each round cuts the carers into groups along other lines, so that what lay on a seam lies inside a group of the next
round. A group searches its own carers and their visits, from the plan at hand; a pair whose two carers fall into
different groups stays as it is for the round.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from songhe.engines.dispatch.arrays import Floats, Ints
from songhe.engines.dispatch.checking import check
from songhe.engines.dispatch.problem import Assignment, Plan, Problem, Visit, sound_part
from songhe.engines.dispatch.solver import Budget, Solved, solve, warm_up

# Carers a group; below twice that a day is searched as a whole, if nothing else is said.
GROUP = 64
# Shares of the budget; the first round plans from nothing.
ROUNDS = (0.4, 0.2, 0.15, 0.15, 0.1)
# From this round on, groups are of carers around those who are left out, if any are.
AROUND, AROUND_GROUP = 4, 24
TURN = math.pi * (3.0 - math.sqrt(5.0))


@dataclass(frozen=True)
class _Group:
    carers: Ints
    visits: Ints


def solve_wide(
    problem: Problem,
    *,
    budget: Budget,
    seed: int = 0,
    start: Plan | None = None,
    wide: int | None = None,
    stop: Callable[[], bool] | None = None,
    progress: Callable[[float, float], None] | None = None,
) -> Solved:
    """Plan a day of thousands of visits as ``solve`` does a smaller one; fewer carers than ``wide`` are left to it.

    ``progress`` hears the share of the budget used and the number of unserved visits after each group.
    """
    if len(problem.carers) < (2 * GROUP if wide is None else wide):
        return solve(problem, budget=budget, seed=seed, start=start, stop=stop, progress=progress)
    warm_up()
    clock = budget.now()
    sound, faults = sound_part(problem)
    kept = {visit.id for visit in sound.visits}
    plan = start or Plan(unserved=tuple(visit.id for visit in sound.visits))
    at = _places(sound)
    moves, spent = 0, 0.0
    for turn, share in enumerate(ROUNDS):
        if stop is not None and stop():
            break
        groups = _around(sound, plan, at) if turn >= AROUND else []
        groups = groups or _cut(sound, plan, at, turn, fresh=turn == 0 and start is None)
        part = _part_of(budget, clock, share, spent, len(groups))
        hot = turn == 0 and start is None

        def one(
            group: _Group, threads: int, part: Budget = part, plan: Plan = plan, turn: int = turn, hot: bool = hot
        ) -> tuple[_Group, Solved, frozenset[str]]:
            if stop is not None and stop():
                return group, Solved(Plan(), (), 0.0, -1), frozenset()
            small, given, fixed = _problem_of(sound, group, plan)
            begun = None if hot else given
            own = replace(part, threads=threads)
            if budget.seconds is not None and part.seconds is not None:
                # Cutting out and merging take time too: the last groups have what is left.
                left = max(0.0, clock + budget.seconds - budget.now())
                own = replace(own, seconds=min(part.seconds, left))
            return group, solve(small, budget=own, seed=seed * 97 + turn, start=begun, stop=stop), fixed

        with ThreadPoolExecutor(max(1, budget.threads)) as pool:
            for done, (group, solved, fixed) in enumerate(
                pool.map(one, groups, _threads(budget, len(groups))), start=1
            ):
                if solved.moves < 0:
                    continue
                plan = _merge(sound, plan, group, solved.plan, fixed)
                moves += solved.moves
                if progress is not None:
                    progress(spent + share * done / len(groups), float(len(plan.unserved)))
        spent += share
    wrong = tuple(visit.id for visit in problem.visits if visit.id not in kept)
    whole = replace(plan, unserved=tuple(dict.fromkeys((*plan.unserved, *wrong))))
    return Solved(whole, tuple(faults), check(sound, plan).cost, moves)


def _part_of(budget: Budget, clock: float, share: float, spent: float, groups: int) -> Budget:
    """Return what each group may use: groups are searched ``threads`` at a time."""
    waves = math.ceil(groups / max(1, budget.threads))
    if budget.seconds is None:
        return Budget(moves=int((budget.moves or 0) * share / waves))
    left = max(0.0, clock + budget.seconds - budget.now())
    return Budget(seconds=left * share / max(1e-9, 1.0 - spent) / waves, processor=budget.processor)


def _threads(budget: Budget, groups: int) -> list[int]:
    """Return how many threads search each group: those of the last wave share what would be idle beside them."""
    threads = max(1, budget.threads)
    last = groups % threads or threads
    return [1] * (groups - last) + [threads // last] * last


def _places(problem: Problem) -> Floats:
    """Lay every place on a plane by its ways to two pairs of far places."""
    ways = next(iter(problem.ways.values()))
    at = np.zeros((len(ways), 2))
    rest = np.zeros(len(ways))
    for axis in range(2):
        a = int(np.argmax(np.maximum(0.0, ways[0] ** 2 - (rest[0] - rest) ** 2)))
        from_a = np.maximum(0.0, ways[a] ** 2 - (rest[a] - rest) ** 2)
        b = int(np.argmax(from_a))
        from_b = np.maximum(0.0, ways[b] ** 2 - (rest[b] - rest) ** 2)
        width = math.sqrt(float(from_a[b]))
        if width <= 0.0:
            break
        at[:, axis] = (from_a + width * width - from_b) / (2.0 * width)
        rest = at[:, axis]
    return at


def _cut(problem: Problem, plan: Plan, at: Floats, turn: int, *, fresh: bool) -> list[_Group]:
    """Cut carers and visits into groups by lines that turn with each round."""
    homes = at[[carer.start_place for carer in problem.carers]]
    sites = at[[visit.place for visit in problem.visits]]
    count = max(1, math.ceil(len(problem.carers) / GROUP))
    if fresh:
        # Visits and carers are cut at the same shares, so that each group has its part of both.
        return _halve(_Group(np.arange(len(homes)), np.arange(len(sites))), homes, sites, count, 0.0)
    own, left = _held(problem, plan)
    centres = np.array([sites[own[c]].mean(axis=0) if own[c] else homes[c] for c in range(len(homes))])
    nobody = np.zeros(0, dtype=np.int64)
    groups = _halve(_Group(np.arange(len(homes)), nobody), centres, sites, count, TURN * turn)
    middles = np.array([centres[group.carers].mean(axis=0) for group in groups])
    near = np.argmin(((sites[left][:, None] - middles[None]) ** 2).sum(axis=2), axis=1) if len(left) else left
    found = []
    for k, group in enumerate(groups):
        visits = {visit for c in group.carers for visit in own[int(c)]} | set(left[near == k].tolist())
        found.append(_Group(group.carers, np.array(sorted(visits), dtype=np.int64)))
    return found


def _held(problem: Problem, plan: Plan) -> tuple[dict[int, list[int]], Ints]:
    """Return each carer's visits, and the visits that nobody makes."""
    number = {visit.id: k for k, visit in enumerate(problem.visits)}
    who = {carer.id: k for k, carer in enumerate(problem.carers)}
    own: dict[int, list[int]] = defaultdict(list)
    for each in plan.assignments:
        if each.visit_id in number and each.carer_id in who:
            own[who[each.carer_id]].append(number[each.visit_id])
    served = {number[each.visit_id] for each in plan.assignments if each.visit_id in number}
    return own, np.array([k for k in range(len(problem.visits)) if k not in served], dtype=np.int64)


def _around(problem: Problem, plan: Plan, at: Floats) -> list[_Group]:
    """Gather carers who come near those left out, each carer into one group; a group is as small as helps.

    The seams of all rounds before run elsewhere, and what is searched is where something is still to be gained.
    """
    own, left = _held(problem, plan)
    sites = at[[visit.place for visit in problem.visits]]
    homes = at[[carer.start_place for carer in problem.carers]]
    free = np.ones(len(homes), dtype=bool)
    waiting = left[np.argsort(sites[left] @ np.ones(2), kind="stable")]
    found: list[tuple[Ints, set[int]]] = []
    middles = []
    while len(waiting) and free.sum() >= 2:
        middle = sites[waiting[0]]
        away = ((sites - middle) ** 2).sum(axis=1)
        reach = np.array(
            [
                min((away[k] for k in own[c]), default=((homes[c] - middle) ** 2).sum()) if free[c] else np.inf
                for c in range(len(homes))
            ]
        )
        count = min(AROUND_GROUP, int(free.sum()))
        carers = np.sort(np.argsort(reach, kind="stable")[:count])
        free[carers] = False
        inside = away[waiting] <= reach[carers].max()
        inside[0] = True
        found.append((carers, {k for c in carers for k in own[int(c)]} | set(waiting[inside].tolist())))
        middles.append(middle)
        waiting = waiting[~inside]
    for k in waiting if found else ():
        near = ((np.array(middles) - sites[k]) ** 2).sum(axis=1)
        found[int(np.argmin(near))][1].add(int(k))
    return [_Group(carers, np.array(sorted(visits), dtype=np.int64)) for carers, visits in found]


def _halve(group: _Group, homes: Floats, sites: Floats, count: int, angle: float) -> list[_Group]:
    if count <= 1:
        return [group]
    first = count // 2
    share = first / count
    line = np.array([math.cos(angle), math.sin(angle)])
    carers = group.carers[np.argsort(homes[group.carers] @ line, kind="stable")]
    visits = group.visits[np.argsort(sites[group.visits] @ line, kind="stable")]
    c, v = round(share * len(carers)), round(share * len(visits))
    across = angle + math.pi / 2
    low = _halve(_Group(carers[:c], visits[:v]), homes, sites, first, across)
    return low + _halve(_Group(carers[c:], visits[v:]), homes, sites, count - first, across)


def _problem_of(problem: Problem, group: _Group, plan: Plan) -> tuple[Problem, Plan, frozenset[str]]:
    """Return a group's own problem and plan, and the pairs that stay because their other carer is elsewhere."""
    carers = [problem.carers[int(c)] for c in group.carers]
    names = {carer.id for carer in carers}
    own: dict[str, list[Assignment]] = defaultdict(list)
    for each in plan.assignments:
        if each.carer_id in names:
            own[each.visit_id].append(each)
    visits, fixed, given = [], set(), []
    for k in group.visits:
        visit = problem.visits[int(k)]
        mine = own[visit.id]
        if len(visit.needs) == 2 and len(mine) == 1:
            fixed.add(visit.id)
            visits.append(_half(visit, mine[0]))
            given.append(replace(mine[0], need=0))
        else:
            visits.append(visit)
            given += mine
    places = sorted(
        {visit.place for visit in visits} | {p for carer in carers for p in (carer.start_place, carer.end_place)}
    )
    number = {place: k for k, place in enumerate(places)}
    index = np.ix_(places, places)
    small = Problem(
        tuple(replace(visit, place=number[visit.place]) for visit in visits),
        tuple(
            replace(carer, start_place=number[carer.start_place], end_place=number[carer.end_place]) for carer in carers
        ),
        {mode: matrix[index] for mode, matrix in problem.ways.items()},
        problem.weights,
    )
    return small, Plan(tuple(given)), frozenset(fixed)


def _half(visit: Visit, stay: Assignment) -> Visit:
    """Return a pair's one part, kept where and when it is."""
    return replace(
        visit,
        needs=(visit.needs[stay.need],),
        gap=(0.0, 0.0),
        held=(stay.carer_id,),
        published=(),
        pinned=stay.start,
    )


def _merge(problem: Problem, plan: Plan, group: _Group, found: Plan, fixed: frozenset[str]) -> Plan:
    """Put a group's plan in the place of what its carers did before; where a kept pair was lost, nothing changes."""
    if fixed & set(found.unserved):
        return plan
    names = {problem.carers[int(c)].id for c in group.carers}
    mine = {problem.visits[int(k)].id for k in group.visits}
    before = {(each.visit_id, each.carer_id): each.need for each in plan.assignments if each.visit_id in fixed}
    new = [
        replace(each, need=before[each.visit_id, each.carer_id]) if each.visit_id in fixed else each
        for each in found.assignments
    ]
    return Plan(
        (*(each for each in plan.assignments if each.carer_id not in names), *new),
        (*(rest for rest in plan.rests if rest.carer_id not in names), *found.rests),
        (*(name for name in plan.unserved if name not in mine), *found.unserved),
    )
