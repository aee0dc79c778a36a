"""Planning a day: a first plan by cheapest insertion, then annealing on every core, the best plan shared now and then.

With a budget of moves, a seed and a number of threads always give the same plan; with a budget of seconds, the
temperature follows the clock, and the best plan found in the time is returned.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from songhe.engines.dispatch import kernel
from songhe.engines.dispatch.problem import (
    Assignment,
    Carer,
    Fault,
    Plan,
    Problem,
    RestTaken,
    extra_cost,
    may,
    sound_part,
    unserved_cost,
)

NEIGHBOURS = 40
# Rising shares of relocating, reassigning, reordering, exchanging, crossing; what is left drops a visit.
MIX = np.array([0.40, 0.55, 0.65, 0.83, 0.99])
# Temperatures in legs: what an average way between neighbours costs.
HOT, COLD = 1.5, 0.012
CHUNK_SECONDS = 0.05
PAIR_TRIES = 200


@dataclass(frozen=True)
class Budget:
    """How long to search: either seconds of the clock or moves for each thread."""

    seconds: float | None = None
    moves: int | None = None
    threads: int = 1


@dataclass(frozen=True)
class Solved:
    """A plan, what is wrong with the problem, and how much was tried."""

    plan: Plan
    faults: tuple[Fault, ...]
    cost: float
    moves: int


def solve(
    problem: Problem,
    *,
    budget: Budget,
    seed: int = 0,
    start: Plan | None = None,
    stop: Callable[[], bool] | None = None,
    progress: Callable[[float, float], None] | None = None,
) -> Solved:
    """Plan what can be planned of a day.

    ``start`` is a plan to begin with, which the result is never worse than. ``stop`` is asked between rounds; a search
    that is stopped returns its best plan. ``progress`` hears the share of the budget used and the best cost.
    """
    clock = time.perf_counter()
    sound, faults = sound_part(problem)
    wrong = tuple(visit.id for visit in problem.visits if visit.id not in {each.id for each in sound.visits})
    if not sound.visits or not sound.carers:
        return Solved(Plan(unserved=tuple(dict.fromkeys(visit.id for visit in problem.visits))), tuple(faults), 0.0, 0)
    data = arrays(sound)
    threads = max(1, budget.threads)
    states = [fresh(data, seed * 1_000_003 + 7919 * thread + 1) for thread in range(threads)]
    if start is not None:
        adopt(sound, data, states[0], start)
    else:
        kernel.rebuild(data, states[0])
    kernel.fill(data, states[0], hardest_first(sound), PAIR_TRIES)
    for state in states[1:]:
        copy_best(states[0], state)
        restore(data, state)
    search = _Search(data, states, budget, clock, stop, progress)
    moves = search.run()
    best = min(states, key=lambda state: float(state.best[0]))
    restore(data, best)
    plan = extract(sound, data, best)
    unserved = tuple(dict.fromkeys((*plan.unserved, *wrong)))
    return Solved(Plan(plan.assignments, plan.rests, unserved), tuple(faults), float(best.best[0]), moves)


class _Search:
    """Annealing in rounds: every thread for itself, then all from the best, cooler each time."""

    def __init__(
        self,
        data: kernel.Data,
        states: list[kernel.State],
        budget: Budget,
        clock: float,
        stop: Callable[[], bool] | None,
        progress: Callable[[float, float], None] | None,
    ) -> None:
        self.data, self.states, self.budget, self.clock = data, states, budget, clock
        self.stop, self.progress = stop, progress
        self.leg = mean_leg(data)
        self.drop = len(data.opening) > 0 and bool(np.any(data.prize < 1e15))

    # Shares of the budget and the share of the first round's heat at which each round starts.
    ROUNDS = ((0.7, 1.0), (0.3, 0.2))

    def run(self) -> int:
        """Search until the budget is used; return the moves tried by all threads."""
        made, spent = 0, 0.0
        with ThreadPoolExecutor(len(self.states)) as pool:
            for share, heat in self.ROUNDS:
                if spent > 0:
                    self._share_best()
                jobs = [pool.submit(self._anneal, state, spent, share, heat) for state in self.states]
                made += sum(job.result() for job in jobs)
                spent += share
                if self._stopped():
                    break
        return made

    def _stopped(self) -> bool:
        return self.stop is not None and self.stop()

    def _share_best(self) -> None:
        best = min(self.states, key=lambda state: float(state.best[0]))
        for state in self.states:
            if state is not best:
                copy_best(best, state)
            restore(self.data, state)

    def _anneal(self, state: kernel.State, spent: float, share: float, heat: float) -> int:
        hot, cold = HOT * heat * self.leg, COLD * self.leg
        if self.budget.moves is not None:
            return self._by_moves(state, int(self.budget.moves * share), hot, cold)
        return self._by_clock(state, spent, share, hot, cold)

    def _by_moves(self, state: kernel.State, moves: int, hot: float, cold: float) -> int:
        parts = 20
        for part in range(parts):
            if self._stopped():
                return moves * part // parts
            first, last = hot * (cold / hot) ** (part / parts), hot * (cold / hot) ** ((part + 1) / parts)
            count = moves * (part + 1) // parts - moves * part // parts
            kernel.anneal(self.data, state, first, last, count, MIX, self.drop)
        return moves

    def _by_clock(self, state: kernel.State, spent: float, share: float, hot: float, cold: float) -> int:
        assert self.budget.seconds is not None
        # What the first plan took is taken off the search.
        begun = time.perf_counter()
        left = max(0.0, self.clock + self.budget.seconds - begun)
        length = left * share / max(1e-9, 1.0 - spent)
        chunk, made = 2000, 0
        while (passed := time.perf_counter() - begun) < length and not self._stopped():
            here = passed / length
            there = min(1.0, here + CHUNK_SECONDS / length)
            before = time.perf_counter()
            kernel.anneal(
                self.data, state, hot * (cold / hot) ** here, hot * (cold / hot) ** there, chunk, MIX, self.drop
            )
            took = max(1e-5, time.perf_counter() - before)
            made += chunk
            chunk = max(500, min(200_000, int(chunk * CHUNK_SECONDS / took)))
            if self.progress is not None and state is self.states[0]:
                self.progress(spent + share * here, float(state.best[0]))
        return made


def arrays(problem: Problem) -> kernel.Data:
    """Write a sound problem as the core's arrays."""
    visits, carers, weights = problem.visits, problem.carers, problem.weights
    modes = sorted({carer.mode for carer in carers})
    n, m = len(visits), len(carers)
    most = max([len(carer.rests) for carer in carers] + [1])
    rests = np.full((m, most, 3), -1.0)
    for at, carer in enumerate(carers):
        for k, rest in enumerate(sorted(carer.rests, key=lambda each: each.earliest)):
            rests[at, k] = (rest.earliest, rest.latest, rest.minutes)
    minutes = np.zeros(2 * n)
    for at, visit in enumerate(visits):
        for k, need in enumerate(visit.needs):
            minutes[2 * at + k] = need.minutes
    fit = _fit(problem)
    able = [np.flatnonzero(np.isfinite(row)) for row in fit]
    able_from = np.concatenate([[0], np.cumsum([len(row) for row in able])]).astype(np.int64)
    place = np.zeros(2 * n + 2 * m, dtype=np.int64)
    place[0 : 2 * n : 2] = place[1 : 2 * n : 2] = [visit.place for visit in visits]
    place[2 * n : 2 * n + m] = [carer.start_place for carer in carers]
    place[2 * n + m :] = [carer.end_place for carer in carers]
    way = np.stack([problem.ways[mode] for mode in modes]).astype(np.float32)
    opening = np.array([visit.earliest if visit.pinned is None else visit.pinned for visit in visits])
    closing = np.array([visit.latest if visit.pinned is None else visit.pinned for visit in visits])
    near_from, near = _near(way[0], place[0 : 2 * n : 2], opening, closing, minutes[0 : 2 * n : 2])
    return kernel.Data(
        way=way,
        place=place,
        mode=np.array([modes.index(carer.mode) for carer in carers], dtype=np.int64),
        rate=np.array([carer.cost * weights.travel for carer in carers]),
        begin=np.array([carer.start for carer in carers], dtype=np.float64),
        finish=np.array([carer.end for carer in carers], dtype=np.float64),
        contract=np.array([math.inf if carer.contract is None else carer.contract for carer in carers]),
        overtime=np.array([0.0 if carer.contract is None else weights.overtime for carer in carers]),
        fairness=np.full(m, weights.fairness),
        rests=rests,
        opening=opening.astype(np.float64),
        closing=closing.astype(np.float64),
        hard=np.array([visit.hard or visit.pinned is not None for visit in visits], dtype=np.int64),
        late_rate=np.array([weights.late * visit.late_cost * visit.priority for visit in visits]),
        latest_rate=np.array([weights.latest]),
        prize=np.array([unserved_cost(visit) for visit in visits]),
        slots=np.array([len(visit.needs) for visit in visits], dtype=np.int64),
        gap=np.array([visit.gap for visit in visits], dtype=np.float64),
        minutes=minutes,
        fit=fit,
        able_from=able_from,
        able=np.concatenate(able).astype(np.int64),
        near_from=near_from,
        near=near,
    )


