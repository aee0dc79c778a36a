"""Every write to the facilities' register; each function is one transaction and raises Refused in words for people."""

from collections.abc import Collection
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.files import File
from django.db import transaction

from songhe.core.accounts.models import User
from songhe.core.calendar.services import today
from songhe.core.errors import Refused
from songhe.core.files.services import store
from songhe.core.locks import locked
from songhe.core.saving import save
from songhe.core.scope.services import Scope, use
from songhe.core.validity import from_day, in_force, last_day, lasts_past
from songhe.registers.elders import effects, life
from songhe.registers.elders.models import Elder, FollowUpKind
from songhe.registers.facilities.models import Bed, BedStay, Facility, OpeningHours, Operation, Paper, Room, Space
from songhe.registers.providers.models import Provider

_STEPS: dict[str, tuple[str, ...]] = {
    Facility.State.OPEN: (Facility.State.PLANNED, Facility.State.PAUSED),
    Facility.State.PAUSED: (Facility.State.OPEN,),
    Facility.State.CLOSED: (Facility.State.PLANNED, Facility.State.OPEN, Facility.State.PAUSED),
}


@transaction.atomic
def found(*, user: User | None = None, **particulars: Any) -> Facility:
    """Enter a facility that is being built, or runs already when it says since when. Areas in m², place in WGS-84."""
    opened = particulars.get("opened_on")
    state = Facility.State.OPEN if opened is not None and opened <= today() else Facility.State.PLANNED
    return save(Facility(**particulars, state=state))


@transaction.atomic
def amend(*, facility: Facility, version: int | None = None, **changes: Any) -> Facility:
    """Change a facility's particulars; its state has verbs of its own."""
    changes.pop("user", None)
    row = locked(Facility.objects.filter(pk=facility.pk), version=version)
    if row.state == Facility.State.CLOSED:
        raise Refused("该设施已关闭，不能修改。")
    for field, value in changes.items():
        setattr(row, field, value)
    return save(row)


@transaction.atomic
def open_doors(*, facility: Facility, on: date, version: int | None = None) -> Facility:
    """Open a facility that was built or paused."""
    row = _to(facility, Facility.State.OPEN, version)
    row.opened_on = row.opened_on or on
    return save(row)


@transaction.atomic
def pause(*, facility: Facility, reason: str, version: int | None = None) -> Facility:
    """Close a facility for a while."""
    return save(_to(facility, Facility.State.PAUSED, version))


@transaction.atomic
def close(*, facility: Facility, last: date, reason: str, version: int | None = None) -> Facility:
    """Close a facility for good after a day; its operator's term ends then.

    Raises:
        Refused: somebody still lies in one of its beds after that day.
    """
    row = _to(facility, Facility.State.CLOSED, version)
    if BedStay.objects.filter(lasts_past(last), bed__room__facility=row).exists():
        raise Refused("还有老人入住到终止日期之后，请先办理退住。", field="last")
    for term in row.operations.filter(lasts_past(last), validity__startswith__lte=last):
        term.validity = from_day(term.validity.lower, last)
        save(term)
    return save(row)


def _to(facility: Facility, state: str, version: int | None) -> Facility:
    row = locked(Facility.objects.filter(pk=facility.pk), version=version)
    if row.state not in _STEPS[state]:
        raise Refused(f"该设施现在是“{row.get_state_display()}”，不能这样办理。")
    row.state = state
    return row


# --- who runs it, when it is open ---


@transaction.atomic
def hand_over(
    *, facility: Facility, provider: Provider, first: date, last: date | None = None, contract_number: str = ""
) -> Operation:
    """Give a facility to an operator from a day on; one operator at a time."""
    if last is not None and last < first:
        raise Refused("合同期止不能早于合同期起。", field="last")
    if provider.state in (Provider.State.ENDED, Provider.State.SUSPENDED):
        raise Refused(f"该服务商现在是“{provider.get_state_display()}”，不能接手站点。", field="provider")
    return save(
        Operation(
            facility=facility, provider=provider, contract_number=contract_number.strip(),
            validity=from_day(first, last),
        )
    )  # fmt: skip


