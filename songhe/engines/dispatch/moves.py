"""What the search tries: small changes of a plan, written into ``todo``; each returns how many items it changes.

None of them times anything. A change that cannot be, for the carer may not or labels would fall, is given up with 0; so
is one whose ways alone cost more than ``room``, or that would come too late to a hard window next to it: most changes
are such, and to see it here takes a fraction of making them and taking them back.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from songhe.engines.dispatch.arrays import (
    AFTER,
    BEFORE,
    CARER,
    DEADLINE,
    DONE,
    FINISHES,
    MINUTES,
    MODE,
    OPENS,
    POOLED,
    PRIZE,
    RATE,
    SLOTS,
    inner,
)
from songhe.engines.dispatch.timing import GAP, leg

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
LONGEST_TAIL = 100


@inner
def chance(s: Any) -> float:
    """Return the next number in [0, 1)."""
    s.random[0] += _GOLDEN
    z = s.random[0]
    z = (z ^ (z >> _S30)) * _MIX_1
    z = (z ^ (z >> _S27)) * _MIX_2
    z = z ^ (z >> _S31)
    return float(z >> _S11) * (1.0 / 9007199254740992.0)


@inner
def _near(s: Any, item: int) -> int:
    """Return an item that goes well beside another, rather one of the best; -1 where there is none."""
    count = s.near.shape[1]
    if count == 0:
        return -1
    x = chance(s)
    return int(s.near[item, int(x * x * count)])


@inner
def any_able(s: Any, slot: int) -> int:
    """Return a carer who may make a slot."""
    low = s.able_from[slot]
    return int(s.able[low + int(chance(s) * (s.able_from[slot + 1] - low))])


@inner
def beside(s: Any, item: int, slot: int) -> int:
    """Return a carer for a slot: mostly one who is near at about that time."""
    if chance(s) < 0.8:
        q = _near(s, item)
        if q >= 0 and s.link[2 * q, CARER] >= 0:
            return int(s.link[_a_slot(s, q), CARER])
    return any_able(s, slot)


@inner
def _a_slot(s: Any, item: int) -> int:
    return 2 * item + (1 if s.visit[item, SLOTS] == 2.0 and chance(s) < 0.5 else 0)


@inner
def fits(s: Any, item: int, c0: int, c1: int) -> bool:
    """Tell whether carers may make an item at all."""
    if c0 < 0 or s.fit[2 * item, c0] == np.inf:
        return False
    return s.visit[item, SLOTS] != 2.0 or (c1 >= 0 and c1 != c0 and s.fit[2 * item + 1, c1] != np.inf)


@inner
def put(s: Any, at: int, item: int, c0: int, c1: int, label: float) -> int:
    """Write one change into ``todo``."""
    s.todo[at, 0] = item
    s.todo[at, 1] = c0
    s.todo[at, 2] = c1
    s.todo_label[at] = label
    return at + 1


@inner
def between(s: Any, item: int, u: int, v: int) -> float:
    """Return a random label for an item between two slots that follow each other; NaN where there is no room."""
    n2 = 2 * s.label.shape[0]
    if u >= n2 and v >= n2:
        return float(s.label[item])
    low = s.label[u // 2] if u < n2 else s.label[v // 2] - 4.0
    high = s.label[v // 2] if v < n2 else low + 4.0
    label = low + (high - low) * (0.02 + 0.96 * chance(s))
    return float(label) if low < label < high else np.nan


@inner
def _out(s: Any, slot: int) -> float:
    """Return what taking a slot out of its route changes of ways, fit and prize."""
    c = s.link[slot, CARER]
    if c < 0:
        return -float(s.visit[slot // 2, PRIZE])
    u, v = s.link[slot, BEFORE], s.link[slot, AFTER]
    way = leg(s, c, u, v) - leg(s, c, u, slot) - leg(s, c, slot, v)
    return float(way * s.carer[c, RATE] - s.fit[slot, c])


@inner
def into(s: Any, slot: int, c: int, u: int, v: int) -> float:
    """Return what putting a slot between two of a carer's route adds of ways and fit."""
    way = leg(s, c, u, slot) + leg(s, c, slot, v) - leg(s, c, u, v)
    return float(way * s.carer[c, RATE] + s.fit[slot, c])