def _fit(problem: Problem) -> kernel.Singles:
    fit = np.full((2 * len(problem.visits), len(problem.carers)), np.inf, dtype=np.float32)
    for at, visit in enumerate(problem.visits):
        for k in range(len(visit.needs)):
            for c, carer in enumerate(problem.carers):
                if may(visit, k, carer):
                    fit[2 * at + k, c] = extra_cost(visit, carer, problem.weights)
    return fit


def _near(
    way: kernel.Singles, place: kernel.Ints, opening: kernel.Floats, closing: kernel.Floats, minutes: kernel.Floats
) -> tuple[kernel.Ints, kernel.Ints]:
    """List for each item those that would go well before or after it, the best first."""
    n = len(place)
    rows = []
    for item in range(n):
        out, back = way[place[item], place], way[place, place[item]]
        later = out + _mismatch(
            opening[item] + minutes[item] + out, closing[item] + minutes[item] + out, opening, closing
        )
        first, last = opening + minutes + back, closing + minutes + back
        sooner = back + _mismatch(first, last, opening[item], closing[item])
        score = np.minimum(later, sooner)
        score[item] = np.inf
        count = min(NEIGHBOURS, n - 1)
        best = np.argpartition(score, count - 1)[:count] if count else np.zeros(0, dtype=np.int64)
        rows.append(best[np.argsort(score[best], kind="stable")])
    starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    return starts, np.concatenate(rows).astype(np.int64)


