"""One day to plan: who goes out, who is to be visited, how long ways take, and what each thing is worth.

Times are minutes of one day, costs are in minutes of travel. Everything is immutable; a plan names the problem's ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

Minutes = npt.NDArray[np.float64]
REQUIRED_PRIZE = 10_000.0
# What is pinned (begun, published, agreed) is given up for nothing else.
PINNED_PRIZE = 1_000_000.0


class DispatchError(Exception):
    """A problem or plan that cannot be read at all; the message is Chinese."""


@dataclass(frozen=True)
class Need:
    """One carer wanted at a visit: their skills and how long they stay."""

    minutes: float
    skills: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Visit:
    """A visit by one carer or two.

    It starts between ``earliest`` and ``latest``; where the window is not ``hard``, each minute after it costs
    ``late_cost``. With two needs, the second carer starts between ``gap[0]`` and ``gap[1]`` after the first; (0, 0) is
    together. ``prize`` is what serving it is worth; None for a visit that has to be made. ``priority`` multiplies the
    cost of lateness and of leaving it out. ``held`` carers keep it, one a need; ``pinned`` is the start that is kept.
    ``published`` carers were told already, one a need: another in their place costs ``Weights.change``.
    """

    id: str
    place: int
    needs: tuple[Need, ...]
    earliest: float
    latest: float
    hard: bool = True
    late_cost: float = 1.0
    prize: float | None = None
    priority: float = 1.0
    gap: tuple[float, float] = (0.0, 0.0)
    wished: frozenset[str] = frozenset()
    barred: frozenset[str] = frozenset()
    familiar: frozenset[str] = frozenset()
    held: tuple[str, ...] = ()
    pinned: float | None = None
    published: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rest:
    """A rest that begins between ``earliest`` and ``latest``; also the gap between two shifts of a day."""

    earliest: float
    latest: float
    minutes: float


@dataclass(frozen=True)
class Carer:
    """A person who goes out from ``start`` to ``end`` between two places; minutes beyond the contract cost more.

    ``done`` are minutes at work that are no part of this problem and count for the contract and for evenness.
    """

    id: str
    skills: frozenset[str]
    start: float
    end: float
    start_place: int
    end_place: int
    mode: str = "ebike"
    rests: tuple[Rest, ...] = ()
    cost: float = 1.0
    contract: float | None = None
    done: float = 0.0


@dataclass(frozen=True)
class Weights:
    """What things cost, in minutes of travel."""

    travel: float = 1.0
    late: float = 1.0
    latest: float = 0.0
    unfamiliar: float = 0.0
    unwished: float = 30.0
    overtime: float = 2.0
    fairness: float = 0.0
    change: float = 60.0


@dataclass(frozen=True)
class Problem:
    """A day; ``ways`` holds for each mode the minutes from every place to every other."""

    visits: tuple[Visit, ...]
    carers: tuple[Carer, ...]
    ways: Mapping[str, Minutes]
    weights: Weights = field(default_factory=Weights)


@dataclass(frozen=True)
class Assignment:
    """One carer's stay at a visit; ``need`` says for which of its needs."""

    visit_id: str
    need: int
    carer_id: str
    start: float
    end: float


@dataclass(frozen=True)
class RestTaken:
    """A rest of a carer, where the visit before it was."""

    carer_id: str
    start: float
    end: float


@dataclass(frozen=True)
class Plan:
    """Who goes where and when, each carer's stays in the order of time, and what stays unserved."""

    assignments: tuple[Assignment, ...] = ()
    rests: tuple[RestTaken, ...] = ()
    unserved: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fault:
    """Something wrong with a problem: what it concerns (visit, carer or ways), its id, and the sentence."""

    kind: str
    id: str
    message: str


def may(visit: Visit, need: int, carer: Carer) -> bool:
    """Tell whether a carer may take a need of a visit at all, times aside."""
    if carer.id in visit.barred or not visit.needs[need].skills <= carer.skills:
        return False
    return not visit.held or visit.held[need] == carer.id


def extra_cost(visit: Visit, need: int, carer: Carer, weights: Weights) -> float:
    """Return what it costs beyond travel that this carer takes a need of the visit."""
    cost = weights.unfamiliar if visit.familiar and carer.id not in visit.familiar else 0.0
    cost += weights.unwished if visit.wished and carer.id not in visit.wished else 0.0
    return cost + (weights.change if visit.published and carer.id != visit.published[need] else 0.0)


def unserved_cost(visit: Visit) -> float:
    """Return what it costs to leave a visit out."""
    if visit.pinned is not None:
        return PINNED_PRIZE
    return (REQUIRED_PRIZE if visit.prize is None else visit.prize) * visit.priority


