"""What the dispatcher's page shows: a draft with its carers, stops, measures, and what it is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from songhe.care.dispatch.flow import PlanState
from songhe.care.dispatch.models import DayPlan, Notice, PlanRun, PlanStop
from songhe.care.dispatch.planning import DAY, Day, Entry, days_of, minute_of, read_day, standing_of_records, sums_of
from songhe.care.dispatch.routes import Change, best_places, clock, follow
from songhe.care.dispatch.services.plans import standings
from songhe.care.dispatch.services.running import lost
from songhe.packs.shapes import county_shape

KM = 1000


@dataclass(frozen=True)
class Measure:
    """One figure of a plan and of what it is compared with; whether more of it is better."""

    name: str
    value: float | None
    unit: str
    before: float | None = None
    more_is_better: bool = False

    @property
    def text(self) -> str:
        """The figure as written."""
        return "—" if self.value is None else f"{self.value:g}"

    @property
    def before_text(self) -> str:
        """The other figure as written."""
        return "—" if self.before is None else f"{self.before:g}"


def figures(carers: Mapping[str, Mapping[str, int]], total: int) -> dict[str, float | None]:
    """Return a plan's measures from what its carers' days come to."""
    at_work = [each for each in carers.values() if each["visits"]]
    loads = [each["service"] + each["travel"] for each in at_work]

    def add(name: str) -> int:
        return sum(each[name] for each in at_work)

    service, travel, known = add("service"), add("travel"), add("known")
    return {
        "served": add("visits"),
        "open": total - add("visits"),
        "carers": len(at_work),
        "km": round(add("metres") / KM, 1),
        "travel": travel,
        "waiting": add("waiting"),
        "travel_share": round(100 * travel / (travel + service)) if travel + service else None,
        "continuity": round(100 * add("familiar") / known) if known else None,
        "mean_load": round(sum(loads) / len(loads) / 60, 1) if loads else None,
        "most_load": round(max(loads) / 60, 1) if loads else None,
        "least_load": round(min(loads) / 60, 1) if loads else None,
        "breaches": add("breaches"),
    }


_SHOWN = (
    ("served", "已安排", "次", True),
    ("open", "未安排", "单", False),
    ("km", "里程", "公里", False),
    ("travel", "路上", "分钟", False),
    ("waiting", "等候", "分钟", False),
    ("continuity", "熟人上门", "%", True),
    ("mean_load", "人均工时", "小时", False),
    ("most_load", "最多", "小时", False),
    ("breaches", "违反规则", "处", False),
)


def measures(carers: Mapping[str, Mapping[str, int]], total: int, before: Mapping[str, float | None]) -> list[Measure]:
    """Return a plan's measures beside those of another day or plan."""
    now = figures(carers, total)
    return [Measure(name, now[key], unit, before.get(key), better) for key, name, unit, better in _SHOWN]


def of_day(provider_id: UUID, day: date) -> dict[str, float | None]:
    """Return the measures of a day as its visits stand, none where there were none."""
    found = read_day(provider_id, day)
    result = standing_of_records(found)
    if not result:
        return {}
    return figures(sums_of(found, days_of(found, result)), len(found.entries))


def plans_of(provider_id: UUID, day: date) -> list[tuple[DayPlan, dict[str, float | None]]]:
    """Return the plans of a day that still matter, each with its measures."""
    plans = DayPlan.objects.filter(provider_id=provider_id, day=day).exclude(state=PlanState.DISCARDED)
    rows = list(plans.select_related("made_by", "provider").order_by("number"))
    counts = dict.fromkeys((row.pk for row in rows), 0)
    for plan_id in PlanStop.objects.filter(plan__in=rows).values_list("plan_id", flat=True):
        counts[plan_id] += 1
    return [(row, figures(row.carers, counts[row.pk])) for row in rows]


def sheet(plan: DayPlan) -> dict[str, Any]:
    """Return a plan as the page's script draws it: carers as rows, stops with their places and troubles."""
    # A change just saved has raised the version in the database.
    plan.refresh_from_db(fields=["version"])
    day = read_day(plan.provider_id, plan.day)
    stops = list(plan.stops.all())
    result = standings(plan, day, stops)
    days = days_of(day, result)
    ways: dict[str, int] = {}
    troubles: dict[str, list[str]] = {}
    for staff, placed in days.items():
        if staff in day.people:
            walk = follow(day.people[staff], placed, day.rules)
            ways |= walk.ways
            for breach in walk.breaches:
                troubles.setdefault(breach.stop, []).append(breach.text)
    answers = _answers(stops)
    rows = [_stop_row(stop, day, ways, troubles, answers) for stop in stops if stop.order_id in day.entries]
    run = latest_run(plan)
    return {
        "editable": plan.state == PlanState.DRAFT,
        "may": day.since < DAY,
        "version": plan.version,
        "since": day.since,
        "carers": [
            {
                "id": person.id,
                "name": person.name,
                "shifts": [list(shift) for shift in person.shifts],
                "at": _point(person.longitude, person.latitude),
                "load": _load(plan, person.id),
            }
            for person in day.people.values()
            if person.shifts or person.id in days
        ],
        "stops": rows,
        "measures": [
            {"name": each.name, "text": each.text, "unit": each.unit} for each in measures(plan.carers, len(rows), {})
        ],
        "run": run_state(run) if run is not None else None,
    }


