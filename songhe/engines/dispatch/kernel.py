"""The compiled core: a plan as routes under one global order, changed a little at a time and timed where it changed.

A visit is an item with one or two slots, one a carer. Every item has a label; labels rise along every route, so timing
items by rising label meets both carers of a pair before the pair itself and can never wait in a circle. A change is
applied, timed forward only as far as times differ, and taken back from a journal where it is refused.

Slots are numbered ``2 * item`` and ``2 * item + 1``; behind them stand each carer's start, then each carer's end.
Hard limits are never broken: a change that breaks one is refused. A visit nobody makes stands in the pool at its price.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
F = TypeVar("F", bound=Callable[..., Any])

# Where the cost of a state is kept.
FIXED, LATE, LATEST, UNSERVED, VOID = 0, 1, 2, 3, 4
GAP = 1e-6
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)


def compiled(function: F) -> F:
    """Compile a function; keep the machine code beside the source or, where that is read-only, in the user's cache."""
    try:
        return cast("F", numba.njit(cache=True, nogil=True, boundscheck=False)(function))
    except RuntimeError:  # nowhere to write: compiled anew by every process
        return cast("F", numba.njit(nogil=True, boundscheck=False)(function))


class Data(NamedTuple):
    """A problem as arrays; times in minutes."""

    way: Singles  # mode, from place, to place
    place: Ints  # by slot, starts and ends included
    mode: Ints  # by carer
    rate: Floats  # by carer: cost of a minute of travel
    begin: Floats  # by carer
    finish: Floats  # by carer
    contract: Floats  # by carer: minutes paid anyway
    overtime: Floats  # by carer: cost of a minute beyond
    fairness: Floats  # by carer: cost of a squared minute of load
    rests: Floats  # carer, rest, (earliest, latest, minutes); unused rows have minutes < 0
    opening: Floats  # by item
    closing: Floats
    hard: Ints
    late_rate: Floats
    latest_rate: Floats  # of one element
    prize: Floats
    slots: Ints  # by item: 1 or 2
    gap: Floats  # item, (least, most)
    minutes: Floats  # by slot
    fit: Singles  # slot, carer: extra cost, inf where the carer may not
    able_from: Ints  # by slot: where its carers start in able
    able: Ints
    near_from: Ints  # by item
    near: Ints


class State(NamedTuple):
    """A plan as arrays, and the journal by which a change is taken back."""

    carer: Ints  # by slot, -1 in the pool
    label: Floats  # by item
    before: Ints  # by slot
    after: Ints
    start: Floats
    done: Floats
    rested: Ints  # by slot: rests taken by the time the carer leaves it
    late: Floats
    load: Floats  # by carer
    cost: Floats
    pool: Ints
    pool_at: Ints  # by item, -1 where served
    size: Ints  # pool, heap, journal, changed
    heap: Ints
    queued: Ints
    journal: Ints
    kept: Floats
    changed: Ints
    old_carer: Ints
    old_label: Floats
    random: npt.NDArray[np.uint64]
    best_carer: Ints
    best_label: Floats
    best: Floats


@compiled
def chance(random: Any) -> float:
    """Return the next number in [0, 1)."""
    random[0] += _GOLDEN
    z = random[0]
    z = (z ^ (z >> _S30)) * _MIX_1
    z = (z ^ (z >> _S27)) * _MIX_2
    z = z ^ (z >> _S31)
    return float(z >> _S11) * (1.0 / 9007199254740992.0)


@compiled
def leg(d: Any, c: int, u: int, v: int) -> float:
    """Return the minutes between two slots of a carer's route; a carer who stays at home goes nowhere."""
    n2 = 2 * d.opening.shape[0]
    if u >= n2 and v >= n2:
        return 0.0
    return float(d.way[d.mode[c], d.place[u], d.place[v]])


@compiled
def _work(d: Any, s: Any, c: int, travel: float, service: float) -> None:
    old = s.load[c]
    new = old + travel + service
    s.load[c] = new
    delta = travel * d.rate[c] + d.fairness[c] * (new * new - old * old)
    delta += d.overtime[c] * (max(0.0, new - d.contract[c]) - max(0.0, old - d.contract[c]))
    s.cost[FIXED] += delta


@compiled
def _push(d: Any, s: Any, slot: int) -> None:
    """Have a slot's item timed anew; starts and ends are never timed by themselves."""
    if slot >= 2 * d.opening.shape[0]:
        return
    item = slot // 2
    if s.queued[item]:
        return
    s.queued[item] = 1
    at = s.size[1]
    s.size[1] += 1
    key = s.label[item]
    while at > 0:
        up = (at - 1) // 2
        if s.label[s.heap[up]] <= key:
            break
        s.heap[at] = s.heap[up]
        at = up
    s.heap[at] = item


