"""Planning a day: first plans by cheapest insertion, annealing on every core, then all from the best, cooler.

With a budget of moves, a seed and a number of threads always give the same plan; with a budget of seconds, the
temperature follows the clock, and the best plan found in the time is returned. The compiled core is made ready before
the clock starts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from songhe.engines.dispatch import annealing
from songhe.engines.dispatch.arrays import (
    AFTER,
    BEST,
    CARER,
    RESTED,
    START,
    Core,
    Ints,
    core,
    may_drop,
    mean_leg,
    sibling,
)
from songhe.engines.dispatch.problem import (
    Assignment,
    Carer,
    Fault,
    Need,
    Plan,
    Problem,
    RestTaken,
    Visit,
    sound_part,
)

# Rising shares of relocating, reassigning, reordering, exchanging and crossing; what is left shifts stretches.
SHARES = np.array([0.40, 0.55, 0.65, 0.83, 0.93])
# Temperatures in legs: what an average way between neighbours costs. A search with little time for each visit begins
# less hot, and a given plan is kept rather than melted.
HOT, WARM, COLD = 2.0, 0.3, 0.1
FULL_MOVES = 50_000
MOVES_A_SECOND = 800_000
CHUNK_SECONDS = 0.05
PAIR_TRIES = 4000
# Shares of the budget, and the share of the full heat each begins with: for plans of their own, then all from the best.
ROUNDS = ((0.8, 1.0), (0.2, 0.1))
# Where there is time for so many moves for each item, a search begins again from another first plan, at most so often:
# what the first plan settles, no heat that leaves a good plan standing undoes.
TRIES, TRY_MOVES = 6, 100_000


@dataclass(frozen=True)
class Budget:
    """How long to search: either seconds or moves for each thread.

    Seconds are those of the clock, or with ``processor`` those that all threads of the process use together, which
    say the same on a machine where others work.
    """

    seconds: float | None = None
    moves: int | None = None
    threads: int = 1
    processor: bool = False

    def now(self) -> float:
        """Return the time by which the seconds are counted."""
        return time.process_time() if self.processor else time.perf_counter()


@dataclass(frozen=True)
class Solved:
    """A plan, what is wrong with the problem, and how much was tried."""

    plan: Plan
    faults: tuple[Fault, ...]
    cost: float
    moves: int


@cache
def warm_up() -> None:
    """Load or compile the core; a process does so once, before anything is timed."""
    ways = {"ebike": np.zeros((1, 1))}
    carers = tuple(Carer(name, frozenset(), 0.0, 100.0, 0, 0) for name in "ab")
    visits = (Visit("v", 0, (Need(1.0),), 0.0, 50.0), Visit("w", 0, (Need(1.0), Need(1.0)), 0.0, 50.0))
    _search(Problem(visits, carers, ways), Budget(moves=10), 0, None, None, None, time.perf_counter())


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
    warm_up()
    clock = budget.now()
    sound, faults = sound_part(problem)
    kept = {visit.id for visit in sound.visits}
    wrong = tuple(visit.id for visit in problem.visits if visit.id not in kept)
    if not sound.visits or not sound.carers:
        return Solved(Plan(unserved=tuple(dict.fromkeys(visit.id for visit in problem.visits))), tuple(faults), 0.0, 0)
    found = _search(sound, budget, seed, start, stop, progress, clock)
    unserved = tuple(dict.fromkeys((*found.plan.unserved, *wrong)))
    return replace(found, plan=replace(found.plan, unserved=unserved), faults=tuple(faults))


def _search(
    problem: Problem,
    budget: Budget,
    seed: int,
    start: Plan | None,
    stop: Callable[[], bool] | None,
    progress: Callable[[float, float], None] | None,
    clock: float,
) -> Solved:
    first = core(problem, seed * 1_000_003 + 1)
    begin(problem, first, start)
    labels = first.label.copy()
    order = hardest_first(problem)
    order = order[first.link[2 * order, CARER] < 0]
    # The first part is always filled in: an order that comes in has a place sought for it, however short the time.
    for k, part in enumerate(np.array_split(order, max(1, len(order) // 100))):
        if (stop is not None and stop()) or (k > 0 and _over(budget, clock)):
            break
        annealing.fill(first, part, PAIR_TRIES)
    more = range(1, max(1, budget.threads))
    searches = [first, *(sibling(first, seed * 1_000_003 + 7919 * thread + 1) for thread in more)]
    visits = len(problem.visits)
    tries, hot = (_tries(budget, visits), _heat(budget, visits)) if start is None else (1, WARM)

    def fill_again(search: Core) -> None:
        search.label[:] = labels
        annealing.adopt(search, np.full(2 * visits, -1, dtype=np.int64))
        annealing.fill(search, order, PAIR_TRIES)

    run = _Annealing(searches, budget, clock, stop, progress, hot=hot, tries=tries, fill_again=fill_again)
    moves = run.run()
    best = min(searches, key=lambda each: float(each.cost[BEST]))
    restore(best)
    return Solved(extract(problem, best), (), float(best.cost[BEST]), moves)


def _moves_for_each(budget: Budget, items: int) -> float:
    moves = budget.moves or 0 if budget.seconds is None else budget.seconds * MOVES_A_SECOND
    return moves / items


def _heat(budget: Budget, items: int) -> float:
    """Return the temperature to begin with, in legs, by the moves there will be for each item."""
    return max(WARM, HOT * min(1.0, _moves_for_each(budget, items) / FULL_MOVES))


def _tries(budget: Budget, items: int) -> int:
    """Return from how many first plans each thread is to begin, by the moves there will be for each item."""
    share, _ = ROUNDS[0]
    return max(1, min(TRIES, int(share * _moves_for_each(budget, items) / TRY_MOVES)))


def _over(budget: Budget, clock: float) -> bool:
    return budget.seconds is not None and budget.now() - clock > budget.seconds


class _Annealing:
    """Annealing in rounds: every thread from first plans of its own, then all from the best, cooler."""

    def __init__(
        self,
        searches: list[Core],
        budget: Budget,
        clock: float,
        stop: Callable[[], bool] | None,
        progress: Callable[[float, float], None] | None,
        *,
        hot: float,
        tries: int,
        fill_again: Callable[[Core], None],
    ) -> None:
        self.tries, self.fill_again = tries, fill_again
        self.searches, self.budget, self.clock = searches, budget, clock
        self.stop, self.progress = stop, progress
        leg = mean_leg(searches[0])
        self.hot, self.cold = hot * leg, COLD * leg
        self.optional = may_drop(searches[0])

    def run(self) -> int:
        """Search until the budget is used; return the moves tried by all threads."""
        made, spent = 0, 0.0
        (share, heat), *cooler = ROUNDS
        rounds = [(share / self.tries, heat)] * self.tries + cooler
        with ThreadPoolExecutor(len(self.searches)) as pool:
            for at, (share, heat) in enumerate(rounds):
                if at >= self.tries:
                    self._share_best()
                elif self.tries > 1:
                    # The first thread has a first plan already, which the others were given a copy of.
                    list(pool.map(self.fill_again, self.searches[1:] if at == 0 else self.searches))
                jobs = [pool.submit(self._anneal, each, spent, share, heat) for each in self.searches]
                made += sum(job.result() for job in jobs)
                spent += share
                if self._stopped():
                    break
        return made

    def _stopped(self) -> bool:
        return self.stop is not None and self.stop()

    def _share_best(self) -> None:
        best = min(self.searches, key=lambda each: float(each.cost[BEST]))
        for each in self.searches:
            if each is not best:
                each.best_carer[:] = best.best_carer
                each.best_label[:] = best.best_label
                each.cost[BEST] = best.cost[BEST]
            restore(each)

    def _anneal(self, search: Core, spent: float, share: float, heat: float) -> int:
        hot = max(self.hot * heat, self.cold)
        if self.budget.seconds is None:
            return self._by_moves(search, int((self.budget.moves or 0) * share), hot)
        return self._by_clock(search, spent, share, hot)

    def _part(self, search: Core, hot: float, begins: float, ends: float, moves: int) -> None:
        fall = self.cold / hot
        annealing.anneal(search, hot * fall**begins, hot * fall**ends, moves, SHARES, self.optional)

    def _by_moves(self, search: Core, moves: int, hot: float) -> int:
        parts = 20
        for part in range(parts):
            if self._stopped():
                return moves * part // parts
            count = moves * (part + 1) // parts - moves * part // parts
            self._part(search, hot, part / parts, (part + 1) / parts, count)
        return moves

    def _by_clock(self, search: Core, spent: float, share: float, hot: float) -> int:
        # What came before is taken off this round.
        now = self.budget.now
        begun = now()
        left = max(0.0, self.clock + (self.budget.seconds or 0.0) - begun)
        length = left * share / max(1e-9, 1.0 - spent)
        chunk, made = 2000, 0
        while (passed := now() - begun) < length and not self._stopped():
            here = passed / length
            before = time.perf_counter()
            self._part(search, hot, here, min(1.0, here + CHUNK_SECONDS / length), chunk)
            took = max(1e-5, time.perf_counter() - before)
            made += chunk
            chunk = max(500, min(200_000, int(chunk * CHUNK_SECONDS / took)))
            if self.progress is not None and search is self.searches[0]:
                self.progress(spent + share * here, float(search.cost[BEST]))
        return made


def restore(search: Core) -> None:
    """Make a search's best plan its present one."""
    search.label[:] = search.best_label
    annealing.adopt(search, search.best_carer.copy())


