"""Putting a plan together with an elder: every write on care plans."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction

from songhe.core.accounts.models import User
from songhe.core.calendar.services import today
from songhe.core.errors import Refused
from songhe.core.events.services import Event, publish
from songhe.core.flow import services as flow
from songhe.core.locks import locked
from songhe.core.saving import explained, save
from songhe.core.validity import from_day, lasts_past
from songhe.registers.elders import effects
from songhe.registers.elders.models import Elder
from songhe.rights.assessment.selectors import assessment_in_force
from songhe.rights.careplans.flow import PlanState
from songhe.rights.careplans.models import CarePlan, PlanItem


@dataclass(frozen=True)
class Item:
    """One service a week's plan holds: which weekdays (1 Monday … 7 Sunday), at what time."""

    service_id: UUID
    weekdays: tuple[int, ...]
    at: time
    note: str = ""


@dataclass(frozen=True)
class PlanAgreed(Event):
    """The elder has agreed to a plan; its items become standing orders."""

    plan_id: UUID


@dataclass(frozen=True)
class PlanEnded(Event):
    """A plan holds until a day and no longer; what its standing orders asked for afterwards is called off."""

    plan_id: UUID
    on: date
    reason: str


@transaction.atomic
def draw_up(
    *,
    elder_id: UUID,
    adviser: User,
    goals: str,
    first: date,
    last: date,
    items: Sequence[Item] = (),
    review_on: date | None = None,
    revises_id: UUID | None = None,
) -> CarePlan:
    """Draw up a plan for an elder, on the assessment in force; a revision starts with the services of the former.

    Raises:
        Refused: the elder is not active, has a draft already, or the days do not follow each other.
    """
    elder = Elder.objects.get(pk=elder_id)
    if elder.state != Elder.State.ACTIVE:
        raise Refused(f"{elder.name}已标记为“{elder.get_state_display()}”，不能拟定照护计划。", field="elder_id")
    _days_follow(first, last, review_on)
    former = _revised(elder_id, revises_id)
    plan = save(
        CarePlan(
            elder=elder,
            area_id=elder.area_id,
            adviser=adviser,
            assessment=assessment_in_force(elder_id, today()),
            revises=former,
            goals=goals.strip(),
            validity=from_day(first, last),
            review_on=review_on,
        )
    )
    kept = (
        [Item(each.service_id, tuple(each.weekdays), each.at, each.note) for each in former.items.all()]
        if former
        else []
    )
    for item in [*kept, *items]:
        _put(plan, item)
    flow.start(plan, adviser)
    return plan


def _revised(elder_id: UUID, revises_id: UUID | None) -> CarePlan | None:
    if revises_id is None:
        return None
    former = CarePlan.objects.filter(pk=revises_id, elder_id=elder_id, state=PlanState.AGREED).first()
    if former is None:
        raise Refused("只能修订这位老人正在执行的照护计划。")
    return former


def _days_follow(first: date, last: date, review_on: date | None) -> None:
    if last < first:
        raise Refused("结束日期不能早于开始日期。", field="last")
    if review_on is not None and not first <= review_on <= last:
        raise Refused("复核日期须在计划期间之内。", field="review_on")


def _draft(plan_id: UUID, version: int | None = None) -> CarePlan:
    plan = locked(CarePlan.objects.filter(pk=plan_id), version=version)
    if plan.state != PlanState.DRAFT:
        raise Refused(f"计划“{plan.get_state_display()}”，不能再改。请退回修改，或另拟修订。")
    return plan


@transaction.atomic
def amend(
    *, plan_id: UUID, goals: str, first: date, last: date, review_on: date | None = None, version: int | None = None
) -> CarePlan:
    """Alter a plan that is still being drawn up."""
    plan = _draft(plan_id, version)
    _days_follow(first, last, review_on)
    plan.goals, plan.validity, plan.review_on = goals.strip(), from_day(first, last), review_on
    return save(plan)


@transaction.atomic
def add_item(*, plan_id: UUID, service_id: UUID, weekdays: Sequence[int], at: time, note: str = "") -> PlanItem:
    """Put a service onto a plan that is still being drawn up."""
    if not weekdays:
        raise Refused("请至少选择一天。", field="weekdays")
    return _put(_draft(plan_id), Item(service_id, tuple(weekdays), at, note))


def _put(plan: CarePlan, item: Item) -> PlanItem:
    return save(
        PlanItem(
            plan=plan,
            service_id=item.service_id,
            weekdays=sorted(set(item.weekdays)),
            at=item.at,
            note=item.note.strip(),
        )
    )


@transaction.atomic
def remove_item(*, plan_id: UUID, item_id: UUID) -> None:
    """Take a service off a plan that is still being drawn up."""
    _draft(plan_id).items.filter(pk=item_id).delete()


