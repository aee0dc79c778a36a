"""A day's plan from its first draft to visits: made, brought up to date, published whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import cast
from uuid import UUID

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Max

from songhe.care.dispatch.flow import PlanState
from songhe.care.dispatch.models import Assignment, DayPlan, PlanRun, PlanStop
from songhe.care.dispatch.planning import DAY, Day, Entry, Standing, days_of, minute_of, read_day, sums_of
from songhe.care.dispatch.routes import Person, Placed, best_places, clock, follow, why_nobody
from songhe.care.orders.models import Order
from songhe.care.visits import services as visits
from songhe.care.visits.models import Visit
from songhe.core.accounts.models import User
from songhe.core.calendar.services import now, today
from songhe.core.errors import Changed, Refused
from songhe.core.flow import services as flow
from songhe.core.locks import locked, patience
from songhe.core.saving import save
from songhe.registers.providers.models import Provider
from songhe.registers.workforce.models import Staff

NOT_YET = "还没有排"
BY_HAND = "排单时人工调整"


@transaction.atomic
def make_plan(
    *,
    day: date,
    provider: Provider | None = None,
    kind: str = DayPlan.Kind.ADD,
    note: str = "",
    user: User | None = None,
) -> DayPlan:
    """Make a draft of a provider's day that stands as the day stands now; what has no carer yet is left open.

    A provider's people plan for their own. Raises:
        Refused: the day is over, or neither an order nor a visit is there to plan.
    """
    if provider is None:
        if user is None or user.provider_id is None:
            raise Refused("请选择服务商。", field="provider")
        provider = Provider.objects.get(pk=user.provider_id)
    if day < today():
        raise Refused("这一天已经过去，不能再排。", field="day")
    found = read_day(provider.pk, day)
    if not found.entries:
        raise Refused(f"{provider}在 {day:%m月%d日} 没有要排的订单。", field="day")
    last = DayPlan.objects.filter(provider=provider, day=day).aggregate(last=Max("number"))["last"] or 0
    plan = save(
        DayPlan(
            provider=provider,
            area_id=provider.area_id,
            day=day,
            number=last + 1,
            kind=kind,
            note=note.strip(),
            made_by=user,
        )
    )
    flow.start(plan, user)
    _mirror(plan, found)
    return plan


@transaction.atomic
def refresh(*, plan_id: UUID, version: int | None = None) -> DayPlan:
    """Bring a draft up to what happened since: new orders come in, cancelled ones go, what began is frozen.

    What the draft proposed for the rest stays.
    """
    plan = open_draft(plan_id, version=version)
    _mirror(plan, read_day(plan.provider_id, plan.day))
    return plan


def open_draft(plan_id: UUID, *, version: int | None = None) -> DayPlan:
    """Return a draft that may be changed now, locked.

    Raises:
        Refused: it is no draft any more, or is being computed.
    """
    plan = locked(DayPlan.objects.filter(pk=plan_id), version=version)
    if plan.state != PlanState.DRAFT:
        raise Refused(f"这份方案{plan.get_state_display()}，不能再改。请新建一份草案。")
    if PlanRun.objects.filter(plan=plan, finished_at__isnull=True).exists():
        raise Refused("方案正在计算。请等它算完，或先按“够好了，停止”。")
    return plan


def _mirror(plan: DayPlan, day: Day) -> None:
    """Make a draft's stops those of the day."""
    stops = {stop.order_id: stop for stop in plan.stops.all()}
    gone = [stop.pk for order, stop in stops.items() if order not in day.entries]
    PlanStop.objects.filter(pk__in=gone).delete()
    new, old = [], []
    for order, entry in day.entries.items():
        stop = stops.get(order)
        if stop is None:
            stop = PlanStop(plan=plan, order_id=order, area_id=entry.area_id, provider_id=plan.provider_id)
            _follow(stop, entry, day)
            new.append(stop)
        elif (stop.visit_id, stop.visit_version) != (entry.visit_id, entry.visit_version) or (
            stop.frozen != day.settled(entry)
        ):
            _follow(stop, entry, day)
            old.append(stop)
        elif stop.staff_id is not None and _not_any_more(stop, entry, day):
            stop.staff_id, stop.during, stop.reason = None, None, NOT_YET
            old.append(stop)
    PlanStop.objects.bulk_create(new, batch_size=500)
    write_stops(old)
    plan.carers = sums_of(day, days_of(day, standings(plan, day)))
    save(plan)