@transaction.atomic
def take_back(*, operation: Operation, last: date, reason: str, version: int | None = None) -> Operation:
    """End an operator's term after a day."""
    row = locked(Operation.objects.filter(pk=operation.pk), version=version)
    agreed = last_day(row.validity)
    if last < row.validity.lower or (agreed is not None and last > agreed):
        raise Refused("终止日期须在合同期内。", field="last")
    row.validity = from_day(row.validity.lower, last)
    return save(row)


def operator_on(facility: Facility, on: date) -> Provider | None:
    """Return who runs a facility on a day."""
    term = facility.operations.filter(in_force(on)).select_related("provider").first()
    return term.provider if term is not None else None


@transaction.atomic
def set_hours(*, facility: Facility, weekdays: Collection[int], opens: time, closes: time) -> OpeningHours:
    """Say when a facility is open on some days of the week; what overlaps on these days is replaced."""
    if closes <= opens:
        raise Refused("关门时间须晚于开门时间。", field="closes")
    row = locked(Facility.objects.filter(pk=facility.pk))
    row.opening_hours.filter(weekday__in=weekdays, opens__lt=closes, closes__gt=opens).delete()
    made = [
        save(OpeningHours(facility=row, weekday=int(weekday), opens=opens, closes=closes))
        for weekday in sorted(int(number) for number in weekdays)
    ]
    if not made:
        raise Refused("请至少选一天。", field="weekdays")
    return made[0]


@transaction.atomic
def drop_hours(*, opening_hours: OpeningHours) -> None:
    """Take an opening time off."""
    locked(OpeningHours.objects.filter(pk=opening_hours.pk)).delete()


# --- what is in it ---


@transaction.atomic
def add_space(*, facility: Facility, name: str, use: str, area_m2: Decimal, main: bool = True) -> Space:
    """Enter a part of the floor plan; all parts together fit into the floor area."""
    row = locked(Facility.objects.filter(pk=facility.pk))
    _fits(row, area_m2)
    return save(Space(facility=row, name=name.strip(), use=use, area_m2=area_m2, main=main))


@transaction.atomic
def add_room(*, facility: Facility, number: str, area_m2: Decimal) -> Room:
    """Enter a room elders sleep in."""
    row = locked(Facility.objects.filter(pk=facility.pk))
    _fits(row, area_m2)
    return save(Room(facility=row, number=number.strip(), area_m2=area_m2))


def _fits(facility: Facility, more: Decimal) -> None:
    if facility.floor_area_m2 is None:
        return
    taken = [row.area_m2 for row in facility.rooms.all()] + [row.area_m2 for row in facility.spaces.all()]
    used = sum(taken, Decimal())
    if used + more > facility.floor_area_m2:
        left = facility.floor_area_m2 - used
        raise Refused(f"超过建筑面积 {facility.floor_area_m2} 平方米：还剩 {left} 平方米。", field="area_m2")


@transaction.atomic
def add_bed(*, room: Room, number: str, first: date, nursing: bool = False) -> Bed:
    """Put a bed into a room from a day on."""
    return save(Bed(room=room, number=number.strip(), nursing=nursing, validity=from_day(first)))


@transaction.atomic
def retire_bed(*, bed: Bed, last: date, version: int | None = None) -> Bed:
    """Take a bed away after a day.

    Raises:
        Refused: somebody lies in it after that day.
    """
    row = locked(Bed.objects.filter(pk=bed.pk), version=version)
    if last < row.validity.lower:
        raise Refused(f"床位自 {row.validity.lower} 起启用，停用日期不能更早。", field="last")
    if row.stays.filter(lasts_past(last)).exists():
        raise Refused("还有老人入住到停用日期之后，请先办理退住或换床。", field="last")
    row.validity = from_day(row.validity.lower, last)
    return save(row)


