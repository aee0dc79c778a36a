"""Planning weeks date by date: with steady carers, or as day-by-day planning would."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace

from songhe.engines.dispatch.checking import check
from songhe.engines.dispatch.problem import Plan, Problem
from songhe.engines.dispatch.rostering import choose_weekdays, lawful_shifts, sound_demands
from songhe.engines.dispatch.solver import Budget, solve
from songhe.engines.dispatch.week import (
    Demand,
    Horizon,
    Known,
    Team,
    WeekPlan,
    day_problem,
    faces_of,
    visit_id,
)

# What an unserved visit weighs when rounds are compared, in minutes of way.
UNSERVED = 500.0
# Those who stand in for a steady carer.
STAND_INS = 2


def plan_weeks(
    horizon: Horizon,
    *,
    budget: Budget,
    seed: int = 0,
    rounds: int = 2,
    progress: Callable[[float], None] | None = None,
) -> WeekPlan:
    """Plan every date with steady carers; ``budget`` is that of one date in one round.

    Steady is at first who comes most when ways count for more than faces; each further round plans with those known to
    their elders. The round is kept that is best by unserved visits, travel and new faces at their price.
    """
    demands, faults = sound_demands(horizon)
    horizon = replace(horizon, demands=tuple(demands))
    weekdays = choose_weekdays(horizon, demands)
    base = WeekPlan(weekdays, lawful_shifts(horizon, demands, weekdays), (), (), (), tuple(faults))

    def heard(number: int) -> Callable[[int], None]:
        return lambda done: progress((number + done / len(horizon.dates)) / (1 + rounds)) if progress else None

    easy = replace(horizon, stranger=horizon.stranger / 2)
    kept = plan_day_by_day(easy, base, budget=budget, seed=seed, known=True, heard=heard(0))
    kept = replace(kept, teams=_who_came(horizon, kept))
    found = kept
    for number in range(1, 1 + rounds):
        found = _plan_dates(horizon, replace(base, teams=found.teams), budget, seed, heard(number))
        found = replace(found, teams=_who_came(horizon, found))
        kept = min(kept, found, key=lambda each: _worth(horizon, each))
    return kept


def plan_day_by_day(
    horizon: Horizon,
    plan: WeekPlan,
    *,
    budget: Budget,
    seed: int = 0,
    known: bool = False,
    heard: Callable[[int], None] | None = None,
) -> WeekPlan:
    """Plan the same dates one after the other without steady carers.

    ``known`` has each day prefer who came before, as a day's planner does that reads the record.
    """
    seen: dict[str, set[str]] = defaultdict(set)

    def familiar(demand: Demand, _date: int) -> tuple[frozenset[str], tuple[str, ...]]:
        return frozenset(demand.familiar | seen[demand.elder]) if known else frozenset(), ()

    return _each_date(horizon, replace(plan, teams=()), familiar, seen, budget, seed, heard)


def _plan_dates(
    horizon: Horizon, plan: WeekPlan, budget: Budget, seed: int, heard: Callable[[int], None] | None
) -> WeekPlan:
    """Plan every date with its teams: all of an elder's are known to them, the first on duty is expected."""
    teams = {(team.demand_id, team.need): team.carers for team in plan.teams}
    seen: dict[str, set[str]] = defaultdict(set)
    for demand in horizon.demands:
        for need in range(len(demand.needs)):
            seen[demand.elder] |= set(teams.get((demand.id, need), ()))

    def familiar(demand: Demand, date: int) -> tuple[frozenset[str], tuple[str, ...]]:
        expected: list[str] = []
        for need in range(len(demand.needs)):
            on = (name for name in teams.get((demand.id, need), ()) if date in plan.shifts[name])
            expected += [name for name in on if name not in expected][:1]
        whole = tuple(expected) if len(expected) == len(demand.needs) else ()
        return frozenset(demand.familiar | seen[demand.elder]), whole

    return _each_date(horizon, plan, familiar, seen, budget, seed, heard)


def _each_date(
    horizon: Horizon,
    plan: WeekPlan,
    familiar: Known,
    seen: dict[str, set[str]],
    budget: Budget,
    seed: int,
    heard: Callable[[int], None] | None,
) -> WeekPlan:
    """Plan one date after the other; who has come once is no new face any more."""
    problems: list[Problem] = []
    plans: list[Plan] = []
    faults = {fault.message: fault for fault in plan.faults}
    for date in horizon.dates:
        problem = day_problem(horizon, plan.weekdays, plan.shifts, date, familiar)
        solved = solve(problem, budget=budget, seed=seed + date)
        problems.append(problem)
        plans.append(solved.plan)
        faults |= {fault.message: fault for fault in solved.faults}
        for elder, counted in faces_of(horizon, [solved.plan]).items():
            seen[elder] |= set(counted)
        if heard is not None:
            heard(date + 1)
    return replace(plan, problems=tuple(problems), plans=tuple(plans), faults=tuple(faults.values()))


def _worth(horizon: Horizon, plan: WeekPlan) -> float:
    travel = sum(check(problem, each).travel for problem, each in zip(plan.problems, plan.plans, strict=True))
    faces = sum(len(counted) for counted in faces_of(horizon, plan.plans).values())
    return UNSERVED * sum(len(each.unserved) for each in plan.plans) + travel + horizon.stranger * faces


def _who_came(horizon: Horizon, plan: WeekPlan) -> tuple[Team, ...]:
    """Make steady whoever came most to a need, and who came next stand in; a tie goes to who was steady."""
    came: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    of_visit = {visit_id(demand, date): demand.id for demand in horizon.demands for date in horizon.dates}
    for each in plan.plans:
        for given in each.assignments:
            came[of_visit[given.visit_id], given.need][given.carer_id] += 1
    before = {(team.demand_id, team.need): team.carers for team in plan.teams}
    found = []
    for demand in horizon.demands:
        for need in range(len(demand.needs)):
            counted, earlier = came[demand.id, need], before.get((demand.id, need), ())
            rank = {name: at for at, name in enumerate(earlier)}
            order = sorted(counted, key=lambda name: (-counted[name], rank.get(name, len(rank)), name))
            found.append(Team(demand.id, need, tuple(order[: 1 + STAND_INS]) or earlier))
    return tuple(found)
