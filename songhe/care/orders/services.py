"""Asking for a service, changing one's mind, complaining: every write on orders."""

from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from songhe.care.orders.events import ComplaintMade, OrderCancelled, OrderPlaced
from songhe.care.orders.flow import NOT_BEGUN
from songhe.care.orders.models import Complaint, Order, StandingOrder
from songhe.core.accounts.models import User
from songhe.core.calendar.services import month_of, now, today
from songhe.core.errors import Refused
from songhe.core.events.services import publish
from songhe.core.flow import services as flow
from songhe.core.ledger import credits
from songhe.core.ledger.services import balance, lock_accounts
from songhe.core.locks import lock_key, locked
from songhe.core.numbers import next_number
from songhe.core.saving import save
from songhe.core.validity import from_day, lasts_past
from songhe.registers.catalogue.models import Service
from songhe.registers.catalogue.selectors import price_on
from songhe.registers.elders import effects
from songhe.registers.elders.models import Elder, FollowUpKind
from songhe.registers.providers.models import Provider
from songhe.rights.careplans.models import CarePlan
from songhe.rights.policy.models import CREDIT_FORMS
from songhe.rights.policy.selectors import credits_for, entitlements_on

# Complaints and re-bookings look back; nobody asks for a service that should have started long ago.
GRACE = timedelta(hours=1)
# Somebody who names an hour and no end is content with a carer within two hours of it.
LEEWAY = timedelta(hours=2)


@transaction.atomic
def place(
    *,
    elder_id: UUID,
    service_id: UUID,
    wanted_from: datetime,
    source: str,
    user: User | None,
    wanted_to: datetime | None = None,
    use_credit: bool = True,
    urgent: bool = False,
    note: str = "",
    standing_order: StandingOrder | None = None,
    rebooked_from: Order | None = None,
    idempotency_key: str | None = None,
) -> Order:
    """Place an order for one service, hold its credit, and return it; the same key again returns the same order.

    The price is the guided one until a provider is chosen; what the month's credit or voucher does not pay is the
    elder's own.

    Raises:
        Refused: the elder is not active, the service is not offered then, or the time has passed.
    """
    if idempotency_key:
        lock_key(f"order:{idempotency_key}")
        if same := Order.objects.filter(idempotency_key=idempotency_key).first():
            return same
    elder = Elder.objects.get(pk=elder_id)
    if elder.state != Elder.State.ACTIVE:
        raise Refused(f"{elder.name}已标记为“{elder.get_state_display()}”，不能下单。", field="elder")
    if wanted_from < now() - GRACE:
        raise Refused("期望时间已经过去，请选择之后的时间。", field="wanted_from")
    service = Service.objects.get(pk=service_id)
    if not service.minutes:
        raise Refused(f"“{service.name}”是类别，请选择具体的服务项目。", field="service")
    price = price_on(service=service, on=_day(wanted_from))
    if price is None:
        raise Refused(f"“{service.name}”在 {_day(wanted_from):%Y年%m月%d日} 没有公布价格，不能下单。", field="service")
    order = Order(
        number=next_number("DD"),
        elder=elder,
        area_id=elder.area_id,
        service=service,
        source=source,
        placed_by=user,
        placed_at=now(),
        standing_order=standing_order,
        rebooked_from=rebooked_from,
        wanted_from=wanted_from,
        wanted_to=wanted_to or wanted_from + timedelta(minutes=service.minutes) + LEEWAY,
        minutes=service.minutes,
        urgent=urgent,
        note=note,
        idempotency_key=idempotency_key,
    )
    _split(order, price.price_fen, use_credit=use_credit and price.credit_pays)
    save(order)
    _hold(order)
    flow.start(order, user)
    publish(OrderPlaced(order_id=order.pk))
    return order


def reprice(*, order: Order, price_fen: int) -> None:
    """Set the price of the provider chosen, and hold exactly what is needed now; the order is locked by the caller."""
    if price_fen == order.price_fen:
        return
    credits.release_order(order)
    _split(order, price_fen, use_credit=order.credit_fen > 0 or order.own_fen == 0)
    _hold(order)


@transaction.atomic
def cancel(*, order_id: UUID, user: User | None, reason: str, version: int | None = None) -> Order:
    """Cancel an order nobody has started to serve; what it held goes back to the month's credit."""
    order = flow.fire(Order.objects.get(pk=order_id), "cancel", user=user, reason=reason, version=version)
    credits.release_order(order)
    publish(OrderCancelled(order_id=order.pk, reason=reason))
    return order


@transaction.atomic
def rebook(*, order_id: UUID, user: User, wanted_from: datetime, reason: str) -> Order:
    """Cancel an order and place the same again for another time."""
    old = cancel(order_id=order_id, user=user, reason=f"改约：{reason}")
    return place(
        elder_id=old.elder_id,
        service_id=old.service_id,
        wanted_from=wanted_from,
        source=old.source,
        user=user,
        urgent=old.urgent,
        note=old.note,
        rebooked_from=old,
    )


