"""Ranking carers for one visit: who has the skills, when they can be there, how far they come from.

Times are minutes of one day. A carer is where their stay before ends (or at their base), must reach the elder, stay for
the visit, and still reach the stay after it in time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import asin, ceil, cos, radians, sin, sqrt

EARTH_RADIUS_KM = 6371.0088


@dataclass(frozen=True)
class Stay:
    """Time a carer already owes somebody, and where."""

    start: int
    end: int
    latitude: float | None
    longitude: float | None


@dataclass(frozen=True)
class Carer:
    """A person who goes out: what they can do, when they are on duty, where they set out, what they owe already."""

    id: str
    skills: frozenset[str]
    shifts: tuple[tuple[int, int], ...]
    latitude: float | None
    longitude: float | None
    mode: str = "ebike"
    stays: tuple[Stay, ...] = ()


@dataclass(frozen=True)
class VisitWish:
    """A visit asked for, to start between ``earliest`` and ``latest``.

    ``preferred`` gives for a carer the elder knows why that is, ``barred`` why a carer is not to come; both are told.
    Where there are ``wished`` carers, another costs as much as half an hour of way, and one the elder does not know
    ``stranger`` minutes where there is one they know.
    """

    id: str
    skills: frozenset[str]
    minutes: int
    earliest: int
    latest: int
    latitude: float | None
    longitude: float | None
    preferred: Mapping[str, str] = field(default_factory=dict)
    wished: frozenset[str] = frozenset()
    barred: Mapping[str, str] = field(default_factory=dict)
    stranger: float = 15.0


@dataclass(frozen=True)
class Candidate:
    """A carer for the visit: the earliest start, or why it cannot be."""

    carer_id: str
    feasible: bool
    start: int | None
    travel_minutes: int
    cost: float
    reasons: tuple[str, ...]


def kilometres(latitude: float, longitude: float, to_latitude: float, to_longitude: float) -> float:
    """Return the great-circle distance of two places."""
    north, east = radians(to_latitude - latitude), radians(to_longitude - longitude)
    half = sin(north / 2) ** 2 + cos(radians(latitude)) * cos(radians(to_latitude)) * sin(east / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(sqrt(half))


@dataclass(frozen=True)
class Travel:
    """Great-circle distance times a detour factor, at a mode's speed; ``unknown`` minutes where a place is missing."""

    detour: float = 1.3
    speeds: dict[str, float] = field(
        default_factory=lambda: {"walk": 4.5, "bicycle": 12.0, "ebike": 18.0, "bus": 14.0, "car": 25.0}
    )
    unknown: int = 20

    def minutes(
        self,
        latitude: float | None,
        longitude: float | None,
        to_latitude: float | None,
        to_longitude: float | None,
        mode: str,
    ) -> int:
        """Return the whole minutes from one place to another."""
        if latitude is None or longitude is None or to_latitude is None or to_longitude is None:
            return self.unknown
        km = kilometres(latitude, longitude, to_latitude, to_longitude) * self.detour
        return ceil(km / self.speeds.get(mode, 15.0) * 60)


# A minute of way weighs as much as two minutes of waiting for the elder; a wish is worth half an hour of way.
WAITING_WEIGHT = 0.5
UNWISHED_MINUTES = 30.0


def rank(wish: VisitWish, carers: Iterable[Carer], travel: Travel) -> list[Candidate]:
    """Return every carer as a candidate: those who can come first, the best of them at the top.

    The same input always gives the same order.
    """
    candidates = [_candidate(wish, carer, travel) for carer in carers]
    return sorted(candidates, key=lambda each: (not each.feasible, each.cost, each.carer_id))


def _candidate(wish: VisitWish, carer: Carer, travel: Travel) -> Candidate:
    faults = _faults(wish, carer)
    if faults:
        return Candidate(carer.id, False, None, 0, float(len(faults)), faults)
    found = _earliest(wish, carer, travel)
    if found is None:
        return Candidate(carer.id, False, None, 0, 0.5, ("期望时间内没有空档",))
    start, way = found
    cost = way + WAITING_WEIGHT * (start - wish.earliest)
    reasons = []
    if wish.wished:
        cost += 0 if carer.id in wish.wished else UNWISHED_MINUTES
        reasons.append("老人希望其上门" if carer.id in wish.wished else "不是老人希望的护理员")
    if carer.id in wish.preferred:
        reasons.append(wish.preferred[carer.id])
    elif wish.preferred:
        cost += wish.stranger
    return Candidate(carer.id, True, start, way, cost, tuple(reasons))


def _faults(wish: VisitWish, carer: Carer) -> tuple[str, ...]:
    faults = []
    if carer.id in wish.barred:
        faults.append(wish.barred[carer.id])
    missing = sorted(wish.skills - carer.skills)
    if missing:
        faults.append(f"缺少技能 {'、'.join(missing)}")
    if not any(start <= wish.latest and wish.earliest + wish.minutes <= end for start, end in carer.shifts):
        faults.append("期望时间不在班")
    return tuple(faults)


def _earliest(wish: VisitWish, carer: Carer, travel: Travel) -> tuple[int, int] | None:
    """Return the earliest start and the minutes of way to it, or None where nothing fits."""
    stays = sorted(carer.stays, key=lambda stay: stay.start)
    best: tuple[int, int] | None = None
    for shift_start, shift_end in sorted(carer.shifts):
        before: Stay | None = None
        for after in [*stays, None]:
            place = (before.latitude, before.longitude) if before else (carer.latitude, carer.longitude)
            way = travel.minutes(*place, wish.latitude, wish.longitude, carer.mode)
            free_from = before.end if before else shift_start
            start = max(wish.earliest, free_from + way, shift_start)
            end = start + wish.minutes
            limit = shift_end
            if after is not None:
                onward = travel.minutes(wish.latitude, wish.longitude, after.latitude, after.longitude, carer.mode)
                limit = min(limit, after.start - onward)
            if start <= wish.latest and end <= limit and (best is None or start < best[0]):
                best = (start, way)
            before = after
        if best is not None:
            return best
    return best
