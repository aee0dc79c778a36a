"""A day as the arrays the compiled search works on, and the plan the search holds in them.

A visit is an item with one or two slots, one a carer, numbered ``2 * item`` and ``2 * item + 1``; behind the slots
stand each carer's start, then each carer's end. What belongs together lies in the columns of one array, so that the
compiled functions pass few arrays on and a slot's numbers share a line of the processor's cache.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

from songhe.engines.dispatch.problem import REQUIRED_PRIZE, Problem, Visit, extra_cost, may, unserved_cost

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
F = TypeVar("F", bound=Callable[..., Any])

NEIGHBOURS = 40
MOST_CHANGES = 128

# Columns of ``visit``.
OPENS, DUE, DEADLINE, LATE_RATE, PRIZE, LEAST_GAP, MOST_GAP, SLOTS = range(8)
# Columns of ``carer``.
RATE, BEGINS, FINISHES, CONTRACT, OVERTIME, FAIRNESS, MODE = range(7)
# Columns of ``link``.
BEFORE, AFTER, CARER, RESTED, PLACE = range(5)
# Columns of ``times``.
START, DONE, LATE, MINUTES = range(4)
# Places in ``cost``.
FIXED, UNSERVED, LATENESS, LATEST, LATEST_RATE, BEST = range(6)
# Places in ``size``.
POOLED, QUEUED, KEPT, LOADS = range(4)


def compiled(function: F) -> F:
    """Compile a function that Python calls; keep the machine code beside the source, or where the user's cache is."""
    return _compiled(function, {})


def inner(function: F) -> F:
    """Compile a function that only compiled ones call and that makes no array.

    It has no way in from Python, which would take seconds to compile, and counts no references: counting those of
    thirty arrays at each call would take most of the search's time.
    """
    return _compiled(function, {"no_cpython_wrapper": True, "_nrt": False})


def helper(function: F) -> F:
    """Compile a function that only compiled ones call, and that makes arrays."""
    return _compiled(function, {"no_cpython_wrapper": True})


def _compiled(function: F, options: dict[str, bool]) -> F:
    njit = cast("Any", numba.njit)
    always = {"nogil": True, "boundscheck": False, "error_model": "numpy", "no_cfunc_wrapper": True}
    try:
        return cast("F", njit(cache=True, **always, **options)(function))
    except RuntimeError:  # nowhere to write: compiled anew by every process
        return cast("F", njit(**always, **options)(function))


class Core(NamedTuple):
    """A problem and one search's plan of it. Times in minutes, costs in minutes of travel."""

    way: Singles  # mode, from place, to place
    fit: Singles  # slot, carer: what it costs that they make it; inf where they may not
    visit: Floats
    carer: Floats
    rests: Floats  # carer, rest, (earliest, latest, minutes); unused rows have minutes < 0
    able_from: Ints  # by slot: where its carers start in ``able``
    able: Ints
    near: Ints  # item, those that go well before or after it, the best first
    free: Ints  # items the search may move
    link: Ints  # by slot
    times: Floats  # by slot
    label: Floats  # by item: its place in the global order
    load: Floats  # by carer: minutes of way and of visits
    cost: Floats
    size: Ints
    pool: Ints  # (the items nobody makes, where an item stands among them)
    todo: Ints  # a change: item, carers
    todo_label: Floats
    old: Ints  # what a change takes back: per changed slot its carer, the slots before and after
    old_label: Floats
    queue: Ints  # items to be timed, the first at the end
    queued: Ints  # by item
    kept: Ints  # per slot timed anew: slot, rests taken
    kept_times: Floats
    kept_load: Floats  # carer, load
    random: npt.NDArray[np.uint64]
    best_carer: Ints
    best_label: Floats


