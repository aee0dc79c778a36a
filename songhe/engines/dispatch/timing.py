"""The heart of the search: make a change to a plan, time only what it touches, keep it or take it back.

Every item has a label; labels rise along every route. Timing items by rising label meets both carers of a pair before
the pair itself, so carers can never wait for each other in a circle. A change is a list of items with new carers and a
new label. It is made, timed forward only as far as times differ, and taken back from what was kept where it breaks a
hard limit or costs too much.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from songhe.engines.dispatch.arrays import (
    AFTER,
    BEFORE,
    BEGINS,
    CARER,
    CONTRACT,
    DEADLINE,
    DONE,
    DUE,
    FAIRNESS,
    FINISHES,
    FIXED,
    KEPT,
    LATE,
    LATE_RATE,
    LATENESS,
    LATEST,
    LATEST_RATE,
    LEAST_GAP,
    LOADS,
    MINUTES,
    MODE,
    MOST_GAP,
    OPENS,
    OVERTIME,
    PLACE,
    POOLED,
    PRIZE,
    QUEUED,
    RATE,
    RESTED,
    SLOTS,
    START,
    UNSERVED,
    inner,
)

GAP = 1e-6


@inner
def leg(s: Any, c: int, u: int, v: int) -> float:
    """Return the minutes between two slots of a carer's route; a carer who stays at home goes nowhere."""
    n2 = 2 * s.label.shape[0]
    if u >= n2 and v >= n2:
        return 0.0
    return float(s.way[int(s.carer[c, MODE]), s.link[u, PLACE], s.link[v, PLACE]])


@inner
def _work(s: Any, c: int, travel: float, service: float) -> float:
    """Change a carer's load; return what that costs."""
    at = s.size[LOADS]
    old = s.load[c]
    s.kept_load[at, 0] = c
    s.kept_load[at, 1] = old
    s.size[LOADS] = at + 1
    new = old + travel + service
    s.load[c] = new
    delta = travel * s.carer[c, RATE] + s.carer[c, FAIRNESS] * (new * new - old * old)
    contract = s.carer[c, CONTRACT]
    return float(delta + s.carer[c, OVERTIME] * (max(0.0, new - contract) - max(0.0, old - contract)))


@inner
def push(s: Any, item: int) -> None:
    """Queue an item to be timed; the queue falls by label, so that the first stands at the end."""
    if s.queued[item]:
        return
    s.queued[item] = 1
    key = s.label[item]
    at = s.size[QUEUED]
    s.size[QUEUED] = at + 1
    while at > 0 and s.label[s.queue[at - 1]] < key:
        s.queue[at] = s.queue[at - 1]
        at -= 1
    s.queue[at] = item


