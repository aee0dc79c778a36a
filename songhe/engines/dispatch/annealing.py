"""Annealing of a plan, and how a plan gets into the search: timed as a whole, or filled item by item."""

from __future__ import annotations

from typing import Any

import numpy as np

from songhe.engines.dispatch.arrays import (
    AFTER,
    BEFORE,
    BEST,
    CARER,
    FAIRNESS,
    FIXED,
    KEPT,
    LATE,
    LATENESS,
    LATEST,
    LOADS,
    OPENS,
    OVERTIME,
    POOLED,
    PRIZE,
    QUEUED,
    RESTED,
    SLOTS,
    START,
    UNSERVED,
    Ints,
    compiled,
    helper,
    inner,
)
from songhe.engines.dispatch.moves import (
    any_able,
    beside,
    between,
    chance,
    fits,
    into,
    pick,
    propose,
    put,
    seat,
    too_late,
)
from songhe.engines.dispatch.timing import (
    attempt,
    begin,
    into_pool,
    latest,
    link_in,
    out_of_pool,
    push,
    time_item,
    total,
)

LITTLE = 1e-9
RENUMBER = 2_000


@inner
def is_linear(s: Any) -> bool:
    """Tell whether ways are the whole of a carer's cost; where hours or fairness count they are not."""
    extra = 0.0
    for c in range(s.load.shape[0]):
        extra += s.carer[c, FAIRNESS] + s.carer[c, OVERTIME]
    return extra == 0.0


@inner
def _keep_best(s: Any) -> None:
    s.cost[BEST] = total(s)
    for slot in range(s.best_carer.shape[0]):
        s.best_carer[slot] = s.link[slot, CARER]
    for item in range(s.label.shape[0]):
        s.best_label[item] = s.label[item]


@helper
def _empty(s: Any) -> None:
    """Put every item into the pool and every carer at home, and number the items in their order."""
    n = s.label.shape[0]
    order = np.argsort(s.label, kind="mergesort")
    for at in range(n):
        s.label[order[at]] = at + 1.0
    for c in range(s.load.shape[0]):
        begin(s, c)
    for part in (FIXED, UNSERVED, LATENESS, LATEST):
        s.cost[part] = 0.0
    for part in (POOLED, QUEUED, KEPT, LOADS):
        s.size[part] = 0
    for slot in range(2 * n):
        s.link[slot, CARER] = -1
        s.link[slot, RESTED] = 0
        s.times[slot, START] = -1.0
        s.times[slot, LATE] = 0.0
    for item in range(n):
        s.queued[item] = 0
        into_pool(s, item)


@helper
def _rebuild(s: Any, carers: Any) -> None:
    """Time a whole plan; where that breaks a hard limit, the items at fault stay in the pool.

    The whole is tried before its parts: a carer who waits for their rest far from home may be too late there with half
    a route, and in time with all of it.
    """
    _empty(s)
    n = s.label.shape[0]
    order = np.argsort(s.label, kind="mergesort")
    for at in range(n):
        item = order[at]
        if fits(s, item, carers[2 * item], carers[2 * item + 1]):
            for k in range(int(s.visit[item, SLOTS])):
                s.size[LOADS] = 0
                s.cost[FIXED] += link_in(s, 2 * item + k, carers[2 * item + k])
            out_of_pool(s, item)
    sound = True
    for at in range(n):
        s.size[KEPT] = 0
        sound = sound and (s.link[2 * order[at], CARER] < 0 or time_item(s, order[at]))
    for item in range(n):
        s.queued[item] = 0
    s.size[QUEUED] = 0
    if sound:
        s.cost[LATEST] = latest(s)
        return
    _empty(s)
    for at in range(n):
        item = order[at]
        if fits(s, item, carers[2 * item], carers[2 * item + 1]):
            put(s, 0, item, carers[2 * item], carers[2 * item + 1], s.label[item])
            attempt(s, 1, np.inf, True)


