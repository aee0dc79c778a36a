"""A provider's week as the records tell it, and the proposal of steady carers that is made of it.

Repeating visits are read from the orders that standing orders made, for these are what a provider may see: those of the
week and of the one before. Their weekdays were agreed with the elder and stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils import timezone

from songhe.care.dispatch.models import CarerWish
from songhe.care.dispatch.planning import Wishes, bounds, minute_of, people_of, rules_on
from songhe.care.dispatch.routes import Person, Rules, ways_between
from songhe.care.orders.flow import OrderState
from songhe.care.orders.models import Order
from songhe.core.errors import Refused

if TYPE_CHECKING:
    from songhe.engines.dispatch.week import Continuity, Demand, Horizon, WeekPlan

DAYS = range(7)
WEEKDAYS = "一二三四五六日"
# Moves of the search for each visit of a day, within bounds that keep the page waiting for seconds only.
MOVES_A_VISIT = 300
# A week is planned for the sake of steady carers: a stranger counts for more than in a day's plan.
STRANGER_IN_A_WEEK = 2
MOVES = (3000, 30_000)


@dataclass(frozen=True)
class Repeated:
    """Visits of one standing order in a week; on its ``unstaffed`` weekdays nobody of the provider is on duty."""

    id: str
    elder_id: UUID
    elder: str
    area_id: int
    service: str
    weekdays: tuple[int, ...]
    minutes: int
    earliest: int
    latest: int
    skills: frozenset[str]
    latitude: float | None
    longitude: float | None
    unstaffed: tuple[int, ...] = ()

    @property
    def days(self) -> str:
        """The weekdays as people write them."""
        return named(self.weekdays)

    @property
    def planned(self) -> tuple[int, ...]:
        """The weekdays on which somebody is on duty."""
        return tuple(day for day in self.weekdays if day not in self.unstaffed)


def named(weekdays: Iterable[int]) -> str:
    """Return weekdays as people write them."""
    return "周" + "、".join(WEEKDAYS[day - 1] for day in weekdays)


@dataclass(frozen=True)
class Line:
    """One repeating visit with its proposed steady carer, who else may be, and why."""

    visit: Repeated
    staff_id: str
    carers: tuple[tuple[str, str], ...]
    why: str


@dataclass(frozen=True)
class Hours:
    """What a carer's week comes to; minutes."""

    name: str
    days: int
    minutes: int
    limit: int | None


@dataclass(frozen=True)
class Proposal:
    """A week's proposal: lines, carers' hours, and continuity and ways beside planning day by day."""

    lines: tuple[Line, ...]
    hours: tuple[Hours, ...]
    steady: Continuity
    by_day: Continuity
    faults: tuple[str, ...]