@inner
def _arrive(s: Any, slot: int) -> tuple[float, int]:
    """Return when a slot's carer arrives, and how many rests are behind them; inf where a rest would be missed.

    A rest is taken before the way to a visit if it fits into the wait there, or could no longer begin in time after it.
    """
    c, u = s.link[slot, CARER], s.link[slot, BEFORE]
    t, taken = s.times[u, DONE], s.link[u, RESTED]
    way = leg(s, c, u, slot)
    opens = s.visit[slot // 2, OPENS]
    while taken < s.rests.shape[1] and s.rests[c, taken, 2] >= 0:
        at = max(t, s.rests[c, taken, 0])
        ends = max(t + way, opens) + s.times[slot, MINUTES]
        if ends <= s.rests[c, taken, 1] and at + s.rests[c, taken, 2] + way > opens:
            break
        if at > s.rests[c, taken, 1] + GAP:
            return np.inf, taken
        t = at + s.rests[c, taken, 2]
        taken += 1
    return t + way, taken


@inner
def _home(s: Any, slot: int) -> bool:
    """Tell whether a carer gets home in time after their last slot, with every rest."""
    c = s.link[slot, CARER]
    t, taken = s.times[slot, DONE], s.link[slot, RESTED]
    while taken < s.rests.shape[1] and s.rests[c, taken, 2] >= 0:
        at = max(t, s.rests[c, taken, 0])
        if at > s.rests[c, taken, 1] + GAP:
            return False
        t = at + s.rests[c, taken, 2]
        taken += 1
    return bool(t + leg(s, c, slot, s.link[slot, AFTER]) <= s.carer[c, FINISHES] + GAP)


@inner
def _write(s: Any, slot: int, start: float, rested: int) -> float:
    """Write a slot's new times and keep the old; return by how much its lateness grew."""
    at = s.size[KEPT]
    was = s.times[slot, LATE]
    s.kept[at, 0] = slot
    s.kept[at, 1] = s.link[slot, RESTED]
    s.kept_times[at, 0] = s.times[slot, START]
    s.kept_times[at, 1] = s.times[slot, DONE]
    s.kept_times[at, 2] = was
    s.size[KEPT] = at + 1
    late = max(0.0, start - s.visit[slot // 2, DUE]) if start >= 0.0 else 0.0
    s.times[slot, START] = start
    s.times[slot, DONE] = start + s.times[slot, MINUTES]
    s.times[slot, LATE] = late
    s.link[slot, RESTED] = rested
    return float(late - was)


@inner
def _time_slot(s: Any, slot: int, start: float, rested: int) -> bool:
    """Give a slot its time and have what follows timed; return False where a hard limit is broken."""
    item = slot // 2
    if start > s.visit[item, DEADLINE] + GAP or start == np.inf:
        return False
    after = s.link[slot, AFTER]
    last = after >= 2 * s.label.shape[0]
    if start != s.times[slot, START] or rested != s.link[slot, RESTED]:
        s.cost[LATENESS] += _write(s, slot, start, rested) * s.visit[item, LATE_RATE]
        if not last:
            push(s, after // 2)
    return not last or _home(s, slot)


@inner
def time_item(s: Any, item: int) -> bool:
    """Time an item from those before it; return False where a hard limit is broken."""
    a = 2 * item
    first, rested = _arrive(s, a)
    first = max(first, s.visit[item, OPENS])
    if s.visit[item, SLOTS] == 2.0:
        second, also = _arrive(s, a + 1)
        second = max(second, max(s.visit[item, OPENS], first + s.visit[item, LEAST_GAP]))
        first = max(first, second - s.visit[item, MOST_GAP])
        if not _time_slot(s, a + 1, second, also):
            return False
    return _time_slot(s, a, first, rested)


@inner
def unlink(s: Any, slot: int) -> float:
    """Take a slot out of its route; return what that saves, as a negative cost."""
    c, u, v = s.link[slot, CARER], s.link[slot, BEFORE], s.link[slot, AFTER]
    s.link[u, AFTER] = v
    s.link[v, BEFORE] = u
    s.link[slot, CARER] = -1
    travel = leg(s, c, u, v) - leg(s, c, u, slot) - leg(s, c, slot, v)
    return _work(s, c, travel, -s.times[slot, MINUTES]) - float(s.fit[slot, c])


@inner
def link_in(s: Any, slot: int, c: int) -> float:
    """Put a slot into a carer's route where its label belongs; return what that costs."""
    n2 = 2 * s.label.shape[0]
    label = s.label[slot // 2]
    v = s.link[n2 + c, AFTER]
    while v < n2 and s.label[v // 2] < label:
        v = s.link[v, AFTER]
    u = s.link[v, BEFORE]
    s.link[slot, BEFORE] = u
    s.link[slot, AFTER] = v
    s.link[slot, CARER] = c
    s.link[u, AFTER] = slot
    s.link[v, BEFORE] = slot
    travel = leg(s, c, u, slot) + leg(s, c, slot, v) - leg(s, c, u, v)
    return _work(s, c, travel, s.times[slot, MINUTES]) + float(s.fit[slot, c])


@inner
def into_pool(s: Any, item: int) -> None:
    """Note that nobody makes an item."""
    at = s.size[POOLED]
    s.pool[1, item] = at
    s.pool[0, at] = item
    s.size[POOLED] = at + 1
    s.cost[UNSERVED] += s.visit[item, PRIZE]


@inner
def out_of_pool(s: Any, item: int) -> None:
    """Note that somebody makes an item."""
    at = s.pool[1, item]
    s.size[POOLED] -= 1
    last = s.pool[0, s.size[POOLED]]
    s.pool[0, at] = last
    s.pool[1, last] = at
    s.cost[UNSERVED] -= s.visit[item, PRIZE]


@inner
def _touch(s: Any, slot: int) -> None:
    """Queue what a slot's coming or going may change: those after it, or the last one's way home."""
    n2 = 2 * s.label.shape[0]
    u, v = s.link[slot, BEFORE], s.link[slot, AFTER]
    if v < n2:
        if s.link[v, CARER] >= 0:
            push(s, v // 2)
    elif u < n2 and s.link[u, CARER] >= 0:
        push(s, u // 2)


@inner
def _make(s: Any, count: int) -> None:
    """Make the changes of ``todo``: take every item out, then put each where it is to go."""
    fixed = 0.0
    for at in range(count):
        item = s.todo[at, 0]
        s.old_label[at] = s.label[item]
        for k in range(int(s.visit[item, SLOTS])):
            slot = 2 * item + k
            s.old[2 * at + k, 0] = s.link[slot, CARER]
            if s.link[slot, CARER] >= 0:
                s.old[2 * at + k, 1] = s.link[slot, BEFORE]
                s.old[2 * at + k, 2] = s.link[slot, AFTER]
                fixed += unlink(s, slot)
        if s.old[2 * at, 0] >= 0:
            into_pool(s, item)
    for at in range(count):
        item = s.todo[at, 0]
        s.label[item] = s.todo_label[at]
        if s.todo[at, 1] >= 0:
            for k in range(int(s.visit[item, SLOTS])):
                fixed += link_in(s, 2 * item + k, s.todo[at, 1 + k])
            out_of_pool(s, item)
    s.cost[FIXED] += fixed


@inner
def _unmake(s: Any, count: int) -> None:
    """Put every changed item back where it was."""
    for at in range(count - 1, -1, -1):
        item = s.todo[at, 0]
        if s.todo[at, 1] >= 0:
            for k in range(int(s.visit[item, SLOTS]) - 1, -1, -1):
                slot = 2 * item + k
                u, v = s.link[slot, BEFORE], s.link[slot, AFTER]
                s.link[u, AFTER] = v
                s.link[v, BEFORE] = u
                s.link[slot, CARER] = -1
            into_pool(s, item)
    for at in range(count - 1, -1, -1):
        item = s.todo[at, 0]
        s.label[item] = s.old_label[at]
        if s.old[2 * at, 0] >= 0:
            for k in range(int(s.visit[item, SLOTS]) - 1, -1, -1):
                slot = 2 * item + k
                u, v = s.old[2 * at + k, 1], s.old[2 * at + k, 2]
                s.link[slot, BEFORE] = u
                s.link[slot, AFTER] = v
                s.link[slot, CARER] = s.old[2 * at + k, 0]
                s.link[u, AFTER] = slot
                s.link[v, BEFORE] = slot
            out_of_pool(s, item)
    for at in range(s.size[LOADS] - 1, -1, -1):
        s.load[int(s.kept_load[at, 0])] = s.kept_load[at, 1]


@inner
def _restore_times(s: Any) -> None:
    for at in range(s.size[QUEUED]):
        s.queued[s.queue[at]] = 0
    s.size[QUEUED] = 0
    for at in range(s.size[KEPT] - 1, -1, -1):
        slot = s.kept[at, 0]
        s.link[slot, RESTED] = s.kept[at, 1]
        s.times[slot, START] = s.kept_times[at, 0]
        s.times[slot, DONE] = s.kept_times[at, 1]
        s.times[slot, LATE] = s.kept_times[at, 2]


@inner
def _queue_changes(s: Any, count: int) -> None:
    n2 = 2 * s.label.shape[0]
    for at in range(count):
        item = s.todo[at, 0]
        for k in range(int(s.visit[item, SLOTS])):
            slot = 2 * item + k
            if s.old[2 * at + k, 0] >= 0:
                u, v = s.old[2 * at + k, 1], s.old[2 * at + k, 2]
                if v < n2:
                    if s.link[v, CARER] >= 0:
                        push(s, v // 2)
                elif u < n2 and s.link[u, CARER] >= 0:
                    push(s, u // 2)
            if s.todo[at, 1] >= 0:
                _touch(s, slot)
            elif s.times[slot, START] >= 0.0:
                s.cost[LATENESS] += _write(s, slot, -1.0, 0) * s.visit[item, LATE_RATE]
        if s.todo[at, 1] >= 0:
            push(s, item)


@inner
def total(s: Any) -> float:
    """Return the cost of a plan."""
    return float(s.cost[FIXED] + s.cost[UNSERVED] + s.cost[LATENESS] + s.cost[LATEST_RATE] * s.cost[LATEST])


@inner
def latest(s: Any) -> float:
    """Return the greatest lateness of a plan."""
    most = 0.0
    for slot in range(2 * s.label.shape[0]):
        most = max(most, s.times[slot, LATE])
    return most


@inner
def _judge(s: Any, count: int, limit: float) -> bool:
    """Time a change that is made; tell whether it keeps every hard limit and costs at most ``limit``."""
    base = s.cost[FIXED] + s.cost[UNSERVED]
    if base > limit:
        return False
    _queue_changes(s, count)
    while s.size[QUEUED] > 0:
        s.size[QUEUED] -= 1
        item = s.queue[s.size[QUEUED]]
        s.queued[item] = 0
        if not time_item(s, item):
            return False
    base += s.cost[LATENESS]
    if base > limit:
        return False
    rate = s.cost[LATEST_RATE]
    if rate > 0.0:
        most, was, lost = 0.0, s.cost[LATEST], False
        for at in range(s.size[KEPT]):
            most = max(most, s.times[s.kept[at, 0], LATE])
            lost = lost or s.kept_times[at, 2] >= was
        if most >= was:
            s.cost[LATEST] = most
        elif lost and was > 0.0:
            if base + rate * most > limit:
                return False
            s.cost[LATEST] = latest(s)
        base += rate * s.cost[LATEST]
    return bool(base <= limit)


@inner
def attempt(s: Any, count: int, limit: float, keep: bool) -> float:
    """Try the ``count`` changes of ``todo``; return the plan's new cost, or inf where it is refused.

    Refused is what breaks a hard limit or costs more than ``limit``. Without ``keep`` it is taken back in any case.
    """
    fixed, unserved = s.cost[FIXED], s.cost[UNSERVED]
    lateness, most = s.cost[LATENESS], s.cost[LATEST]
    s.size[KEPT] = 0
    s.size[LOADS] = 0
    _make(s, count)
    cost = total(s) if _judge(s, count, limit) else np.inf
    if cost == np.inf or not keep:
        _unmake(s, count)
        _restore_times(s)
        s.cost[FIXED] = fixed
        s.cost[UNSERVED] = unserved
        s.cost[LATENESS] = lateness
        s.cost[LATEST] = most
    return cost


@inner
def begin(s: Any, c: int) -> None:
    """Put a carer at home, with nothing to do."""
    n, m = s.label.shape[0], s.load.shape[0]
    s.link[2 * n + c, AFTER] = 2 * n + m + c
    s.link[2 * n + m + c, BEFORE] = 2 * n + c
    s.times[2 * n + c, DONE] = s.carer[c, BEGINS]
    s.link[2 * n + c, RESTED] = 0
    s.load[c] = 0.0
