"""Days planned by the search and checked by what shares no code with it."""

import math
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from songhe.engines.dispatch import annealing
from songhe.engines.dispatch.arrays import core
from songhe.engines.dispatch.checking import check
from songhe.engines.dispatch.commands import bench
from songhe.engines.dispatch.formats import read_plan, read_problem, write_plan
from songhe.engines.dispatch.problem import Assignment, Carer, DispatchError, Need, Plan, Problem, Rest, Visit, Weights
from songhe.engines.dispatch.solver import Budget, begin, extract, solve

SMALL = Budget(moves=2000, threads=1)
SHARED = Path(os.environ.get("SONGHE_SHARED") or Path(__file__).parents[5] / "shared") / "hhcrsp"


@st.composite
def days(draw: st.DrawFn) -> Problem:
    """Draw a day of up to twelve visits and four carers, with pairs, rests, wishes, hours and what was told."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count, staff = draw(st.integers(1, 12)), draw(st.integers(1, 4))
    points = random.uniform(0, 30, (count + 1, 2))
    ways = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))
    carers = tuple(
        Carer(
            f"c{k}",
            frozenset(random.choice(["a", "b"], random.integers(1, 3))),
            480.0,
            float(random.integers(700, 1100)),
            int(random.integers(0, count + 1)),
            int(random.integers(0, count + 1)),
            mode=str(random.choice(["walk", "car"])),
            rests=(Rest(690.0, 780.0, 40.0),) if random.random() < 0.5 else (),
            cost=float(random.choice([0.5, 1.0, 2.0])),
            contract=None if random.random() < 0.5 else float(random.integers(30, 300)),
            done=float(random.choice([0, 200])),
        )
        for k in range(staff)
    )
    visits = []
    for k in range(count):
        needs = tuple(
            Need(float(random.integers(10, 90)), frozenset(random.choice(["a", "b"], random.integers(0, 2))))
            for _ in range(1 + int(random.random() < 0.3))
        )
        opens = float(random.integers(480, 900))
        low = float(random.integers(0, 30))

        def some(share: float) -> frozenset[str]:
            return frozenset(f"c{each}" for each in range(staff) if random.random() < share)

        visits.append(
            Visit(
                f"v{k}",
                k + 1,
                needs,
                opens,
                opens + float(random.integers(0, 180)),
                hard=bool(random.random() < 0.6),
                prize=None if random.random() < 0.7 else 50.0,
                gap=(low, low + float(random.integers(0, 40))),
                barred=frozenset(["c0"]) if random.random() < 0.1 else frozenset(),
                wished=some(0.2),
                familiar=some(0.2),
                priority=float(random.choice([1.0, 5.0])),
                late_cost=float(random.choice([0.5, 1.0])),
                published=tuple(f"c{random.integers(staff)}" for _ in needs) if random.random() < 0.2 else (),
            )
        )
    weights = Weights(latest=float(random.choice([0.0, 0.5])), unfamiliar=15.0, fairness=0.0004)
    return Problem(tuple(visits), carers, {"walk": ways * 3, "car": ways}, weights)


def part(problem: Problem, plan: Plan, faulty: set[str]) -> tuple[Problem, Plan]:
    """Leave out what the solver said it could not plan."""
    kept = replace(problem, visits=tuple(visit for visit in problem.visits if visit.id not in faulty))
    return kept, replace(plan, unserved=tuple(name for name in plan.unserved if name not in faulty))


@given(days(), st.integers(0, 1000))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_plan_passes_the_check_at_the_cost_the_search_claims(problem: Problem, seed: int) -> None:
    solved = solve(problem, budget=SMALL, seed=seed)
    kept, plan = part(problem, solved.plan, {fault.id for fault in solved.faults if fault.kind == "visit"})
    verdict = check(kept, plan)
    assert verdict.breaches == ()
    assert verdict.cost == pytest.approx(solved.cost, rel=1e-4, abs=0.1)


@given(days(), st.integers(0, 1000))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_seed_gives_one_plan_and_a_start_is_never_made_worse(problem: Problem, seed: int) -> None:
    budget = Budget(moves=500, threads=2)
    first, second = solve(problem, budget=budget, seed=seed), solve(problem, budget=budget, seed=seed)
    assert first.plan == second.plan
    onward = solve(problem, budget=Budget(moves=300), seed=seed + 1, start=first.plan)
    assert onward.cost <= first.cost + 0.01


def day(*visits: Visit, carers: tuple[Carer, ...] | None = None, ways: np.ndarray | None = None) -> Problem:
    """Make a day with two carers who can do all, ten minutes between any two places."""
    two = tuple(Carer(f"c{k}", frozenset(["bath"]), 480.0, 1080.0, 0, 0) for k in range(2))
    matrix = 10.0 * (1 - np.eye(6)) if ways is None else ways
    return Problem(visits, two if carers is None else carers, {"ebike": matrix})


def visit(name: str, place: int = 1, **changes: object) -> Visit:
    """Make a half-hour visit in the morning."""
    return replace(Visit(name, place, (Need(30.0),), 540.0, 600.0), **changes)


def test_a_long_search_begins_again_from_other_first_plans_and_a_seed_still_gives_one_plan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fills = []
    filled = annealing.fill
    monkeypatch.setattr(annealing, "fill", lambda search, *rest: (fills.append(search), filled(search, *rest)))
    random = np.random.default_rng(7)
    points = random.uniform(0, 30, (6, 2))
    ways = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))
    carers = tuple(Carer(name, frozenset(), 480.0, 900.0, 0, 0) for name in "ab")
    visits = tuple(Visit(f"v{at}", at, (Need(20.0),) * (1 + at % 2), 480.0, 700.0) for at in range(1, 6))
    problem = Problem(visits, carers, {"ebike": ways})
    budget = Budget(moves=1_300_000, threads=2)
    found = [solve(problem, budget=budget, seed=5) for _ in range(2)]
    assert found[0].plan == found[1].plan
    assert not check(problem, found[0].plan).breaches
    # Two tries a thread: the first first plan was made before the threads parted.
    assert len(fills) == 2 * (1 + 3)


def test_a_plan_sound_only_as_a_whole_stays_whole() -> None:
    """Waiting for the rest at ``far`` alone would bring the carer home too late; at ``near``, after it, it does not."""
    ways = np.array([[0.0, 60.0, 5.0], [60.0, 0.0, 60.0], [5.0, 60.0, 0.0]])
    carer = Carer("c0", frozenset(), 480.0, 740.0, 0, 0, rests=(Rest(690.0, 780.0, 40.0),))
    far, near = (Visit(name, place, (Need(20.0),), 540.0, 640.0) for name, place in (("far", 1), ("near", 2)))
    whole = Plan((Assignment("far", 0, "c0", 540.0, 560.0), Assignment("near", 0, "c0", 620.0, 640.0)))
    problem = Problem((far, near), (carer,), {"ebike": ways})
    search = core(problem, seed=1)
    begin(problem, search, whole)
    assert extract(problem, search).unserved == ()


def test_carers_without_visits_beside_a_visit_out_of_reach_hold_up_no_search() -> None:
    ways = 10.0 * (1 - np.eye(6))
    ways[:, 5] = ways[5, :] = 900.0
    many = tuple(Carer(f"c{k}", frozenset(), 480.0, 1080.0, 0, 0) for k in range(6))
    problem = day(visit("far", 5, earliest=480.0, latest=500.0), visit("a"), visit("b", 2), carers=many, ways=ways)
    solved = solve(problem, budget=Budget(moves=20_000), seed=1)
    assert solved.plan.unserved == ("far",)
    assert check(problem, solved.plan).breaches == ()


def test_held_and_pinned_visits_stay() -> None:
    problem = day(visit("a", held=("c1",), pinned=570.0), *(visit(f"v{k}", k) for k in range(2, 6)))
    solved = solve(problem, budget=SMALL, seed=3)
    (kept,) = (each for each in solved.plan.assignments if each.visit_id == "a")
    assert (kept.carer_id, kept.start) == ("c1", 570.0)
    assert check(problem, solved.plan).sound


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (visit("x", earliest=700.0, latest=600.0), "时间窗的开始晚于结束"),
        (visit("x", needs=(Need(30.0, frozenset(["surgery"])),)), "没有护理员具备技能 surgery"),
        (visit("x", needs=(Need(math.nan),)), "不是数字"),
        (visit("x", place=99), "地点没有路程"),
        (visit("good"), "上门编号重复"),
    ],
)
def test_what_is_wrong_is_told_and_the_rest_planned(wrong: Visit, said: str) -> None:
    solved = solve(day(visit("good"), wrong), budget=SMALL)
    assert [said in fault.message for fault in solved.faults] == [True]
    assert [each.visit_id for each in solved.plan.assignments] == ["good"]


def test_a_bad_place_a_carer_without_shift_and_an_empty_day() -> None:
    ways = 10.0 * (1 - np.eye(6))
    ways[3, :] = math.nan
    shifts = (Carer("c0", frozenset(), 480.0, 1080.0, 0, 0), Carer("c1", frozenset(), 480.0, 480.0, 0, 0))
    solved = solve(day(visit("good", 2), visit("far", 3), carers=shifts, ways=ways), budget=SMALL)
    assert {fault.kind for fault in solved.faults} >= {"ways", "carer"}
    assert [each.visit_id for each in solved.plan.assignments] == ["good"]
    assert solve(day(), budget=SMALL).plan == Plan()


def test_of_what_has_one_id_twice_the_first_is_planned_and_checked() -> None:
    two = tuple(Carer("c0", skills, 480.0, 1080.0, 0, 0) for skills in (frozenset(["bath"]), frozenset()))
    bath = visit("a", needs=(Need(30.0, frozenset(["bath"])),))
    problem = day(bath, visit("a", earliest=900.0, latest=960.0), carers=two)
    solved = solve(problem, budget=SMALL)
    assert [fault.message for fault in solved.faults] == [
        "c0：护理员编号重复，只用第一个",
        "a：上门编号重复，只排第一个",
    ]
    verdict = check(problem, solved.plan)
    assert verdict.sound
    assert (verdict.unserved, verdict.travel) == (0, 20.0)


def test_tables_that_fit_together_nowhere_are_refused_and_a_way_that_is_none_breaks_a_plan() -> None:
    problem = day(visit("a"), visit("b", 1))
    for ways, said in (
        ({"ebike": np.zeros((6, 5))}, "不是方阵"),
        ({"ebike": np.zeros((6, 6)), "walk": np.zeros((5, 5))}, "大小不同"),
    ):
        with pytest.raises(DispatchError, match=said):
            solve(replace(problem, ways=ways), budget=SMALL)
    ways = 10.0 * (1 - np.eye(6))
    ways[1, 1] = math.nan
    here = replace(problem, ways={"ebike": ways})
    solved = solve(here, budget=SMALL)
    verdict = check(here, solved.plan)
    assert (solved.faults, verdict.breaches, math.isfinite(verdict.travel)) == ((), (), True)
    ways[0, 1] = -5.0
    assert any("路程不是非负数字" in breach for breach in check(here, solved.plan).breaches)
    assert [fault.kind for fault in solve(here, budget=SMALL).faults if fault.kind == "ways"]


def test_zero_distances_are_planned() -> None:
    problem = day(visit("a"), visit("b", 2), ways=np.zeros((6, 6)))
    assert check(problem, solve(problem, budget=SMALL).plan).unserved == 0


def test_the_check_finds_a_plan_that_was_tampered_with() -> None:
    problem = day(visit("a"), visit("b", 2))
    plan = solve(problem, budget=SMALL).plan
    first, *others = plan.assignments
    early = replace(plan, assignments=(replace(first, start=100.0, end=130.0), *others))
    assert any("早于时间窗" in breach for breach in check(problem, early).breaches)
    assert check(problem, replace(plan, assignments=tuple(others))).breaches


@pytest.mark.skipif(not SHARED.is_dir(), reason="the public instances are not here: set SONGHE_SHARED")
@pytest.mark.parametrize(
    "name", ["mankowska/InstanzCPLEX_HCSRP_10_3", "italian/instance_003-rome-r19-p44-s4-sim22.3-seq22.9"]
)
def test_public_instances_are_read_planned_and_written(name: str, tmp_path: Path) -> None:
    problem = read_problem(SHARED / f"{name}.json")
    solved = solve(problem, budget=Budget(moves=20_000), seed=1)
    write_plan(tmp_path / "plan.json", solved.plan, cost=solved.cost)
    verdict = check(problem, read_plan(tmp_path / "plan.json"))
    assert verdict.breaches == ()
    assert verdict.unserved == 0
    assert verdict.cost == pytest.approx(solved.cost, rel=1e-4)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the public instances are not here: set SONGHE_SHARED")
def test_the_bench_prints_a_row_an_instance_and_the_mean_and_worst_gap(tmp_path: Path) -> None:
    name = "InstanzCPLEX_HCSRP_10_1"
    shutil.copy(SHARED / "best.csv", tmp_path)
    shutil.copy(SHARED / "mankowska" / f"{name}.json", tmp_path)
    shutil.copy(SHARED / "mankowska" / "InstanzCPLEX_HCSRP_10_2.json", tmp_path)
    heading, row, summary, bar = bench(tmp_path, budget=Budget(moves=200_000), seeds=2, only=["10_1"])
    assert heading.split()[:4] == ["instance", "cost", "best", "gap"]
    assert row.split()[:6] == [name, "218.199", "218.199", "-0.00", "-0.00", "-0.00"]
    assert summary.startswith(
        "mean gap -0.000 %, worst -0.00 %, best met on 1 of 1, above +0.5 % on 0; 2 seeds, 1 cores"
    )
    assert bar.startswith("bar 1: mean gap -0.000 % (aim 0.0, floor 1.0), worst -0.00 % (aim 0.5, floor 3.0): aim met")


def test_a_folder_without_instances_and_a_file_that_is_none_are_told(tmp_path: Path) -> None:
    with pytest.raises(DispatchError, match="没有 JSON 实例"):
        next(bench(tmp_path, budget=SMALL, seeds=1))
    wrong = tmp_path / "day.json"
    wrong.write_text("{}", encoding="utf-8")
    with pytest.raises(DispatchError, match="缺少字段 'services'"):
        read_problem(wrong)
    wrong.write_text("{", encoding="utf-8")
    with pytest.raises(DispatchError, match="读不了 JSON"):
        read_problem(wrong)
