"""Why a plan is as it is: why this carer, what another would cost, why a visit is unserved and what would change that.

Costs are told in minutes of travel, as the problem weighs them. Nothing is planned anew: each answer is what the plan
at hand would cost with this one visit given to somebody else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from songhe.engines.dispatch import annealing
from songhe.engines.dispatch.arrays import DEADLINE, DUE, LATE_RATE, OPENS, Core, core
from songhe.engines.dispatch.problem import (
    Carer,
    DispatchError,
    Plan,
    Problem,
    Visit,
    extra_cost,
    may,
    sound_part,
    unserved_cost,
)
from songhe.engines.dispatch.solver import begin, warm_up

WIDER = (15, 30, 60, 120)


@dataclass(frozen=True)
class Alternative:
    """Another carer for a visit, and by how much the plan would cost more (or less) with them."""

    carer_id: str
    more: float


@dataclass(frozen=True)
class Explanation:
    """Chinese sentences, and the carers who could take each need instead, the cheapest first."""

    sentences: tuple[str, ...]
    alternatives: tuple[tuple[Alternative, ...], ...]


def explain(problem: Problem, plan: Plan, visit_id: str, *, best: int = 3) -> Explanation:
    """Explain a visit of a plan; ``best`` alternatives are told for each of its needs."""
    warm_up()
    visit = next((each for each in problem.visits if each.id == visit_id), None)
    if visit is None:
        raise DispatchError(f"没有上门 {visit_id}")
    sound, faults = sound_part(problem)
    told = [fault.message for fault in faults if fault.kind == "visit" and fault.id == visit_id]
    at = next((k for k, each in enumerate(sound.visits) if each.id == visit_id), None)
    if told or at is None:
        return Explanation((*told, "更正后重新编排即可。"), ())
    search = core(sound, seed=1)
    begin(sound, search, plan)
    assigned = sorted((each for each in plan.assignments if each.visit_id == visit_id), key=lambda each: each.need)
    if not assigned:
        return _unserved(sound, search, at, best)
    now = _present(search)
    sentences, alternatives = [], []
    for each in assigned:
        carer = next(one for one in sound.carers if one.id == each.carer_id)
        others = [one for one in _offers(sound, search, at, each.need, now) if one.carer_id != carer.id]
        alternatives.append(tuple(others[:best]))
        sentences += _assigned(sound, visit, each.need, carer, others[:best], len(others))
    return Explanation(tuple(sentences), tuple(alternatives))


def _present(search: Core) -> float:
    fixed, unserved, lateness, latest, rate = search.cost[:5]
    return float(fixed + unserved + lateness + rate * latest)


def _offers(problem: Problem, search: Core, item: int, need: int, now: float) -> list[Alternative]:
    costs = np.full(len(problem.carers), np.inf)
    annealing.offers(search, item, 2 * item + need, costs)
    found = [Alternative(problem.carers[c].id, float(costs[c] - now)) for c in np.flatnonzero(np.isfinite(costs))]
    return sorted(found, key=lambda each: (each.more, each.carer_id))


def _assigned(
    problem: Problem, visit: Visit, need: int, carer: Carer, others: list[Alternative], count: int
) -> list[str]:
    if visit.held:
        return [f"{carer.id} 已定由其上门，编排不会更换。"]
    able = sum(may(visit, need, each) for each in problem.carers)
    reasons = []
    if carer.id in visit.familiar:
        reasons.append("曾为这位老人服务")
    if carer.id in visit.wished:
        reasons.append("合老人的意愿")
    if visit.published and visit.published[need] == carer.id:
        reasons.append("已通知由其上门")
    why = f"，{'、'.join(reasons)}" if reasons else ""
    sentences = [f"由 {carer.id} 上门：{able} 名护理员具备条件{why}。"]
    if not others:
        return [*sentences, "时间上没有其他护理员能接替。"]
    if others[0].more >= 0:
        sentences.append(f"时间上能接替的有 {count} 名，换谁都不更省。")
    for other in others:
        amount = f"多 {other.more:.1f}" if other.more >= 0 else f"少 {-other.more:.1f}"
        extra = extra_cost(
            visit, need, next(each for each in problem.carers if each.id == other.carer_id), problem.weights
        )
        liking = f"（其中 {extra:.0f} 因为不熟悉、不合意愿或已通知他人）" if extra > 0 else ""
        sentences.append(f"换成 {other.carer_id}，总成本{amount} 分钟路程{liking}。")
    return sentences


def _unserved(problem: Problem, search: Core, item: int, best: int) -> Explanation:
    visit = problem.visits[item]
    now = _present(search)
    at_once = _offers(problem, search, item, 0, now)
    if at_once:
        cheapest, price = at_once[0], unserved_cost(visit)
        if cheapest.more > 0:
            said = f"未安排：由 {cheapest.carer_id} 上门最省，要多 {cheapest.more + price:.1f} 分钟路程，"
            said += f"高于不安排的代价 {price:.1f}。"
        else:
            said = (
                f"未安排，但 {cheapest.carer_id} 现在就能接，总成本少 {-cheapest.more:.1f} 分钟路程，重新编排会排上。"
            )
        return Explanation((said,), (tuple(at_once[:best]),))
    able = [sum(may(visit, k, carer) for carer in problem.carers) for k in range(len(visit.needs))]
    sentences = [f"未安排：具备条件的护理员有 {min(able)} 名，在这个时间都排不进。"]
    sentences += _wider(problem, search, item, now)
    sentences += _less_skilled(problem, search, item, now)
    sentences.append(_one_more(visit))
    return Explanation(tuple(sentences), ())


def _wider(problem: Problem, search: Core, item: int, now: float) -> list[str]:
    """Find the least widening of the window with which somebody could come."""
    row = search.visit[item].copy()
    try:
        for minutes in WIDER:
            search.visit[item, OPENS] = row[OPENS] - minutes
            search.visit[item, DUE] = row[DUE] + minutes
            search.visit[item, DEADLINE] = row[DEADLINE] + minutes
            search.visit[item, LATE_RATE] = 0.0
            found = _offers(problem, search, item, 0, now)
            if found:
                return [f"时间窗前后各放宽 {minutes} 分钟，{found[0].carer_id} 就能上门。"]
    finally:
        search.visit[item] = row
    return [f"时间窗前后各放宽 {WIDER[-1]} 分钟仍排不进。"]


def _less_skilled(problem: Problem, search: Core, item: int, now: float) -> list[str]:
    """Find who could come if one skill were not asked for, or if they had it."""
    visit = problem.visits[item]
    sentences = []
    for k, need in enumerate(visit.needs):
        for skill in sorted(need.skills):
            row = search.fit[2 * item + k].copy()
            needs = tuple(
                replace(each, skills=each.skills - {skill}) if j == k else each for j, each in enumerate(visit.needs)
            )
            easier = replace(visit, needs=needs)
            for c, carer in enumerate(problem.carers):
                if may(easier, k, carer):
                    search.fit[2 * item + k, c] = 0.0
            found = _offers(problem, search, item, k, now)
            search.fit[2 * item + k] = row
            if found:
                sentences.append(f"如果 {found[0].carer_id} 具备技能 {skill}（或不要求它），就能上门。")
    return sentences


def _one_more(visit: Visit) -> str:
    skills = sorted(frozenset().union(*(need.skills for need in visit.needs)))
    able = f"具备技能 {'、'.join(skills)} 的" if skills else ""
    begins, ends = f"{visit.earliest // 60:02.0f}:{visit.earliest % 60:02.0f}", visit.latest + visit.needs[0].minutes
    return f"或在 {begins} 至 {ends // 60:02.0f}:{ends % 60:02.0f} 增加{able}护理员。"