def begin(problem: Problem, search: Core, plan: Plan | None) -> None:
    """Make a given plan the present one, or none; what breaks a hard limit goes into the pool."""
    who = np.full(2 * len(problem.visits), -1, dtype=np.int64)
    if plan is not None:
        carers = {carer.id: at for at, carer in enumerate(problem.carers)}
        visits = {visit.id: at for at, visit in enumerate(problem.visits)}
        starts = np.array([visit.earliest for visit in problem.visits], dtype=np.float64)
        for each in plan.assignments:
            at = visits.get(each.visit_id)
            if at is not None and each.carer_id in carers and each.need < len(problem.visits[at].needs):
                who[2 * at + each.need] = carers[each.carer_id]
                starts[at] = each.start if each.need == 0 else starts[at]
        search.label[np.argsort(starts, kind="stable")] = np.arange(1.0, len(starts) + 1)
    annealing.adopt(search, who)


def hardest_first(problem: Problem) -> Ints:
    """Order the visits for insertion: those kept, required and paired ones, then by the end of the window."""

    def key(at: int) -> tuple[bool, bool, bool, float, int]:
        visit = problem.visits[at]
        return (visit.pinned is None, visit.prize is not None, len(visit.needs) == 1, visit.latest, at)

    return np.array(sorted(range(len(problem.visits)), key=key), dtype=np.int64)


