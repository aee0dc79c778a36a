"""Weeks planned with steady carers, and checked by what shares no code with the planner."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from songhe.engines.dispatch.problem import Assignment, Need, Plan, Rest
from songhe.engines.dispatch.rostering import choices, lawful_shifts, unevenness
from songhe.engines.dispatch.solver import Budget
from songhe.engines.dispatch.week import Demand, Horizon, Limits, Team, WeekPlan, Worker, every_week, measure
from songhe.engines.dispatch.week_checking import check_weeks
from songhe.engines.dispatch.week_solver import plan_day_by_day, plan_weeks

SMALL = Budget(moves=1500)
LAW = Limits(day_minutes=480.0, week_minutes=44 * 60.0, days=6, between=660.0)


@st.composite
def horizons(draw: st.DrawFn) -> Horizon:
    """Draw one week or two of up to eight demands and four carers, some on shifts longer than the law allows."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count, staff, weeks = draw(st.integers(1, 8)), draw(st.integers(1, 4)), draw(st.integers(1, 2))
    points = random.uniform(0, 30, (count + staff, 2))
    ways = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))
    workers = []
    for k in range(staff):
        shifts = {
            date: (float(random.integers(300, 600)), float(random.integers(700, 1400)))
            for date in range(7 * weeks)
            if random.random() < 0.9
        }
        own = float(random.integers(600, 2000)) if random.random() < 0.3 else None
        skills = frozenset(random.choice(["a", "b"], random.integers(1, 3)).tolist())
        home = count + k
        workers.append(Worker(f"c{k}", skills, home, home, shifts, rests=(Rest(690.0, 780.0, 40.0),), week_minutes=own))
    demands = []
    for k in range(count):
        needs = tuple(
            Need(float(random.integers(15, 120)), frozenset(random.choice(["a", "b"], random.integers(0, 2)).tolist()))
            for _ in range(1 + int(random.random() < 0.2))
        )
        opens, first = float(random.integers(420, 1000)), int(random.integers(0, 3))
        days = [frozenset(random.choice(np.arange(1, 8), random.integers(0, 4), replace=False).tolist()) for _ in "wb"]
        demands.append(
            Demand(
                f"d{k}",
                f"e{k // 2}",
                k,
                needs,
                opens,
                opens + float(random.integers(0, 240)),
                int(random.integers(1, 8)),
                wished=days[0],
                barred=days[1],
                first=first,
                hard=bool(random.random() < 0.7),
                barred_carers=frozenset(["c0"]) if random.random() < 0.2 else frozenset(),
            )
        )
    limits = LAW if random.random() < 0.8 else Limits()
    return Horizon(tuple(demands), tuple(workers), {"ebike": ways}, weeks=weeks, limits=limits)


@given(horizons(), st.integers(0, 1000))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_plan_of_weeks_passes_the_check(horizon: Horizon, seed: int) -> None:
    plan = plan_weeks(horizon, budget=SMALL, seed=seed, rounds=1)
    assert check_weeks(horizon, plan) == ()
    by_day = plan_day_by_day(horizon, plan, budget=SMALL, seed=seed)
    assert check_weeks(horizon, by_day) == ()


@given(horizons(), st.integers(0, 1000))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_visit_falls_on_a_barred_day_and_teams_are_of_those_who_may(horizon: Horizon, seed: int) -> None:
    plan = plan_weeks(horizon, budget=SMALL, seed=seed, rounds=1)
    demands = {demand.id: demand for demand in horizon.demands}
    workers = {worker.id: worker for worker in horizon.workers}
    for date, day in enumerate(plan.plans):
        assert not any(date % 7 + 1 in demands[each.visit_id.split("@")[0]].barred for each in day.assignments)
    for team in plan.teams:
        demand = demands[team.demand_id]
        assert not set(team.carers) & demand.barred_carers
        assert all(demand.needs[team.need].skills <= workers[name].skills for name in team.carers)


@given(
    st.integers(1, 7),
    st.frozensets(st.integers(1, 7), max_size=5),
    st.frozensets(st.integers(1, 7), max_size=3),
)
def test_days_lie_as_evenly_as_wishes_and_barred_days_allow(
    times: int, barred: frozenset[int], wished: frozenset[int]
) -> None:
    demand = Demand("d", "e", 0, (Need(30.0),), 540.0, 600.0, min(times, 7 - len(barred)), wished, barred)
    for days in choices(demand):
        assert not set(days) & barred
        assert len(set(days) & wished) == min(demand.times, len(wished - barred))
    if not barred and not wished:
        assert {unevenness(days) for days in choices(demand)} == {unevenness(_even(demand.times))}


def _even(times: int) -> tuple[int, ...]:
    return tuple(1 + round(k * 7 / times - 0.01) for k in range(times))


def _two(**changes: object) -> Horizon:
    """Two elders at one place, visited every day, and two carers who are there at once, on duty every day."""
    demands = tuple(replace(Demand(f"d{k}", f"e{k}", 0, (Need(60.0),), 540.0, 560.0, 7), **changes) for k in range(2))
    workers = tuple(
        Worker(f"c{k}", frozenset(), 1, 1, every_week(dict.fromkeys(range(1, 8), (480.0, 960.0)), 2)) for k in range(2)
    )
    return Horizon(demands, workers, {"ebike": np.array([[0.0, 10.0], [10.0, 0.0]])}, weeks=2)