def _follow(stop: PlanStop, entry: Entry, day: Day) -> None:
    """Let a stop stand as its order stands in the records."""
    stop.visit_id, stop.visit_version = entry.visit_id, entry.visit_version
    stop.frozen = day.settled(entry)
    stop.held = stop.by_hand = False
    if entry.staff_id is None or entry.start is None or entry.end is None:
        stop.staff_id, stop.during, stop.reason = None, None, NOT_YET
    elif day.released(entry):
        stop.staff_id, stop.during = None, None
        stop.reason = f"{day.people[entry.staff_id].name}当天请假"
    else:
        stop.staff_id, stop.during, stop.reason = UUID(entry.staff_id), span(day, entry.start, entry.end), ""


def _not_any_more(stop: PlanStop, entry: Entry, day: Day) -> bool:
    person = day.people.get(str(stop.staff_id))
    return person is None or any(
        gone < minute_of(stop.during.upper, day.midnight) and minute_of(stop.during.lower, day.midnight) < back
        for gone, back in day.absent.get(person.id, ())
    )


def span(day: Day, start: int, end: int) -> DateTimeTZRange:
    """Return the range of moments between two minutes of a day."""
    return DateTimeTZRange(day.moment(start), day.moment(end), "[)")


def standings(plan: DayPlan, day: Day, stops: Iterable[PlanStop] | None = None) -> dict[UUID, Standing]:
    """Return how every order of a draft stands; what the engine may not touch is fixed."""
    found = {}
    for stop in plan.stops.all() if stops is None else stops:
        start = None if stop.during is None else minute_of(stop.during.lower, day.midnight)
        staff = None if stop.staff_id is None else str(stop.staff_id)
        entry = day.entries.get(stop.order_id)
        as_published = (
            plan.kind == DayPlan.Kind.ADD
            and entry is not None
            and stop.visit_id is not None
            and (staff, start) == (entry.staff_id, entry.start)
        )
        fixed = staff is not None and (stop.frozen or stop.by_hand or as_published)
        found[stop.order_id] = Standing(staff, start, stop.held, fixed or stop.frozen)
    return found


def write_stops(stops: list[PlanStop]) -> None:
    """Write changed stops; two of one carer that overlap at the end are refused by the database."""
    fields = ["staff", "during", "held", "frozen", "by_hand", "reason", "visit", "visit_version"]
    PlanStop.objects.bulk_update(stops, fields, batch_size=500)


def settle(plan: DayPlan, day: Day, found: Mapping[UUID, Standing]) -> None:
    """Write what a search found into a locked draft: placements, and for the rest who could not and why.

    Whatever would overlap what is fixed is left out; whoever was left out is offered the gaps once more.
    """
    stops = {stop.order_id: stop for stop in plan.stops.all()}
    result = standings(plan, day, stops.values())
    result |= {order: standing for order, standing in found.items() if not result.get(order, Standing()).fixed}
    _part_overlaps(day, result)
    days = days_of(day, result)
    for order, standing in list(result.items()):
        entry = day.entries.get(order)
        if standing.staff_id is not None or standing.fixed or entry is None or entry.task.latest < day.since:
            continue
        places = best_places(entry.task, _allowed(day, stops[order]), days, day.rules, since=day.since, most=1)
        if places and not places[0][3].breaches:
            _cost, person, start, _change = places[0]
            result[order] = Standing(person.id, start)
            days.setdefault(person.id, []).append(Placed(entry.task, start, start + entry.task.minutes))
    changed = []
    for order, standing in result.items():
        stop, entry = stops[order], day.entries.get(order)
        if standing.fixed or entry is None:
            continue
        if standing.staff_id is None or standing.start is None:
            stop.staff_id, stop.during = None, None
            stop.reason = _why(entry, day, days)[:300]
        else:
            stop.staff_id = UUID(standing.staff_id)
            stop.during = span(day, standing.start, standing.start + entry.task.minutes)
            stop.reason = ""
        changed.append(stop)
    with overlaps_judged_at_the_end():
        write_stops(changed)
    plan.carers = sums_of(day, days)
    save(plan)


