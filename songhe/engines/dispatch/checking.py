"""Checking a plan by itself: feasibility and cost from the problem and the plan alone, sharing no code with the search.

A plan of a search that has a mistake must not pass; so nothing here comes from the solver or its core.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass

from songhe.engines.dispatch.problem import Assignment, Carer, Minutes, Plan, Problem, RestTaken, Visit

# Minutes; the search keeps ways in single precision.
TOLERANCE = 0.01


@dataclass(frozen=True)
class Verdict:
    """What a plan breaks, and what it costs."""

    breaches: tuple[str, ...]
    cost: float
    travel: float
    lateness: float
    latest: float
    unserved: int
    waiting: float

    @property
    def sound(self) -> bool:
        """Tell whether nothing is broken."""
        return not self.breaches


def check(problem: Problem, plan: Plan) -> Verdict:
    """Recompute a plan's feasibility and cost; breaches are Chinese sentences."""
    # Of what has one id twice, the first is planned.
    visits = {visit.id: visit for visit in reversed(problem.visits)}
    carers = {carer.id: carer for carer in reversed(problem.carers)}
    breaches: list[str] = []
    by_visit: dict[str, list[Assignment]] = defaultdict(list)
    by_carer: dict[str, list[Assignment]] = defaultdict(list)
    for each in plan.assignments:
        if each.visit_id not in visits or each.carer_id not in carers:
            breaches.append(f"{each.visit_id} 由 {each.carer_id}：上门或护理员不在问题中")
            continue
        by_visit[each.visit_id].append(each)
        by_carer[each.carer_id].append(each)
    unserved = set(plan.unserved)
    breaches += [f"{name}：未安排的名单里有重复" for name, count in Counter(plan.unserved).items() if count > 1]
    lateness = latest = weighed = 0.0
    cost = 0.0
    for name in dict.fromkeys(visit.id for visit in problem.visits):
        visit = visits[name]
        own = sorted(by_visit[visit.id], key=lambda each: each.need)
        if visit.id in unserved or not own:
            if own or visit.id not in unserved:
                breaches.append(f"{visit.id}：既不在安排中又不在未安排中，或两处都在")
            cost += _left_out(visit)
            continue
        breaches += [f"{visit.id}：{what}" for what in _visit_breaches(visit, own, carers)]
        for each in own:
            late = max(0.0, each.start - visit.latest)
            lateness += late
            latest = max(latest, late)
            weighed += late * visit.late_cost * visit.priority
            cost += _liking(problem, visit, each.need, each.carer_id)
    travel = waiting = 0.0
    rests: dict[str, list[RestTaken]] = defaultdict(list)
    for rest in plan.rests:
        rests[rest.carer_id].append(rest)
    for name in dict.fromkeys(carer.id for carer in problem.carers):
        carer = carers[name]
        own = by_carer[carer.id]
        if not own:
            continue
        way, wait, what = _walk(problem, carer, own, rests[carer.id], visits)
        breaches += [f"{carer.id}：{each}" for each in what]
        travel += way
        waiting += wait
        load = way + sum(each.end - each.start for each in own)
        cost += way * carer.cost * problem.weights.travel + problem.weights.fairness * load * (load + 2 * carer.done)
        if carer.contract is not None:
            left = carer.contract - carer.done
            cost += problem.weights.overtime * (max(0.0, load - left) - max(0.0, -left))
    cost += problem.weights.late * weighed + problem.weights.latest * latest
    return Verdict(tuple(breaches), cost, travel, lateness, latest, len(unserved), waiting)


def _left_out(visit: Visit) -> float:
    if visit.pinned is not None:
        return 1_000_000.0
    return visit.priority * (10_000.0 if visit.prize is None else visit.prize)


def _liking(problem: Problem, visit: Visit, need: int, carer: str) -> float:
    cost = 0.0
    if visit.familiar and carer not in visit.familiar:
        cost += problem.weights.unfamiliar
    if visit.wished and carer not in visit.wished:
        cost += problem.weights.unwished
    if need < len(visit.published) and carer != visit.published[need]:
        cost += problem.weights.change
    return cost


