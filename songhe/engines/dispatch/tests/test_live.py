"""Days that run: orders come in, visits overrun, carers fall ill; and what a plan says of itself."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from songhe.engines.dispatch.checking import check
from songhe.engines.dispatch.explaining import explain
from songhe.engines.dispatch.live import replan
from songhe.engines.dispatch.problem import Carer, DispatchError, Need, Plan, Problem, sound_part
from songhe.engines.dispatch.solver import Budget, solve
from songhe.engines.dispatch.tests.test_solving import SMALL, day, days, part, visit

QUICK = Budget(moves=1000)


@given(days(), st.integers(480, 1000), st.integers(0, 100))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_day_planned_on_keeps_what_has_begun_and_passes_the_check(drawn: Problem, now: int, seed: int) -> None:
    problem, _ = sound_part(drawn)
    plan = solve(problem, budget=SMALL, seed=seed).plan
    later = replan(problem, plan, now=float(now), budget=QUICK, seed=seed)
    after = later.solved.plan.assignments
    assert {each for each in plan.assignments if each.start <= now} <= set(after)
    assert all(each.start >= now for each in after if each.visit_id not in later.begun)
    missed = {fault.id for fault in later.solved.faults if fault.kind == "visit"}
    kept, whole = part(problem, later.solved.plan, missed - {each.visit_id for each in plan.assignments})
    assert check(kept, whole).breaches == ()
    owed = {each.id for each in problem.visits if each.prize is None}
    assert len(owed.intersection(later.solved.plan.unserved)) <= len(owed.intersection(plan.unserved))


def running() -> tuple[Problem, Plan]:
    """Plan a day of four visits in the afternoon and two in the morning, by two carers."""
    afternoon = (visit(f"v{k}", k, earliest=840.0, latest=960.0) for k in range(1, 5))
    problem = day(visit("a", 1), visit("b", 2), *afternoon)
    return problem, solve(problem, budget=SMALL, seed=1).plan


@pytest.mark.parametrize(("prize", "left_out"), [(30.0, False), (5.0, True)])
def test_an_optional_visit_that_was_told_is_left_out_only_for_a_way_longer_than_a_change(
    prize: float, left_out: bool
) -> None:
    ways = np.array([[0.0, 1.0, 40.0], [1.0, 0.0, 40.0], [40.0, 40.0, 0.0]])
    alone = (Carer("c0", frozenset(), 480.0, 1080.0, 0, 0),)
    told = visit("extra", 2, earliest=700.0, latest=900.0, prize=500.0)
    problem = day(visit("a", 1), told, carers=alone, ways=ways)
    plan = solve(problem, budget=SMALL, seed=1).plan
    assert plan.unserved == ()
    cheap = replace(problem, visits=(problem.visits[0], replace(told, prize=prize)))
    later = replan(cheap, plan, now=600.0, budget=QUICK)
    assert ("extra" in later.solved.plan.unserved) is left_out


def test_an_order_that_comes_in_changes_nobody_else() -> None:
    problem, plan = running()
    more = replace(problem, visits=(*problem.visits, visit("new", 5, earliest=700.0, latest=760.0)))
    later = replan(more, plan, now=660.0, budget=QUICK)
    assert check(more, later.solved.plan).breaches == ()
    assert [change.visit_id for change in later.changes if change.carers_differ] == ["new"]
    assert later.begun == {"a", "b"}


def test_a_carer_who_falls_ill_hands_over_what_has_not_begun() -> None:
    problem, plan = running()
    later = replan(problem, plan, now=660.0, budget=QUICK, absent=frozenset(["c0"]))
    assert later.solved.plan.unserved == ()
    assert {each.carer_id for each in later.solved.plan.assignments if each.start > 660} == {"c1"}
    assert {change.visit_id for change in later.changes if change.carers_differ} == {
        each.visit_id for each in plan.assignments if each.carer_id == "c0" and each.start > 660
    }


def test_a_visit_that_overruns_pushes_what_follows() -> None:
    alone = (Carer("c0", frozenset(), 480.0, 1080.0, 0, 0),)
    problem = day(visit("a", 1), visit("b", 2, earliest=590.0, latest=700.0), carers=alone)
    plan = solve(problem, budget=SMALL).plan
    later = replan(problem, plan, now=560.0, budget=QUICK, ends={"a": 640.0})
    starts = {each.visit_id: each.start for each in later.solved.plan.assignments}
    assert starts == {"a": 540.0, "b": 650.0}


def test_one_of_a_pair_falls_ill_and_another_comes_instead() -> None:
    three = tuple(Carer(f"c{k}", frozenset(), 480.0, 1080.0, 0, 0) for k in range(3))
    problem = day(visit("two", 1, needs=(Need(30.0), Need(30.0))), carers=three)
    plan = solve(problem, budget=SMALL).plan
    ill = plan.assignments[0].carer_id
    later = replan(problem, plan, now=500.0, budget=QUICK, absent=frozenset([ill]))
    assert ill not in {each.carer_id for each in later.solved.plan.assignments}
    assert check(problem, later.solved.plan).breaches == ()
    assert later.solved.plan.unserved == ()


def test_the_time_limit_is_kept_and_a_stopped_search_gives_a_whole_plan() -> None:
    problem, _ = running()
    solve(problem, budget=Budget(moves=10))
    begun = time.perf_counter()
    solved = solve(problem, budget=Budget(seconds=0.5, threads=2))
    assert time.perf_counter() - begun < 1.5
    assert check(problem, solved.plan).sound
    stopped = solve(problem, budget=Budget(seconds=60.0), stop=lambda: True)
    assert check(problem, stopped.plan).breaches == ()
    assert time.perf_counter() - begun < 5.0


def test_an_assigned_visit_tells_what_another_carer_would_cost() -> None:
    ways = np.array([[0.0, 10.0, 40.0], [10.0, 0.0, 40.0], [40.0, 40.0, 0.0]])
    near = Carer("near", frozenset(), 480.0, 1080.0, 0, 0)
    far = replace(near, id="far", start_place=2, end_place=2)
    problem = day(visit("a", 1, familiar=frozenset(["near"])), carers=(near, far), ways=ways)
    plan = solve(problem, budget=SMALL).plan
    told = explain(problem, plan, "a")
    assert [(each.carer_id, each.more) for each in told.alternatives[0]] == [("far", 60.0)]
    assert told.sentences == (
        "由 near 上门：2 名护理员具备条件，曾为这位老人服务。",
        "时间上能接替的有 1 名，换谁都不更省。",
        "换成 far，总成本多 60.0 分钟路程。",
    )


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"earliest": 1050.0, "latest": 1055.0}, "时间窗前后各放宽 15 分钟"),
        ({"earliest": 1075.0, "latest": 1075.0}, "时间窗前后各放宽 60 分钟"),
        ({"needs": (Need(30.0, frozenset(["bath"])),), "earliest": 500.0, "latest": 500.0}, "如果 c1 具备技能 bath"),
        ({"needs": (Need(30.0, frozenset(["surgery"])),)}, "没有护理员具备技能 surgery"),
        ({"earliest": 700.0, "latest": 600.0}, "时间窗的开始晚于结束"),
    ],
)
def test_an_unserved_visit_tells_what_would_make_it_possible(wish: dict[str, object], said: str) -> None:
    bather, other = Carer("c0", frozenset(["bath"]), 480.0, 1080.0, 0, 0), Carer("c1", frozenset(), 480.0, 1080.0, 0, 0)
    kept = visit("kept", 2, held=("c0",), pinned=495.0)
    problem = day(kept, visit("x", 1, **wish), carers=(bather, other))
    plan = solve(problem, budget=SMALL).plan
    assert plan.unserved == ("x",)
    assert any(said in sentence for sentence in explain(problem, plan, "x").sentences)
    with pytest.raises(DispatchError, match="没有上门"):
        explain(problem, plan, "nobody")
