"""Who is an elder's steady carer: adopted for a whole week's proposal at once, and taken back as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from songhe.care.dispatch.models import CarerWish
from songhe.care.orders.models import Order
from songhe.core.calendar.services import now
from songhe.core.errors import Refused
from songhe.core.locks import lock_key
from songhe.core.saving import save
from songhe.registers.workforce.models import Staff

STEADY = CarerWish.Kind.STEADY


@dataclass(frozen=True)
class Adopted:
    """What adopting did: elders whose carer is new, and steady carers that ended."""

    begun: int
    ended: int

    def __str__(self) -> str:
        return f"新定 {self.begun} 位固定护理员，终止 {self.ended} 位。"


def steady_as_of(provider_id: UUID) -> datetime | None:
    """Return when a provider's steady carers last changed: what a proposal is made on; None if they never did."""
    rows = CarerWish.objects.filter(provider_id=provider_id, kind=STEADY)
    last: dict[str, datetime | None] = rows.aggregate(since=Max("since"), ended=Max("ended_at"))
    return max((each for each in last.values() if each is not None), default=None)


@transaction.atomic
def adopt_steady(*, provider_id: UUID, chosen: Mapping[UUID, frozenset[UUID]], as_of: datetime | None) -> Adopted:
    """Make carers the steady ones of these elders, all or none; other elders keep theirs.

    ``as_of`` is what ``steady_as_of`` said when the choice was made.

    Raises:
        Refused: nobody is chosen, the steady carers have changed since, an elder has no order of this provider, a
            carer is not in its service or is one the elder does not want, named.
    """
    if not any(chosen.values()):
        raise Refused("还没有选固定护理员。")
    _one_at_a_time(provider_id, as_of)
    orders = Order.objects.filter(provider_id=provider_id, elder_id__in=chosen).order_by("elder_id", "-id")
    elders = {row["elder_id"]: row for row in orders.distinct("elder_id").values("elder_id", "area_id", "elder__name")}
    wanted = {staff for each in chosen.values() for staff in each}
    carers = Staff.objects.filter(pk__in=wanted, provider_id=provider_id, state=Staff.State.ACTIVE).in_bulk()
    barred = CarerWish.objects.filter(
        provider_id=provider_id, elder_id__in=chosen, kind=CarerWish.Kind.BARRED, ended_at__isnull=True
    )
    kept_away = list(barred.values_list("elder_id", "staff_id", "sex"))
    for elder, staff in chosen.items():
        if elder not in elders:
            raise Refused("有老人没有这家服务商的订单，请重新生成建议。")
        for each in staff:
            if each not in carers:
                raise Refused(f"{elders[elder]['elder__name']}：选的护理员已不在岗，请另选一位。")
            if any(who == elder and (whom == each or sex == carers[each].sex) for who, whom, sex in kept_away):
                raise Refused(f"{elders[elder]['elder__name']}不希望{carers[each].name}上门，请另选一位。")
    moment = _moment(provider_id)
    old = CarerWish.objects.select_for_update(of=("self",)).filter(
        provider_id=provider_id, elder_id__in=chosen, kind=STEADY, ended_at__isnull=True
    )
    begun = ended = 0
    known: dict[UUID, set[UUID | None]] = {}
    for row in old:
        if row.staff_id in chosen[row.elder_id]:
            known.setdefault(row.elder_id, set()).add(row.staff_id)
            continue
        row.ended_at = moment
        save(row)
        ended += 1
    for elder, staff in chosen.items():
        for each in sorted(staff - known.get(elder, set())):
            _begin(elders[elder]["area_id"], elder, provider_id, each, moment)
            begun += 1
    if not begun and not ended:
        raise Refused("固定护理员与现在的一样，没有要改的。")
    return Adopted(begun, ended)


def _one_at_a_time(provider_id: UUID, as_of: datetime | None) -> None:
    """Wait for whoever is changing the steady carers, then insist that they are as the person saw them."""
    lock_key(f"dispatch.steady:{provider_id}")
    if steady_as_of(provider_id) != as_of:
        raise Refused("固定护理员在此期间有人改过，请重新生成建议。什么都没有改。")


def _moment(provider_id: UUID) -> datetime:
    """Return a moment that no other adoption has, for adoptions are told apart by it."""
    last = steady_as_of(provider_id)
    return now() if last is None else max(now(), last + timedelta(microseconds=1))


def _begin(area_id: int, elder_id: UUID, provider_id: UUID, staff_id: UUID, moment: datetime) -> None:
    save(
        CarerWish(
            elder_id=elder_id,
            area_id=area_id,
            provider_id=provider_id,
            kind=STEADY,
            staff_id=staff_id,
            reason="周计划",
            since=moment,
        )
    )


@transaction.atomic
def undo_adoption(*, provider_id: UUID, as_of: datetime | None) -> Adopted:
    """Take the last adoption back: those it began end, those it ended go on.

    Raises:
        Refused: there is none in force, or the steady carers have changed since ``as_of``.
    """
    _one_at_a_time(provider_id, as_of)
    rows = CarerWish.objects.filter(provider_id=provider_id, kind=STEADY)
    last = rows.filter(ended_at__isnull=True).order_by("-since").values_list("since", flat=True).first()
    if last is None:
        raise Refused("没有可以撤销的周计划。")
    moment = _moment(provider_id)
    newer = list(rows.select_for_update(of=("self",)).filter(since=last, ended_at__isnull=True))
    for row in newer:
        row.ended_at = moment
        save(row)
    older = list(rows.select_for_update(of=("self",)).filter(ended_at=last))
    for row in older:
        row.ended_at = None
        save(row)
    return Adopted(len(older), len(newer))