def _allowed(day: Day, stop: PlanStop) -> Mapping[str, Person]:
    if stop.held and stop.staff_id is not None:
        return {str(stop.staff_id): day.people[str(stop.staff_id)]}
    return day.people


def _why(entry: Entry, day: Day, days: Mapping[str, list[Placed]]) -> str:
    if entry.task.latest < day.since:
        return f"老人能等的最晚时间 {clock(entry.task.latest)} 已过，请与老人另约时间"
    return why_nobody(entry.task, day.people, days, day.rules)


def _part_overlaps(day: Day, result: dict[UUID, Standing]) -> None:
    """Leave out what would overlap something fixed; fixed ones come first."""
    taken: dict[str, list[tuple[int, int]]] = {}
    for order in sorted(result, key=lambda each: not result[each].fixed):
        standing, entry = result[order], day.entries.get(order)
        if standing.staff_id is None or standing.start is None or entry is None:
            continue
        start, end = standing.start, standing.start + entry.task.minutes
        spans = taken.setdefault(standing.staff_id, [])
        if not standing.fixed and any(start < until and since < end for since, until in spans):
            result[order] = Standing(held=standing.held)
        else:
            spans.append((start, end))


class overlaps_judged_at_the_end:
    """Let a plan's stops change places in the block; overlaps of one carer's stops are judged when it ends."""

    def __enter__(self) -> None:
        self._set("DEFERRED")

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            self._set("IMMEDIATE")

    @staticmethod
    def _set(when: str) -> None:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(f"SET CONSTRAINTS plan_stop_one_at_a_time_a_carer {when}")


@dataclass(frozen=True)
class Published:
    """What publishing a plan did: visits planned anew, moved, taken back, and orders still without anybody."""

    planned: int
    moved: int
    withdrawn: int
    open: int

    def __str__(self) -> str:
        parts = [f"新派 {self.planned} 次", f"改派 {self.moved} 次"]
        if self.withdrawn:
            parts.append(f"撤回 {self.withdrawn} 次")
        if self.open:
            parts.append(f"还有 {self.open} 单没有人去")
        return "，".join(parts) + "。"


@transaction.atomic
def publish(*, plan_id: UUID, user: User, version: int | None = None) -> Published:
    """Turn a draft into visits, all of them or none; the plan published before it is superseded.

    Raises:
        Refused: a carer may not or cannot go, named with the reason; Changed: the day is no longer as the draft saw it.
    """
    plan = open_draft(plan_id, version=version)
    with patience():
        others = list(
            DayPlan.objects.filter(provider_id=plan.provider_id, day=plan.day)
            .exclude(pk=plan.pk)
            .order_by("pk")
            .select_for_update(of=("self",))
        )
    day = read_day(plan.provider_id, plan.day)
    stops = list(plan.stops.all())
    changes = _changes(day, stops)
    _refuse_impossible(day, standings(plan, day, stops), changes)
    _carry_out(changes, user)
    for earlier in others:
        if earlier.state == PlanState.PUBLISHED:
            flow.fire(earlier, "supersede", user=user)
    plan.published_at, plan.published_by = now(), user
    save(plan)
    flow.fire(plan, "publish", user=user)
    open_left = sum(stop.staff_id is None and stop.order_id in day.entries for stop in stops)
    return Published(len(changes.planned), len(changes.moved), len(changes.withdrawn), open_left)


@dataclass(frozen=True)
class _Changes:
    planned: list[PlanStop]
    moved: list[PlanStop]
    withdrawn: list[PlanStop]