def _visit_breaches(visit: Visit, own: list[Assignment], carers: dict[str, Carer]) -> list[str]:
    found = []
    if [each.need for each in own] != list(range(len(visit.needs))):
        return [f"需要 {len(visit.needs)} 人，安排了 {len(own)} 人"]
    for each, need in zip(own, visit.needs, strict=True):
        carer = carers[each.carer_id]
        if lacking := need.skills - carer.skills:
            found.append(f"{carer.id} 缺少技能 {'、'.join(sorted(lacking))}")
        if carer.id in visit.barred:
            found.append(f"老人不希望 {carer.id} 上门")
        if visit.held and visit.held[each.need] != carer.id:
            found.append(f"已定由 {visit.held[each.need]} 上门，却安排了 {carer.id}")
        if abs(each.end - each.start - need.minutes) > TOLERANCE:
            found.append("时长不对")
        if each.start < visit.earliest - TOLERANCE and visit.pinned is None:
            found.append("早于时间窗")
        if visit.hard and each.start > visit.latest + TOLERANCE and visit.pinned is None:
            found.append("晚于时间窗")
    if visit.pinned is not None and abs(own[0].start - visit.pinned) > TOLERANCE:
        found.append("已定的时间变了")
    if len(own) == 2:
        if own[0].carer_id == own[1].carer_id:
            found.append("两人是同一名护理员")
        gap = own[1].start - own[0].start
        if not visit.gap[0] - TOLERANCE <= gap <= visit.gap[1] + TOLERANCE:
            found.append(f"两人相隔 {gap:.0f} 分钟，应在 {visit.gap[0]:.0f} 至 {visit.gap[1]:.0f} 分钟之间")
    return found


def _way(ways: Minutes, place: int, there: int, found: list[str]) -> float:
    """Return the minutes from one place to another; what is none is broken, but from a place to itself."""
    way = float(ways[place, there])
    if math.isfinite(way) and way >= 0:
        return way
    if place != there:
        found.append(f"从地点 {place} 到地点 {there} 的路程不是非负数字")
    return 0.0


def _walk(
    problem: Problem, carer: Carer, own: list[Assignment], rests: list[RestTaken], visits: dict[str, Visit]
) -> tuple[float, float, list[str]]:
    """Follow a carer through their day; return minutes of way, minutes of waiting and what is broken."""
    ways = problem.ways[carer.mode]
    found: list[str] = []
    place, time, travel, waiting = carer.start_place, carer.start, 0.0, 0.0
    stays: list[Assignment | RestTaken] = [*own, *rests]
    for stay in sorted(stays, key=lambda each: (each.start, each.end)):
        if isinstance(stay, RestTaken):
            if stay.start < time - TOLERANCE:
                found.append(f"{stay.start:.0f} 分开始的休息与上门重叠")
            time = max(time, stay.end)
            continue
        there = visits[stay.visit_id].place
        way = _way(ways, place, there, found)
        if stay.start < time + way - TOLERANCE:
            found.append(f"赶不到 {stay.visit_id}：{time + way:.1f} 分才能到，安排在 {stay.start:.1f} 分")
        travel += way
        waiting += max(0.0, stay.start - time - way)
        place, time = there, stay.end
    way = _way(ways, place, carer.end_place, found)
    if time + way > carer.end + TOLERANCE:
        found.append(f"下班前回不来：{time + way:.1f} 分，班次到 {carer.end:.1f} 分")
    wanted = sorted(carer.rests, key=lambda each: each.earliest)
    taken = sorted(rests, key=lambda each: each.start)
    if len(wanted) != len(taken):
        found.append(f"应有 {len(wanted)} 次休息，安排了 {len(taken)} 次")
    for rule, rest in zip(wanted, taken, strict=False):
        if not rule.earliest - TOLERANCE <= rest.start <= rule.latest + TOLERANCE:
            found.append("休息不在规定时间")
        if abs(rest.end - rest.start - rule.minutes) > TOLERANCE:
            found.append("休息时长不对")
    return travel + way, waiting, found
