"""Four weeks of visits planned with steady carers, and the same dates planned day by day.

    python -m bench.dispatch week [--visits 300] [--carers 45]    (--visits counts elders)

Elders live in clusters and are visited one to seven times a week, half of them in the morning, some by two carers; some
ask for more once. Carers work five or six days by rotating rosters, go on leave and fall ill. The same shifts, weekdays
and moves of the search for both; day by day is planned without knowing who came before, and knowing it.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

from bench.dispatch import ASKED, MINUTES_A_KM, SKILLED, SKILLS
from songhe.engines.dispatch.problem import Need, Rest
from songhe.engines.dispatch.solver import Budget, warm_up
from songhe.engines.dispatch.week import Demand, Horizon, Limits, WeekPlan, Worker, measure
from songhe.engines.dispatch.week_checking import check_weeks
from songhe.engines.dispatch.week_solver import plan_day_by_day, plan_weeks

# 劳动法 第三十六条 and 第三十八条; eleven hours between two days of work as an example.
LAW = Limits(day_minutes=8 * 60.0, week_minutes=44 * 60.0, days=6, between=11 * 60.0)
# What a day's planner takes a carer whom the elder does not know to cost, as the example parameter has it.
STRANGER_A_DAY = 15.0


def month(elders: int, carers: int, weeks: int, *, seed: int = 1) -> Horizon:
    """Make some weeks: elders in clusters with one or two demands each, carers on rotating rosters."""
    random = np.random.default_rng(seed)
    side = 14.0 * (elders / 2000) ** 0.5 + 3.0
    centres = random.uniform(0.1 * side, 0.9 * side, (max(3, elders // 60), 2))
    homes = centres[random.integers(0, len(centres), elders)] + random.normal(0, 0.6, (elders, 2))
    bases = centres[random.integers(0, len(centres), carers)] + random.normal(0, 1.2, (carers, 2))
    places = np.concatenate([homes, bases])
    ways = np.sqrt(((places[:, None] - places[None]) ** 2).sum(axis=2)) * MINUTES_A_KM
    workers = [_worker(random, k, elders + k, weeks) for k in range(carers)]
    demands = []
    for k in range(elders):
        demands.append(_demand(random, f"e{k}a", k))
        if random.random() < 0.25:
            demands.append(_demand(random, f"e{k}b", k))
        if random.random() < 0.3:
            date = int(random.integers(0, 7 * weeks))
            others = frozenset(range(1, 8)) - {date % 7 + 1}
            demands.append(_demand(random, f"e{k}x", k, times=1, barred=others, first=date, last=date))
    return Horizon(tuple(demands), tuple(workers), {"ebike": ways}, weeks=weeks, limits=LAW)


def _demand(random: np.random.Generator, name: str, place: int, **more: Any) -> Demand:
    morning = random.random() < 0.5
    opens = round(random.triangular(430, 500, 640) if morning else random.uniform(640, 900))
    width = float(random.choice([60.0, 90.0, 180.0], p=[0.35, 0.4, 0.25]))
    asked = str(random.choice(["", *SKILLS], p=[1.0 - sum(ASKED), *ASKED]))
    skills = frozenset([asked] if asked else [])
    minutes = float(random.choice([30.0, 45.0, 60.0, 90.0], p=[0.3, 0.3, 0.3, 0.1]))
    needs = (Need(minutes, skills), Need(minutes)) if random.random() < 0.05 else (Need(minutes, skills),)
    more = {
        "times": int(random.choice([1, 2, 3, 5, 7], p=[0.25, 0.3, 0.25, 0.15, 0.05])),
        "barred": frozenset(int(each) for each in random.choice(np.arange(1, 8), int(random.random() < 0.2))),
        **more,
    }
    if len(more["barred"]) + more["times"] > 7:
        more["barred"] = frozenset()
    return Demand(name, f"e{place}", place, needs, float(opens), opens + width, **more)


def _worker(random: np.random.Generator, k: int, home: int, weeks: int) -> Worker:
    begins, ends = (420.0, 960.0) if k % 2 else (480.0, 1080.0)
    off = {(k + week // 2) % 7 for week in range(1)} | ({(k + 3) % 7} if k % 3 else set())
    shifts = {}
    for date in range(7 * weeks):
        # The days off move on by one each fortnight.
        if (date - date // 14) % 7 not in off:
            shifts[date] = (begins, ends)
    if random.random() < 0.3:
        first = int(random.integers(0, 7 * weeks))
        for date in range(first, first + int(random.integers(1, 6))):
            shifts.pop(date, None)
    skills = frozenset(name for name, share in zip(SKILLS, SKILLED, strict=True) if random.random() < share)
    return Worker(f"c{k}", skills, home, home, shifts, rests=(Rest(660.0, 780.0, 40.0),))


def week(elders: int, carers: int, weeks: int = 4, moves: int = 40_000) -> None:
    """Plan the weeks in three ways and print a row each."""
    warm_up()
    horizon = month(elders, carers, weeks)
    budget = Budget(moves=moves)
    rows: list[tuple[str, WeekPlan, float]] = []
    cpu = time.process_time()
    steady = plan_weeks(horizon, budget=budget, seed=1)
    rows.append(("steady carers", steady, time.process_time() - cpu))
    daily = replace(horizon, stranger=STRANGER_A_DAY)
    for name, known in (("day by day", False), ("… knowing who came", True)):
        cpu = time.process_time()
        plan = plan_day_by_day(daily, steady, budget=budget, seed=1, known=known)
        rows.append((name, plan, time.process_time() - cpu))
    figures = [measure(horizon, plan.problems, plan.plans) for _name, plan, _cpu in rows]
    print(
        f"{elders} elders, {carers} carers, {weeks} weeks, {figures[0].visits} visits, {moves} moves a date and round"
    )
    print(
        f"{'plan':<22}{'carers an elder':>16}{'by the most %':>14}{'travel h':>10}{'unserved':>9}{'breaches':>9}"
        f"{'cpu s':>8}{'faces ×':>9}{'travel ×':>9}"
    )
    for (name, plan, used), row in zip(rows, figures, strict=True):
        breaches = check_weeks(horizon, plan)
        print(
            f"{name:<22}{row.faces:>16.2f}{100 * row.most:>14.1f}{row.travel / 60:>10.1f}{row.unserved:>9}"
            f"{len(breaches):>9}{used:>8.1f}{row.faces / figures[1].faces:>9.2f}{row.travel / figures[1].travel:>9.2f}"
            f"  {next(iter(breaches), '')}",
            flush=True,
        )