def extract(problem: Problem, search: Core) -> Plan:
    """Read the present plan out of the core's arrays."""
    n = len(problem.visits)
    assignments, rests = [], []
    for c, carer in enumerate(problem.carers):
        slot, t, taken = int(search.link[2 * n + c, AFTER]), carer.start, 0
        if slot >= 2 * n:
            continue
        while slot < 2 * n:
            rests += _rests(carer, t, taken, int(search.link[slot, RESTED]))
            taken, start = int(search.link[slot, RESTED]), float(search.times[slot, START])
            visit = problem.visits[slot // 2]
            end = start + visit.needs[slot % 2].minutes
            assignments.append(Assignment(visit.id, slot % 2, carer.id, start, end))
            t, slot = end, int(search.link[slot, AFTER])
        rests += _rests(carer, t, taken, len(carer.rests))
    unserved = tuple(visit.id for at, visit in enumerate(problem.visits) if search.link[2 * at, CARER] < 0)
    return Plan(tuple(assignments), tuple(rests), unserved)


def _rests(carer: Carer, t: float, taken: int, until: int) -> list[RestTaken]:
    found = []
    rules = sorted(carer.rests, key=lambda each: each.earliest)
    for rule in rules[taken:until]:
        begins = max(t, rule.earliest)
        t = begins + rule.minutes
        found.append(RestTaken(carer.id, begins, t))
    return found
