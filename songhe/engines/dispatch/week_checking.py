"""Checking weeks by themselves: weekdays, dates, hours and rest, from the horizon and the plan alone.

As ``checking`` does for a day, this shares no code with what plans weeks: what is worked is followed from stay to stay,
and each date's plan is checked against a day written anew from the horizon.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations

from songhe.engines.dispatch.checking import TOLERANCE, check
from songhe.engines.dispatch.problem import Carer, Plan, Problem, Visit
from songhe.engines.dispatch.week import Demand, Horizon, WeekPlan, Worker


def check_weeks(horizon: Horizon, plan: WeekPlan) -> tuple[str, ...]:
    """Return what a plan of weeks breaks, as Chinese sentences."""
    wrong = {fault.id for fault in plan.faults}
    breaches: list[str] = []
    for demand in horizon.demands:
        if demand.id not in wrong:
            breaches += [f"{demand.id}：{each}" for each in _weekdays(demand, plan.weekdays.get(demand.id, ()))]
    if len(plan.plans) != 7 * horizon.weeks:
        return (*breaches, f"应有 {7 * horizon.weeks} 天的安排，只有 {len(plan.plans)} 天")
    for date, day in enumerate(plan.plans):
        breaches += [f"第 {date + 1} 天 {each}" for each in _day(horizon, plan, date, day, wrong)]
    for worker in horizon.workers:
        breaches += [f"{worker.id}：{each}" for each in _work(horizon, worker, plan)]
    return tuple(breaches)


def _weekdays(demand: Demand, weekdays: Sequence[int]) -> list[str]:
    found = []
    own = set(weekdays)
    if len(own) != len(weekdays) or not own <= set(range(1, 8)):
        found.append("星期重复或不存在")
    if own & demand.barred:
        found.append(f"排在不能上门的星期 {sorted(own & demand.barred)}")
    if len(own) != demand.times:
        found.append(f"每周应有 {demand.times} 次，排了 {len(own)} 次")
    allowed = [day for day in range(1, 8) if day not in demand.barred]
    wished = len(own & demand.wished)
    others = [set(each) for each in combinations(allowed, len(own))]
    if any(len(each & demand.wished) > wished for each in others):
        found.append("本可以排在更多希望的日子")
    elif any(_gaps(each) < _gaps(own) for each in others if len(each & demand.wished) == wished):
        found.append("本可以排得更均匀")
    return found


def _gaps(days: set[int]) -> list[int]:
    """Return the gaps between weekdays in the week that goes round, the greatest first: less is more even."""
    rising = sorted(days)
    return sorted((b - a for a, b in zip(rising, [*rising[1:], rising[0] + 7], strict=True)), reverse=True)


def _day(horizon: Horizon, plan: WeekPlan, date: int, day: Plan, wrong: set[str]) -> list[str]:
    """Check a date against the day that the horizon and the plan's weekdays and shifts ask for."""
    found = []
    carers = []
    for worker in horizon.workers:
        shift = plan.shifts.get(worker.id, {}).get(date)
        if shift is None:
            continue
        given = worker.shifts.get(date)
        if given is None or shift[0] < given[0] - TOLERANCE or shift[1] > given[1] + TOLERANCE:
            found.append(f"{worker.id} 的班次超出了排班")
        rests = tuple(
            rest for rest in worker.rests if rest.earliest >= shift[0] and rest.latest + rest.minutes <= shift[1]
        )
        carers.append(
            Carer(
                worker.id, worker.skills, *shift, worker.start_place, worker.end_place, worker.mode, rests, worker.cost
            )
        )
    visits = []
    for demand in {each.id: each for each in reversed(horizon.demands)}.values():
        last = 7 * horizon.weeks - 1 if demand.last is None else demand.last
        if date % 7 + 1 not in plan.weekdays.get(demand.id, ()) or not demand.first <= date <= last:
            continue
        name = f"{demand.id}@{date}"
        if name in wrong:
            continue
        visits.append(
            Visit(
                name,
                demand.place,
                demand.needs,
                demand.earliest,
                demand.latest,
                hard=demand.hard,
                barred=demand.barred_carers,
            )
        )
    left = tuple(name for name in day.unserved if name not in wrong)
    problem = Problem(tuple(visits), tuple(carers), horizon.ways)
    return [*found, *check(problem, Plan(day.assignments, day.rests, left)).breaches]


def _work(horizon: Horizon, worker: Worker, plan: WeekPlan) -> list[str]:
    """Return which limits of work a carer's weeks break."""
    limits = horizon.limits
    found = []
    spans = spans_of(horizon, worker, plan)
    work = {date: returns - leaves - rests for date, (leaves, returns, rests) in spans.items()}
    for date, (leaves, _returns, _rests) in spans.items():
        if limits.day_minutes is not None and work[date] > limits.day_minutes + TOLERANCE:
            found.append(f"第 {date + 1} 天工作 {work[date]:.0f} 分钟，超过 {limits.day_minutes:.0f}")
        if limits.between is not None and date - 1 in spans:
            free = leaves + 24 * 60 - spans[date - 1][1]
            if free < limits.between - TOLERANCE:
                found.append(f"第 {date + 1} 天前只休息了 {free:.0f} 分钟，应有 {limits.between:.0f}")
    weeks: Mapping[int, list[float]] = defaultdict(list)
    for date, minutes in work.items():
        weeks[date // 7].append(minutes)
    for week, days in sorted(weeks.items()):
        if limits.days is not None and len(days) > limits.days:
            found.append(f"第 {week + 1} 周工作 {len(days)} 天，超过 {limits.days} 天")
        mosts = [each for each in (limits.week_minutes, worker.week_minutes) if each is not None]
        if mosts and sum(days) > min(mosts) + TOLERANCE * len(days):
            found.append(f"第 {week + 1} 周工作 {sum(days):.0f} 分钟，超过 {min(mosts):.0f}")
    return found


def spans_of(horizon: Horizon, worker: Worker, plan: WeekPlan) -> dict[int, tuple[float, float, float]]:
    """Return for each date a carer goes out when they leave and are back, and the minutes of rest in between."""
    followed = {date: _followed(horizon, worker, date, day) for date, day in enumerate(plan.plans)}
    return {date: each for date, each in followed.items() if each is not None}


def _followed(horizon: Horizon, worker: Worker, date: int, day: Plan) -> tuple[float, float, float] | None:
    """Return when a carer sets out and is back on a date, and the minutes of rest between the first and last stay."""
    places = {f"{demand.id}@{date}": demand.place for demand in horizon.demands}
    stays = (each for each in day.assignments if each.carer_id == worker.id and each.visit_id in places)
    own = sorted(stays, key=lambda each: each.start)
    if not own:
        return None
    ways = horizon.ways[worker.mode]
    leaves = own[0].start - float(ways[worker.start_place, places[own[0].visit_id]])
    returns = own[-1].end + float(ways[places[own[-1].visit_id], worker.end_place])
    rests = sum(
        rest.end - rest.start
        for rest in day.rests
        if rest.carer_id == worker.id and own[0].end <= rest.end and rest.start <= own[-1].start
    )
    return leaves, returns, rests