@transaction.atomic
def complain(*, order_id: UUID, text: str) -> Complaint:
    """Note a complaint about an order."""
    order = Order.objects.get(pk=order_id)
    if not text.strip():
        raise Refused("请写明投诉的内容。", field="text")
    complaint = save(
        Complaint(
            order=order,
            elder_id=order.elder_id,
            area_id=order.area_id,
            provider_id=order.provider_id,
            text=text.strip(),
        )
    )
    publish(ComplaintMade(complaint_id=complaint.pk))
    return complaint


@transaction.atomic
def answer_complaint(*, complaint_id: UUID, answer: str, version: int | None = None) -> Complaint:
    """Answer a complaint, which closes it."""
    complaint = locked(Complaint.objects.filter(pk=complaint_id), version=version)
    if not answer.strip():
        raise Refused("请写明答复内容。", field="answer")
    complaint.answer, complaint.answered_at, complaint.state = answer.strip(), now(), Complaint.State.ANSWERED
    return save(complaint)


@transaction.atomic
def repeat(
    *,
    elder_id: UUID,
    service_id: UUID,
    weekdays: list[int],
    at: time,
    first: date,
    last: date | None,
    provider: Provider | None = None,
    care_plan: CarePlan | None = None,
) -> StandingOrder:
    """Set up an order that repeats on weekdays (1 Monday … 7 Sunday) at a time of day."""
    elder = Elder.objects.get(pk=elder_id)
    if not weekdays:
        raise Refused("请至少选择一天。", field="weekdays")
    if last is not None and last < first:
        raise Refused("结束日期不能早于开始日期。", field="last")
    return save(
        StandingOrder(
            elder=elder,
            area_id=elder.area_id,
            service_id=service_id,
            provider=provider,
            care_plan=care_plan,
            weekdays=sorted(set(weekdays)),
            at=at,
            validity=from_day(first, last),
        )
    )


@transaction.atomic
def end_plan(*, care_plan_id: UUID, on: date, reason: str) -> None:
    """End what repeats for a care plan after a day, and cancel what it asked for afterwards and nobody has begun."""
    for standing in StandingOrder.objects.select_for_update(of=("self",)).filter(care_plan_id=care_plan_id):
        later = Order.objects.filter(standing_order=standing, state__in=NOT_BEGUN).order_by("wanted_from")
        for order in later:
            if _day(order.wanted_from) > on:
                cancel(order_id=order.pk, user=None, reason=reason)
        first, upper = standing.validity.lower, standing.validity.upper
        if upper is None or upper > on + timedelta(days=1):
            standing.validity = from_day(first, max(on, first))
            if first > on:
                # It never began: the one day that a range must have is not to be made either.
                standing.made_until = first
            standing.ended_reason = reason
            save(standing)


@transaction.atomic
def call_off(*, elder_id: UUID, on: date, reason: str, life_event_id: UUID, only_at_home: bool = False) -> None:
    """Cancel what an elder to whom something happened asked for and nobody has begun, and end what repeats after a day.

    ``only_at_home`` leaves what is given elsewhere, and orders for days before.
    """
    at_home = {"service__at_home": True} if only_at_home else {}
    orders = Order.objects.filter(elder_id=elder_id, state__in=NOT_BEGUN, **at_home).select_related("service")
    for order in orders.order_by("wanted_from"):
        if only_at_home and _day(order.wanted_from) < on:
            continue
        cancel(order_id=order.pk, user=None, reason=reason)
        effects.note(life_event_id, order, f"取消订单 {order} {order.service}", fen=order.credit_fen)
    repeating = StandingOrder.objects.select_for_update(of=("self",)).filter(lasts_past(on), elder_id=elder_id)
    for standing in repeating.filter(**at_home).select_related("service"):
        with effects.noting(life_event_id, standing, f"终止周期订单：{standing.service}"):
            standing.validity = from_day(standing.validity.lower, max(on, standing.validity.lower))
            standing.ended_reason = reason
            save(standing)


@transaction.atomic
def ask_again(*, retracted_id: UUID, life_event_id: UUID) -> int:
    """Ask anew for the orders that a mistaken event cancelled and whose time has not passed; return how many.

    What is no longer to be had (the service was withdrawn, the price is gone) goes onto the work list.
    """
    anew = 0
    for effect in effects.effects_of(retracted_id, Order):
        old = Order.objects.select_related("service").get(pk=effect.row_id)
        if old.wanted_from < now() - GRACE:
            continue
        try:
            order = _place_again(old)
        except Refused as refused:
            effects.follow_up(
                life_event_id,
                kind=FollowUpKind.ARRANGE,
                what=f"订单 {old} {old.service} 未能重新下单：{refused.message}",
                obj=old,
            )
        else:
            effects.note(life_event_id, order, f"重新下单 {order} {old.service}（原 {old}）", fen=order.credit_fen)
            anew += 1
    return anew