def core(problem: Problem, seed: int) -> Core:
    """Write a sound problem as arrays, with an empty plan: every visit in the pool, in the order of the windows."""
    visits, carers = problem.visits, problem.carers
    n, m = len(visits), len(carers)
    modes = sorted({carer.mode for carer in carers})
    way = np.stack([problem.ways[mode] for mode in modes], dtype=np.float32, casting="same_kind")
    fit = _fit(problem)
    able = [np.flatnonzero(np.isfinite(row)) for row in fit]
    visit = np.array([_visit_row(each, problem) for each in visits], dtype=np.float64)
    minutes = np.zeros(2 * n + 2 * m)
    for at, each in enumerate(visits):
        for k, need in enumerate(each.needs):
            minutes[2 * at + k] = need.minutes
    link = np.zeros((2 * n + 2 * m, 5), dtype=np.int64)
    link[:, CARER] = -1
    link[0 : 2 * n, PLACE] = np.repeat([each.place for each in visits], 2)
    link[2 * n : 2 * n + m, PLACE] = [carer.start_place for carer in carers]
    link[2 * n + m :, PLACE] = [carer.end_place for carer in carers]
    times = np.zeros((2 * n + 2 * m, 4))
    times[:, MINUTES] = minutes
    label = np.empty(n)
    label[np.argsort(visit[:, OPENS] + visit[:, DUE], kind="stable")] = np.arange(1.0, n + 1)
    fixed = [len(each.held) == len(each.needs) and each.pinned is not None for each in visits]
    return Core(
        way=way,
        fit=fit,
        visit=visit,
        carer=np.array([_carer_row(problem, at, modes) for at in range(m)], dtype=np.float64),
        rests=_rest_rows(problem),
        able_from=np.concatenate([[0], np.cumsum([len(row) for row in able])]).astype(np.int64),
        able=np.concatenate(able).astype(np.int64),
        near=_near(way[0], link[0 : 2 * n : 2, PLACE], visit, minutes[0 : 2 * n : 2]),
        free=np.flatnonzero(~np.array(fixed)).astype(np.int64),
        link=link,
        times=times,
        label=label,
        load=np.zeros(m),
        cost=np.array([0.0, 0.0, 0.0, 0.0, problem.weights.latest, np.inf]),
        size=np.zeros(4, dtype=np.int64),
        pool=np.zeros((2, n), dtype=np.int64),
        todo=np.zeros((MOST_CHANGES, 3), dtype=np.int64),
        todo_label=np.zeros(MOST_CHANGES),
        old=np.zeros((2 * MOST_CHANGES, 3), dtype=np.int64),
        old_label=np.zeros(MOST_CHANGES),
        queue=np.zeros(n + 1, dtype=np.int64),
        queued=np.zeros(n, dtype=np.int64),
        kept=np.zeros((2 * n + 2 * MOST_CHANGES, 2), dtype=np.int64),
        kept_times=np.zeros((2 * n + 2 * MOST_CHANGES, 3)),
        kept_load=np.zeros((4 * MOST_CHANGES, 2)),
        random=np.array([seed % 2**63], dtype=np.uint64),
        best_carer=np.full(2 * n, -1, dtype=np.int64),
        best_label=label.copy(),
    )


def sibling(first: Core, seed: int) -> Core:
    """Return another search's plan of the same problem, as it stands."""
    shared = ("way", "fit", "visit", "carer", "rests", "able_from", "able", "near", "free")
    copies = {name: getattr(first, name).copy() for name in Core._fields if name not in shared}
    copies["random"] = np.array([seed % 2**63], dtype=np.uint64)
    return first._replace(**copies)


def may_drop(first: Core) -> bool:
    """Tell whether some visit is optional."""
    return bool(np.any(first.visit[:, PRIZE] < REQUIRED_PRIZE))


