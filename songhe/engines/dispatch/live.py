"""Planning the rest of a day that runs: what has begun stays, what was published changes as little as can be.

A carer who is at an elder's, or on the way to one, is left to it; from there their day goes on. Everything else may
move at ``Weights.change`` for each carer who has to be told something new.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from songhe.engines.dispatch.problem import Assignment, Carer, Need, Plan, Problem, RestTaken, Visit
from songhe.engines.dispatch.solver import Budget, Solved, solve

# Minutes before the time an elder was told at which a carer may come.
SOONER = 15.0


@dataclass(frozen=True)
class Change:
    """A visit whose carers or start are other than before; None where it was or is unserved."""

    visit_id: str
    carers_before: tuple[str, ...]
    carers_after: tuple[str, ...]
    start_before: float | None
    start_after: float | None

    @property
    def carers_differ(self) -> bool:
        """Tell whether somebody else goes."""
        return self.carers_before != self.carers_after


@dataclass(frozen=True)
class Replanned:
    """The whole day's plan, what of it had begun, and what changed."""

    solved: Solved
    begun: frozenset[str]
    changes: tuple[Change, ...]


def replan(
    problem: Problem,
    plan: Plan,
    *,
    now: float,
    budget: Budget,
    ends: Mapping[str, float] | None = None,
    absent: frozenset[str] = frozenset(),
    seed: int = 0,
    stop: Callable[[], bool] | None = None,
) -> Replanned:
    """Plan what has not begun at ``now`` anew, from the plan that runs.

    ``problem`` holds every visit of the day, those that just came in too. ``ends`` says when begun visits that overrun
    are expected to end; ``absent`` carers go nowhere from now on.
    """
    ends = ends or {}
    visits = {visit.id: visit for visit in problem.visits}
    known = [each for each in plan.assignments if each.visit_id in visits]
    begun = _begun(problem, known, now, absent)
    kept = [_overrun(each, ends) for each in known if (each.visit_id, each.need) in begun]
    rests = [rest for rest in plan.rests if rest.start <= now]
    onward = [_onward(problem, carer, kept, rests, visits, now) for carer in problem.carers if carer.id not in absent]
    anchors = tuple(anchor for _, anchor in onward if anchor is not None)
    held = {(each.visit_id, each.need): each for each in kept}
    before = _by_visit(known)
    rest = (_rest_of(problem, visit, held, before.get(visit.id, []), absent, now) for visit in problem.visits)
    part = replace(
        problem,
        visits=(*anchors, *(visit for visit in rest if visit is not None)),
        carers=tuple(carer for carer, _ in onward),
    )
    pinned = tuple(
        Assignment(each.id, 0, each.held[0], each.pinned or 0.0, (each.pinned or 0.0) + each.needs[0].minutes)
        for each in anchors
    )
    later = tuple(_renumbered(each, held) for each in known if (each.visit_id, each.need) not in begun)
    solved = solve(part, budget=budget, seed=seed, start=Plan((*pinned, *later)), stop=stop)
    names = {anchor.id for anchor in anchors}
    new = [_numbered_back(each, held) for each in solved.plan.assignments if each.visit_id not in names]
    whole = sorted([*kept, *new], key=lambda each: (each.carer_id, each.start))
    unserved = tuple(name for name in solved.plan.unserved if name not in names)
    full = Plan(tuple(whole), (*rests, *solved.plan.rests), unserved)
    return Replanned(
        replace(solved, plan=full), frozenset(name for name, _ in begun), _changes(problem, before, _by_visit(whole))
    )


def _begun(problem: Problem, known: list[Assignment], now: float, absent: frozenset[str]) -> set[tuple[str, int]]:
    """Find the stays that have begun or that a carer is on the way to; who is absent turns round on the way."""
    carers = {carer.id: carer for carer in problem.carers}
    places = {visit.id: visit.place for visit in problem.visits}
    begun: set[tuple[str, int]] = set()
    routes: dict[str, list[Assignment]] = defaultdict(list)
    for each in sorted(known, key=lambda each: each.start):
        routes[each.carer_id].append(each)
    for name, route in routes.items():
        carer = carers.get(name)
        place = carer.start_place if carer else None
        for each in route:
            there = places[each.visit_id]
            way = float(problem.ways[carer.mode][place, there]) if carer and place is not None else 0.0
            if each.start - (0.0 if name in absent else way) > now:
                break
            begun.add((each.visit_id, each.need))
            place = there
    return begun


def _overrun(each: Assignment, ends: Mapping[str, float]) -> Assignment:
    return replace(each, end=max(each.end, ends.get(each.visit_id, each.end)))


