"""Giving an order to a provider and a carer: suggested, explained, and open to being overruled with a reason."""

from datetime import datetime
from typing import cast
from uuid import UUID

from django.db import transaction

from songhe.care.dispatch.models import Assignment
from songhe.care.dispatch.selectors import ProviderChoice, rank_carers, rank_providers
from songhe.care.orders import services as orders
from songhe.care.orders.flow import OrderState
from songhe.care.orders.models import Order
from songhe.care.visits import services as visits
from songhe.care.visits.flow import VisitState
from songhe.care.visits.models import Visit
from songhe.core.accounts.models import User
from songhe.core.errors import Refused
from songhe.core.flow import services as flow
from songhe.core.locks import locked
from songhe.core.saving import save
from songhe.registers.elders import services as elders
from songhe.registers.providers.models import Provider
from songhe.registers.workforce.models import Staff


@transaction.atomic
def to_provider(
    *, order_id: UUID, provider_id: UUID, user: User, overrule_reason: str = "", version: int | None = None
) -> Order:
    """Give an order to a provider; taking another than the first suggested needs a reason.

    The elder's facts become visible to the provider, which is noted in the elder's disclosure register.
    """
    order = locked(Order.objects.filter(pk=order_id), version=version)
    choices = rank_providers(order)
    chosen = _chosen(choices, provider_id)
    _reason_needed(chosen is choices[0], overrule_reason)
    order.provider_id = provider_id
    orders.reprice(order=order, price_fen=chosen.price_fen)
    save(order)
    order = flow.fire(order, "dispatch", user=user)
    elders.disclose(
        elder_id=order.elder_id,
        provider_id=provider_id,
        recipient=chosen.name,
        purpose="提供上门服务",
        basis=f"服务订单 {order.number}",
    )
    _note(order, chosen is choices[0], overrule_reason, [choice.as_json() for choice in choices], user)
    return order


@transaction.atomic
def to_carer(
    *,
    order_id: UUID,
    staff_id: UUID,
    start: datetime,
    user: User,
    overrule_reason: str = "",
    version: int | None = None,
) -> Visit:
    """Give an order to a carer at a time and plan the visit; an earlier plan of the order is cancelled.

    Raises:
        Refused: the carer lacks a skill or is not free then, or the choice overrules the suggestion without a reason.
    """
    order = locked(Order.objects.filter(pk=order_id), version=version)
    if order.provider_id is None:
        raise Refused("请先把订单派给服务商。", field="provider")
    choices = rank_carers(order)
    chosen = next((choice for choice in choices if choice.staff_id == staff_id), None)
    if chosen is None:
        raise Refused("这位护理员不是该服务商的在岗人员。", field="staff")
    if not chosen.able:
        raise Refused(f"{chosen.name}不能承接：{'；'.join(chosen.reasons)}", field="staff")
    suggested = chosen is choices[0]
    _reason_needed(suggested, overrule_reason)
    for earlier in Visit.objects.filter(order=order, state=VisitState.PLANNED):
        visits.cancel(visit_id=earlier.pk, user=user, reason=overrule_reason or "改派")
    order = flow.fire(order, "assign", user=user)
    visit = visits.plan(order=order, staff=Staff.objects.get(pk=staff_id), start=start, user=user)
    _note(order, suggested, overrule_reason, [choice.as_json() for choice in choices], user, visit)
    return visit


@transaction.atomic
def dispatch(*, order_id: UUID, user: User) -> Visit:
    """Give an order to the first suggested provider and carer in one go: the operator's one key.

    Raises:
        Refused: nobody can come in the wished time, with the reasons of the nearest candidates.
    """
    order = Order.objects.get(pk=order_id)
    if order.state == OrderState.ASKED:
        providers = rank_providers(order)
        if not providers:
            raise Refused("没有服务商在这个社区提供此项服务。")
        order = to_provider(order_id=order.pk, provider_id=providers[0].provider_id, user=user)
    choices = rank_carers(order)
    best = choices[0] if choices else None
    if best is None or not best.able or best.start is None:
        reasons = "；".join(f"{choice.name}：{'、'.join(choice.reasons)}" for choice in choices[:3])
        raise Refused(f"期望时间内没有可派的护理员。{reasons}")
    return to_carer(order_id=order.pk, staff_id=best.staff_id, start=best.start, user=user)


@transaction.atomic
def withdraw(*, order_id: UUID, user: User, reason: str, version: int | None = None) -> Order:
    """Take an order back from its carer: the planned visit is cancelled, the provider has to find somebody else."""
    order = locked(Order.objects.filter(pk=order_id), version=version)
    for visit in Visit.objects.filter(order=order, state=VisitState.PLANNED):
        visits.cancel(visit_id=visit.pk, user=user, reason=reason)
    return flow.fire(order, "release", user=user, reason=reason)


def _chosen(choices: list[ProviderChoice], provider_id: UUID) -> ProviderChoice:
    for choice in choices:
        if choice.provider_id == provider_id:
            return choice
    name = Provider.objects.filter(pk=provider_id).values_list("name", flat=True).first() or "该服务商"
    raise Refused(f"{name}在这个社区不提供此项服务。", field="provider")


def _reason_needed(suggested: bool, reason: str) -> None:
    if not suggested and not reason.strip():
        raise Refused("没有采用系统建议，请写明理由。", field="overrule_reason")


def _note(
    order: Order,
    suggested: bool,
    reason: str,
    candidates: list[dict[str, object]],
    user: User,
    visit: Visit | None = None,
) -> None:
    Assignment.objects.create(
        order=order,
        area_id=order.area_id,
        provider_id=cast("UUID", order.provider_id),
        staff_id=visit.staff_id if visit else None,
        start=visit.planned.lower if visit else None,
        suggested=suggested,
        overrule_reason=reason.strip(),
        candidates=candidates[:20],
        assigned_by=user,
    )