def mean_leg(first: Core) -> float:
    """Return what an average way from a visit to its ten nearest costs, the measure of temperatures."""
    n = len(first.label)
    places = first.link[0 : 2 * n : 2, PLACE]
    sample = first.way[0][np.ix_(places[:: max(1, n // 200)], places)].astype(np.float64)
    nearest = np.sort(sample, axis=1)[:, 1:11]
    rate = float(np.mean(first.carer[:, RATE]))
    return max(float(nearest.mean()) if nearest.size else 1.0, 0.05) * rate if rate > 0 else 1.0


def _visit_row(visit: Visit, problem: Problem) -> list[float]:
    opens = visit.earliest if visit.pinned is None else visit.pinned
    due = visit.latest if visit.pinned is None else visit.pinned
    deadline = due if visit.hard or visit.pinned is not None else math.inf
    late_rate = problem.weights.late * visit.late_cost * visit.priority
    return [opens, due, deadline, late_rate, unserved_cost(visit), *visit.gap, len(visit.needs)]


def _carer_row(problem: Problem, at: int, modes: list[str]) -> list[float]:
    carer, weights = problem.carers[at], problem.weights
    contract = math.inf if carer.contract is None else carer.contract - carer.done
    overtime = 0.0 if carer.contract is None else weights.overtime
    mode = modes.index(carer.mode)
    # (done + load)² - done² is load² and, for each minute, twice what was done; visits pay theirs in ``fit``.
    rate = carer.cost * weights.travel + 2 * weights.fairness * carer.done
    return [rate, carer.start, carer.end, contract, overtime, weights.fairness, mode]


def _rest_rows(problem: Problem) -> Floats:
    most = max([len(carer.rests) for carer in problem.carers] + [1])
    rests = np.full((len(problem.carers), most, 3), -1.0)
    for at, carer in enumerate(problem.carers):
        for k, rest in enumerate(sorted(carer.rests, key=lambda each: each.earliest)):
            rests[at, k] = (rest.earliest, rest.latest, rest.minutes)
    return rests


def _fit(problem: Problem) -> Singles:
    """Say for each slot and carer what it costs that they make it; skills are compared once for each set of them."""
    carers, weights = problem.carers, problem.weights
    at_of = {carer.id: at for at, carer in enumerate(carers)}
    skilled: dict[frozenset[str], Singles] = {}
    done = np.array([2 * weights.fairness * carer.done for carer in carers], dtype=np.float32)
    fit = np.full((2 * len(problem.visits), len(carers)), np.inf, dtype=np.float32)
    for at, visit in enumerate(problem.visits):
        for k, need in enumerate(visit.needs):
            if need.skills not in skilled:
                able = [0.0 if need.skills <= carer.skills else math.inf for carer in carers]
                skilled[need.skills] = np.array(able, dtype=np.float32)
            row = fit[2 * at + k]
            if visit.held:
                held = at_of.get(visit.held[k])
                if held is not None and may(visit, k, carers[held]):
                    row[held] = extra_cost(visit, k, carers[held], weights) + done[held] * need.minutes
                continue
            row[:] = skilled[need.skills] + done * np.float32(need.minutes)
            for names, weight in (
                (visit.familiar, weights.unfamiliar),
                (visit.wished, weights.unwished),
                (visit.published[k : k + 1], weights.change),
            ):
                if names and weight:
                    own = [at_of[name] for name in names if name in at_of]
                    before = row[own]
                    row += np.float32(weight)
                    row[own] = before
            for name in visit.barred:
                if name in at_of:
                    row[at_of[name]] = math.inf
    return fit


@compiled
def _near(way: Singles, place: Ints, visit: Floats, minutes: Floats) -> Ints:
    """List for each item those that would go well before or after it, the best first.

    What counts is the way, how late one would be at best, and how long one would wait at least.
    """
    n = len(place)
    count = max(0, min(NEIGHBOURS, n - 1))
    near = np.zeros((n, count), dtype=np.int64)
    scores = np.empty(count + 1)
    for item in range(n if count else 0):
        found = 0
        for other in range(n):
            if other == item:
                continue
            out, back = float(way[place[item], place[other]]), float(way[place[other], place[item]])
            later = out + _mismatch(visit, item, other, minutes[item] + out)
            sooner = back + _mismatch(visit, other, item, minutes[other] + back)
            score = min(later, sooner)
            if found == count and score >= scores[count - 1]:
                continue
            at = min(found, count - 1)
            while at > 0 and scores[at - 1] > score:
                scores[at] = scores[at - 1]
                near[item, at] = near[item, at - 1]
                at -= 1
            scores[at] = score
            near[item, at] = other
            found = min(found + 1, count)
    return near


@inner
def _mismatch(visit: Floats, first: int, then: int, more: float) -> float:
    late = max(0.0, visit[first, OPENS] + more - visit[then, DUE])
    wait = max(0.0, visit[then, OPENS] - visit[first, DUE] - more)
    return float(late + 0.3 * wait)
