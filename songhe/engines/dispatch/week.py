"""Weeks to plan: on which days an elder is visited, who becomes whose steady carer, and what a carer may work.

A horizon has whole weeks; its dates are numbered from 0, a Monday, and weekdays from 1, Monday, to 7. Times are minutes
of a day, costs minutes of travel. ``rostering`` gives every demand its weekdays and every carer the shifts that the
limits of work allow; ``week_solver`` plans the dates with ``solve`` and finds each elder a steady carer;
``week_checking`` checks what comes of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from songhe.engines.dispatch.problem import Carer, Fault, Minutes, Need, Plan, Problem, Rest, Visit, Weights

WEEK = 7
Shift = tuple[float, float]


@dataclass(frozen=True)
class Demand:
    """What an elder is to have ``times`` a week, on dates from ``first`` to ``last``, in a window of the day.

    Weekdays that are ``wished`` come first, those ``barred`` never. Carers are ``wished_carers``, ``barred_carers``
    and ``familiar``, as of a visit.
    """

    id: str
    elder: str
    place: int
    needs: tuple[Need, ...]
    earliest: float
    latest: float
    times: int
    wished: frozenset[int] = frozenset()
    barred: frozenset[int] = frozenset()
    first: int = 0
    last: int | None = None
    hard: bool = True
    priority: float = 1.0
    wished_carers: frozenset[str] = frozenset()
    barred_carers: frozenset[str] = frozenset()
    familiar: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Worker:
    """A carer with a shift for each date on duty; ``week_minutes`` is the own contract, where it is less than all's.

    A rest is taken on a date whose shift spans it from its earliest beginning to its latest end.
    """

    id: str
    skills: frozenset[str]
    start_place: int
    end_place: int
    shifts: Mapping[int, Shift]
    mode: str = "ebike"
    rests: tuple[Rest, ...] = ()
    cost: float = 1.0
    week_minutes: float | None = None


@dataclass(frozen=True)
class Limits:
    """What a carer may work: minutes a day and a week without rests, dates a week, minutes free between two dates.

    Work is from setting out to coming back. The figures are the law's and the place's: whoever calls gives them.
    """

    day_minutes: float | None = None
    week_minutes: float | None = None
    days: int | None = None
    between: float | None = None


@dataclass(frozen=True)
class Horizon:
    """Some weeks; ``stranger`` is what a carer new to an elder costs, ``steady`` another known one than the steady."""

    demands: tuple[Demand, ...]
    workers: tuple[Worker, ...]
    ways: Mapping[str, Minutes]
    weeks: int = 1
    limits: Limits = field(default_factory=Limits)
    weights: Weights = field(default_factory=Weights)
    stranger: float = 30.0
    steady: float = 10.0

    @property
    def dates(self) -> range:
        """The dates of the horizon."""
        return range(WEEK * self.weeks)


@dataclass(frozen=True)
class Team:
    """Who takes one need of a demand: the steady carer first, then who stands in on dates that one is not on duty."""

    demand_id: str
    need: int
    carers: tuple[str, ...]


@dataclass(frozen=True)
class WeekPlan:
    """Weekdays of every demand, shifts that are worked, teams, and a problem and plan for each date."""

    weekdays: Mapping[str, tuple[int, ...]]
    shifts: Mapping[str, Mapping[int, Shift]]
    teams: tuple[Team, ...]
    problems: tuple[Problem, ...]
    plans: tuple[Plan, ...]
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Continuity:
    """What some weeks come to: faces an elder saw, the share of visits by the one who came most, minutes of way."""

    elders: int
    visits: int
    unserved: int
    faces: float
    most: float
    travel: float


def weekday_of(date: int) -> int:
    """Return a date's weekday, 1 for Monday."""
    return date % WEEK + 1


def every_week(shifts: Mapping[int, Shift], weeks: int, away: Collection[int] = ()) -> dict[int, Shift]:
    """Return shifts by date from those by weekday, without the dates a carer is away."""
    return {
        date: shifts[weekday_of(date)]
        for date in range(WEEK * weeks)
        if weekday_of(date) in shifts and date not in away
    }


def dates_of(horizon: Horizon, demand: Demand, weekdays: Iterable[int]) -> list[int]:
    """Return the dates on which a demand falls."""
    chosen = set(weekdays)
    last = len(horizon.dates) - 1 if demand.last is None else demand.last
    return [date for date in horizon.dates if demand.first <= date <= last and weekday_of(date) in chosen]


def visit_id(demand: Demand, date: int) -> str:
    """Return the id of a demand's visit on a date."""
    return f"{demand.id}@{date}"


def shift_minutes(worker: Worker, shift: Shift) -> float:
    """Return how long a shift is without its rests."""
    return shift[1] - shift[0] - sum(rest.minutes for rest in rests_in(worker, shift))


def rests_in(worker: Worker, shift: Shift) -> tuple[Rest, ...]:
    """Return the rests a shift spans."""
    return tuple(rest for rest in worker.rests if shift[0] <= rest.earliest and rest.latest + rest.minutes <= shift[1])


Known = Callable[[Demand, int], tuple[frozenset[str], tuple[str, ...]]]


def day_problem(
    horizon: Horizon,
    weekdays: Mapping[str, Sequence[int]],
    shifts: Mapping[str, Mapping[int, Shift]],
    date: int,
    known: Known,
) -> Problem:
    """Write a date as a day's problem; ``known`` gives for a demand whom the elder knows and who is expected."""
    carers = tuple(
        Carer(
            worker.id,
            worker.skills,
            *shifts[worker.id][date],
            worker.start_place,
            worker.end_place,
            worker.mode,
            rests_in(worker, shifts[worker.id][date]),
            worker.cost,
        )
        for worker in horizon.workers
        if date in shifts.get(worker.id, {})
    )
    visits = []
    for demand in horizon.demands:
        if date not in dates_of(horizon, demand, weekdays.get(demand.id, ())):
            continue
        familiar, expected = known(demand, date)
        visits.append(
            Visit(
                visit_id(demand, date),
                demand.place,
                demand.needs,
                demand.earliest,
                demand.latest,
                hard=demand.hard,
                priority=demand.priority,
                wished=demand.wished_carers,
                barred=demand.barred_carers,
                familiar=familiar,
                published=expected,
            )
        )
    weights = replace(horizon.weights, unfamiliar=horizon.stranger, change=horizon.steady)
    return Problem(tuple(visits), carers, horizon.ways, weights)


def faces_of(horizon: Horizon, plans: Sequence[Plan]) -> dict[str, Counter[str]]:
    """Return for every elder who is visited how often each carer comes."""
    elders = {visit_id(demand, date): demand.elder for demand in horizon.demands for date in horizon.dates}
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for plan in plans:
        for each in plan.assignments:
            found[elders[each.visit_id]][each.carer_id] += 1
    return dict(found)


def measure(horizon: Horizon, problems: Sequence[Problem], plans: Sequence[Plan]) -> Continuity:
    """Return what weeks come to."""
    from songhe.engines.dispatch.checking import check

    faces = faces_of(horizon, plans)
    made = sum(sum(counted.values()) for counted in faces.values())
    return Continuity(
        elders=len(faces),
        visits=sum(len(problem.visits) for problem in problems),
        unserved=sum(len(plan.unserved) for plan in plans),
        faces=sum(len(counted) for counted in faces.values()) / max(1, len(faces)),
        most=sum(max(counted.values()) for counted in faces.values()) / max(1, made),
        travel=sum(check(problem, plan).travel for problem, plan in zip(problems, plans, strict=True)),
    )
