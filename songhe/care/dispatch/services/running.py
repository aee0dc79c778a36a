"""Having a draft computed: asked for, carried out by a worker, watched, stopped when it is good enough, given up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db import transaction

from songhe.care.dispatch.models import DayPlan, PlanRun
from songhe.care.dispatch.planning import Posed, placed_by, problem_of, read_day
from songhe.care.dispatch.services.plans import open_draft, settle, standings
from songhe.core.accounts.models import User
from songhe.core.calendar.services import now
from songhe.core.errors import Refused
from songhe.core.events.services import defer
from songhe.core.locks import locked
from songhe.core.saving import save
from songhe.core.scope.services import Scope, use

if TYPE_CHECKING:
    from songhe.engines.dispatch.solver import Budget, Solved

SECONDS = 20
MOST_SECONDS = 300
# How often the page hears how far it is.
BEAT = 1.0
# A run that waited or worked this long without a word has lost its worker.
LOST_AFTER = timedelta(minutes=3)


@transaction.atomic
def ask_run(*, plan_id: UUID, user: User | None, seconds: int = SECONDS) -> PlanRun:
    """Queue the computing of a draft and return its run.

    Raises:
        Refused: the plan is no draft, is being computed already, or the time is out of bounds.
    """
    from songhe.care.dispatch.jobs import run_plan

    if not 1 <= seconds <= MOST_SECONDS:
        raise Refused(f"计算时间应在 1 至 {MOST_SECONDS} 秒之间。", field="seconds")
    plan = open_draft(plan_id)
    run = save(PlanRun(plan=plan, asked_by=user, seconds=seconds, heard_at=now()))
    run.job = defer(run_plan, run_id=run.pk)
    return save(run)


@transaction.atomic
def stop(*, plan_id: UUID) -> None:
    """Ask a run to stop with what it has; nothing happens if none is open."""
    PlanRun.objects.filter(plan_id=plan_id, finished_at__isnull=True).update(stop_asked=True)


@transaction.atomic
def give_up(*, plan_id: UUID) -> None:
    """Close a run whose worker is lost; the draft stays as it was before it.

    Raises:
        Refused: the run is alive; it can be stopped instead.
    """
    run = locked(PlanRun.objects.filter(plan_id=plan_id, finished_at__isnull=True))
    if not lost(run):
        raise Refused("计算还在进行，可以按“够好了，停止”。")
    run.finished_at, run.failure = now(), "计算中断，已放弃"
    save(run)


def lost(run: PlanRun) -> bool:
    """Tell whether an open run has not been heard of for too long."""
    return run.finished_at is None and (run.heard_at or run.created_at) < now() - LOST_AFTER


def run(*, run_id: UUID, budget: Budget | None = None) -> None:
    """Carry a run out in transactions of its own, so that its progress is seen; a second time, when it is over,
    nothing happens. For jobs. ``budget`` replaces the run's seconds.
    """
    from songhe.engines.dispatch.solver import Budget

    with use(Scope.system()):
        asked = PlanRun.objects.select_related("plan").get(pk=run_id)
    if asked.finished_at is not None:
        return
    plan = asked.plan
    # The whole of the provider's day, and nothing beyond it.
    scope = Scope.of_provider(plan.provider_id)
    hear = _Hearing(run_id)
    hear.say(1, "读取订单和班次")
    with use(scope):
        day = read_day(plan.provider_id, plan.day)
        posed = problem_of(day, standings(plan, day))
    if posed.problem.visits and posed.problem.carers:
        solved = _solve(posed, budget or Budget(seconds=float(asked.seconds), threads=2), hear)
        found = placed_by(day, posed, solved.plan)
    else:
        found = {}
    hear.say(95, "写入方案")
    with use(scope):
        draft = locked(DayPlan.objects.filter(pk=plan.pk))
        open_run = locked(PlanRun.objects.filter(pk=run_id))
        if open_run.finished_at is not None:
            return
        settle(draft, day, found)
        open_run.percent, open_run.stage, open_run.finished_at = 100, "完成", now()
        save(open_run)


def fail(*, run_id: UUID, why: str) -> None:
    """Note on a run why it did not come to its end."""
    with use(Scope.system()):
        PlanRun.objects.filter(pk=run_id, finished_at__isnull=True).update(
            stage="失败", failure=why[:500], finished_at=now()
        )


class _Hearing:
    """Writes a run's progress for whoever waits, and reads whether they want it stopped."""

    def __init__(self, run_id: UUID) -> None:
        self.run_id = run_id
        self.wanted = threading.Event()

    def say(self, percent: int, stage: str) -> None:
        with use(Scope.system()):
            rows = PlanRun.objects.filter(pk=self.run_id, finished_at__isnull=True)
            rows.update(percent=percent, stage=stage, heard_at=now())
            if rows.filter(stop_asked=True).exists() or not rows.exists():
                self.wanted.set()


def _solve(posed: Posed, budget: Budget, hear: _Hearing) -> Solved:
    """Search in a thread of its own, while this one tells how far it is and listens for a stop.

    A day of many carers is cut into regions; a draft in which nobody goes anywhere yet is planned from nothing.
    """
    from songhe.engines.dispatch.regions import solve_wide

    start = posed.start if posed.start.assignments else None
    share = [0.0]

    def progress(part: float, _cost: float) -> None:
        share[0] = part

    with ThreadPoolExecutor(1) as pool:
        hear.say(3, "准备计算（更新后的第一次约需一分钟）")
        _watch(pool.submit(_warm_up).done, lambda: hear.say(5, "准备计算（更新后的第一次约需一分钟）"))
        work = pool.submit(
            solve_wide,
            posed.problem,
            budget=budget,
            start=start,
            wide=settings.WIDE_DAY_CARERS,
            stop=hear.wanted.is_set,
            progress=progress,
        )
        _watch(work.done, lambda: hear.say(5 + int(85 * min(1.0, share[0])), "比较各种排法"))
        return work.result()


def _watch(done: Callable[[], bool], beat: Callable[[], None]) -> None:
    waiting = threading.Event()
    # The first look comes soon: small days are done at once.
    pause = 0.02
    while not done():
        waiting.wait(pause)
        if pause >= BEAT:
            beat()
        pause = min(BEAT, pause * 2)


def _warm_up() -> None:
    """Load the compiled core, so that the time asked for is spent on the search."""
    import numpy as np

    from songhe.engines.dispatch.problem import Carer, Need, Problem, Visit
    from songhe.engines.dispatch.solver import Budget, solve

    visits = tuple(Visit(str(at), at, (Need(10.0),), 0.0, 100.0) for at in range(2))
    carer = Carer("0", frozenset(), 0.0, 200.0, 0, 1)
    solve(Problem(visits, (carer,), {"ebike": np.ones((2, 2))}), budget=Budget(moves=20))