def test_an_elder_keeps_one_carer_where_nothing_is_against_it() -> None:
    horizon = _two()
    plan = plan_weeks(horizon, budget=SMALL, seed=3)
    figures = measure(horizon, plan.problems, plan.plans)
    assert (figures.faces, figures.most, figures.unserved) == (1.0, 1.0, 0)
    assert {team.carers[0] for team in plan.teams} == {"c0", "c1"}


def test_a_week_keeps_a_day_of_rest_and_its_hours() -> None:
    horizon = replace(_two(), limits=LAW)
    shifts = lawful_shifts(horizon, list(horizon.demands), {"d0": (1, 2, 3), "d1": (1, 2, 3)})
    for own in shifts.values():
        for week in range(2):
            minutes = [own[date][1] - own[date][0] for date in range(7 * week, 7 * week + 7) if date in own]
            assert len(minutes) == 6
            assert sum(minutes) == pytest.approx(44 * 60.0)
        # What is wanted on the first three weekdays stays whole.
        assert all(own[date] == (480.0, 960.0) for date in (0, 1, 2))


def test_of_shifts_that_are_too_long_some_begin_later_for_what_is_wanted_late() -> None:
    """Two carers are on duty from eight to six, for eight hours each; one visit is at eight, one at half past four."""
    horizon = _two()
    workers = tuple(
        replace(each, shifts=every_week(dict.fromkeys(range(1, 8), (480.0, 1080.0)), 2)) for each in horizon.workers
    )
    first, second = horizon.demands
    demands = (
        replace(first, earliest=490.0, latest=520.0, wished_carers=frozenset()),
        replace(second, earliest=1000.0, latest=1010.0, wished_carers=frozenset()),
    )
    long = replace(horizon, workers=workers, demands=demands, limits=Limits(day_minutes=480.0))
    plan = plan_weeks(long, budget=SMALL, seed=1)
    assert measure(long, plan.problems, plan.plans).unserved == 0
    assert {own[0] for own in plan.shifts.values()} == {(480.0, 960.0), (600.0, 1080.0)}
    assert check_weeks(long, plan) == ()


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        pytest.param(Limits(days=6), "工作 7 天，超过 6 天", id="days"),
        pytest.param(Limits(day_minutes=70.0), "工作 80 分钟，超过 70", id="day"),
        pytest.param(Limits(week_minutes=500.0), "工作 560 分钟，超过 500", id="week"),
        pytest.param(Limits(between=23 * 60.0), "应有 1380", id="night"),
    ],
)
def test_the_check_finds_what_breaks_a_limit(limits: Limits, said: str) -> None:
    """Seven days of an hour's visit and twenty minutes of way."""
    horizon = _two()
    plan = plan_weeks(horizon, budget=SMALL, seed=1)
    assert check_weeks(horizon, plan) == ()
    assert any(said in each for each in check_weeks(replace(horizon, limits=limits), plan))


def test_the_check_finds_barred_days_uneven_days_and_visits_that_are_missing() -> None:
    horizon = _two(times=2)
    plan = plan_weeks(horizon, budget=SMALL, seed=1)
    barred = replace(
        horizon, demands=tuple(replace(each, barred=frozenset(plan.weekdays[each.id])) for each in horizon.demands)
    )
    assert any("不能上门的星期" in each for each in check_weeks(barred, plan))
    uneven = replace(plan, weekdays={**plan.weekdays, "d0": (1, 2)})
    assert any("更均匀" in each for each in check_weeks(horizon, uneven))
    lost = replace(plan, plans=tuple(Plan(unserved=each.unserved) for each in plan.plans))
    assert any("既不在安排中" in each for each in check_weeks(horizon, lost))
    strange = replace(plan, plans=(Plan((Assignment("d9@0", 0, "c0", 540.0, 600.0),)), *plan.plans[1:]))
    assert any("不在问题中" in each for each in check_weeks(horizon, strange))


def test_what_is_wrong_is_told_and_the_rest_planned() -> None:
    horizon = _two()
    good = horizon.demands[0]
    wrong = (
        good,
        replace(good, id="often", times=6, barred=frozenset({6, 7})),
        replace(good, id="never", barred=frozenset(range(1, 8))),
        replace(good, id="skill", needs=(Need(10.0, frozenset(["surgery"])),)),
    )
    plan = plan_weeks(replace(horizon, demands=wrong), budget=SMALL)
    told = "\n".join(fault.message for fault in plan.faults)
    assert "often：每周要 6 次，可以上门的只有 5 天" in told
    assert "never：每周次数不足一次，或没有可以上门的日子" in told
    assert "没有护理员具备技能 surgery" in told
    assert sum(each.visit_id.startswith("d0@") for day in plan.plans for each in day.assignments) == 14
    assert Team("d0", 0, plan.teams[0].carers) == plan.teams[0]
    assert isinstance(plan, WeekPlan)