def _changes(day: Day, stops: list[PlanStop]) -> _Changes:
    """Return what a draft changes of the day; Changed where the day went on without it."""
    found = _Changes([], [], [])
    stale = []
    for stop in stops:
        entry = day.entries.get(stop.order_id)
        if entry is None or (stop.frozen and day.settled(entry)):
            # Cancelled since, or beyond planning then and now.
            continue
        if (stop.visit_id, stop.visit_version) != (entry.visit_id, entry.visit_version):
            stale.append(entry.elder_name)
            continue
        if stop.staff_id is None:
            if entry.visit_id is not None:
                found.withdrawn.append(stop)
            continue
        if entry.visit_id is None:
            found.planned.append(stop)
        elif str(stop.staff_id) != entry.staff_id or minute_of(stop.during.lower, day.midnight) != entry.start:
            found.moved.append(stop)
    if stale:
        named = "、".join(dict.fromkeys(stale[:5]))
        raise Changed(f"排单以后又有变化：{named}等 {len(stale)} 人的上门已由他人派出、改派或已开始。请先刷新方案。")
    return found


def _refuse_impossible(day: Day, result: Mapping[UUID, Standing], changes: _Changes) -> None:
    changed = {str(stop.order_id) for stop in (*changes.planned, *changes.moved)}
    entries = {entry.task.id: entry for entry in day.entries.values()}
    wrong = []
    for staff, stops in days_of(day, result).items():
        person = day.people.get(staff)
        if person is None:
            wrong += [f"{each.task.name}：护理员已不在岗" for each in stops if each.task.id in changed]
            continue
        wrong += [
            f"{entries[breach.stop].elder_name} {breach.text}"
            for breach in follow(person, stops, day.rules).breaches
            if breach.hard and breach.stop in changed
        ]
    for stop in (*changes.planned, *changes.moved):
        if minute_of(stop.during.lower, day.midnight) < day.since < DAY:
            wrong.append(f"{day.entries[stop.order_id].elder_name}的上门时间已经过去")
    if wrong:
        more = f"（共 {len(wrong)} 处）" if len(wrong) > 5 else ""
        raise Refused(f"不能发布：{'；'.join(wrong[:5])}{more}。")


def _carry_out(changes: _Changes, user: User) -> None:
    orders = Order.objects.in_bulk([stop.order_id for stop in (*changes.planned, *changes.moved, *changes.withdrawn)])
    carers = Staff.objects.in_bulk({stop.staff_id for stop in (*changes.planned, *changes.moved)})
    if changes.withdrawn:
        reason = "重新排单后没有人能去"
        taken_back = [stop.visit_id for stop in changes.withdrawn if stop.visit_id is not None]
        visits.cancel_many(visits=list(Visit.objects.filter(pk__in=taken_back)), user=user, reason=reason)
        flow.fire_many([orders[stop.order_id] for stop in changes.withdrawn], "release", user=user, reason=reason)
    given = [*changes.planned, *changes.moved]
    flow.fire_many([orders[stop.order_id] for stop in given], "assign", user=user)
    if changes.moved:
        moves = [
            visits.Move(
                cast("UUID", stop.visit_id), cast("int", stop.visit_version), carers[stop.staff_id], stop.during.lower
            )
            for stop in changes.moved
        ]
        visits.rearrange(moves=moves)
    if changes.planned:
        placements = [
            visits.Placement(orders[stop.order_id], carers[stop.staff_id], stop.during.lower)
            for stop in changes.planned
        ]
        made = {visit.order_id: visit for visit in visits.plan_many(placements=placements, user=user)}
        for stop in changes.planned:
            stop.visit_id = made[stop.order_id].pk
    ids = [cast("UUID", stop.visit_id) for stop in given]
    versions = dict(Visit.objects.filter(pk__in=ids).values_list("pk", "version"))
    for stop, visit_id in zip(given, ids, strict=True):
        stop.visit_version = versions[visit_id]
    PlanStop.objects.bulk_update(given, ["visit", "visit_version"], batch_size=500)
    Assignment.objects.bulk_create(
        [
            Assignment(
                order_id=stop.order_id,
                area_id=stop.area_id,
                provider_id=stop.provider_id,
                staff_id=stop.staff_id,
                start=stop.during.lower,
                suggested=not stop.by_hand,
                overrule_reason=BY_HAND if stop.by_hand else "",
                candidates=[{"plan": str(stop.plan_id)}],
                assigned_by=user,
            )
            for stop in given
        ],
        batch_size=500,
    )
