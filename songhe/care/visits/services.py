"""Going, being there, leaving, and whether it counts: every write on visits."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone

from songhe.care.orders.models import Order
from songhe.care.visits.events import VisitFinished, VisitPlanned, VisitsMoved, VisitsPlanned, VisitVerified
from songhe.care.visits.flow import VisitState
from songhe.care.visits.models import Doubt, HomeCode, Visit
from songhe.care.visits.rules import findings
from songhe.care.visits.selectors import home_code_of, limits_on
from songhe.core.accounts.models import User
from songhe.core.calendar.services import now, today
from songhe.core.errors import Changed, Refused
from songhe.core.events.services import publish
from songhe.core.files.models import StoredFile
from songhe.core.flow import services as flow
from songhe.core.ledger import credits
from songhe.core.locks import locked, patience
from songhe.core.saving import explained, save
from songhe.core.scope.services import Scope, use
from songhe.registers.elders import effects
from songhe.registers.elders.models import Elder, FollowUpKind
from songhe.registers.workforce.models import Staff


@dataclass(frozen=True)
class Presence:
    """Where and when a carer's device was, and what it read at the door; ``at`` is the device's time."""

    at: datetime
    latitude: float | None = None
    longitude: float | None = None
    home_code: str = ""
    by_hand: bool = False


@transaction.atomic
def plan(*, order: Order, staff: Staff, start: datetime, user: User | None) -> Visit:
    """Plan one carer's visit for an order.

    Raises:
        Refused: the carer already has a visit at that time (the database's exclusion constraint decides).
    """
    visit = save(
        Visit(
            order=order,
            elder_id=order.elder_id,
            area_id=order.area_id,
            provider_id=staff.provider_id,
            staff=_of_provider(staff, order.provider_id),
            service_id=order.service_id,
            planned=_range(start, order.minutes),
        )
    )
    flow.start(visit, user)
    publish(VisitPlanned(visit_id=visit.pk))
    return visit


@dataclass(frozen=True)
class Placement:
    """Who goes to an order, and when."""

    order: Order
    staff: Staff
    start: datetime


@transaction.atomic
def plan_many(*, placements: Sequence[Placement], user: User | None) -> list[Visit]:
    """Plan the visits of many orders, all or none.

    Raises:
        Refused: a carer already has a visit at such a time, or an order has one; the database decides.
    """
    planned = [
        Visit(
            order=each.order,
            elder_id=each.order.elder_id,
            area_id=each.order.area_id,
            provider_id=each.staff.provider_id,
            staff=_of_provider(each.staff, each.order.provider_id),
            service_id=each.order.service_id,
            planned=_range(each.start, each.order.minutes),
        )
        for each in placements
    ]
    _write(lambda: Visit.objects.bulk_create(planned, batch_size=500))
    flow.start_many(planned, user)
    publish(VisitsPlanned(visit_ids=tuple(visit.pk for visit in planned)))
    return planned


@dataclass(frozen=True)
class Move:
    """A planned visit, as it was seen, that goes to a carer at a time."""

    visit_id: UUID
    version: int
    staff: Staff
    start: datetime


@contextmanager
def overlaps_judged_at_the_end() -> Iterator[None]:
    """Let visits change places in the block; overlaps of one carer's visits are judged when it ends.

    Raises:
        Refused: two visits of one carer overlap.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS visit_one_at_a_time_a_carer DEFERRED")
    yield

    def judge_now() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS visit_one_at_a_time_a_carer IMMEDIATE")

    _write(judge_now)


@transaction.atomic
def rearrange(*, moves: Sequence[Move]) -> list[Visit]:
    """Give planned visits to other carers or times, all or none; two carers may change visits with each other.

    Raises:
        Changed: a visit is not as it was seen. Refused: one has begun, or two of one carer's visits would overlap.
    """
    wanted = {move.visit_id: move for move in moves}
    with patience():
        found = list(
            Visit.objects.filter(pk__in=wanted)
            .select_related("order", "elder")
            .order_by("id")
            .select_for_update(of=("self",))
        )
    for visit in found:
        if visit.state != VisitState.PLANNED:
            raise Refused(f"{visit.elder.name}的上门{visit.get_state_display()}，不能改派。")
        if visit.version != wanted[visit.pk].version:
            raise Changed(f"{visit.elder.name}的上门刚被他人改派。请刷新后再试。")
        move = wanted[visit.pk]
        visit.staff = _of_provider(move.staff, visit.provider_id)
        visit.planned = _range(move.start, visit.order.minutes)
    if len(found) != len(wanted):
        raise Changed("有的上门已经不在，请刷新后再试。")
    with overlaps_judged_at_the_end():
        _write(lambda: Visit.objects.bulk_update(found, ["staff", "planned"], batch_size=500))
    publish(VisitsMoved(visit_ids=tuple(visit.pk for visit in found)))
    return found


def _of_provider(staff: Staff, provider_id: UUID | None) -> Staff:
    if staff.provider_id != provider_id:
        raise Refused(f"{staff.name}不属于订单的服务商。", field="staff")
    return staff


def _range(start: datetime, minutes: int) -> DateTimeTZRange:
    return DateTimeTZRange(start, start + timedelta(minutes=minutes), "[)")


def _write(act: Callable[[], object]) -> None:
    """Write; what the database refuses comes back as a sentence."""
    try:
        with transaction.atomic():
            act()
    except IntegrityError as error:
        raise explained(Visit(), error) from error


@transaction.atomic
def check_in(*, visit_id: UUID, user: User, presence: Presence) -> Visit:
    """Note that the carer is at the elder's; a second check-in of the same visit changes nothing."""
    visit = locked(Visit.objects.filter(pk=visit_id))
    if visit.state == VisitState.STARTED:
        return visit
    _is_own(visit, user)
    if presence.at > now() + timedelta(minutes=5):
        raise Refused("签到时间晚于现在，请检查手机时间。")
    visit.check_in_at = presence.at
    visit.check_in_latitude, visit.check_in_longitude = presence.latitude, presence.longitude
    visit.check_in_proof = _proof(visit, presence)
    visit.save()
    flow.fire(visit.order, "begin", user=user)
    return flow.fire(visit, "check_in", user=user)


@transaction.atomic
def check_out(
    *,
    visit_id: UUID,
    user: User,
    presence: Presence,
    note: str = "",
    photo: StoredFile | None = None,
    signature: StoredFile | None = None,
    device_key: UUID | None = None,
) -> Visit:
    """Note that the carer leaves, and have the rules look at the visit; the same device key again changes nothing."""
    visit = locked(Visit.objects.filter(pk=visit_id))
    if device_key and visit.device_key == device_key:
        return visit
    _is_own(visit, user)
    if visit.check_in_at is None:
        raise Refused("还没有签到，不能签退。")
    if presence.at < visit.check_in_at:
        raise Refused("签退时间早于签到时间，请检查手机时间。")
    visit.check_out_at, visit.recorded_at = presence.at, now()
    visit.check_out_latitude, visit.check_out_longitude = presence.latitude, presence.longitude
    visit.minutes = round((visit.check_out_at - visit.check_in_at).total_seconds() / 60)
    visit.note, visit.photo, visit.signature, visit.device_key = note, photo, signature, device_key
    visit.save()
    visit = flow.fire(visit, "check_out", user=user)
    flow.fire(visit.order, "finish", user=user)
    publish(VisitFinished(visit_id=visit.pk))
    return visit


@transaction.atomic
def back_fill(*, visit_id: UUID, user: User, check_in_at: datetime, check_out_at: datetime, note: str) -> Visit:
    """Enter a visit afterwards that was not recorded on the spot; it is always doubted, for a person to judge."""
    if not note.strip():
        raise Refused("补录必须说明原因。", field="note")
    check_in(visit_id=visit_id, user=user, presence=Presence(at=check_in_at, by_hand=True))
    return check_out(visit_id=visit_id, user=user, presence=Presence(at=check_out_at, by_hand=True), note=note)


@transaction.atomic
def examine(*, visit_id: UUID) -> Visit:
    """Ask every rule about a finished visit: no doubt verifies it, any doubt puts it before a person. For jobs.

    Runs under the system's scope, since the rules compare with visits that the carer may not see.
    """
    visit = locked(
        Visit.objects.filter(pk=visit_id, state=VisitState.FINISHED).select_related("order", "elder", "photo")
    )
    doubts = [
        Doubt(visit=visit, area_id=visit.area_id, provider_id=visit.provider_id, rule=rule, finding=finding)
        for rule, finding in findings(visit, limits_on(today()))
    ]
    if doubts:
        Doubt.objects.bulk_create(doubts, ignore_conflicts=True)
        return flow.fire(visit, "doubt", user=None)
    return _count(visit, "verify", user=None, reason="")


@transaction.atomic
def judge(*, visit_id: UUID, user: User, counts: bool, reason: str, version: int | None = None) -> Visit:
    """Decide a doubted visit: it counts, or it does not and what was held is given back."""
    visit = locked(Visit.objects.filter(pk=visit_id).select_related("order"), version=version)
    if not reason.strip():
        raise Refused("请写明判定理由。", field="reason")
    visit.doubts.update(upheld=not counts, judged_by=user, judged_at=now(), judgement=reason.strip())
    if counts:
        return _count(visit, "uphold", user=user, reason=reason)
    visit = flow.fire(visit, "reject", user=user, reason=reason)
    with use(Scope.system()):
        order = flow.fire(visit.order, "reject", user=None, reason=reason)
        credits.release_order(order)
    return visit


def judge_valid(*, visit_id: UUID, user: User, reason: str, version: int | None = None) -> Visit:
    """Judge the doubts unfounded: the visit counts."""
    return judge(visit_id=visit_id, user=user, counts=True, reason=reason, version=version)


def judge_invalid(*, visit_id: UUID, user: User, reason: str, version: int | None = None) -> Visit:
    """Judge the doubts founded: the visit does not count."""
    return judge(visit_id=visit_id, user=user, counts=False, reason=reason, version=version)


def _count(visit: Visit, step: str, *, user: User | None, reason: str) -> Visit:
    """Freeze the price, post what was held to the provider, and close the order."""
    order = visit.order
    visit.price_fen, visit.credit_fen, visit.own_fen = order.price_fen, order.credit_fen, order.own_fen
    visit.verified_at, visit.verified_by = now(), user
    visit.save()
    visit = flow.fire(visit, step, user=user, reason=reason)
    with use(Scope.system()):
        credits.settle_order(order, provider_id=visit.provider_id, on=today())
        flow.fire(order, "close", user=None)
    publish(VisitVerified(visit_id=visit.pk))
    return visit


@transaction.atomic
def cancel(*, visit_id: UUID, user: User | None, reason: str) -> Visit:
    """Cancel a planned visit."""
    return flow.fire(Visit.objects.get(pk=visit_id), "cancel", user=user, reason=reason)


@transaction.atomic
def cancel_many(*, visits: Sequence[Visit], user: User | None, reason: str) -> None:
    """Cancel planned visits, all or none."""
    flow.fire_many(visits, "cancel", user=user, reason=reason)


@transaction.atomic
def give_home_code(*, elder_id: UUID) -> HomeCode:
    """Give an elder's door a new code; the one before no longer counts."""
    elder = locked(Elder.objects.filter(pk=elder_id))
    HomeCode.objects.filter(elder=elder, ended_at__isnull=True).update(ended_at=now())
    return save(HomeCode(elder=elder, area_id=elder.area_id, token=secrets.token_urlsafe(24)))


@transaction.atomic
def follow_move(*, elder_id: UUID, life_event_id: UUID) -> None:
    """Give an elder who had a door code one for the new door, and have the new community put it up."""
    if home_code_of(elder_id) is None:
        return
    code = give_home_code(elder_id=elder_id)
    effects.follow_up(
        life_event_id, kind=FollowUpKind.ARRANGE, what="迁居后已发放新的家门二维码，请打印张贴；旧码作废。", obj=code
    )


def _proof(visit: Visit, presence: Presence) -> str:
    if presence.by_hand:
        return Visit.Proof.MANUAL
    if presence.home_code:
        code = home_code_of(visit.elder_id)
        if code is None or not secrets.compare_digest(code.token, presence.home_code):
            raise Refused("这不是这位老人家的二维码。请核对住址，或改用定位签到。")
        return Visit.Proof.HOME_CODE
    return Visit.Proof.PLACE


def _is_own(visit: Visit, user: User) -> None:
    if user.staff_id and user.staff_id != visit.staff_id:
        raise Refused("这次上门派给了其他护理员。")


@transaction.atomic
def question_after_death(*, elder_id: UUID, on: date, life_event_id: UUID) -> None:
    """List the visits that were recorded after an elder's day of death: money to take back, or proof to look into."""
    next_day = timezone.make_aware(datetime.combine(on + timedelta(days=1), time()))
    begun = Visit.objects.filter(elder_id=elder_id, check_in_at__gte=next_day).exclude(
        state__in=[VisitState.REJECTED, VisitState.CANCELLED]
    )
    for visit in begun.select_related("order", "service"):
        counted = visit.state == VisitState.VERIFIED
        fen = visit.credit_fen if counted else visit.order.credit_fen
        day = timezone.localtime(visit.check_in_at)
        said = "已核验入账，请追回" if counted else "尚未核验，请不予认可"
        effects.follow_up(
            life_event_id,
            kind=FollowUpKind.TAKE_BACK if counted and fen else FollowUpKind.CHECK,
            what=f"去世后仍有服务记录：{visit.order} {visit.service} {day:%m月%d日}，{said}",
            fen=fen or None,
            obj=visit,
        )