def propose(provider_id: UUID, monday: date) -> Proposal:
    """Propose steady carers for a provider's week; some seconds of search.

    Raises:
        Refused: nothing repeats, or nobody is on duty in that week.
    """
    from songhe.engines.dispatch.solver import Budget
    from songhe.engines.dispatch.week import measure
    from songhe.engines.dispatch.week_solver import plan_day_by_day, plan_weeks

    rules, figures = rules_on(monday)
    repeated, rows = _repeated(provider_id, monday)
    if not repeated:
        raise Refused("这一周和上一周都没有周期订单生成的上门，没有可以固定的护理员。", field="monday")
    rosters = []
    for day in DAYS:
        on = monday + timedelta(days=day)
        rosters.append(people_of(provider_id, on, bounds(on)[0], set()))
    unstaffed = [day + 1 for day in DAYS if not any(person.shifts for person in rosters[day].values())]
    if len(unstaffed) == len(DAYS):
        raise Refused("这一周还没有排班次，请先排班。", field="monday")
    repeated = [replace(each, unstaffed=tuple(day for day in each.weekdays if day in unstaffed)) for each in repeated]
    people = {key: person for roster in rosters for key, person in roster.items()}
    wishes = Wishes(provider_id, rows, people, monday, figures)
    horizon = _horizon(repeated, rosters, people, wishes, rules, figures)
    moves = max(MOVES[0], min(MOVES[1], MOVES_A_VISIT * sum(len(each.planned) for each in repeated) // 7))
    plan = plan_weeks(horizon, budget=Budget(moves=moves), seed=1)
    by_day = plan_day_by_day(horizon, plan, budget=Budget(moves=moves), seed=1, known=True)
    return Proposal(
        lines=_lines(horizon, plan, repeated, people, steady_of(provider_id)),
        hours=_hours(horizon, plan, people),
        steady=measure(horizon, plan.problems, plan.plans),
        by_day=measure(horizon, by_day.problems, by_day.plans),
        faults=_faults(plan, repeated),
    )


def steady_of(provider_id: UUID) -> dict[UUID, set[str]]:
    """Return the steady carers of a provider's elders."""
    found: dict[UUID, set[str]] = {}
    rows = CarerWish.objects.filter(provider_id=provider_id, kind=CarerWish.Kind.STEADY, ended_at__isnull=True)
    for elder_id, staff_id in rows.values_list("elder_id", "staff_id"):
        found.setdefault(elder_id, set()).add(str(staff_id))
    return found


_FIELDS = (
    "id", "standing_order_id", "elder_id", "area_id", "minutes", "wanted_from", "wanted_to", "elder__name",
    "elder__latitude", "elder__longitude", "service__name", "service__skills",
)  # fmt: skip


def _repeated(provider_id: UUID, monday: date) -> tuple[list[Repeated], list[dict[str, Any]]]:
    orders = Order.objects.filter(
        provider_id=provider_id,
        standing_order__isnull=False,
        wanted_from__gte=bounds(monday - timedelta(days=7))[0],
        wanted_from__lt=bounds(monday + timedelta(days=7))[0],
    ).exclude(state=OrderState.CANCELLED)
    rows = list(orders.order_by("wanted_from").values(*_FIELDS))
    weekdays: dict[UUID, set[int]] = {}
    latest: dict[UUID, dict[str, Any]] = {}
    for row in rows:
        day = timezone.localtime(row["wanted_from"]).date()
        weekdays.setdefault(row["standing_order_id"], set()).add(day.isoweekday())
        latest[row["standing_order_id"]] = row
    found = []
    for key, row in latest.items():
        midnight = bounds(timezone.localtime(row["wanted_from"]).date())[0]
        earliest = minute_of(row["wanted_from"], midnight)
        found.append(
            Repeated(
                id=str(key),
                elder_id=row["elder_id"],
                elder=row["elder__name"],
                area_id=row["area_id"],
                service=row["service__name"],
                weekdays=tuple(sorted(weekdays[key])),
                minutes=row["minutes"],
                earliest=earliest,
                latest=max(earliest, minute_of(row["wanted_to"] - timedelta(minutes=row["minutes"]), midnight)),
                skills=frozenset(row["service__skills"]),
                latitude=row["elder__latitude"],
                longitude=row["elder__longitude"],
            )
        )
    return sorted(found, key=lambda each: (each.elder, each.earliest, each.id)), rows


def _horizon(
    repeated: list[Repeated],
    rosters: list[dict[str, Person]],
    people: Mapping[str, Person],
    wishes: Wishes,
    rules: Rules,
    figures: Mapping[str, int],
) -> Horizon:
    from songhe.engines.dispatch.problem import Need, Rest
    from songhe.engines.dispatch.week import Demand, Horizon, Limits, Worker

    def limit(name: str) -> float | None:
        return float(figures[name]) if name in figures else None

    points = [(each.latitude, each.longitude) for each in repeated]
    points += [(person.latitude, person.longitude) for person in people.values()]
    rests: tuple[Rest, ...] = ()
    if rules.lunch_minutes:
        rests = (Rest(rules.lunch_earliest, rules.lunch_latest, rules.lunch_minutes),)
    demands = tuple(
        Demand(
            each.id,
            str(each.elder_id),
            place,
            (Need(float(each.minutes), each.skills),),
            float(each.earliest),
            float(each.latest),
            len(each.planned),
            barred=frozenset(range(1, 8)) - set(each.planned),
            wished_carers=frozenset(wishes.wished.get(each.elder_id, ())),
            barred_carers=frozenset(wishes.barred.get(each.elder_id, ())),
            familiar=frozenset(wishes.familiar.get(each.elder_id, ())),
        )
        for place, each in enumerate(repeated)
        if each.planned
    )
    workers = []
    for place, person in enumerate(people.values(), start=len(repeated)):
        shifts = {}
        for date_, roster in enumerate(rosters):
            own = roster[person.id].shifts if person.id in roster else ()
            if own:
                begins, ends = max(own, key=lambda shift: shift[1] - shift[0])
                shifts[date_] = (float(begins), float(ends))
        workers.append(Worker(person.id, person.skills, place, place, shifts, person.mode, rests))
    limits = Limits(limit("每日工时"), limit("每周工时"), figures.get("每周工作天数"), limit("两班间隔"))
    ways = ways_between(points, {person.mode for person in people.values()}, rules.travel)
    stranger = float(STRANGER_IN_A_WEEK * figures.get("生面孔折算", 0))
    return Horizon(demands, tuple(workers), ways, limits=limits, stranger=stranger)


def _lines(
    horizon: Horizon,
    plan: WeekPlan,
    repeated: list[Repeated],
    people: Mapping[str, Person],
    steady: Mapping[UUID, set[str]],
) -> tuple[Line, ...]:
    teams = {team.demand_id: team.carers for team in plan.teams}
    demands = {demand.id: demand for demand in horizon.demands}
    came: dict[str, list[str]] = {}
    for day in plan.plans:
        for each in day.assignments:
            came.setdefault(each.visit_id.rpartition("@")[0], []).append(each.carer_id)
    found = []
    for visit in repeated:
        demand = demands.get(visit.id)
        if demand is None:
            found.append(Line(visit, "", (), f"{named(visit.unstaffed)}还没有排班次"))
            continue
        able = [
            person
            for person in people.values()
            if visit.skills <= person.skills and person.id not in demand.barred_carers
        ]
        own = teams.get(visit.id, ())
        found.append(
            Line(
                visit,
                own[0] if own else "",
                tuple((person.id, person.name) for person in able),
                _why(horizon, demand, visit, own, came.get(visit.id, []), people, steady),
            )
        )
    return tuple(found)


def _why(
    horizon: Horizon,
    demand: Demand,
    visit: Repeated,
    team: tuple[str, ...],
    came: list[str],
    people: Mapping[str, Person],
    steady: Mapping[UUID, set[str]],
) -> str:
    if not team:
        return "；".join(["这一周会做的护理员都排不下，请调整时间或班次", *_unstaffed(visit)])
    first = team[0]
    worker = next(each for each in horizon.workers if each.id == first)
    way = float(horizon.ways[worker.mode][worker.start_place, demand.place])
    said = [f"一周 {len(visit.planned)} 次能去 {came.count(first)} 次", f"从驻点过去 {way:.0f} 分钟"]
    if first in steady.get(visit.elder_id, ()):
        said.insert(0, "已是固定护理员")
    elif first in demand.wished_carers:
        said.insert(0, "老人希望的")
    elif first in demand.familiar:
        said.insert(0, "老人认识")
    others = [people[name].name for name in dict.fromkeys(came) if name != first]
    if others:
        said.append(f"其余由{'、'.join(others)}替")
    if len(came) < len(visit.planned):
        said.append(f"{len(visit.planned) - len(came)} 次没有人去")
    return "；".join([*said, *_unstaffed(visit)])


def _unstaffed(visit: Repeated) -> list[str]:
    return [f"{named(visit.unstaffed)}还没有排班次"] if visit.unstaffed else []


def _hours(horizon: Horizon, plan: WeekPlan, people: Mapping[str, Person]) -> tuple[Hours, ...]:
    from songhe.engines.dispatch.week_checking import spans_of

    limit = horizon.limits.week_minutes
    found = []
    for worker in horizon.workers:
        spans = spans_of(horizon, worker, plan)
        minutes = sum(returns - leaves - rests for leaves, returns, rests in spans.values())
        name = people[worker.id].name
        found.append(Hours(name, len(spans), round(minutes), None if limit is None else round(limit)))
    return tuple(sorted(found, key=lambda each: (-each.minutes, each.name)))


def _faults(plan: WeekPlan, repeated: list[Repeated]) -> tuple[str, ...]:
    names = {each.id: each.elder for each in repeated}
    found = []
    for fault in plan.faults:
        key = fault.id.partition("@")[0]
        if key in names:
            found.append(f"{names[key]}：{fault.message.partition('：')[2]}")
    return tuple(dict.fromkeys(found))
