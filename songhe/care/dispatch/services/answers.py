"""What carers say to their visits: told, acknowledged, declined with a reason, handed to a colleague who agrees."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from songhe.care.dispatch.models import Notice, Swap
from songhe.care.dispatch.planning import days_of, minute_of, read_day, rules_on, standing_of_records
from songhe.care.dispatch.routes import Placed, follow
from songhe.care.visits import services as visits
from songhe.care.visits.flow import VisitState
from songhe.care.visits.models import Visit
from songhe.core.accounts.models import User
from songhe.core.calendar.services import now, today
from songhe.core.errors import Refused
from songhe.core.flow import services as flow
from songhe.core.locks import locked
from songhe.core.saving import save
from songhe.core.scope.services import Scope, use
from songhe.registers.workforce.models import Staff

# Where the place says nothing.
ANSWER_MINUTES, URGENT_MINUTES = 120, 5


@transaction.atomic
def tell(*, visit_ids: Iterable[UUID]) -> list[Notice]:
    """Tell carers of visits planned or moved; what they were told of them before is withdrawn."""
    rows = list(Visit.objects.filter(pk__in=list(visit_ids), state=VisitState.PLANNED).select_related("order"))
    withdraw(visit_ids=[row.pk for row in rows])
    _rules, figures = rules_on(today())
    made = [
        Notice(
            visit=row,
            area_id=row.area_id,
            provider_id=row.provider_id,
            staff_id=row.staff_id,
            start=row.planned.lower,
            urgent=row.order.urgent,
            due_at=now() + timedelta(minutes=_minutes(row.order.urgent, figures)),
        )
        for row in rows
    ]
    return Notice.objects.bulk_create(made, batch_size=500)


def _minutes(urgent: bool, figures: dict[str, int]) -> int:
    return figures.get("紧急确认时限", URGENT_MINUTES) if urgent else figures.get("确认时限", ANSWER_MINUTES)


@transaction.atomic
def withdraw(*, visit_ids: Iterable[UUID]) -> None:
    """Take back what carers were told and asked about visits that are moved, begun or cancelled."""
    ids = list(visit_ids)
    Notice.objects.filter(visit_id__in=ids, state__in=[Notice.State.SENT, Notice.State.ACKNOWLEDGED]).update(
        state=Notice.State.WITHDRAWN
    )
    Swap.objects.filter(visit_id__in=ids, state=Swap.State.ASKED).update(state=Swap.State.WITHDRAWN, answered_at=now())


@transaction.atomic
def acknowledge(*, visit_id: UUID, user: User) -> Notice:
    """Note that the carer knows of the visit and goes; a second time changes nothing."""
    notice = _own(visit_id, user, Notice.State.SENT, Notice.State.ACKNOWLEDGED, Notice.State.EXPIRED)
    if notice.state == Notice.State.ACKNOWLEDGED:
        return notice
    notice.state, notice.answered_at = Notice.State.ACKNOWLEDGED, now()
    return save(notice)


@transaction.atomic
def decline(*, visit_id: UUID, user: User, reason: str) -> Notice:
    """Note that the carer cannot go, and why; the visit is taken back and the order waits for somebody else.

    Raises:
        Refused: no reason, or the visit has begun.
    """
    if not reason.strip():
        raise Refused("请写明不能去的原因。", field="reason")
    notice = _own(visit_id, user, Notice.State.SENT, Notice.State.ACKNOWLEDGED, Notice.State.EXPIRED)
    visit = locked(Visit.objects.filter(pk=visit_id).select_related("order"))
    if visit.state != VisitState.PLANNED:
        raise Refused(f"这次上门{visit.get_state_display()}，不能再推辞。")
    notice.state, notice.reason, notice.answered_at = Notice.State.DECLINED, reason.strip(), now()
    save(notice)
    take_back(visit, f"{visit.staff.name}不能去：{reason.strip()}")
    if notice.urgent:
        # Whoever is next nearest is asked at once; where nobody is, the order waits before the dispatcher.
        from songhe.care.dispatch.services.live import pass_on

        pass_on(order_id=visit.order_id, instead_of=None, why="", without=[notice.staff_id])
    return notice


def take_back(visit: Visit, reason: str) -> None:
    """Cancel a planned visit and give its order back to the dispatcher; the system does it for whoever asked."""
    with use(Scope.system()):
        visits.cancel(visit_id=visit.pk, user=None, reason=reason)
        flow.fire(visit.order, "release", user=None, reason=reason)


@transaction.atomic
def ask_swap(*, visit_id: UUID, to_staff_id: UUID, reason: str, user: User) -> Swap:
    """Ask a colleague to make a visit instead; nothing changes until they agree.

    Raises:
        Refused: the colleague may not or cannot make it, in words.
    """
    visit = locked(Visit.objects.filter(pk=visit_id).select_related("order", "elder"))
    if user.staff_id != visit.staff_id:
        raise Refused("这次上门派给了其他护理员。")
    if visit.state != VisitState.PLANNED:
        raise Refused(f"这次上门{visit.get_state_display()}，不能换班。")
    if not reason.strip():
        raise Refused("请写明换班的原因。", field="reason")
    colleague = Staff.objects.get(pk=to_staff_id, provider_id=visit.provider_id)
    if troubles := hindrances(visit, colleague):
        raise Refused(f"{colleague.name}不能接替：{'；'.join(troubles)}", field="to_staff")
    return save(
        Swap(
            visit=visit,
            area_id=visit.area_id,
            provider_id=visit.provider_id,
            from_staff_id=visit.staff_id,
            to_staff=colleague,
            reason=reason.strip(),
        )
    )


@transaction.atomic
def answer_swap(*, swap_id: UUID, user: User, agrees: bool) -> Swap:
    """Agree to a colleague's visit, which makes it one's own at once, or refuse it.

    Raises:
        Refused: it is another's to answer, was answered, or cannot be made any more.
    """
    swap = locked(Swap.objects.filter(pk=swap_id))
    if user.staff_id != swap.to_staff_id:
        raise Refused("这次换班请的是别的同事。")
    if swap.state != Swap.State.ASKED:
        raise Refused(f"这次换班{swap.get_state_display()}。")
    swap.state, swap.answered_at = (Swap.State.AGREED if agrees else Swap.State.REFUSED), now()
    save(swap)
    if agrees:
        visit = locked(Visit.objects.filter(pk=swap.visit_id).select_related("order", "elder"))
        if troubles := hindrances(visit, swap.to_staff):
            raise Refused(f"现在不能接替了：{'；'.join(troubles)}")
        visits.rearrange(moves=[visits.Move(visit.pk, visit.version, swap.to_staff, visit.planned.lower)])
        acknowledge(visit_id=visit.pk, user=user)
    return swap


def hindrances(visit: Visit, staff: Staff) -> list[str]:
    """Return in words what hard rules stand in the way of a carer's making a visit at its time."""
    day = read_day(visit.provider_id, _day_of(visit))
    entry, person = day.entries.get(visit.order_id), day.people.get(str(staff.pk))
    if entry is None or person is None:
        return ["不在岗"]
    stops = [
        each for each in days_of(day, standing_of_records(day)).get(person.id, []) if each.task.id != entry.task.id
    ]
    start = minute_of(visit.planned.lower, day.midnight)
    walk = follow(person, [*stops, Placed(entry.task, start, start + entry.task.minutes)], day.rules)
    return [breach.text for breach in walk.breaches if breach.hard]


def _day_of(visit: Visit) -> date:
    return timezone.localtime(visit.planned.lower).date()


def _own(visit_id: UUID, user: User, *states: str) -> Notice:
    notice = Notice.objects.filter(visit_id=visit_id, state__in=states).order_by("-id").first()
    if notice is None:
        raise Refused("这次上门已经撤回或改派，请刷新页面。")
    if notice.staff_id != user.staff_id:
        raise Refused("这次上门派给了其他护理员。")
    return locked(Notice.objects.filter(pk=notice.pk))