@transaction.atomic
def _place_again(old: Order) -> Order:
    return place(
        elder_id=old.elder_id,
        service_id=old.service_id,
        wanted_from=old.wanted_from,
        wanted_to=old.wanted_to,
        source=old.source,
        user=None,
        use_credit=old.credit_fen > 0,
        urgent=old.urgent,
        note=old.note,
        rebooked_from=old,
    )


@transaction.atomic
def make_due_orders(*, until: date, user: User | None = None) -> int:
    """Make the orders of every standing order up to a day; those made before are not made again. Return how many.

    What one of them meets holds no other up: the reason is written on it, and the next run tries again. Where an elder
    is entitled to a credit that is not open yet, their orders wait for it.
    """
    made = 0
    standing_orders = StandingOrder.objects.filter(
        validity__overlap=(today(), until + timedelta(days=1)), elder__state=Elder.State.ACTIVE
    ).select_related("elder", "service")
    for standing in standing_orders:
        made += _make_days(standing, until, user)
    return made


def _make_days(standing: StandingOrder, until: date, user: User | None) -> int:
    day = max(standing.validity.lower, today(), (standing.made_until or date.min) + timedelta(days=1))
    end = min(until, standing.validity.upper - timedelta(days=1)) if standing.validity.upper else until
    made, standing.held_up = 0, ""
    while day <= end and not _awaits_credit(standing.elder_id, day):
        if day.isoweekday() in standing.weekdays:
            try:
                _make_day(standing, day, user)
            except Refused as refused:
                standing.held_up = f"{day:%m月%d日}：{refused.message}"[:200]
                break
            made += 1
        standing.made_until = day
        day += timedelta(days=1)
    save(standing)
    return made


@transaction.atomic
def _make_day(standing: StandingOrder, day: date, user: User | None) -> Order:
    return place(
        elder_id=standing.elder_id,
        service_id=standing.service_id,
        wanted_from=max(timezone.make_aware(datetime.combine(day, standing.at)), now()),
        source=Order.Source.PLAN if standing.care_plan_id else Order.Source.STANDING,
        user=user,
        standing_order=standing,
        idempotency_key=f"standing:{standing.pk}:{day}",
    )


def _awaits_credit(elder_id: UUID, day: date) -> bool:
    """Tell whether a month's credit is due on a day and not open yet; an order made now would be the elder's own."""
    first, _next = month_of(day)
    if first <= today():
        return False
    opened = [credit.entitlement.policy_id for credit in credits_for(elder_id=elder_id, month=first)]
    due = entitlements_on(elder_id, first).filter(policy__form__in=CREDIT_FORMS)
    return due.exclude(policy__in=opened).exists()


@transaction.atomic
def follow_move(*, elder_id: UUID, area_id: int, life_event_id: UUID) -> int:
    """Bring what an elder asked for to the new community: standing orders go along, orders nobody has begun to serve
    are cancelled and asked for anew, since providers, carers and ways are others. Return how many were asked anew.
    """
    StandingOrder.objects.filter(elder_id=elder_id).update(area_id=area_id)
    waiting = list(Order.objects.filter(elder_id=elder_id, state__in=NOT_BEGUN).order_by("wanted_from"))
    anew = 0
    for old in waiting:
        cancel(order_id=old.pk, user=None, reason="老人迁居")
        effects.note(life_event_id, old, f"取消订单 {old} {old.service}，在新社区重新下单", fen=old.credit_fen)
        if old.wanted_from >= now() - GRACE:
            _place_again(old)
            anew += 1
    return anew


def _day(moment: datetime) -> date:
    return timezone.localtime(moment).date()


def _split(order: Order, price_fen: int, *, use_credit: bool) -> None:
    """Split the price between one of the month's credits, as far as it reaches, and the elder's own money.

    A voucher pays its share of the price and no more; of several credits the one that pays most is taken. Their
    accounts are locked before the balances are read, so two orders at once cannot both count on the rest.
    """
    order.price_fen, order.credit_fen, order.own_fen, order.credit = price_fen, 0, price_fen, None
    if not use_credit:
        return
    first, _next = month_of(_day(order.wanted_from))
    open_credits = credits_for(elder_id=order.elder_id, month=first)
    if not open_credits:
        return
    lock_accounts([credit.account_id for credit in open_credits])
    parts = [min(price_fen * credit.share_percent // 100, balance(credit.account_id)) for credit in open_credits]
    part = max(parts)
    credit = open_credits[parts.index(part)]
    if part > 0:
        order.credit, order.credit_fen, order.own_fen = credit, part, price_fen - part


def _hold(order: Order) -> None:
    """Hold the credit's part, apart from whatever the order held before; the order is new or locked by the caller."""
    if order.credit is not None and order.credit_fen:
        before = credits.times_booked(order)
        credits.reserve(order.credit.account_id, order.credit_fen, source=order, key=f"order:{order.pk}:held:{before}")