@transaction.atomic
def propose(*, plan_id: UUID, user: User, version: int | None = None) -> CarePlan:
    """Put the plan to the elder and family."""
    return flow.fire(CarePlan.objects.get(pk=plan_id), "propose", user=user, version=version)


@transaction.atomic
def decline(*, plan_id: UUID, user: User, reason: str, version: int | None = None) -> CarePlan:
    """Note what the elder or family wish otherwise; the plan is drawn up again."""
    return flow.fire(CarePlan.objects.get(pk=plan_id), "decline", user=user, reason=reason, version=version)


@transaction.atomic
def agree(*, plan_id: UUID, agreed_by: str = "本人", user: User | None = None, version: int | None = None) -> CarePlan:
    """Note who agreed to the plan; it takes effect, and a plan that it revises ends the day before it begins.

    Raises:
        Refused: another plan is carried out in its days, or it does not begin after the one it revises.
    """
    plan = locked(CarePlan.objects.filter(pk=plan_id), version=version)
    if plan.state == PlanState.AGREED:
        return plan
    if not agreed_by.strip():
        raise Refused("请写明是谁确认的（本人，或家属姓名和关系）。", field="agreed_by")
    plan.agreed_on, plan.agreed_by = today(), agreed_by.strip()
    save(plan)
    if plan.revises_id is not None:
        _replace(plan, user)
    try:
        with transaction.atomic():
            plan = flow.fire(plan, "agree", user=user)
    except IntegrityError as error:
        raise explained(plan, error) from error
    publish(PlanAgreed(plan_id=plan.pk))
    return plan


def _replace(plan: CarePlan, user: User | None) -> None:
    former, first = locked(CarePlan.objects.filter(revisions=plan)), plan.validity.lower
    if former.state != PlanState.AGREED:
        return
    if first <= former.validity.lower:
        raise Refused(f"修订后的计划须在原计划开始（{former.validity.lower}）之后生效，请修改开始日期。")
    last = first - timedelta(days=1)
    if former.validity.upper > first:
        former.validity = from_day(former.validity.lower, last)
        save(former)
    flow.fire(former, "replace", user=user)
    publish(PlanEnded(plan_id=former.pk, on=last, reason="照护计划修订"))


@transaction.atomic
def review(
    *, plan_id: UUID, user: User, reason: str, review_on: date | None = None, version: int | None = None
) -> CarePlan:
    """Note what a review found, and the day of the next one; the plan goes on."""
    plan = locked(CarePlan.objects.filter(pk=plan_id), version=version)
    if review_on is not None and not today() < review_on < plan.validity.upper:
        raise Refused("下次复核日期须在今天之后、计划结束之前。", field="review_on")
    plan.review_on = review_on
    save(plan)
    return flow.fire(plan, "review", user=user, reason=reason)


@transaction.atomic
def terminate(*, plan_id: UUID, user: User, reason: str, version: int | None = None) -> CarePlan:
    """End a plan with today; what was to come is called off."""
    plan = locked(CarePlan.objects.filter(pk=plan_id), version=version)
    plan.ended_reason = reason.strip()[:200]
    if plan.validity.upper > today():
        plan.validity = from_day(plan.validity.lower, max(today(), plan.validity.lower))
    save(plan)
    plan = flow.fire(plan, "end", user=user, reason=reason)
    publish(PlanEnded(plan_id=plan.pk, on=today(), reason=f"照护计划终止：{reason.strip()}"[:90]))
    return plan


@transaction.atomic
def drop(*, plan_id: UUID, user: User, reason: str, version: int | None = None) -> CarePlan:
    """Give up a plan that nobody agreed to."""
    return flow.fire(CarePlan.objects.get(pk=plan_id), "drop", user=user, reason=reason, version=version)


@transaction.atomic
def follow_move(*, elder_id: UUID, area_id: int, on: date) -> None:
    """Hand an elder's plans that are not over to the community they live in now."""
    for plan in CarePlan.objects.select_for_update(of=("self",)).filter(lasts_past(on), elder_id=elder_id):
        plan.area_id = area_id
        save(plan)


@transaction.atomic
def end(*, elder_id: UUID, on: date, life_event_id: UUID) -> None:
    """End an elder's plans after a day because of what happened to them."""
    for plan in CarePlan.objects.select_for_update(of=("self",)).filter(lasts_past(on), elder_id=elder_id):
        with effects.noting(life_event_id, plan, f"终止照护计划（{plan.validity.lower} 起）"):
            plan.validity = from_day(plan.validity.lower, max(on, plan.validity.lower))
            save(plan)
