"""What ``songhe dispatch`` does: plan a file, check a plan, measure a folder of instances."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from pathlib import Path

from songhe.engines.dispatch.checking import Verdict, check
from songhe.engines.dispatch.explaining import explain
from songhe.engines.dispatch.formats import read_best, read_plan, read_problem, write_plan
from songhe.engines.dispatch.problem import DispatchError
from songhe.engines.dispatch.solver import Budget, solve

# Bar 1: gaps to the best published in per cent, of the seeds' means; what is aimed at and what is the least.
AIM_MEAN, AIM_WORST = 0.0, 0.5
FLOOR_MEAN, FLOOR_WORST = 1.0, 3.0
# A gap that rounds to nothing is none.
NOTHING = 0.005


def solve_file(path: Path, output: Path, *, budget: Budget, seed: int) -> list[str]:
    """Plan an instance and write the plan; return what to tell."""
    problem = read_problem(path)
    solved = solve(problem, budget=budget, seed=seed)
    verdict = check(problem, solved.plan)
    write_plan(output, solved.plan, cost=verdict.cost)
    return [*(fault.message for fault in solved.faults), *describe(verdict)]


def check_file(path: Path, plan: Path) -> Verdict:
    """Recompute a written plan against its instance."""
    return check(read_problem(path), read_plan(plan))


def explain_file(path: Path, plan: Path, visit: str) -> list[str]:
    """Say of a visit why it is as it is, what another carer would cost, or what would make it possible."""
    return list(explain(read_problem(path), read_plan(plan), visit).sentences)


def describe(verdict: Verdict) -> list[str]:
    """Say a verdict in Chinese lines."""
    figures = f"成本 {verdict.cost:.3f}，路程 {verdict.travel:.1f}，等候 {verdict.waiting:.0f}"
    lateness = f"迟到合计 {verdict.lateness:.1f}，最迟 {verdict.latest:.1f}，未安排 {verdict.unserved}"
    return [
        *verdict.breaches,
        "方案可行。" if verdict.sound else f"方案有 {len(verdict.breaches)} 处不可行。",
        (f"{figures}，{lateness}"),
    ]


def bench(folder: Path, *, budget: Budget, seeds: int, only: Collection[str] = ()) -> Iterator[str]:
    """Plan every instance below a folder with each seed; yield a row an instance, then what they come to together.

    A row's gaps are those of the seeds' mean, the best and the worst seed; behind them stands the mean over all
    instances so far, so that a run which is cut says what it has. Seconds are those of one seed. ``only`` takes the
    instances whose names hold one of these texts. The best published costs are read from best.csv in the folder or one
    above it. A plan that fails the check is told in its row and counts nowhere.
    """
    files = [path for path in sorted(folder.rglob("*.json")) if not only or any(text in path.stem for text in only)]
    if not files:
        raise DispatchError(f"{folder.name} 里没有 JSON 实例")
    best = read_best(folder / "best.csv") or read_best(folder.parent / "best.csv")
    # The core is compiled or loaded before anything is timed.
    solve(read_problem(files[0]), budget=Budget(moves=100, threads=1))
    gaps: list[float] = []
    used, broken = 0.0, 0
    yield (
        f"{'instance':<48}{'cost':>10}{'best':>10}{'gap %':>8}{'least %':>8}{'most %':>8}"
        f"{'seconds':>9}{'cpu s':>8}{'moves M':>9}{'so far %':>10}"
    )
    for path in files:
        problem = read_problem(path)
        costs, moves, breaches = [], 0, ""
        clock, cpu = time.perf_counter(), time.process_time()
        for seed in range(1, seeds + 1):
            solved = solve(problem, budget=budget, seed=seed)
            verdict = check(problem, solved.plan)
            breaches = breaches or next((f"seed {seed}: {breach}" for breach in verdict.breaches), "")
            costs.append(verdict.cost)
            moves += solved.moves
        used += time.process_time() - cpu
        cpu, clock = (time.process_time() - cpu) / seeds, (time.perf_counter() - clock) / seeds
        if breaches:
            broken += 1
            yield f"{path.stem:<48}  {breaches}"
            continue
        mean, published = sum(costs) / seeds, best.get(path.stem)
        row = f"{path.stem:<48}{mean:>10.3f}"
        if published is None:
            row += f"{'-':>10}{'-':>8}{'-':>8}{'-':>8}"
        else:
            gaps.append(100 * (mean / published - 1))
            least, most = (100 * (cost / published - 1) for cost in (min(costs), max(costs)))
            row += f"{published:>10.3f}{gaps[-1]:>+8.2f}{least:>+8.2f}{most:>+8.2f}"
        so_far = f"{sum(gaps) / len(gaps):>+10.3f}" if gaps else f"{'-':>10}"
        yield f"{row}{clock:>9.1f}{cpu:>8.1f}{moves / seeds / 1e6:>9.2f}{so_far}"
    if gaps:
        met = sum(gap < NOTHING for gap in gaps)
        over = sum(gap > AIM_WORST for gap in gaps)
        spent = f"{seeds} seeds, {budget.threads} cores, {used:.0f} s of processors in all"
        yield (
            f"mean gap {sum(gaps) / len(gaps):+.3f} %, worst {max(gaps):+.2f} %, best met on {met} of {len(gaps)}, "
            f"above {AIM_WORST:+.1f} % on {over}; {spent}"
        )
        yield _bar(sum(gaps) / len(gaps), max(gaps))
    if broken:
        yield f"plans that fail the check: {broken} instances"


def _bar(mean: float, worst: float) -> str:
    """Say how bar 1 stands; bars 2 to 5 are those of ``bench.dispatch``."""
    aim = mean < AIM_MEAN + NOTHING and worst <= AIM_WORST
    floor = mean <= FLOOR_MEAN and worst <= FLOOR_WORST
    stands = "aim met" if aim else "floor met" if floor else "floor missed"
    return (
        f"bar 1: mean gap {mean:+.3f} % (aim {AIM_MEAN:.1f}, floor {FLOOR_MEAN:.1f}), worst {worst:+.2f} % "
        f"(aim {AIM_WORST:.1f}, floor {FLOOR_WORST:.1f}): {stands}; bars 2 to 5: python -m bench.dispatch all"
    )
