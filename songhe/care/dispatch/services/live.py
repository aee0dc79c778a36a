"""While the day is under way: a carer falls ill, an order cannot wait, somebody does not answer."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import cast
from uuid import UUID

from django.db import transaction

from songhe.care.dispatch.models import Assignment, DayPlan, Notice
from songhe.care.dispatch.planning import bounds, read_day
from songhe.care.dispatch.selectors.nearest import Arrival, asked_already, nearest
from songhe.care.dispatch.services.answers import take_back
from songhe.care.dispatch.services.choosing import to_provider
from songhe.care.dispatch.services.plans import make_plan, settle
from songhe.care.orders.flow import OrderState
from songhe.care.orders.models import Order
from songhe.care.visits import services as visits
from songhe.care.visits.flow import VisitState
from songhe.care.visits.models import Visit
from songhe.core.accounts.models import User
from songhe.core.calendar.services import now
from songhe.core.errors import Refused
from songhe.core.flow import services as flow
from songhe.core.locks import locked
from songhe.core.saving import save
from songhe.core.scope.services import Scope, use
from songhe.registers.workforce.models import Absence, Staff
from songhe.registers.workforce.services import note_absence

AT_ONCE = "紧急：就近派人"


@transaction.atomic
def carer_away(*, staff_id: UUID, day: date, user: User, reason: str = Absence.Reason.SICK) -> DayPlan:
    """Note that a carer is away for the rest of a day, and draft who goes instead, moving nobody else.

    What the carer has begun stays theirs. The draft is returned to be looked at, computed further and published.
    """
    staff = Staff.objects.select_related("provider").get(pk=staff_id)
    midnight, next_midnight = bounds(day)
    begins = max(now(), midnight)
    if begins >= next_midnight:
        raise Refused("这一天已经过去。")
    note_absence(staff=staff, begins=begins, ends=next_midnight, reason=reason)
    note = f"{staff.name}{Absence.Reason(reason).label}，改派其上门"
    plan = make_plan(provider=staff.provider, day=day, kind=DayPlan.Kind.ADD, note=note, user=user)
    settle(plan, read_day(plan.provider_id, day), {})
    return plan


@transaction.atomic
def send_nearest(*, order_id: UUID, user: User, version: int | None = None) -> Visit:
    """Send whoever can be there first to an order that cannot wait: one key.

    Raises:
        Refused: somebody is on the way already, or nobody can come in the place's time.
    """
    order = locked(Order.objects.filter(pk=order_id).select_related("elder", "service"), version=version)
    if order.state not in (OrderState.ASKED, OrderState.DISPATCHED):
        raise Refused(f"这张订单{order.get_state_display()}，不用再派。")
    found = nearest(order, without=asked_already(order))
    if not found:
        raise Refused("眼下没有能赶到的护理员：会做的都在忙、太远或不在班。请与老人另约时间，或联系其他服务商。")
    best = found[0]
    if order.state == OrderState.ASKED:
        order = to_provider(order_id=order.pk, provider_id=best.provider_id, user=user, overrule_reason=AT_ONCE)
    return _send(order, found, user, user)


def _send(order: Order, found: list[Arrival], user: User | None, chosen_by: User) -> Visit:
    best = found[0]
    order.urgent = True
    save(order)
    order = flow.fire(order, "assign", user=user)
    staff = Staff.objects.get(pk=best.staff_id)
    visit = visits.plan(order=order, staff=staff, start=best.start, user=user)
    Assignment.objects.create(
        order=order,
        area_id=order.area_id,
        provider_id=cast("UUID", order.provider_id),
        staff=staff,
        start=best.start,
        suggested=True,
        candidates=[each.as_json() for each in found[:20]],
        assigned_by=chosen_by,
    )
    return visit


@transaction.atomic
def pass_on(*, order_id: UUID, instead_of: Visit | None, why: str, without: Collection[UUID]) -> Visit | None:
    """Send the next nearest to an urgent order, under the system's scope; None, and nothing changed, if nobody can."""
    with use(Scope.system()):
        order = locked(Order.objects.filter(pk=order_id).select_related("elder", "service"))
        chosen_by = (
            Assignment.objects.filter(order=order).order_by("-line").values_list("assigned_by", flat=True).first()
        )
        found = nearest(order, without={*asked_already(order), *without})
        if not found or chosen_by is None:
            return None
        if instead_of is not None:
            take_back(instead_of, why)
            order.refresh_from_db()
        return _send(order, found, None, User.objects.get(pk=chosen_by))


@transaction.atomic
def expire(*, notice_id: UUID) -> Notice:
    """Note that a carer did not answer in time; an urgent order goes to the next nearest, if there is one."""
    notice = locked(Notice.objects.filter(pk=notice_id))
    if notice.state != Notice.State.SENT or notice.due_at > now():
        return notice
    notice.state = Notice.State.EXPIRED
    save(notice)
    visit = Visit.objects.select_related("order").get(pk=notice.visit_id)
    if notice.urgent and visit.state == VisitState.PLANNED:
        pass_on(
            order_id=visit.order_id, instead_of=visit, why="护理员超时未确认，改派下一位", without=[notice.staff_id]
        )
    return notice
