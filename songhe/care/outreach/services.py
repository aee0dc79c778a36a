"""Every write on visits of care; each function is one transaction and raises Refused in words for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from songhe.care.outreach.flow import CallState
from songhe.care.outreach.models import Attendance, Call, Charge, Course, Frequency, Period, Problem
from songhe.care.outreach.selectors import open_charges
from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.calendar.services import add_working_days, month_of, months_after, today
from songhe.core.errors import Refused
from songhe.core.flow.services import fire, start
from songhe.core.locks import locked
from songhe.core.saving import save
from songhe.core.scope.services import Scope, use
from songhe.core.validity import from_day
from songhe.registers.elders import effects
from songhe.registers.elders.importing import bulk
from songhe.registers.elders.labelling import facts
from songhe.registers.elders.models import Elder
from songhe.registers.elders.selectors import facts_frame

STRICTEST = (Period.WEEK, Period.MONTH, Period.QUARTER)
URGENT_DAYS, USUAL_DAYS = 1, 10
"""Working days within which a problem is to be solved."""


def period_of(period: str, day: date) -> tuple[date, date]:
    """Return the first and last day of the week (from Monday), month or quarter that a day lies in."""
    if period == Period.WEEK:
        first = day - timedelta(days=day.weekday())
        return first, first + timedelta(days=6)
    first, following = month_of(day)
    if period == Period.QUARTER:
        first = first.replace(month=3 * ((first.month - 1) // 3) + 1)
        following = months_after(first, 3)
    return first, following - timedelta(days=1)


def due_after(period: str, last_seen: date | None, day: date) -> date:
    """Return by when somebody is to be seen: within the present period, or the next if they were seen in this one."""
    first, last = period_of(period, day)
    return last if last_seen is None or last_seen < first else period_of(period, last + timedelta(days=1))[1]


# --- who is to be seen ---


@transaction.atomic
def refresh(*, area: Area, on: date) -> tuple[int, int]:
    """Bring who must be seen in an area's subtree in line with the roll; return how many came and how many went.

    Where several rules speak of an elder the one that asks oftenest counts. Whose rule changed keeps their visitor.
    """
    with use(Scope.system()):
        wanted = _wanted(area, on)
        standing = {charge.elder_id: charge for charge in open_charges(area)}
        gone = [charge for elder_id, charge in standing.items() if elder_id not in wanted]
        for charge in gone:
            charge.validity = from_day(charge.validity.lower, max(on - timedelta(days=1), charge.validity.lower))
        bulk.update(Charge, gone, ["validity"])
        changed: list[Charge] = []
        made: list[Charge] = []
        for elder_id, (frequency, community) in wanted.items():
            known = standing.get(elder_id)
            if known is None:
                made.append(
                    Charge(
                        elder_id=elder_id,
                        area_id=community,
                        frequency=frequency,
                        validity=from_day(on),
                        due_on=due_after(frequency.period, None, on),
                    )
                )
            elif (known.frequency_id, known.area_id) != (frequency.pk, community):
                known.frequency, known.area_id = frequency, community
                known.due_on = due_after(frequency.period, known.last_seen_on, on)
                changed.append(known)
        bulk.update(Charge, changed, ["frequency", "area", "due_on"])
        bulk.insert(Charge, made)
    return len(made), len(gone)


def _wanted(area: Area, on: date) -> dict[UUID, tuple[Frequency, int]]:
    frame = facts_frame(area, on)
    rules = sorted(Frequency.objects.filter(active=True), key=lambda rule: (STRICTEST.index(rule.period), rule.code))
    wanted: dict[UUID, tuple[Frequency, int]] = {}
    for rule in rules:
        for elder_id, community, _said in facts.holders(frame, facts.read(rule.condition)).iter_rows():
            wanted.setdefault(UUID(elder_id), (rule, community))
    return wanted


@transaction.atomic
def assign(*, charge: Charge, visitor: User) -> Charge:
    """Say who sees an elder; planned visits go to them too."""
    row = locked(Charge.objects.filter(pk=charge.pk))
    _may_visit(visitor, row.area_id)
    row.visitor = visitor
    save(row)
    Call.objects.filter(charge=row, state=CallState.PLANNED).update(visitor=visitor)
    return row


def _may_visit(visitor: User, area_id: int) -> None:
    if not visitor.is_active or not visitor.may("outreach.visit"):
        raise Refused(f"{visitor}不能办理探访，请选网格员、养老顾问或志愿者。", field="visitor")
    if visitor.area is None or area_id not in visitor.area:
        raise Refused(f"{visitor}不负责这个社区。", field="visitor")


@transaction.atomic
def plan(*, charge: Charge, on: date, user: User, visitor: User | None = None) -> Call:
    """Plan a visit to an elder who must be seen, on a day."""
    row = locked(Charge.objects.filter(pk=charge.pk).select_related("elder"))
    goes = visitor or row.visitor or user
    _may_visit(goes, row.area_id)
    if on < today():
        raise Refused("计划日期不能早于今天。", field="on")
    if row.validity.upper is not None:
        raise Refused(f"{row.elder}已不在探访对象中。")
    call = Call(elder_id=row.elder_id, area_id=row.area_id, charge=row, visitor=goes, planned_on=on)
    save(call)
    start(call, user)
    return call


# --- going ---


@dataclass(frozen=True)
class Found:
    """A problem found: its kind, in words, and whether it cannot wait."""

    kind: str
    text: str
    urgent: bool = False


@transaction.atomic
def hold(
    *,
    call: Call,
    user: User,
    done_on: date,
    way: str,
    result: str,
    note: str = "",
    companions: str = "",
    problems: Sequence[Found] = (),
    version: int | None = None,
) -> Call:
    """Note that a planned visit was made, what was found, and when the elder is next to be seen.

    Who was not met is not seen: the visit stays due, and it is a problem to be followed at once.
    """
    row = locked(Call.objects.filter(pk=call.pk).select_related("elder"), version=version)
    if done_on > today():
        raise Refused("探访日期不能晚于今天。", field="done_on")
    if result == Call.Result.NEEDS and not (problems or note.strip()):
        raise Refused("有需要的，请写明情况或问题。", field="note")
    row.done_on, row.way, row.result = done_on, way, result
    row.note, row.companions = note.strip(), companions.strip()
    save(row)
    row = fire(row, "hold", user=user)
    if result == Call.Result.NOT_SEEN:
        problems = [
            Found(Problem.Kind.NOT_SEEN, note.strip() or "未见到本人，请联系家属、邻居核实", urgent=True),
            *problems,
        ]
    for found in problems:
        _open_problem(row, found, user)
    if result != Call.Result.NOT_SEEN:
        _seen(row)
    return row


@transaction.atomic
def drop_in(
    *,
    elder: Elder,
    user: User,
    done_on: date,
    way: str,
    result: str,
    note: str = "",
    companions: str = "",
    problems: Sequence[Found] = (),
) -> Call:
    """Note a visit that nobody planned; it counts for an elder who must be seen as a planned one does."""
    if elder.state != Elder.State.ACTIVE:
        raise Refused(f"{elder.name}{elder.get_state_display()}，不能登记探访。", field="elder")
    _may_visit(user, elder.area_id)
    charge = open_charges().filter(elder=elder).first()
    call = Call(elder=elder, area_id=elder.area_id, charge=charge, visitor=user)
    save(call)
    start(call, user)
    return hold(
        call=call, user=user, done_on=done_on, way=way, result=result, note=note, companions=companions,
        problems=problems,
    )  # fmt: skip


def _seen(call: Call) -> None:
    if call.charge_id is None:
        return
    charge = (
        Charge.objects.select_for_update(of=("self",)).filter(pk=call.charge_id).select_related("frequency").first()
    )
    if charge is None or call.done_on is None:
        return
    charge.last_seen_on = max(call.done_on, charge.last_seen_on or call.done_on)
    charge.due_on = due_after(charge.frequency.period, charge.last_seen_on, today())
    save(charge)


def _open_problem(call: Call, found: Found, user: User) -> Problem:
    days = URGENT_DAYS if found.urgent else USUAL_DAYS
    problem = Problem(
        call=call,
        elder_id=call.elder_id,
        area_id=call.area_id,
        kind=found.kind,
        text=found.text.strip(),
        urgent=found.urgent,
        due_on=add_working_days(today(), days),
    )
    save(problem)
    start(problem, user)
    return problem


@transaction.atomic
def cancel(*, call: Call, user: User, reason: str, version: int | None = None) -> Call:
    """Call a planned visit off; the elder stays due."""
    return fire(call, "cancel", user=user, reason=reason, version=version)


# --- problems ---


@transaction.atomic
def settle(*, problem: Problem, user: User, reason: str, version: int | None = None) -> Problem:
    """Note how a problem was solved."""
    return _end_problem(problem, "settle", user, reason, version)


@transaction.atomic
def close(*, problem: Problem, user: User, reason: str, version: int | None = None) -> Problem:
    """Note how the street solved a problem that was passed up."""
    return _end_problem(problem, "close", user, reason, version)


def _end_problem(problem: Problem, step: str, user: User, reason: str, version: int | None) -> Problem:
    row = locked(Problem.objects.filter(pk=problem.pk), version=version)
    row.outcome, row.settled_on = reason.strip()[:300], today()
    save(row)
    return fire(row, step, user=user, reason=reason)


# --- what happens to the elder ---


@transaction.atomic
def end(*, elder_id: UUID, on: date, reason: str, life_event_id: UUID) -> None:
    """Nobody need see an elder any more who died or left: planned visits are called off."""
    for call in Call.objects.filter(elder_id=elder_id, state=CallState.PLANNED):
        effects.note(life_event_id, fire(call, "cancel", user=None, reason=reason), f"取消 {call.planned_on} 的探访")
    for charge in open_charges().select_for_update(of=("self",)).filter(elder_id=elder_id):
        with effects.noting(life_event_id, charge, "不再列入探访对象"):
            charge.validity = from_day(charge.validity.lower, max(on, charge.validity.lower))
            save(charge)


@transaction.atomic
def follow_move(*, elder_id: UUID, area_id: int) -> None:
    """Hand an elder over to the new community's visitors; open problems go along."""
    open_charges().filter(elder_id=elder_id).update(area_id=area_id, visitor=None)
    Call.objects.filter(elder_id=elder_id, state=CallState.PLANNED).update(area_id=area_id)
    Problem.objects.filter(elder_id=elder_id).exclude(state=Problem.State.SETTLED).update(area_id=area_id)


# --- training of families ---


@transaction.atomic
def hold_course(*, area: Area, topic: str, on: date, hours: Decimal, trainer: str, place: str = "") -> Course:
    """Enter a training for family members who care at home."""
    return save(
        Course(area=area, topic=topic.strip(), on=on, hours=hours, trainer=trainer.strip(), place=place.strip())
    )


@transaction.atomic
def attend(*, course: Course, elder: Elder, name: str, relation: str, passed: bool = False) -> Attendance:
    """Note that a family member of an elder came."""
    if course.on > today():
        raise Refused("培训还没有举行，不能登记参训。", field="course")
    return save(
        Attendance(
            course=course, elder=elder, area_id=elder.area_id, name=name.strip(), relation=relation.strip(),
            passed=passed,
        )
    )  # fmt: skip