def sound_part(problem: Problem) -> tuple[Problem, list[Fault]]:
    """Return the part of a problem that can be planned, and everything that is wrong with the rest."""
    faults: list[Fault] = []
    ways = dict(problem.ways)
    size = min((len(matrix) for matrix in ways.values()), default=0)
    bad = np.zeros(size, dtype=bool)
    for mode, matrix in ways.items():
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
            raise DispatchError(f"出行方式 {mode} 的路程表不是方阵（{'×'.join(map(str, matrix.shape))}）")
        if len(matrix) != size:
            raise DispatchError("各出行方式的路程表大小不同")
        wrong = ~np.isfinite(matrix) | (matrix < 0)
        np.fill_diagonal(wrong, val=False)
        while wrong.any():
            # The place with most unusable ways goes first: one bad place makes a row and a column bad.
            worst = int(np.argmax(wrong.sum(axis=0) + wrong.sum(axis=1)))
            count = int(wrong[worst].sum() + wrong[:, worst].sum())
            faults.append(
                Fault("ways", str(worst), f"地点 {worst} 有 {count} 段路程（{mode}）不是非负数字，该地点不参加编排")
            )
            bad[worst] = True
            wrong[worst] = wrong[:, worst] = False

    def missing(place: int) -> bool:
        return not 0 <= place < size or bool(bad[place])

    carers = _sound_carers(problem, missing, faults)
    visits = _sound_visits(problem, carers, missing, faults)
    ways = {mode: np.where(np.isfinite(matrix) & (matrix >= 0), matrix, 0.0) for mode, matrix in ways.items()}
    return replace(problem, visits=tuple(visits), carers=tuple(carers), ways=ways), faults


def _sound_carers(problem: Problem, missing: object, faults: list[Fault]) -> list[Carer]:
    assert callable(missing)
    kept: list[Carer] = []
    seen: set[str] = set()
    for carer in problem.carers:
        if carer.id in seen:
            what = "护理员编号重复，只用第一个"
        elif not carer.start < carer.end:
            what = "护理员没有班次，不参加编排"
        elif missing(carer.start_place) or missing(carer.end_place):
            what = "护理员的出发或返回地点没有路程，不参加编排"
        elif carer.mode not in problem.ways:
            what = f"没有出行方式 {carer.mode} 的路程，护理员不参加编排"
        elif any(not (rest.minutes >= 0 and rest.earliest <= rest.latest) for rest in carer.rests):
            what = "护理员的休息时间前后矛盾，不参加编排"
        else:
            kept.append(carer)
            what = ""
        seen.add(carer.id)
        if what:
            faults.append(Fault("carer", carer.id, f"{carer.id}：{what}"))
    return kept


def _sound_visits(problem: Problem, carers: list[Carer], missing: object, faults: list[Fault]) -> list[Visit]:
    assert callable(missing)
    kept: list[Visit] = []
    seen: set[str] = set()
    able = _Able(carers)
    for visit in problem.visits:
        what = _visit_fault(visit, able)
        if visit.id in seen:
            what = "上门编号重复，只排第一个"
        elif missing(visit.place):
            what = "地点没有路程，排不了"
        seen.add(visit.id)
        if what:
            faults.append(Fault("visit", visit.id, f"{visit.id}：{what}"))
        else:
            kept.append(visit)
    return kept


class _Able:
    """Who has which skills, looked up once for each set of them."""

    def __init__(self, carers: list[Carer]) -> None:
        self.carers = carers
        self.known: dict[frozenset[str], frozenset[str]] = {}

    def skilled(self, skills: frozenset[str]) -> frozenset[str]:
        """Return the ids of the carers who have all of these skills."""
        if skills not in self.known:
            self.known[skills] = frozenset(carer.id for carer in self.carers if skills <= carer.skills)
        return self.known[skills]

    def may(self, visit: Visit, need: int) -> frozenset[str]:
        """Return the ids of the carers who may take a need of a visit, times aside."""
        found = self.skilled(visit.needs[need].skills) - visit.barred
        return found & {visit.held[need]} if visit.held else found


def _visit_fault(visit: Visit, carers: _Able) -> str:
    numbers = [visit.earliest, visit.latest, *visit.gap, *(need.minutes for need in visit.needs)]
    if not 1 <= len(visit.needs) <= 2:
        return "需要的人数不是一人或两人"
    if any(not np.isfinite(number) for number in numbers):
        return "时间或时长不是数字"
    if visit.earliest > visit.latest:
        return "时间窗的开始晚于结束"
    if any(need.minutes < 0 for need in visit.needs):
        return "时长为负"
    if len(visit.needs) == 2 and not 0 <= visit.gap[0] <= visit.gap[1]:
        return "两人之间的间隔前后矛盾"
    if any(len(named) not in {0, len(visit.needs)} for named in (visit.held, visit.published)):
        return "指定的护理员人数与需要的人数不同"
    able = [carers.may(visit, k) for k in range(len(visit.needs))]
    for need, found in zip(visit.needs, able, strict=True):
        if not found:
            wanted = "、".join(sorted(need.skills))
            if wanted and not carers.skilled(need.skills):
                return f"没有护理员具备技能 {wanted}"
            return "指定或允许的护理员都不能去"
    if len(able) == 2 and len(able[0] | able[1]) < 2:
        return "需要两名护理员，能去的只有一名"
    return ""
