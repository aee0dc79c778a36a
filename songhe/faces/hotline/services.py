"""Taking a call and ending it: every write on calls."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from songhe.care.dispatch import services as dispatch
from songhe.care.orders import services as orders
from songhe.care.orders.models import Order
from songhe.care.visits.models import Visit
from songhe.core.accounts.models import User
from songhe.core.calendar.services import now
from songhe.core.errors import Refused
from songhe.core.locks import locked
from songhe.core.saving import save
from songhe.faces.hotline.models import Call
from songhe.registers.elders.models import Elder
from songhe.registers.elders.selectors import find_caller


@transaction.atomic
def take(*, phone: str, operator: User) -> Call:
    """Take a call; the caller is recognised by the number where exactly one elder has it."""
    known = [caller.elder for caller in find_caller(phone)[:2]]
    elder = known[0] if len(known) == 1 else None
    area_id = elder.area_id if elder else operator.area_id
    if area_id is None:
        raise Refused("接听来电的人员要有负责的区划，请联系系统管理员。")
    return save(
        Call(
            phone=phone.strip(),
            elder=elder,
            area_id=area_id,
            operator=operator,
            started_at=now(),
        )
    )


@transaction.atomic
def identify(*, call_id: UUID, elder_id: UUID) -> Call:
    """Say which elder a call is about.

    Raises:
        Refused: the call has ended, so what came of it stays with whom it was about.
    """
    call = locked(Call.objects.filter(pk=call_id))
    if call.outcome != Call.Outcome.OPEN:
        raise Refused("这通来电已经结束，不能再改老人。", field="elder")
    elder = Elder.objects.get(pk=elder_id)
    call.elder, call.area_id = elder, elder.area_id
    return save(call)


@transaction.atomic
def order_and_dispatch(
    *, call_id: UUID, service_id: UUID, wanted_from: datetime, operator: User, note: str = "", urgent: bool = False
) -> tuple[Order, Visit | None, str]:
    """Place the order a call asks for and give it to the best provider and carer in the same minute.

    Returns the order, the visit planned, and, where nobody can come, why: the order then waits for a dispatcher.
    """
    call = locked(Call.objects.filter(pk=call_id))
    if call.elder_id is None:
        raise Refused("请先确认来电的老人。", field="elder")
    order = orders.place(
        elder_id=call.elder_id,
        service_id=service_id,
        wanted_from=wanted_from,
        source=Order.Source.CALL,
        user=operator,
        note=note,
        urgent=urgent,
        idempotency_key=f"call:{call.pk}:{service_id.hex[-12:]}:{wanted_from:%y%m%d%H%M}",
    )
    visit, why_not = None, ""
    try:
        with transaction.atomic():
            visit = dispatch.dispatch(order_id=order.pk, user=operator)
    except Refused as refused:
        why_not = refused.message
    end(call_id=call.pk, outcome=Call.Outcome.ORDER, note=note, order=order)
    order.refresh_from_db()
    return order, visit, why_not


@transaction.atomic
def end(*, call_id: UUID, outcome: str, note: str, order: Order | None = None) -> Call:
    """End a call with what came of it."""
    call = locked(Call.objects.filter(pk=call_id))
    if call.outcome != Call.Outcome.OPEN:
        return call
    call.outcome, call.note, call.order, call.ended_at = outcome, note.strip(), order or call.order, now()
    return save(call)
