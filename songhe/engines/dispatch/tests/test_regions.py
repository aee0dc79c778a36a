"""Days cut into regions: the whole plan passes the check, seams and pairs across them too."""

from dataclasses import replace

import numpy as np
import pytest

from songhe.engines.dispatch import regions
from songhe.engines.dispatch.checking import check
from songhe.engines.dispatch.problem import Carer, Need, Problem, Rest, Visit
from songhe.engines.dispatch.regions import solve_wide
from songhe.engines.dispatch.solver import Budget


def wide() -> Problem:
    """Make a day of 60 visits, every fourth a pair, and 12 carers, scattered over a plane."""
    random = np.random.default_rng(7)
    points = random.uniform(0, 60, (72, 2))
    ways = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))
    rest = (Rest(690.0, 780.0, 30.0),)
    carers = tuple(Carer(f"c{k}", frozenset(), 420.0, 1080.0, 60 + k, 60 + k, rests=rest) for k in range(12))
    visits = tuple(
        Visit(f"v{k}", k, (Need(30.0),) * (2 if k % 4 == 0 else 1), opens, opens + 150.0)
        for k, opens in enumerate(random.uniform(450, 850, 60).round())
    )
    return Problem(visits, carers, {"ebike": ways})


@pytest.fixture
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut into groups of four carers."""
    monkeypatch.setattr(regions, "GROUP", 4)


@pytest.mark.usefixtures("small_groups")
def test_a_day_cut_into_regions_passes_the_check_and_a_seed_gives_one_plan() -> None:
    problem = wide()
    heard: list[float] = []
    budget = Budget(moves=20_000, threads=2)
    solved = solve_wide(problem, budget=budget, seed=3, progress=lambda share, _: heard.append(share))
    verdict = check(problem, solved.plan)
    assert verdict.breaches == ()
    assert verdict.unserved == 0
    assert solved.cost == verdict.cost
    assert heard == sorted(heard)
    assert heard[-1] == pytest.approx(1.0)
    assert solve_wide(problem, budget=budget, seed=3).plan == solved.plan


def test_the_last_rounds_gather_carers_around_those_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regions, "AROUND_GROUP", 2)
    problem = wide()
    # Half of the carers, so that some have to be left out.
    problem = replace(problem, carers=problem.carers[:5])
    plan = solve_wide(problem, budget=Budget(moves=500), seed=1).plan
    assert len(plan.unserved) > 3
    groups = regions._around(problem, plan, regions._places(problem))
    carers = [int(c) for group in groups for c in group.carers]
    visits = [problem.visits[int(k)] for group in groups for k in group.visits]
    assert len(groups) == 2
    assert len(set(carers)) == len(carers)
    singles = [visit.id for visit in visits if len(visit.needs) == 1]
    assert len(set(singles)) == len(singles)
    assert set(plan.unserved) <= {visit.id for visit in visits}


@pytest.mark.usefixtures("small_groups")
def test_a_crowded_wide_day_leaves_out_no_more_than_it_must_and_passes_the_check() -> None:
    problem = replace(wide(), carers=wide().carers[:8])
    short = solve_wide(problem, budget=Budget(moves=1_000), seed=1)
    onward = solve_wide(problem, budget=Budget(moves=20_000), seed=1, start=short.plan)
    assert check(problem, onward.plan).breaches == ()
    assert len(onward.plan.unserved) <= len(short.plan.unserved)


@pytest.mark.usefixtures("small_groups")
def test_a_wide_day_is_not_made_worse_than_its_start_and_stops_when_told() -> None:
    problem = wide()
    first = solve_wide(problem, budget=Budget(moves=2_000), seed=1)
    onward = solve_wide(problem, budget=Budget(moves=2_000), seed=2, start=first.plan)
    assert onward.cost <= first.cost + 0.01
    assert solve_wide(problem, budget=Budget(seconds=60.0), start=first.plan, stop=lambda: True).plan == first.plan