def _mismatch(first: object, last: object, opening: object, closing: object) -> kernel.Floats:
    late = np.maximum(0.0, np.asarray(first) - np.asarray(closing))
    wait = np.maximum(0.0, np.asarray(opening) - np.asarray(last))
    return np.asarray(late + 0.3 * wait, dtype=np.float64)


def mean_leg(data: kernel.Data) -> float:
    """Return what an average way from a visit to its ten nearest costs, the measure of temperatures."""
    places = data.place[0 : 2 * len(data.opening) : 2]
    sample = data.way[0][np.ix_(places[:: max(1, len(places) // 200)], places)].astype(np.float64)
    nearest = np.sort(sample, axis=1)[:, 1:11]
    leg = float(nearest.mean()) if nearest.size else 1.0
    return max(leg, 0.05) * float(np.mean(data.rate)) if np.any(data.rate > 0) else 1.0


def fresh(data: kernel.Data, seed: int) -> kernel.State:
    """Return an empty plan: every visit in the pool, in the order of the windows."""
    n, m = len(data.opening), len(data.mode)
    slots = 2 * n + 2 * m
    label = np.empty(n)
    label[np.argsort(data.opening + data.closing, kind="stable")] = np.arange(1.0, n + 1)
    ints, floats = np.int64, np.float64
    return kernel.State(
        carer=np.full(2 * n, -1, dtype=ints),
        label=label,
        before=np.zeros(slots, dtype=ints),
        after=np.zeros(slots, dtype=ints),
        start=np.zeros(slots, dtype=floats),
        done=np.zeros(slots, dtype=floats),
        rested=np.zeros(slots, dtype=ints),
        late=np.zeros(2 * n, dtype=floats),
        load=np.zeros(m, dtype=floats),
        cost=np.zeros(4, dtype=floats),
        pool=np.zeros(n, dtype=ints),
        pool_at=np.zeros(n, dtype=ints),
        size=np.zeros(4, dtype=ints),
        heap=np.zeros(n + 1, dtype=ints),
        queued=np.zeros(n, dtype=ints),
        journal=np.zeros(4 * n + 8, dtype=ints),
        kept=np.zeros(6 * n + 12, dtype=floats),
        changed=np.zeros(8, dtype=ints),
        old_carer=np.zeros(16, dtype=ints),
        old_label=np.zeros(8, dtype=floats),
        random=np.array([seed % 2**63], dtype=np.uint64),
        best_carer=np.full(2 * n, -1, dtype=ints),
        best_label=label.copy(),
        best=np.array([np.inf]),
    )


def copy_best(source: kernel.State, target: kernel.State) -> None:
    """Give one search the best plan of another."""
    target.best_carer[:] = source.best_carer
    target.best_label[:] = source.best_label
    target.best[0] = source.best[0]


def restore(data: kernel.Data, state: kernel.State) -> None:
    """Make a search's best plan its present one."""
    state.carer[:] = state.best_carer
    state.label[:] = state.best_label
    kernel.rebuild(data, state)


def adopt(problem: Problem, data: kernel.Data, state: kernel.State, plan: Plan) -> None:
    """Make a given plan a search's present one; what breaks a hard limit goes into the pool."""
    carers = {carer.id: at for at, carer in enumerate(problem.carers)}
    visits = {visit.id: at for at, visit in enumerate(problem.visits)}
    starts = np.array([visit.earliest for visit in problem.visits], dtype=np.float64)
    for each in plan.assignments:
        at = visits.get(each.visit_id)
        if at is not None and each.carer_id in carers and each.need < len(problem.visits[at].needs):
            state.carer[2 * at + each.need] = carers[each.carer_id]
            starts[at] = each.start if each.need == 0 else starts[at]
    for at, visit in enumerate(problem.visits):
        if len(visit.needs) == 2 and min(state.carer[2 * at], state.carer[2 * at + 1]) < 0:
            state.carer[2 * at] = state.carer[2 * at + 1] = -1
    state.label[np.argsort(starts, kind="stable")] = np.arange(1.0, len(starts) + 1)
    kernel.rebuild(data, state)
    kernel.keep_best(data, state)


def hardest_first(problem: Problem) -> kernel.Ints:
    """Order the visits for insertion: those kept, required and paired ones, then by the end of the window."""

    def key(at: int) -> tuple[bool, bool, bool, float, int]:
        visit = problem.visits[at]
        return (visit.pinned is None, visit.prize is not None, len(visit.needs) == 1, visit.latest, at)

    return np.array(sorted(range(len(problem.visits)), key=key), dtype=np.int64)


def extract(problem: Problem, data: kernel.Data, state: kernel.State) -> Plan:
    """Read the present plan out of the core's arrays."""
    n = len(problem.visits)
    assignments, rests = [], []
    for c, carer in enumerate(problem.carers):
        slot, t, taken = int(state.after[2 * n + c]), carer.start, 0
        if slot >= 2 * n:
            continue
        while slot < 2 * n:
            rests += _rests(carer, data, c, t, taken, int(state.rested[slot]))
            taken, start = int(state.rested[slot]), float(state.start[slot])
            visit = problem.visits[slot // 2]
            end = start + visit.needs[slot % 2].minutes
            assignments.append(Assignment(visit.id, slot % 2, carer.id, start, end))
            t, slot = end, int(state.after[slot])
        rests += _rests(carer, data, c, t, taken, len(carer.rests))
    unserved = tuple(visit.id for at, visit in enumerate(problem.visits) if state.carer[2 * at] < 0)
    return Plan(tuple(assignments), tuple(rests), unserved)


def _rests(carer: Carer, data: kernel.Data, c: int, t: float, taken: int, until: int) -> list[RestTaken]:
    found = []
    for k in range(taken, until):
        begin = max(t, float(data.rests[c, k, 0]))
        t = begin + float(data.rests[c, k, 2])
        found.append(RestTaken(carer.id, begin, t))
    return found