@inner
def too_late(s: Any, slot: int, c: int, u: int, v: int) -> bool:
    """Tell whether a slot between two of a carer's route comes too late, or makes the next too late."""
    item = slot // 2
    t = s.times[u, DONE] + leg(s, c, u, slot)
    if t > s.visit[item, DEADLINE] + GAP:
        return True
    t = max(t, s.visit[item, OPENS]) + s.times[slot, MINUTES] + leg(s, c, slot, v)
    if v < 2 * s.label.shape[0]:
        return bool(t > s.visit[v // 2, DEADLINE] + GAP)
    return bool(t > s.carer[c, FINISHES] + GAP)


@inner
def _hopeless(s: Any, slot: int, c: int, u: int, v: int, room: float) -> bool:
    """Tell whether moving a single visit between two slots of a route costs too much or comes too late.

    ``u`` and ``v`` follow each other once the visit is taken out of where it is.
    """
    if _out(s, slot) + into(s, slot, c, u, v) > room:
        return True
    return bool(s.link[slot, CARER] != c and too_late(s, slot, c, u, v))


@inner
def seat(s: Any, label: float, u: int, without: int) -> int:
    """Return the slot of a route after which a label belongs, sought from one of its slots, leaving one out."""
    n2 = 2 * s.label.shape[0]
    while u < n2 and (u == without or s.label[u // 2] > label):
        u = s.link[u, BEFORE]
    v = s.link[u, AFTER]
    while v < n2 and (v == without or s.label[v // 2] < label):
        if v != without:
            u = v
        v = s.link[v, AFTER]
    return u


@inner
def _after(s: Any, u: int, without: int) -> int:
    v = s.link[u, AFTER]
    return int(s.link[v, AFTER] if v == without else v)


@inner
def relocate(s: Any, item: int, room: float) -> int:
    """Put an item right before or after one that it goes well with, in that one's route."""
    n2 = 2 * s.label.shape[0]
    q = _near(s, item)
    if q < 0 or s.link[2 * q, CARER] < 0:
        return 0
    r = _a_slot(s, q)
    c = s.link[r, CARER]
    u = r
    if chance(s) < 0.5:
        u = s.link[r, BEFORE]
        if u < n2 and u // 2 == item:
            u = s.link[u, BEFORE]
    v = s.link[u, AFTER]
    if v < n2 and v // 2 == item:
        v = s.link[v, AFTER]
    label = between(s, item, u, v)
    if np.isnan(label):
        return 0
    c0, c1 = s.link[2 * item, CARER], s.link[2 * item + 1, CARER]
    if s.visit[item, SLOTS] == 1.0:
        if s.fit[2 * item, c] == np.inf or _hopeless(s, 2 * item, c, u, v, room):
            return 0
        return put(s, 0, item, c, -1, label)
    pooled = c0 < 0
    if chance(s) < 0.5:
        c1 = beside(s, item, 2 * item + 1) if pooled else (c0 if c1 == c else c1)
        moved, c0 = 2 * item, c
    else:
        c0 = beside(s, item, 2 * item) if pooled else (c1 if c0 == c else c0)
        moved, c1 = 2 * item + 1, c
    if not fits(s, item, c0, c1):
        return 0
    if s.link[2 * item, CARER] != c and s.link[2 * item + 1, CARER] != c and too_late(s, moved, c, u, v):
        return 0
    if pooled:
        partner = c0 + c1 - c
        u = seat(s, label, n2 + partner, -1)
        if too_late(s, moved ^ 1, partner, u, s.link[u, AFTER]):
            return 0
    return put(s, 0, item, c0, c1, label)


@inner
def reassign(s: Any, item: int, room: float) -> int:
    """Give an item another carer, at the same place of the order or nearby."""
    slot = _a_slot(s, item)
    c0, c1 = s.link[2 * item, CARER], s.link[2 * item + 1, CARER]
    label = s.label[item]
    if c0 < 0:
        c0, c1 = any_able(s, 2 * item), -1
        if s.visit[item, SLOTS] == 2.0:
            c1 = any_able(s, 2 * item + 1)
        label += (chance(s) - 0.5) * 0.15 * s.label.shape[0]
    elif slot == 2 * item:
        c = any_able(s, slot)
        c0, c1 = c, (c0 if c == c1 else c1)
    else:
        c = any_able(s, slot)
        c0, c1 = (c1 if c == c0 else c0), c
    if not fits(s, item, c0, c1):
        return 0
    if chance(s) < 0.3:
        label += (chance(s) - 0.5) * 0.05 * s.label.shape[0]
    if s.visit[item, SLOTS] == 1.0:
        own = 2 * item
        u = seat(s, label, 2 * s.label.shape[0] + c0, own)
        if _hopeless(s, own, c0, u, _after(s, u, own), room):
            return 0
    return put(s, 0, item, c0, c1, label)


@inner
def reorder(s: Any, item: int, room: float) -> int:
    """Move an item past one to three others of one of its routes."""
    if s.link[2 * item, CARER] < 0:
        return 0
    n2 = 2 * s.label.shape[0]
    slot = _a_slot(s, item)
    u, v = slot, slot
    steps = 1 + int(3.0 * chance(s))
    if chance(s) < 0.5:
        for _ in range(steps):
            if s.link[v, AFTER] < n2:
                v = s.link[v, AFTER]
        u, v = v, s.link[v, AFTER]
        if u == slot:
            return 0
    else:
        for _ in range(steps):
            if s.link[u, BEFORE] < n2:
                u = s.link[u, BEFORE]
        u, v = s.link[u, BEFORE], u
        if v == slot:
            return 0
    label = between(s, item, u, v)
    if np.isnan(label):
        return 0
    if s.visit[item, SLOTS] == 1.0 and _hopeless(s, slot, s.link[slot, CARER], u, v, room):
        return 0
    return put(s, 0, item, s.link[2 * item, CARER], s.link[2 * item + 1, CARER], label)


@inner
def swap(s: Any, item: int, room: float) -> int:
    """Exchange the carers of two slots, their places in the order, or both."""
    q = _near(s, item)
    if q < 0 or q == item or s.link[2 * q, CARER] < 0 or s.link[2 * item, CARER] < 0:
        return 0
    x, y = _a_slot(s, item), _a_slot(s, q)
    a, b = s.link[x, CARER], s.link[y, CARER]
    p0, p1 = s.link[2 * item, CARER], s.link[2 * item + 1, CARER]
    q0, q1 = s.link[2 * q, CARER], s.link[2 * q + 1, CARER]
    if x == 2 * item:
        p0 = b
    else:
        p1 = b
    if y == 2 * q:
        q0 = a
    else:
        q1 = a
    if not fits(s, item, p0, p1) or not fits(s, q, q0, q1):
        return 0
    p, r = s.label[item], s.label[q]
    if a == b or chance(s) < 0.5:
        p, r = r, p
    if a != b and s.visit[item, SLOTS] == 1.0 and s.visit[q, SLOTS] == 1.0:
        u, v = seat(s, p, y, y), seat(s, r, x, x)
        after_u, after_v = _after(s, u, y), _after(s, v, x)
        more = _out(s, x) + _out(s, y) + into(s, x, b, u, after_u) + into(s, y, a, v, after_v)
        if more > room or too_late(s, x, b, u, after_u) or too_late(s, y, a, v, after_v):
            return 0
    put(s, 0, item, p0, p1, p)
    return put(s, 1, q, q0, q1, r)


@inner
def replace(s: Any, item: int) -> int:
    """Put an item of the pool where another is, and the other into the pool."""
    q = _near(s, item)
    if q < 0 or s.link[2 * q, CARER] < 0 or s.link[2 * item, CARER] >= 0:
        return 0
    c0, c1 = s.link[2 * q, CARER], s.link[2 * q + 1, CARER]
    if s.visit[item, SLOTS] == 2.0 and s.visit[q, SLOTS] == 1.0:
        c1 = beside(s, item, 2 * item + 1)
    if not fits(s, item, c0, c1):
        return 0
    put(s, 0, q, -1, -1, s.label[q])
    return put(s, 1, item, c0, c1, s.label[q])


@inner
def drop(s: Any, item: int) -> int:
    """Put an item into the pool."""
    if s.link[2 * item, CARER] < 0:
        return 0
    return put(s, 0, item, -1, -1, s.label[item])


@inner
def _hand_over(s: Any, count: int, first: int, low: float, high: float, a: int, b: int) -> int:
    """Give what stands between two labels in a's route, from slot ``first``, to b; -1 where that cannot be."""
    n2 = 2 * s.label.shape[0]
    slot = first
    while slot < n2 and s.label[slot // 2] < high:
        item = slot // 2
        if s.label[item] > low:
            if s.fit[slot, b] == np.inf or count >= LONGEST_TAIL:
                return -1
            other = s.link[slot ^ 1, CARER] if s.visit[item, SLOTS] == 2.0 else -1
            # A pair of the two exchanges its parts once.
            if other == b:
                if s.fit[slot ^ 1, a] == np.inf:
                    return -1
                if a > b:
                    slot = s.link[slot, AFTER]
                    continue
                other = a
            if slot % 2 == 0:
                count = put(s, count, item, b, other, s.label[item])
            else:
                count = put(s, count, item, other, b, s.label[item])
        slot = s.link[slot, AFTER]
    return count


@inner
def _crossed(s: Any, u: int, before: int, high: float, a: int, b: int) -> float:
    """Return what it adds that a does what b did after ``before``, and b what a did after ``u``, up to a label.

    Inf where somebody may not or comes too late; where the two travel unlike each other, nothing is said.
    """
    n2 = 2 * s.label.shape[0]
    if s.carer[a, MODE] != s.carer[b, MODE] or s.carer[a, RATE] != s.carer[b, RATE]:
        return -np.inf
    first, second = s.link[u, AFTER], s.link[before, AFTER]
    last, end, fit = u, first, 0.0
    while end < n2 and s.label[end // 2] < high:
        fit += s.fit[end, b] - s.fit[end, a]
        last, end = end, s.link[end, AFTER]
    final, close = before, second
    while close < n2 and s.label[close // 2] < high:
        fit += s.fit[close, a] - s.fit[close, b]
        final, close = close, s.link[close, AFTER]
    way = -leg(s, a, u, first) - leg(s, b, before, second)
    if last != u:
        way -= leg(s, a, last, end)
    if final != before:
        way -= leg(s, b, final, close)
    if final == before:
        way += leg(s, a, u, end)
    else:
        new = leg(s, a, u, second)
        if s.times[u, DONE] + new > s.visit[second // 2, DEADLINE] + GAP:
            return np.inf
        way += new + leg(s, a, final, end)
    if last == u:
        way += leg(s, b, before, close)
    else:
        new = leg(s, b, before, first)
        if s.times[before, DONE] + new > s.visit[first // 2, DEADLINE] + GAP:
            return np.inf
        way += new + leg(s, b, last, close)
    return float(way * s.carer[a, RATE] + fit)


@inner
def cross(s: Any, item: int, room: float) -> int:
    """Exchange what two carers do after a point of the order, to the end of the day or for a while."""
    n2 = 2 * s.label.shape[0]
    q = _near(s, item)
    if q < 0 or s.link[2 * q, CARER] < 0 or s.link[2 * item, CARER] < 0:
        return 0
    u, v = _a_slot(s, item), _a_slot(s, q)
    if s.label[item] > s.label[q]:
        u, v = v, u
    a, b = s.link[u, CARER], s.link[v, CARER]
    if a == b:
        return 0
    # The later one is to follow the earlier.
    low = s.label[u // 2]
    before = s.link[v, BEFORE]
    if before < n2 and s.label[before // 2] > low:
        low = s.label[before // 2]
    after = s.link[u, AFTER]
    if after < n2 and s.label[after // 2] <= low:
        return 0
    high = np.inf
    if chance(s) < 0.6:
        end = after if chance(s) < 0.5 else v
        for _ in range(1 + int(4.0 * chance(s))):
            if end < n2:
                end = s.link[end, AFTER]
        if end < n2:
            high = s.label[end // 2]
    if _crossed(s, u, before, high, a, b) > room:
        return 0
    count = _hand_over(s, 0, after, low, high, a, b)
    if count < 0:
        return 0
    count = _hand_over(s, count, v, low, high, b, a)
    return max(count, 0)


@inner
def _shifted(s: Any, first: int, last: int, a: int, c: int, u: int, v: int, turned: bool) -> float:
    """Return what a stretch of one route adds between two slots of another's, turned or not; inf where too late.

    Nothing is said of a stretch with a pair, whose other carer's way changes too.
    """
    slot, way, fit = first, 0.0, 0.0
    while True:
        if s.visit[slot // 2, SLOTS] == 2.0:
            return -np.inf
        fit += s.fit[slot, c] - s.fit[slot, a]
        if slot == last:
            break
        after = s.link[slot, AFTER]
        way += (leg(s, c, after, slot) if turned else leg(s, c, slot, after)) * s.carer[c, RATE]
        way -= leg(s, a, slot, after) * s.carer[a, RATE]
        slot = after
    head, tail = (last, first) if turned else (first, last)
    into = leg(s, c, u, head)
    if s.times[u, DONE] + into > s.visit[head // 2, DEADLINE] + GAP:
        return np.inf
    way += (into + leg(s, c, tail, v) - leg(s, c, u, v)) * s.carer[c, RATE]
    before, after = s.link[first, BEFORE], s.link[last, AFTER]
    way += (leg(s, a, before, after) - leg(s, a, before, first) - leg(s, a, last, after)) * s.carer[a, RATE]
    return float(way + fit)


@inner
def shift(s: Any, item: int, room: float) -> int:
    """Move two to four items that follow each other beside another one, or turn them round where they are."""
    n2 = 2 * s.label.shape[0]
    if s.link[2 * item, CARER] < 0:
        return 0
    first = _a_slot(s, item)
    a = s.link[first, CARER]
    last, length = first, 1
    for _ in range(1 + int(3.0 * chance(s))):
        if s.link[last, AFTER] < n2:
            last = s.link[last, AFTER]
            length += 1
    if length == 1:
        return 0
    turned = chance(s) < 0.3
    c, u = a, s.link[first, BEFORE]
    v = s.link[last, AFTER]
    if not turned or chance(s) < 0.5:
        head = chance(s) < 0.5
        q = _near(s, item if head else last // 2)
        if q < 0 or s.link[2 * q, CARER] < 0:
            return 0
        r = _a_slot(s, q)
        c = s.link[r, CARER]
        u = r if head != turned else s.link[r, BEFORE]
        v = s.link[u, AFTER]
    if c != a and u != last and v != first and _shifted(s, first, last, a, c, u, v, turned) > room:
        return 0
    low = s.label[u // 2] if u < n2 else (s.label[v // 2] - 4.0 if v < n2 else s.label[item])
    high = s.label[v // 2] if v < n2 else low + 4.0
    slot = first
    for at in range(length):
        one = slot // 2
        if slot in (u, v) or one == u // 2 or one == v // 2:
            return 0
        share = (at + 0.1 + 0.8 * chance(s)) / length
        label = low + (high - low) * (1.0 - share if turned else share)
        if not low < label < high:
            return 0
        c0, c1 = s.link[2 * one, CARER], s.link[2 * one + 1, CARER]
        if slot % 2 == 0:
            c0, c1 = c, (a if c1 == c else c1)
        else:
            c0, c1 = (a if c0 == c else c0), c
        if not fits(s, one, c0, c1):
            return 0
        put(s, at, one, c0, c1, label)
        slot = s.link[slot, AFTER]
    return length


@inner
def propose(s: Any, item: int, shares: Any, optional: bool, room: float) -> int:
    """Write a random change around an item; ``shares`` rise, one a kind of change.

    ``room`` is by how much ways, fit and prizes may rise together.
    """
    kind = chance(s)
    if s.link[2 * item, CARER] < 0:
        return replace(s, item) if kind < 0.3 else (relocate(s, item, room) if kind < 0.8 else reassign(s, item, room))
    if optional and chance(s) < 0.01:
        return drop(s, item)
    if kind < shares[0]:
        return relocate(s, item, room)
    if kind < shares[1]:
        return reassign(s, item, room)
    if kind < shares[2]:
        return reorder(s, item, room)
    if kind < shares[3]:
        return swap(s, item, room)
    if kind < shares[4]:
        return cross(s, item, room)
    return shift(s, item, room)


@inner
def pick(s: Any) -> int:
    """Return an item to change, one of the pool every third time while somebody is left out."""
    pooled = s.size[POOLED]
    if pooled > 0 and chance(s) < 0.35:
        return int(s.pool[0, int(chance(s) * pooled)])
    return int(s.free[int(chance(s) * s.free.shape[0])])
