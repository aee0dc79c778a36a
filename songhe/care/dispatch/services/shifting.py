"""Changing a draft by hand: a visit given to another carer or time, taken out, held with its carer, and undone."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from songhe.care.dispatch.models import DayPlan, PlanMove, PlanStop
from songhe.care.dispatch.planning import Day, days_of, minute_of, read_day, sums_of
from songhe.care.dispatch.routes import Change, change
from songhe.care.dispatch.services.plans import open_draft, overlaps_judged_at_the_end, span, standings
from songhe.core.accounts.models import User
from songhe.core.errors import Refused
from songhe.core.saving import save


def consequence(*, plan: DayPlan, order_id: UUID, staff_id: UUID | None, start: int | None) -> Change:
    """Return what a change of a draft would come to, without making it; no carer takes the visit out.

    Raises:
        Refused: the visit has begun, or the carer is not of this provider.
    """
    stop, day = _read(plan, order_id, staff_id)
    return _weigh(plan, day, stop, staff_id, start)


@transaction.atomic
def move(
    *,
    plan_id: UUID,
    order_id: UUID,
    staff_id: UUID | None,
    start: int | None,
    user: User | None,
    version: int | None = None,
) -> DayPlan:
    """Give a draft's visit to a carer at a minute of the day, or take it out; rules that are broken softly may be.

    Raises:
        Refused: a hard rule stands in the way (a skill, the shift, another visit), in words.
    """
    plan = open_draft(plan_id, version=version)
    return _move(plan, order_id, staff_id, start, user)


@transaction.atomic
def undo(*, plan_id: UUID, user: User | None) -> DayPlan:
    """Take back the last change by hand that has not been taken back.

    Raises:
        Refused: there is none, or the visit was changed otherwise since.
    """
    plan = open_draft(plan_id)
    last = PlanMove.objects.filter(plan=plan, undoes__isnull=True, undone_by__isnull=True).order_by("-line").first()
    if last is None:
        raise Refused("没有可以撤销的调整。")
    stop = PlanStop.objects.filter(plan=plan, order_id=last.order_id).first()
    if stop is None or (stop.staff_id, stop.during) != (last.to_staff_id, last.to_during):
        raise Refused("这次上门后来又变了，不能撤销。")
    midnight = read_day(plan.provider_id, plan.day, orders=[last.order_id]).midnight
    start = minute_of(last.from_during.lower, midnight) if last.from_during else None
    return _move(plan, last.order_id, last.from_staff_id, start, user, undoes=last)


@transaction.atomic
def hold(*, plan_id: UUID, order_id: UUID, held: bool) -> DayPlan:
    """Keep a visit with its carer whatever is computed, or let it go again."""
    plan = open_draft(plan_id)
    stop = _stop(plan, order_id)
    if held and stop.staff_id is None:
        raise Refused("还没有安排护理员，不能锁定。")
    stop.held = held
    if not held:
        stop.by_hand = False
    save(stop)
    return plan


def _move(
    plan: DayPlan,
    order_id: UUID,
    staff_id: UUID | None,
    start: int | None,
    user: User | None,
    *,
    undoes: PlanMove | None = None,
) -> DayPlan:
    stop, day = _read(plan, order_id, staff_id)
    made = _weigh(plan, day, stop, staff_id, start)
    hard = [breach.text for breach in made.breaches if breach.hard]
    if hard and undoes is None:
        raise Refused("；".join(hard))
    source = str(stop.staff_id) if stop.staff_id is not None else None
    entry = day.entries[order_id]
    former = (stop.staff_id, stop.during)
    stop.staff_id = staff_id
    stop.during = None if staff_id is None or start is None else span(day, start, start + entry.task.minutes)
    stop.reason = "人工移出，等待安排" if staff_id is None else ""
    stop.by_hand = staff_id is not None and undoes is None
    with overlaps_judged_at_the_end():
        save(stop)
    PlanMove.objects.create(
        order_id=order_id,
        area_id=stop.area_id,
        provider_id=stop.provider_id,
        plan=plan,
        from_staff_id=former[0],
        from_during=former[1],
        to_staff_id=stop.staff_id,
        to_during=stop.during,
        undoes=undoes,
        moved_by=user,
    )
    touched = {each for each in (source, str(staff_id) if staff_id else None) if each}
    for staff in touched:
        plan.carers.pop(staff, None)
    days = days_of(day, standings(plan, day, _stops(plan, day)))
    plan.carers |= sums_of(day, {staff: stops for staff, stops in days.items() if staff in touched})
    return save(plan)


def _stop(plan: DayPlan, order_id: UUID) -> PlanStop:
    stop = PlanStop.objects.filter(plan=plan, order_id=order_id).first()
    if stop is None:
        raise Refused("这张订单不在方案里，请刷新方案。")
    if stop.frozen:
        raise Refused("这次上门已经开始或时间已过，不能再动。")
    return stop


def _read(plan: DayPlan, order_id: UUID, staff_id: UUID | None) -> tuple[PlanStop, Day]:
    """Read the stop, and the day as far as the two carers it concerns go."""
    stop = _stop(plan, order_id)
    carers = {each for each in (stop.staff_id, staff_id) if each is not None}
    orders = set(PlanStop.objects.filter(plan=plan, staff_id__in=carers).values_list("order_id", flat=True))
    return stop, read_day(plan.provider_id, plan.day, orders=orders | {order_id})


def _stops(plan: DayPlan, day: Day) -> list[PlanStop]:
    return list(PlanStop.objects.filter(plan=plan, order_id__in=day.entries))


def _weigh(plan: DayPlan, day: Day, stop: PlanStop, staff_id: UUID | None, start: int | None) -> Change:
    entry = day.entries.get(stop.order_id)
    if entry is None:
        raise Refused("这张订单已经取消，请刷新方案。")
    days = days_of(day, standings(plan, day, _stops(plan, day)))
    source = target = None
    if stop.staff_id is not None and str(stop.staff_id) in day.people:
        source = (day.people[str(stop.staff_id)], days.get(str(stop.staff_id), []))
    if staff_id is not None:
        person = day.people.get(str(staff_id))
        if person is None:
            raise Refused("这位护理员不是该服务商的在岗人员。", field="staff")
        if start is None or not 0 <= start <= 24 * 60 - entry.task.minutes:
            raise Refused("上门时间须在当天之内。", field="start")
        if start < day.since:
            raise Refused("这个时间已经过去。", field="start")
        target = (person, days.get(person.id, []))
    return change(entry.task, source=source, target=target, start=start or 0, rules=day.rules)
