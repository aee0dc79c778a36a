"""Putting a plan together with an elder: every write on care plans."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from uuid import UUID

from django.db import transaction

from songhe.core.accounts.models import User
from songhe.core.calendar.services import today
from songhe.core.errors import Refused
from songhe.core.events.services import Event, publish
from songhe.core.locks import locked
from songhe.core.saving import save
from songhe.core.validity import from_day, lasts_past
from songhe.registers.elders import effects
from songhe.registers.elders.models import Elder
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


@transaction.atomic
def draw_up(*, elder_id: UUID, adviser: User, goals: str, first: date, last: date, items: Sequence[Item]) -> CarePlan:
    """Draw up a plan for an elder."""
    elder = Elder.objects.get(pk=elder_id)
    if not items:
        raise Refused("照护计划至少要有一项服务。", field="items")
    if last < first:
        raise Refused("结束日期不能早于开始日期。", field="last")
    plan = save(
        CarePlan(elder=elder, area_id=elder.area_id, adviser=adviser, goals=goals, validity=from_day(first, last))
    )
    for item in items:
        save(
            PlanItem(
                plan=plan, service_id=item.service_id, weekdays=sorted(set(item.weekdays)), at=item.at, note=item.note
            )
        )
    return plan


@transaction.atomic
def agree(*, plan_id: UUID, version: int | None = None) -> CarePlan:
    """Note the elder's consent to the plan; it takes effect."""
    plan = locked(CarePlan.objects.filter(pk=plan_id), version=version)
    if plan.agreed_on:
        return plan
    plan.agreed_on = today()
    save(plan)
    publish(PlanAgreed(plan_id=plan.pk))
    return plan


@transaction.atomic
def end(*, elder_id: UUID, on: date, life_event_id: UUID) -> None:
    """End an elder's plans after a day because of what happened to them."""
    for plan in CarePlan.objects.select_for_update(of=("self",)).filter(lasts_past(on), elder_id=elder_id):
        with effects.noting(life_event_id, plan, f"终止照护计划（{plan.validity.lower} 起）"):
            plan.validity = from_day(plan.validity.lower, max(on, plan.validity.lower))
            save(plan)