@compiled
def _pop(s: Any) -> int:
    top = s.heap[0]
    s.size[1] -= 1
    n = s.size[1]
    if n > 0:
        item = s.heap[n]
        key = s.label[item]
        at = 0
        while True:
            down = 2 * at + 1
            if down >= n:
                break
            if down + 1 < n and s.label[s.heap[down + 1]] < s.label[s.heap[down]]:
                down += 1
            if s.label[s.heap[down]] >= key:
                break
            s.heap[at] = s.heap[down]
            at = down
        s.heap[at] = item
    s.queued[top] = 0
    return int(top)


@compiled
def _detach(d: Any, s: Any, item: int) -> None:
    """Take an item out of its routes; its neighbours are marked by ``_touch`` once every change is made."""
    if s.carer[2 * item] < 0:
        return
    for k in range(d.slots[item]):
        slot = 2 * item + k
        c = s.carer[slot]
        u, v = s.before[slot], s.after[slot]
        s.after[u] = v
        s.before[v] = u
        _work(d, s, c, leg(d, c, u, v) - leg(d, c, u, slot) - leg(d, c, slot, v), -d.minutes[slot])
        s.cost[FIXED] -= d.fit[slot, c]
        s.carer[slot] = -1
    s.pool_at[item] = s.size[0]
    s.pool[s.size[0]] = item
    s.size[0] += 1
    s.cost[UNSERVED] += d.prize[item]