@helper
def _renumber(s: Any) -> None:
    """Number the items anew by their times, as far as the routes allow, so that labels and times tell the same.

    Labels that have drifted from the times forbid pairs and exchanges that the day itself would allow.
    """
    n = s.label.shape[0]
    waits = np.zeros(n, dtype=np.int64)
    order = np.empty(n, dtype=np.int64)
    for item in range(n):
        served = s.link[2 * item, CARER] >= 0
        # The queue is sorted by label.
        s.label[item] = s.times[2 * item, START] if served else s.visit[item, OPENS]
        if served:
            for k in range(int(s.visit[item, SLOTS])):
                waits[item] += s.link[2 * item + k, BEFORE] < 2 * n
    for item in range(n):
        if waits[item] == 0:
            push(s, item)
    for at in range(n):
        s.size[QUEUED] -= 1
        item = s.queue[s.size[QUEUED]]
        s.queued[item] = 0
        order[at] = item
        if s.link[2 * item, CARER] >= 0:
            for k in range(int(s.visit[item, SLOTS])):
                after = s.link[2 * item + k, AFTER]
                if after < 2 * n:
                    waits[after // 2] -= 1
                    if waits[after // 2] == 0:
                        push(s, after // 2)
    for at in range(n):
        s.label[order[at]] = at + 1.0


@compiled
def adopt(s: Any, carers: Ints) -> None:
    """Make a plan the present one: ``carers`` by slot, -1 for none, in the order of the labels."""
    _rebuild(s, carers)
    if total(s) < s.cost[BEST] - LITTLE:
        _keep_best(s)


@inner
def _best_place(s: Any, item: int, c0: int, c1: int, route: int, limit: float) -> float:
    """Try an item with its carers before and after every slot of one's route; return the least cost below ``limit``.

    The label that costs least is left in ``todo_label``, behind the changes.
    """
    n2 = 2 * s.label.shape[0]
    best = np.inf
    slot = 2 * item + (route != c0)
    pooled, linear = s.link[2 * item, CARER] < 0, is_linear(s) and s.visit[item, SLOTS] == 1.0
    u = n2 + route
    while u == n2 + route or u < n2:
        v = s.link[u, AFTER]
        if u // 2 != item and v < n2 and v // 2 == item:
            v = s.link[v, AFTER]
        label = np.nan if u // 2 == item else between(s, item, u, v)
        if pooled and not np.isnan(label):
            # What others do is not changed by taking the item out of where it is.
            more = into(s, slot, route, u, v) - s.visit[item, PRIZE] if linear else -np.inf
            if s.cost[FIXED] + s.cost[UNSERVED] + more > limit or too_late(s, slot, route, u, v):
                label = np.nan
        if not np.isnan(label):
            put(s, 0, item, c0, c1, label)
            cost = attempt(s, 1, limit, False)
            if cost < np.inf:
                best = cost
                limit = cost - LITTLE
                s.todo_label[s.todo_label.shape[0] - 1] = label
        u = s.link[u, AFTER]
    return best


@inner
def _insert_single(s: Any, item: int) -> bool:
    """Put an item of the pool where it costs least, with any able carer."""
    limit = np.inf
    best, best_label = -1, 0.0
    for at in range(s.able_from[2 * item], s.able_from[2 * item + 1]):
        cost = _best_place(s, item, s.able[at], -1, s.able[at], limit)
        if cost < np.inf:
            limit = cost - LITTLE
            best, best_label = s.able[at], s.todo_label[s.todo_label.shape[0] - 1]
    if best < 0:
        return False
    put(s, 0, item, best, -1, best_label)
    return bool(attempt(s, 1, np.inf, True) < np.inf)


@compiled
def offers(s: Any, item: int, slot: int, costs: Any) -> None:
    """Write for each carer what the plan would cost if they made a slot, the rest of its visit as it is; inf if none.

    The other part of a pair that nobody makes is given to whoever makes it cheapest.
    """
    pair = s.visit[item, SLOTS] == 2.0
    other = s.link[slot ^ 1, CARER] if pair else -1
    for c in range(s.load.shape[0]):
        costs[c] = np.inf
        if s.fit[slot, c] == np.inf:
            continue
        low, high = (other, other + 1) if other >= 0 or not pair else (0, s.load.shape[0])
        for partner in range(low, high):
            c0, c1 = (c, partner) if slot % 2 == 0 else (partner, c)
            if fits(s, item, c0, c1):
                costs[c] = min(costs[c], _best_place(s, item, c0, c1, c, costs[c]))


@inner
def _late(s: Any, slot: int, c: int, label: float) -> bool:
    """Tell whether a slot comes too late where its label belongs in a route, or makes the next too late."""
    u = seat(s, label, 2 * s.label.shape[0] + c, -1)
    return bool(too_late(s, slot, c, u, s.link[u, AFTER]))


@inner
def _insert_pair(s: Any, item: int, tries: int) -> bool:
    """Put a pair of the pool where it costs least among random carers and places in the order."""
    n2 = 2 * s.label.shape[0]
    limit = np.inf
    own = s.label[item]
    best_0, best_1, best_label = -1, -1, own
    for _ in range(tries):
        c0, c1 = any_able(s, 2 * item), any_able(s, 2 * item + 1)
        if chance(s) < 0.8:
            c0, c1 = beside(s, item, 2 * item), beside(s, item, 2 * item + 1)
        if not fits(s, item, c0, c1):
            continue
        label = own
        if chance(s) < 0.8:
            v = s.link[n2 + (c0 if chance(s) < 0.5 else c1), AFTER]
            while v < n2 and chance(s) < 0.8:
                v = s.link[v, AFTER]
            label = between(s, item, s.link[v, BEFORE], v)
        if not np.isnan(label) and not _late(s, 2 * item, c0, label) and not _late(s, 2 * item + 1, c1, label):
            put(s, 0, item, c0, c1, label)
            cost = attempt(s, 1, limit, False)
            if cost < np.inf:
                limit = cost - LITTLE
                best_0, best_1, best_label = c0, c1, label
    if best_0 < 0:
        return False
    put(s, 0, item, best_0, best_1, best_label)
    return bool(attempt(s, 1, np.inf, True) < np.inf)


@compiled
def fill(s: Any, order: Ints, tries: int) -> None:
    """Insert the items of ``order`` that are in the pool, one after the other, where each costs least."""
    for at in range(order.shape[0]):
        item = order[at]
        if s.link[2 * item, CARER] < 0:
            if s.visit[item, SLOTS] == 2.0:
                _insert_pair(s, item, tries)
            else:
                _insert_single(s, item)
    if total(s) < s.cost[BEST] - LITTLE:
        _keep_best(s)


@compiled
def anneal(s: Any, hot: float, cold: float, moves: int, shares: Any, optional: bool) -> int:
    """Try so many changes while the temperature falls from ``hot`` to ``cold``; return how many were taken.

    A worse plan is taken where it is worse by less than the temperature times a random number's logarithm.
    """
    now = total(s)
    cooling = (cold / hot) ** (256.0 / max(moves, 256))
    heat = hot
    taken = 0
    linear = is_linear(s)
    if s.free.shape[0] == 0:
        return 0
    for move in range(moves):
        if move % 256 == 255:
            heat *= cooling
        limit = now - heat * np.log(1.0 - chance(s))
        room = limit - s.cost[FIXED] - s.cost[UNSERVED] + LITTLE if linear else np.inf
        count = propose(s, pick(s), shares, optional, room)
        if count == 0:
            continue
        cost = attempt(s, count, limit, True)
        if cost < np.inf:
            now = cost
            taken += 1
            if cost < s.cost[BEST] - LITTLE:
                _keep_best(s)
            if taken % RENUMBER == 0:
                _renumber(s)
    return taken