def _load(plan: DayPlan, staff: str) -> int:
    sums = plan.carers.get(staff)
    return sums["service"] + sums["travel"] if sums else 0


def _point(longitude: float | None, latitude: float | None) -> list[float] | None:
    return None if longitude is None or latitude is None else [longitude, latitude]


def _answers(stops: list[PlanStop]) -> dict[UUID, str]:
    visits = [stop.visit_id for stop in stops if stop.visit_id is not None]
    rows = Notice.objects.filter(visit_id__in=visits).order_by("id").values_list("visit_id", "state")
    return {visit: Notice.State(state).label for visit, state in rows if state != Notice.State.WITHDRAWN}


def _stop_row(
    stop: PlanStop, day: Day, ways: Mapping[str, int], troubles: Mapping[str, list[str]], answers: Mapping[UUID, str]
) -> dict[str, Any]:
    entry = day.entries[stop.order_id]
    task = entry.task
    start = minute_of(stop.during.lower, day.midnight) if stop.during else None
    familiar = "" if not task.familiar else "熟人" if str(stop.staff_id) in task.familiar else "生面孔"
    return {
        "id": task.id,
        "name": entry.elder_name,
        "service": entry.service,
        "place": entry.place,
        "at": _point(task.longitude, task.latitude),
        "minutes": task.minutes,
        "wish": f"{clock(task.earliest)}–{clock(task.latest)}",
        "earliest": task.earliest,
        "latest": task.latest,
        "staff": str(stop.staff_id) if stop.staff_id else None,
        "start": start,
        "way": ways.get(task.id, 0),
        "frozen": stop.frozen,
        "held": stop.held,
        "hand": stop.by_hand,
        "urgent": task.urgent,
        "reason": stop.reason,
        "troubles": troubles.get(task.id, []),
        "familiar": familiar,
        "answer": answers.get(stop.visit_id, "") if stop.visit_id and entry.staff_id == str(stop.staff_id) else "",
        "published": stop.visit_id is not None,
        "was": _was(entry, day),
    }


def _was(entry: Entry, day: Day) -> dict[str, Any] | None:
    """Return what the carer and the elder were told, if they were told anything."""
    if entry.staff_id is None or entry.start is None:
        return None
    person = day.people.get(entry.staff_id)
    return {"staff": entry.staff_id, "name": person.name if person else "已离岗", "start": entry.start}


def latest_run(plan: DayPlan) -> PlanRun | None:
    """Return the last run of a plan, open or over."""
    return plan.runs.order_by("-id").first()


def run_state(run: PlanRun) -> dict[str, Any]:
    """Return how a run stands, as the page's script shows it."""
    return {
        "open": run.finished_at is None,
        "lost": lost(run),
        "percent": run.percent,
        "stage": "正在停止" if run.stop_asked and run.finished_at is None else run.stage,
        "failure": run.failure,
    }


def change_told(made: Change) -> dict[str, Any]:
    """Return a change as the page's script shows it."""
    return {
        "possible": made.possible,
        "km": round(made.sums.metres / KM, 1),
        "travel": made.sums.travel,
        "waiting": made.sums.waiting,
        "breaches": [{"text": breach.text, "hard": breach.hard} for breach in made.breaches],
    }


def alternatives(plan: DayPlan, order_id: UUID) -> list[dict[str, Any]]:
    """Return who else could make a visit without moving anybody, what each costs, the cheapest first."""
    day = read_day(plan.provider_id, plan.day)
    entry = day.entries.get(order_id)
    if entry is None:
        return []
    result = standings(plan, day)
    days, now = days_of(day, result), result[order_id].staff_id if order_id in result else None
    found = best_places(entry.task, day.people, days, day.rules, since=day.since, most=40, stranger=day.stranger)
    told, seen = [], set()
    for _cost, person, start, made in found:
        if person.id in seen or person.id == now:
            continue
        seen.add(person.id)
        familiar = "熟人" if person.id in entry.task.familiar else ""
        told.append(
            {
                "staff": person.id,
                "name": person.name,
                "start": start,
                "clock": clock(start),
                "familiar": familiar,
                **change_told(made),
            }
        )
    return told[:6]


def ground(plan: DayPlan) -> dict[str, Any]:
    """Return the shapes of the counties that a plan's visits lie in; 边界仅供示意."""
    areas = set(plan.stops.values_list("area_id", flat=True)) | {plan.area_id}
    counties = sorted({area // 10**6 * 10**6 for area in areas})
    shapes = [shape for code in counties if (shape := county_shape(code)) is not None]
    return {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "geometry": shape, "properties": {}} for shape in shapes],
    }


def yesterday(plan: DayPlan) -> dict[str, float | None]:
    """Return the measures of the day before a plan's."""
    return of_day(plan.provider_id, plan.day - timedelta(days=1))