@compiled
def _attach(d: Any, s: Any, item: int, c0: int, c1: int, label: float) -> None:
    n2 = 2 * d.opening.shape[0]
    s.label[item] = label
    if c0 < 0:
        return
    for k in range(d.slots[item]):
        slot = 2 * item + k
        c = c0 if k == 0 else c1
        u = n2 + c
        v = s.after[u]
        while v < n2 and s.label[v // 2] < label:
            u = v
            v = s.after[u]
        s.before[slot], s.after[slot] = u, v
        s.after[u] = slot
        s.before[v] = slot
        s.carer[slot] = c
        _work(d, s, c, leg(d, c, u, slot) + leg(d, c, slot, v) - leg(d, c, u, v), d.minutes[slot])
        s.cost[FIXED] += d.fit[slot, c]
    s.cost[UNSERVED] -= d.prize[item]
    at = s.pool_at[item]
    last = s.pool[s.size[0] - 1]
    s.pool[at] = last
    s.pool_at[last] = at
    s.pool_at[item] = -1
    s.size[0] -= 1


@compiled
def _remember(s: Any, item: int) -> None:
    at = s.size[3]
    s.changed[at] = item
    s.old_carer[2 * at] = s.carer[2 * item]
    s.old_carer[2 * at + 1] = s.carer[2 * item + 1]
    s.old_label[at] = s.label[item]
    s.size[3] += 1


@compiled
def _touch(d: Any, s: Any, item: int) -> None:
    """Mark an item and those beside it in its routes."""
    if s.carer[2 * item] < 0:
        return
    for k in range(d.slots[item]):
        slot = 2 * item + k
        _push(d, s, s.before[slot])
        _push(d, s, slot)
        _push(d, s, s.after[slot])


@compiled
def _arrive(d: Any, s: Any, slot: int) -> tuple[float, int]:
    """Return when a slot's carer arrives, and how many rests are behind them; inf where a rest would be missed.

    A rest is taken before the way to a visit if it fits into the wait there, or could no longer begin in time after it.
    """
    c = s.carer[slot]
    u = s.before[slot]
    t, taken = s.done[u], s.rested[u]
    way = leg(d, c, u, slot)
    item = slot // 2
    while taken < d.rests.shape[1] and d.rests[c, taken, 2] >= 0:
        at = max(t, d.rests[c, taken, 0])
        ends = max(t + way, d.opening[item]) + d.minutes[slot]
        if ends <= d.rests[c, taken, 1] and at + d.rests[c, taken, 2] + way > d.opening[item]:
            break
        if at > d.rests[c, taken, 1] + GAP:
            return np.inf, taken
        t = at + d.rests[c, taken, 2]
        taken += 1
    return t + way, taken


@compiled
def _home(d: Any, s: Any, c: int, slot: int) -> bool:
    """Tell whether a carer gets home in time after their last slot, with every rest."""
    t, taken = s.done[slot], s.rested[slot]
    while taken < d.rests.shape[1] and d.rests[c, taken, 2] >= 0:
        at = max(t, d.rests[c, taken, 0])
        if at > d.rests[c, taken, 1] + GAP:
            return False
        t = at + d.rests[c, taken, 2]
        taken += 1
    return bool(t + leg(d, c, slot, s.after[slot]) <= d.finish[c] + GAP)


@compiled
def _keep(d: Any, s: Any, slot: int, start: float, rested: int) -> None:
    """Write a slot's new times, and the old ones into the journal."""
    item = slot // 2
    at = s.size[2]
    s.journal[2 * at] = slot
    s.journal[2 * at + 1] = s.rested[slot]
    s.kept[3 * at] = s.start[slot]
    s.kept[3 * at + 1] = s.done[slot]
    s.kept[3 * at + 2] = s.late[slot]
    s.size[2] += 1
    late = max(0.0, start - d.closing[item])
    s.cost[LATE] += (late - s.late[slot]) * d.late_rate[item]
    s.start[slot] = start
    s.done[slot] = start + d.minutes[slot]
    s.late[slot] = late
    s.rested[slot] = rested


@compiled
def _propagate(d: Any, s: Any) -> bool:
    """Time what is marked and all that follows from it; return False as soon as a hard limit is broken."""
    n2 = 2 * d.opening.shape[0]
    while s.size[1] > 0:
        item = _pop(s)
        a = 2 * item
        if s.carer[a] < 0:
            continue
        t0, r0 = _arrive(d, s, a)
        t0 = max(t0, d.opening[item])
        if d.slots[item] == 2:
            t1, r1 = _arrive(d, s, a + 1)
            t1 = max(max(t1, d.opening[item]), t0 + d.gap[item, 0])
            t0 = max(t0, t1 - d.gap[item, 1])
            if t1 == np.inf or (d.hard[item] and t1 > d.closing[item] + GAP):
                return False
            if t1 != s.start[a + 1] or r1 != s.rested[a + 1]:
                _keep(d, s, a + 1, t1, r1)
                _push(d, s, s.after[a + 1])
            if s.after[a + 1] >= n2 and not _home(d, s, s.carer[a + 1], a + 1):
                return False
        if t0 == np.inf or (d.hard[item] and t0 > d.closing[item] + GAP):
            return False
        if t0 != s.start[a] or r0 != s.rested[a]:
            _keep(d, s, a, t0, r0)
            _push(d, s, s.after[a])
        if s.after[a] >= n2 and not _home(d, s, s.carer[a], a):
            return False
    return True


@compiled
def _clear(d: Any, s: Any, item: int) -> None:
    """Forget the lateness of an item in the pool."""
    for k in range(d.slots[item]):
        if s.late[2 * item + k] > 0.0 or s.start[2 * item + k] >= 0.0:
            _keep(d, s, 2 * item + k, -1.0, 0)


@compiled
def _latest(s: Any, n2: int) -> float:
    most = 0.0
    for slot in range(n2):
        if s.late[slot] > most:
            most = s.late[slot]
    return most


@compiled
def total(d: Any, s: Any) -> float:
    """Return the cost of a state."""
    return float(s.cost[FIXED] + s.cost[UNSERVED] + s.cost[LATE] + d.latest_rate[0] * s.cost[LATEST])


@compiled
def _judge(d: Any, s: Any, limit: float) -> bool:
    """Time a change whose structure is made; tell whether it keeps every hard limit and costs at most ``limit``."""
    if s.cost[FIXED] + s.cost[UNSERVED] > limit:
        return False
    if not _propagate(d, s):
        return False
    if s.cost[FIXED] + s.cost[UNSERVED] + s.cost[LATE] > limit:
        return False
    if d.latest_rate[0] > 0.0:
        most, was, lost = 0.0, s.cost[LATEST], False
        for at in range(s.size[2]):
            most = max(most, s.late[s.journal[2 * at]])
            lost = lost or s.kept[3 * at + 2] >= was
        if most >= was:
            s.cost[LATEST] = most
        elif lost and was > 0.0:
            if s.cost[FIXED] + s.cost[UNSERVED] + s.cost[LATE] + d.latest_rate[0] * most > limit:
                return False
            s.cost[LATEST] = _latest(s, 2 * d.opening.shape[0])
        return total(d, s) <= limit
    return True


@compiled
def _begin(s: Any, saved: Any) -> None:
    s.size[2] = 0
    s.size[3] = 0
    for k in range(4):
        saved[k] = s.cost[k]


@compiled
def _restore_times(s: Any, saved: Any) -> None:
    while s.size[1] > 0:
        s.size[1] -= 1
        s.queued[s.heap[s.size[1]]] = 0
    for at in range(s.size[2] - 1, -1, -1):
        slot = s.journal[2 * at]
        s.rested[slot] = s.journal[2 * at + 1]
        s.start[slot] = s.kept[3 * at]
        s.done[slot] = s.kept[3 * at + 1]
        s.late[slot] = s.kept[3 * at + 2]
    for k in range(4):
        s.cost[k] = saved[k]


@compiled
def _undo(d: Any, s: Any, saved: Any) -> None:
    """Take the last change of items back."""
    for at in range(s.size[3] - 1, -1, -1):
        _detach(d, s, s.changed[at])
    for at in range(s.size[3] - 1, -1, -1):
        _attach(d, s, s.changed[at], s.old_carer[2 * at], s.old_carer[2 * at + 1], s.old_label[at])
    _restore_times(s, saved)


@compiled
def _move(d: Any, s: Any, item: int, c0: int, c1: int, label: float) -> None:
    """Note what is beside an item, take it out and put it elsewhere; nothing is timed yet."""
    _remember(s, item)
    for k in range(d.slots[item]):
        slot = 2 * item + k
        if s.carer[slot] >= 0:
            _push(d, s, s.before[slot])
            _push(d, s, s.after[slot])
    _detach(d, s, item)
    _attach(d, s, item, c0, c1, label)


@compiled
def _settle(d: Any, s: Any) -> None:
    """After moves: mark what was moved; labels in the heap must not change any more."""
    for at in range(s.size[3]):
        item = s.changed[at]
        if s.carer[2 * item] < 0:
            _clear(d, s, item)
        else:
            _touch(d, s, item)


@compiled
def fits(d: Any, item: int, c0: int, c1: int) -> bool:
    """Tell whether carers may make an item at all."""
    if c0 < 0 or d.fit[2 * item, c0] == np.inf:
        return False
    return d.slots[item] != 2 or (c1 >= 0 and c1 != c0 and d.fit[2 * item + 1, c1] != np.inf)


@compiled
def _place(d: Any, s: Any, saved: Any, item: int, c0: int, c1: int, label: float, limit: float) -> bool:
    """Give one item other carers and another label if it costs at most ``limit``."""
    _begin(s, saved)
    # An item still queued under its old label would break the heap: the neighbours are queued before, itself after.
    _move(d, s, item, c0, c1, label)
    _settle(d, s)
    if _judge(d, s, limit):
        return True
    _undo(d, s, saved)
    return False


@compiled
def _any_able(d: Any, s: Any, slot: int) -> int:
    low, high = d.able_from[slot], d.able_from[slot + 1]
    if high == low:
        return -1
    return int(d.able[low + int(chance(s.random) * (high - low))])


@compiled
def _neighbour(d: Any, s: Any, item: int) -> int:
    low, high = d.near_from[item], d.near_from[item + 1]
    if high == low:
        return -1
    x = chance(s.random)
    return int(d.near[low + int(x * x * (high - low))])


@compiled
def _between(d: Any, s: Any, u: int, v: int) -> float:
    """Return a random label between two slots that follow each other, or NaN where there is no room."""
    n = d.opening.shape[0]
    if u >= 2 * n:
        high = s.label[v // 2]
        low = high - 4.0
    elif v >= 2 * n:
        low = s.label[u // 2]
        high = low + 4.0
    else:
        low, high = s.label[u // 2], s.label[v // 2]
    if high - low < 1e-7:
        return np.nan
    return float(low + (0.02 + 0.96 * chance(s.random)) * (high - low))


@compiled
def _relocate(d: Any, s: Any, saved: Any, item: int, limit: float) -> bool:
    """Put an item beside a neighbour, into the neighbour's route."""
    q = _neighbour(d, s, item)
    if q < 0 or s.carer[2 * q] < 0:
        return False
    r = 2 * q + (1 if d.slots[q] == 2 and chance(s.random) < 0.5 else 0)
    c = s.carer[r]
    k = 1 if d.slots[item] == 2 and chance(s.random) < 0.5 else 0
    if d.fit[2 * item + k, c] == np.inf:
        return False
    u, v = (r, s.after[r]) if chance(s.random) < 0.5 else (s.before[r], r)
    if u == 2 * item + k or v == 2 * item + k:
        # It stands there already: try the place beyond it.
        if u == 2 * item + k:
            u = s.before[u]
        else:
            v = s.after[v]
        n2 = 2 * d.opening.shape[0]
        if u >= n2 and v >= n2:
            return False
    label = _between(d, s, u, v)
    if np.isnan(label):
        return False
    c0, c1 = s.carer[2 * item], s.carer[2 * item + 1]
    if c0 < 0:
        c0, c1 = _any_able(d, s, 2 * item), -1
        if d.slots[item] == 2:
            c1 = _any_able(d, s, 2 * item + 1)
    elif d.slots[item] == 2 and chance(s.random) < 0.2:
        if k == 0:
            c1 = _any_able(d, s, 2 * item + 1)
        else:
            c0 = _any_able(d, s, 2 * item)
    if k == 0:
        if c1 == c:
            c1 = c0
        c0 = c
    else:
        if c0 == c:
            c0 = c1
        c1 = c
    if not fits(d, item, c0, c1):
        return False
    return _place(d, s, saved, item, c0, c1, label, limit)


@compiled
def _reassign(d: Any, s: Any, saved: Any, item: int, limit: float) -> bool:
    """Give a slot to any carer able, at about the same point of the order."""
    c0, c1 = s.carer[2 * item], s.carer[2 * item + 1]
    if c0 < 0:
        c0 = _any_able(d, s, 2 * item)
        if d.slots[item] == 2:
            c1 = _any_able(d, s, 2 * item + 1)
    elif d.slots[item] == 2 and chance(s.random) < 0.5:
        c = _any_able(d, s, 2 * item + 1)
        if c == c0:
            c0 = c1
        c1 = c
    else:
        c = _any_able(d, s, 2 * item)
        if c == c1:
            c1 = c0
        c0 = c
    if not fits(d, item, c0, c1):
        return False
    label = s.label[item]
    if chance(s.random) < 0.6:
        spread = 1.0 + 0.15 * d.opening.shape[0]
        x = 2.0 * chance(s.random) - 1.0
        label += x * abs(x) * spread
    return _place(d, s, saved, item, c0, c1, label, limit)


@compiled
def _reorder(d: Any, s: Any, saved: Any, item: int, limit: float) -> bool:
    """Move an item past one to three others of one of its routes."""
    if s.carer[2 * item] < 0:
        return False
    n2 = 2 * d.opening.shape[0]
    slot = 2 * item + (1 if d.slots[item] == 2 and chance(s.random) < 0.5 else 0)
    steps = 1 + int(3.0 * chance(s.random))
    u, v = slot, slot
    if chance(s.random) < 0.5:
        for _ in range(steps):
            if s.after[v] >= n2:
                break
            v = s.after[v]
        if v == slot:
            return False
        u, v = v, s.after[v]
    else:
        for _ in range(steps):
            if s.before[u] >= n2:
                break
            u = s.before[u]
        if u == slot:
            return False
        u, v = s.before[u], u
    label = _between(d, s, u, v)
    if np.isnan(label):
        return False
    return _place(d, s, saved, item, s.carer[2 * item], s.carer[2 * item + 1], label, limit)


@compiled
def _swap(d: Any, s: Any, saved: Any, item: int, limit: float) -> bool:
    """Exchange the carers of two slots, and in half of the cases their labels too."""
    q = _neighbour(d, s, item)
    if q < 0 or q == item or s.carer[2 * q] < 0 or s.carer[2 * item] < 0:
        return False
    k = 1 if d.slots[item] == 2 and chance(s.random) < 0.5 else 0
    j = 1 if d.slots[q] == 2 and chance(s.random) < 0.5 else 0
    a, b = s.carer[2 * item + k], s.carer[2 * q + j]
    p0, p1 = s.carer[2 * item], s.carer[2 * item + 1]
    q0, q1 = s.carer[2 * q], s.carer[2 * q + 1]
    if k == 0:
        p0 = b
    else:
        p1 = b
    if j == 0:
        q0 = a
    else:
        q1 = a
    if not fits(d, item, p0, p1) or not fits(d, q, q0, q1):
        return False
    lp, lq = s.label[item], s.label[q]
    if a == b or chance(s.random) < 0.5:
        lp, lq = lq, lp
    _begin(s, saved)
    for each in (item, q):
        for h in range(d.slots[each]):
            _push_unless(d, s, s.before[2 * each + h], item, q)
            _push_unless(d, s, s.after[2 * each + h], item, q)
    _remember(s, item)
    _remember(s, q)
    _detach(d, s, item)
    _detach(d, s, q)
    _attach(d, s, item, p0, p1, lp)
    _attach(d, s, q, q0, q1, lq)
    _settle(d, s)
    if _judge(d, s, limit):
        return True
    _undo(d, s, saved)
    return False


@compiled
def _push_unless(d: Any, s: Any, slot: int, p: int, q: int) -> None:
    if slot // 2 != p and slot // 2 != q:
        _push(d, s, slot)


@compiled
def _replace(d: Any, s: Any, saved: Any, limit: float) -> bool:
    """Put a visit of the pool where another is, and the other into the pool."""
    item = s.pool[int(chance(s.random) * s.size[0])]
    q = _neighbour(d, s, item)
    if q < 0 or s.carer[2 * q] < 0:
        return False
    c0 = s.carer[2 * q]
    c1 = s.carer[2 * q + 1]
    if d.slots[item] == 2 and d.slots[q] == 1:
        c1 = _any_able(d, s, 2 * item + 1)
    if not fits(d, item, c0, c1):
        return False
    label = s.label[q] + 0.01 * (chance(s.random) - 0.5)
    _begin(s, saved)
    for h in range(d.slots[q]):
        _push(d, s, s.before[2 * q + h])
        _push(d, s, s.after[2 * q + h])
    _remember(s, q)
    _remember(s, item)
    _detach(d, s, q)
    _attach(d, s, item, c0, c1, label)
    _settle(d, s)
    if _judge(d, s, limit):
        return True
    _undo(d, s, saved)
    return False


@compiled
def _exchange(d: Any, s: Any, u: int, x: int, v: int, y: int) -> bool:
    """Exchange what follows u up to x with what follows v up to y (the last of each, u or v where there is none)."""
    n2 = 2 * d.opening.shape[0]
    a = s.carer[u] if u < n2 else u - n2
    b = s.carer[v] if v < n2 else v - n2
    first_a, first_b = s.after[u], s.after[v]
    end_a, end_b = s.after[x], s.after[y]
    service = 0.0
    removed_a = leg(d, a, u, first_a)
    walk = first_a
    moved_in_b = 0.0
    while walk != end_a:
        follow = s.after[walk]
        removed_a += leg(d, a, walk, follow)
        if follow != end_a:
            moved_in_b += leg(d, b, walk, follow)
        service += d.minutes[walk]
        s.cost[FIXED] += d.fit[walk, b] - d.fit[walk, a]
        s.carer[walk] = b
        walk = follow
    removed_b = leg(d, b, v, first_b)
    walk = first_b
    moved_in_a = 0.0
    while walk != end_b:
        follow = s.after[walk]
        removed_b += leg(d, b, walk, follow)
        if follow != end_b:
            moved_in_a += leg(d, a, walk, follow)
        service -= d.minutes[walk]
        s.cost[FIXED] += d.fit[walk, a] - d.fit[walk, b]
        s.carer[walk] = a
        walk = follow
    if first_b != end_b:
        s.after[u], s.before[first_b] = first_b, u
        s.after[y], s.before[end_a] = end_a, y
        moved_in_a += leg(d, a, u, first_b) + leg(d, a, y, end_a)
    else:
        s.after[u], s.before[end_a] = end_a, u
        moved_in_a += leg(d, a, u, end_a)
    if first_a != end_a:
        s.after[v], s.before[first_a] = first_a, v
        s.after[x], s.before[end_b] = end_b, x
        moved_in_b += leg(d, b, v, first_a) + leg(d, b, x, end_b)
    else:
        s.after[v], s.before[end_b] = end_b, v
        moved_in_b += leg(d, b, v, end_b)
    _work(d, s, a, moved_in_a - removed_a, -service)
    _work(d, s, b, moved_in_b - removed_b, service)
    return True


@compiled
def _label_of(d: Any, s: Any, slot: int) -> float:
    n = d.opening.shape[0]
    if slot < 2 * n:
        return float(s.label[slot // 2])
    return -np.inf if slot < 2 * n + d.mode.shape[0] else np.inf


@compiled
def _cross(d: Any, s: Any, saved: Any, item: int, limit: float) -> bool:
    """Exchange the rest of two routes, or a stretch of each, where labels still rise."""
    n2 = 2 * d.opening.shape[0]
    if s.carer[2 * item] < 0:
        return False
    q = _neighbour(d, s, item)
    if q < 0 or s.carer[2 * q] < 0:
        return False
    u = 2 * item + (1 if d.slots[item] == 2 and chance(s.random) < 0.5 else 0)
    r = 2 * q + (1 if d.slots[q] == 2 and chance(s.random) < 0.5 else 0)
    a, b = s.carer[u], s.carer[r]
    if a == b:
        return False
    # The neighbour is to follow the item, or the other way about.
    v = s.before[r]
    if chance(s.random) < 0.5:
        u, v = s.before[u], r
    x, y = u, v
    if chance(s.random) < 0.4:
        while s.after[x] < n2:
            x = s.after[x]
        while s.after[y] < n2:
            y = s.after[y]
    else:
        for _ in range(int(4.0 * chance(s.random))):
            if s.after[x] < n2:
                x = s.after[x]
        for _ in range(int(4.0 * chance(s.random))):
            if s.after[y] < n2:
                y = s.after[y]
    if x == u and y == v:
        return False
    end_a, end_b = s.after[x], s.after[y]
    first_a, first_b = (s.after[u] if x != u else end_b), (s.after[v] if y != v else end_a)
    if _label_of(d, s, u) >= _label_of(d, s, first_b) or _label_of(d, s, v) >= _label_of(d, s, first_a):
        return False
    if x != u and _label_of(d, s, x) >= _label_of(d, s, end_b):
        return False
    if y != v and _label_of(d, s, y) >= _label_of(d, s, end_a):
        return False
    walk = s.after[u]
    while walk != end_a:
        if d.fit[walk, b] == np.inf:
            return False
        walk = s.after[walk]
    walk = s.after[v]
    while walk != end_b:
        if d.fit[walk, a] == np.inf:
            return False
        walk = s.after[walk]
    _begin(s, saved)
    first_a, first_b = s.after[u], s.after[v]
    _exchange(d, s, u, x, v, y)
    sound = _distinct(d, s, first_a, end_b, x != u, b) and _distinct(d, s, first_b, end_a, y != v, a)
    if sound:
        for slot in (u, v, x, y, end_a, end_b):
            _push(d, s, slot)
        # Carers who move and rest alike reach the same times, so the rest of a stretch follows by itself.
        alike = d.mode[a] == d.mode[b] and d.rests[a, 0, 2] < 0.0 and d.rests[b, 0, 2] < 0.0
        if x != u:
            _push_stretch(d, s, first_a, end_b, alike)
        if y != v:
            _push_stretch(d, s, first_b, end_a, alike)
        sound = _judge(d, s, limit)
    if sound:
        return True
    _exchange(d, s, u, y if y != v else u, v, x if x != u else v)
    _restore_times(s, saved)
    return False


@compiled
def _push_stretch(d: Any, s: Any, first: int, end: int, alike: bool) -> None:
    _push(d, s, first)
    while not alike and first != end:
        _push(d, s, first)
        first = s.after[first]


@compiled
def _distinct(d: Any, s: Any, first: int, end: int, some: bool, c: int) -> bool:
    """Tell whether no pair of a moved stretch has the same carer twice."""
    if not some:
        return True
    n2 = 2 * d.opening.shape[0]
    walk = first
    while walk < n2 and s.carer[walk] == c and walk != end:
        if d.slots[walk // 2] == 2 and s.carer[walk ^ 1] == c:
            return False
        walk = s.after[walk]
    return True


@compiled
def renumber(d: Any, s: Any) -> None:
    """Give the items the labels 1, 2, … in their order."""
    order = np.argsort(s.label[: d.opening.shape[0]], kind="mergesort")
    for at in range(order.shape[0]):
        s.label[order[at]] = at + 1.0


@compiled
def _empty(d: Any, s: Any) -> None:
    """Put every item into the pool and every carer at home."""
    n, m = d.opening.shape[0], d.mode.shape[0]
    for c in range(m):
        s.after[2 * n + c] = 2 * n + m + c
        s.before[2 * n + m + c] = 2 * n + c
        s.done[2 * n + c] = d.begin[c]
        s.rested[2 * n + c] = 0
        s.load[c] = 0.0
    s.cost[:] = 0.0
    s.size[:] = 0
    s.queued[:] = 0
    s.carer[: 2 * n] = -1
    s.start[: 2 * n] = -1.0
    s.late[: 2 * n] = 0.0
    s.rested[: 2 * n] = 0
    for item in range(n):
        s.pool[item] = item
        s.pool_at[item] = item
        s.cost[UNSERVED] += d.prize[item]
    s.size[0] = n


@compiled
def rebuild(d: Any, s: Any) -> None:
    """Time the whole plan from its carers and labels; where that breaks a hard limit, the items at fault go out.

    The whole is tried before its parts: a carer who waits for their rest far from home may be too late there with half
    a route, and in time with all of it.
    """
    n = d.opening.shape[0]
    carers = s.carer[: 2 * n].copy()
    _empty(d, s)
    renumber(d, s)
    order = np.argsort(s.label[:n], kind="mergesort")
    for at in range(n):
        item = order[at]
        if carers[2 * item] >= 0 and fits(d, item, carers[2 * item], carers[2 * item + 1]):
            _attach(d, s, item, carers[2 * item], carers[2 * item + 1], s.label[item])
    for item in range(n):
        _touch(d, s, item)
    if _propagate(d, s):
        s.cost[LATEST] = _latest(s, 2 * n)
        return
    saved = np.zeros(4)
    _empty(d, s)
    for at in range(n):
        item = order[at]
        if carers[2 * item] >= 0 and fits(d, item, carers[2 * item], carers[2 * item + 1]):
            _place(d, s, saved, item, carers[2 * item], carers[2 * item + 1], s.label[item], np.inf)


@compiled
def keep_best(d: Any, s: Any) -> None:
    """Keep the present plan if it is the best so far."""
    cost = total(d, s)
    if cost < s.best[0] - 1e-9:
        s.best[0] = cost
        n = d.opening.shape[0]
        s.best_carer[:] = s.carer[: 2 * n]
        s.best_label[:] = s.label[:n]


@compiled
def insert(d: Any, s: Any, item: int, tries: int) -> bool:
    """Put an item of the pool where it costs least: any able carer, before and after every slot of their route."""
    n2 = 2 * d.opening.shape[0]
    saved = np.zeros(4)
    own = s.label[item]
    limit = np.inf
    if d.slots[item] == 1:
        best_c, best_label = -1, own
        for at in range(d.able_from[2 * item], d.able_from[2 * item + 1]):
            c = d.able[at]
            v = s.after[n2 + c]
            while True:
                label = own if s.before[v] >= n2 and v >= n2 else _between(d, s, s.before[v], v)
                if not np.isnan(label) and _place(d, s, saved, item, c, -1, label, limit):
                    limit = total(d, s) - 1e-9
                    best_c, best_label = c, label
                    _undo(d, s, saved)
                if v >= n2:
                    break
                v = s.after[v]
        if best_c < 0:
            return False
        return _place(d, s, saved, item, best_c, -1, best_label, np.inf)
    best_0, best_1, best_label = -1, -1, own
    for _ in range(tries):
        c0, c1 = _any_able(d, s, 2 * item), _any_able(d, s, 2 * item + 1)
        if not fits(d, item, c0, c1):
            continue
        label = own + (0.0 if chance(s.random) < 0.3 else (chance(s.random) - 0.5) * 0.3 * (n2 / 2.0))
        if _place(d, s, saved, item, c0, c1, label, limit):
            limit = total(d, s) - 1e-9
            best_0, best_1, best_label = c0, c1, label
            _undo(d, s, saved)
    if best_0 < 0:
        return False
    return _place(d, s, saved, item, best_0, best_1, best_label, np.inf)


@compiled
def fill(d: Any, s: Any, order: Any, tries: int) -> None:
    """Insert the items of ``order`` that are in the pool, one after the other."""
    for at in range(order.shape[0]):
        if s.carer[2 * order[at]] < 0:
            insert(d, s, order[at], tries)
    keep_best(d, s)


@compiled
def anneal(d: Any, s: Any, hot: float, cold: float, moves: int, mix: Any, drop: bool) -> int:
    """Try so many changes while the temperature falls from ``hot`` to ``cold``; return how many were taken.

    ``mix`` holds the rising shares of relocating, reassigning, reordering, exchanging and crossing.
    """
    n = d.opening.shape[0]
    saved = np.zeros(4)
    cooling = (cold / hot) ** (256.0 / max(moves, 256))
    heat = hot
    now = total(d, s)
    taken = 0
    for move in range(moves):
        if move % 256 == 255:
            heat *= cooling
        limit = now - heat * np.log(1.0 - chance(s.random))
        item = int(chance(s.random) * n)
        if s.size[0] > 0 and chance(s.random) < 0.15:
            item = s.pool[int(chance(s.random) * s.size[0])]
        kind = chance(s.random)
        if s.carer[2 * item] < 0 and kind >= mix[1]:
            done = _replace(d, s, saved, limit) if s.size[0] > 0 else False
        elif kind < mix[0]:
            done = _relocate(d, s, saved, item, limit)
        elif kind < mix[1]:
            done = _reassign(d, s, saved, item, limit)
        elif kind < mix[2]:
            done = _reorder(d, s, saved, item, limit)
        elif kind < mix[3]:
            done = _swap(d, s, saved, item, limit)
        elif kind < mix[4] or not drop:
            done = _cross(d, s, saved, item, limit)
        else:
            done = s.carer[2 * item] >= 0 and _place(d, s, saved, item, -1, -1, s.label[item], limit)
        if done:
            taken += 1
            now = total(d, s)
            if now < s.best[0] - 1e-9:
                keep_best(d, s)
            if taken % 20000 == 0:
                renumber(d, s)
    return taken