def _onward(
    problem: Problem,
    carer: Carer,
    kept: list[Assignment],
    rests: list[RestTaken],
    visits: Mapping[str, Visit],
    now: float,
) -> tuple[Carer, Visit | None]:
    """Return a carer as they are from now on, and the visit they are bound to until they are free: their last begun."""
    own = sorted((each for each in kept if each.carer_id == carer.id), key=lambda each: each.start)
    rested = [rest for rest in rests if rest.carer_id == carer.id]
    free = max([carer.start, now, *(each.end for each in own), *(rest.end for rest in rested)])
    left = sorted(carer.rests, key=lambda each: each.earliest)[len(rested) :]
    # A rest that an overrun has made impossible is taken as soon as it can be.
    left = [replace(rest, latest=max(rest.latest, free)) for rest in left]
    if not own:
        return replace(carer, start=free, end=max(carer.end, free + 1e-3), rests=tuple(left)), None
    last, place, way = own[-1], carer.start_place, 0.0
    for each in own:
        there = visits[each.visit_id].place
        way += float(problem.ways[carer.mode][place, there])
        place = there
    contract = carer.contract
    if contract is not None:
        contract -= way + sum(each.end - each.start for each in own) - (free - last.start)
    # Who is out of time still has to rest and to get home.
    home = free
    for rest in left:
        home = max(home, rest.earliest) + rest.minutes
    ends = max(carer.end, home + float(problem.ways[carer.mode][place, carer.end_place]))
    anchor = Visit(
        f"\0{carer.id}",
        place,
        (Need(free - last.start),),
        last.start,
        last.start,
        held=(carer.id,),
        pinned=last.start,
    )
    onward = replace(carer, start=last.start, end=ends, start_place=place, rests=tuple(left), contract=contract)
    return onward, anchor


def _rest_of(
    problem: Problem,
    visit: Visit,
    held: Mapping[tuple[str, int], Assignment],
    before: list[Assignment],
    absent: frozenset[str],
    now: float,
) -> Visit | None:
    """Return what of a visit is still to be planned: all, the other carer of a pair, or None."""
    begun = [k for k in range(len(visit.needs)) if (visit.id, k) in held]
    if len(begun) == len(visit.needs):
        return None
    published = tuple(each.carer_id for each in sorted(before, key=lambda each: each.need))
    if begun:
        # The other of a pair that has begun comes when it was agreed, whoever it is.
        (k,) = [k for k in range(len(visit.needs)) if k not in begun]
        first = held[visit.id, begun[0]]
        agreed = next((each.start for each in before if each.need == k), first.start)
        names = tuple(name for name in published[k : k + 1] if name not in absent)
        barred = visit.barred | {first.carer_id}
        earliest, latest = max(now, agreed), max(now, agreed, first.start + visit.gap[1])
        return replace(
            visit,
            needs=(visit.needs[k],),
            earliest=earliest,
            latest=latest,
            gap=(0.0, 0.0),
            hard=False,
            published=names,
            held=visit.held[k : k + 1],
            barred=barred,
            pinned=None,
        )
    earliest, latest = max(visit.earliest, now), visit.latest if visit.hard else max(visit.latest, now)
    if len(published) != len(visit.needs):
        return replace(visit, earliest=earliest, latest=latest)
    # Nobody is come to much sooner than they were told.
    earliest = max(earliest, min(latest, before[0].start - SOONER))
    # To be left out is a change too: an elder who was told is not let down for the length of a detour.
    prize = None if visit.prize is None else visit.prize + problem.weights.change * len(published)
    return replace(visit, earliest=earliest, latest=latest, published=published, prize=prize)


def _renumbered(each: Assignment, held: Mapping[tuple[str, int], Assignment]) -> Assignment:
    return replace(each, need=0) if (each.visit_id, 1 - each.need) in held else each


def _numbered_back(each: Assignment, held: Mapping[tuple[str, int], Assignment]) -> Assignment:
    return replace(each, need=1) if (each.visit_id, 0) in held else each


def _by_visit(assignments: list[Assignment]) -> dict[str, list[Assignment]]:
    found: dict[str, list[Assignment]] = defaultdict(list)
    for each in sorted(assignments, key=lambda each: each.need):
        found[each.visit_id].append(each)
    return found


def _changes(
    problem: Problem, before: Mapping[str, list[Assignment]], after: Mapping[str, list[Assignment]]
) -> tuple[Change, ...]:
    changes = []
    for visit in problem.visits:
        was, now = before.get(visit.id, []), after.get(visit.id, [])
        change = Change(
            visit.id,
            tuple(each.carer_id for each in was),
            tuple(each.carer_id for each in now),
            was[0].start if was else None,
            now[0].start if now else None,
        )
        if (change.carers_before, change.start_before) != (change.carers_after, change.start_after):
            changes.append(change)
    return tuple(changes)