@transaction.atomic
def move_in(
    *, bed: Bed, elder: Elder, kind: str, first: date, leaves_on: date | None = None, user: User | None = None
) -> BedStay:
    """Give an elder a bed by nights; on the day of leaving it is free again.

    Raises:
        Refused: somebody lies there or the elder elsewhere then, or the bed is not there all that time.
    """
    # An operator's people may not change beds, but the bed is to stay as it is while somebody moves in.
    with use(Scope.system()):
        row = locked(Bed.objects.filter(pk=bed.pk).select_related("room__facility"))
    if leaves_on is not None and leaves_on <= first:
        raise Refused("离开日期须晚于入住日期。", field="leaves_on")
    gone = last_day(row.validity)
    if first < row.validity.lower or (gone is not None and (leaves_on is None or leaves_on > gone + timedelta(days=1))):
        raise Refused("床位在这段时间里没有启用。", field="first")
    facility = row.room.facility
    if facility.state != Facility.State.OPEN:
        raise Refused(f"该设施现在是“{facility.get_state_display()}”，不能办理入住。")
    operator = operator_on(facility, first)
    if user is not None and user.provider_id is not None and (operator is None or operator.pk != user.provider_id):
        raise Refused("这张床位所在的设施不由贵单位运营。", field="bed")
    nights = from_day(first) if leaves_on is None else type(from_day(first))(first, leaves_on, "[)")
    stay = save(
        BedStay(
            bed=row, elder_id=elder.pk, kind=kind, validity=nights, area_id=facility.area_id,
            provider=operator,
        )
    )  # fmt: skip
    follow_stay(bed_stay=stay)
    return stay


@transaction.atomic
def move_out(*, bed_stay: BedStay, leaves_on: date, version: int | None = None) -> BedStay:
    """Note the day an elder leaves; the bed is free from that day."""
    row = locked(BedStay.objects.filter(pk=bed_stay.pk), version=version)
    if leaves_on <= row.validity.lower:
        raise Refused("离开日期须晚于入住日期。", field="leaves_on")
    row.validity = type(row.validity)(row.validity.lower, leaves_on, "[)")
    save(row)
    follow_stay(bed_stay=row)
    return row


@transaction.atomic
def follow_stay(*, bed_stay: BedStay) -> None:
    """Bring the elder's record in line with a long stay that has begun or is over by today."""
    if bed_stay.kind != BedStay.Kind.LONG:
        return
    with use(Scope.system()):
        elder = Elder.objects.filter(pk=bed_stay.elder_id, state=Elder.State.ACTIVE).first()
        if elder is None:
            return
        lives_in = elder.living_situation == Elder.Living.INSTITUTION
        if today() in bed_stay.validity and not lives_in:
            life.enter_institution(
                elder_id=elder.pk, on=bed_stay.validity.lower, name=str(bed_stay.bed.room.facility), source="入住登记"
            )
        over = bed_stay.validity.upper is not None and bed_stay.validity.upper <= today()
        if over and lives_in and not _stays_elsewhere(elder.pk):
            life.leave_institution(elder_id=elder.pk, on=bed_stay.validity.upper)


def _stays_elsewhere(elder_id: UUID) -> bool:
    return BedStay.objects.filter(in_force(today()), elder_id=elder_id, kind=BedStay.Kind.LONG).exists()


@transaction.atomic
def end_stays(*, elder_id: UUID, on: date, life_event_id: UUID) -> None:
    """Free the bed of an elder who died or left, from a day on; a stay yet to begin is put before a person."""
    for stay in BedStay.objects.select_for_update(of=("self",)).filter(lasts_past(on), elder_id=elder_id):
        leaves_on = max(on, stay.validity.lower + timedelta(days=1))
        where = f"{stay.bed.room.facility} {stay.bed}"
        if stay.validity.lower > on:
            effects.follow_up(
                life_event_id, kind=FollowUpKind.CHECK, what=f"{where}自 {stay.validity.lower} 起入住，请核对", obj=stay
            )
        with effects.noting(life_event_id, stay, f"退住：{where}"):
            stay.validity = type(stay.validity)(stay.validity.lower, leaves_on, "[)")
            save(stay)


@transaction.atomic
def add_paper(*, facility: Facility, kind: str, title: str, file: "File[bytes]", user: User) -> Paper:
    """Keep a photograph, plan or document; a picture loses its metadata."""
    document = store(file, purpose="facility", area=facility.area, user=user)
    return save(Paper(facility=facility, kind=kind, title=title.strip(), document=document))


@transaction.atomic
def drop_paper(*, paper: Paper, reason: str) -> None:
    """Take a photograph or document off; the journal keeps that it was there."""
    locked(Paper.objects.filter(pk=paper.pk)).delete()
