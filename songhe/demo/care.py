"""The services of a demo region: orders placed, visits made and verified, and what the ledger says of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from songhe.care.orders.flow import OrderState
from songhe.care.orders.models import Order, StandingOrder
from songhe.care.orders.services import LEEWAY
from songhe.care.visits.flow import VisitState
from songhe.care.visits.models import HomeCode, Visit
from songhe.core.calendar.services import is_working_day, month_of
from songhe.core.flow import services as flow
from songhe.core.ids import uuid7
from songhe.core.ledger import credits
from songhe.core.ledger.models import Account, AccountKind, Entry, EntryKind, Posting
from songhe.core.numbers import next_numbers
from songhe.core.scope.services import Scope, use
from songhe.demo import standing
from songhe.demo.bulk import copy_rows, loading
from songhe.demo.region import Region
from songhe.demo.standing import SLOTS
from songhe.registers.catalogue.models import Service, ServicePrice
from songhe.registers.elders.models import Disclosure
from songhe.registers.workforce.models import StaffSkill
from songhe.rights.policy.models import Credit, Entitlement

LONGEST = 60
# How far down the free times one looks for a carer who knows the trade.
LOOKED_AT = 12
# How long past its time an order may last that names an hour.
PATIENCE = timedelta(minutes=30)

_ORDER = (
    "id", "number", "elder_id", "area_id", "service_id", "source", "placed_at", "wanted_from", "wanted_to", "minutes",
    "provider_id", "price_fen", "credit_fen", "own_fen", "credit_id", "state", "standing_order_id",
)  # fmt: skip
_VISIT = (
    "id", "order_id", "elder_id", "area_id", "provider_id", "staff_id", "service_id", "planned", "state",
    "check_in_at", "check_in_proof", "check_out_at", "recorded_at", "minutes", "price_fen", "credit_fen", "own_fen",
    "verified_at", "note",
)  # fmt: skip
_ENTRY = ("id", "kind", "on", "memo", "key", "source_id")
_POSTING = ("id", "entry_id", "account_id", "amount")
_RESERVED = ("id", "owner_id", "fund_id", "name", "area_id", "elder_id")
_SOURCES = (Order.Source.CALL, Order.Source.CONSOLE, Order.Source.STANDING, Order.Source.CALL)

Row = tuple[Any, ...]


class _Slot(NamedTuple):
    staff: UUID
    start: datetime


class _CreditRow(NamedTuple):
    pk: UUID
    elder: UUID
    area: int
    amount_fen: int
    account: UUID
    account_name: str
    line: UUID


@dataclass
class _Purse:
    """What of a month's credit is left, in fen, and the account of what is held beside it, once there is one."""

    credit: _CreditRow
    left: int
    held: str = ""


class _Wish(NamedTuple):
    """What is ordered, and who comes: nobody yet where the provider still has to say."""

    service: Service
    staff: UUID | None
    start: datetime
    source: str
    placed_at: datetime
    patience: timedelta = PATIENCE
    standing: UUID | None = None


@dataclass
class _Made:
    """The rows of all months, before they are copied into their tables."""

    orders: list[Row] = field(default_factory=list)
    visits: list[Row] = field(default_factory=list)
    reserved: list[Row] = field(default_factory=list)
    entries: list[Row] = field(default_factory=list)
    postings: list[Row] = field(default_factory=list)

    def post(self, kind: EntryKind, on: date, key: str, order: str, memo: str, lines: list[tuple[Any, int]]) -> None:
        """Add the entry that the ledger's service would post for an order."""
        entry = str(uuid7())
        self.entries.append((entry, kind.value, on, memo, key, order))
        self.postings.extend((str(uuid7()), entry, account, amount) for account, amount in lines)


def live(region: Region) -> None:
    """Place, carry out and verify the orders of every month; the present month up to today, and some for tomorrow.

    What repeats is ordered a week ahead, and its provider has yet to say who comes from tomorrow on.

    There are none where no service has a public price.
    """
    with use(Scope.system()):
        if not _bookable().exists():
            return
        homes = _homes(region)
    _disclose(region, homes)
    with use(Scope.system()):
        months = _Months(region, homes)
    # Drawing takes longer than a transaction may idle, so it is done outside of one.
    made = months.made()
    with loading(StandingOrder, Order, Visit, Account, Entry, Posting):
        standing.copy(months.repeated, region.today)
        copy_rows(Order, _ORDER, made.orders, placed_by_id=region.users["operator"].pk)
        copy_rows(Visit, _VISIT, made.visits)
        copy_rows(
            Account, _RESERVED, made.reserved, kind=AccountKind.RESERVED, owner_table=Account._meta.db_table, floor=0
        )
        copy_rows(Entry, _ENTRY, made.entries, source_table=Order._meta.db_table)
        copy_rows(Posting, _POSTING, made.postings)
    with use(Scope.system()), transaction.atomic():
        waiting = Order.objects.filter(standing_order__isnull=False, state=OrderState.DISPATCHED)
        flow.start_many(waiting.order_by("wanted_from"))


def _bookable() -> QuerySet[Service]:
    short = Service.objects.filter(minutes__lte=LONGEST, carers=1, prices__payer=ServicePrice.Payer.PUBLIC)
    return short.exclude(unit=Service.Unit.MEAL)


def _homes(region: Region) -> list[tuple[UUID, int, UUID]]:
    """Give each entitled elder a provider: elder, area, provider."""
    elders = Entitlement.objects.order_by("id").values_list("elder_id", "area_id").distinct()
    return [
        (elder, area, region.providers[index % len(region.providers)].pk) for index, (elder, area) in enumerate(elders)
    ]


def _disclose(region: Region, homes: list[tuple[UUID, int, UUID]]) -> None:
    """Note each elder as disclosed to the provider, and put a code at the door."""
    names = {provider.pk: provider.name for provider in region.providers}
    with loading(Disclosure, HomeCode):
        copy_rows(
            Disclosure,
            ("id", "elder_id", "provider_id", "recipient"),
            ((uuid7(), elder, provider, names[provider]) for elder, _area, provider in homes),
            purpose="提供上门服务",
            basis="居家养老服务合同",
            since=region.months()[0],
        )
        copy_rows(
            HomeCode,
            ("id", "elder_id", "area_id", "token"),
            ((uuid7(), elder, area, uuid7().hex) for elder, area, _provider in homes),
        )


class _Months:
    """Draws the orders of all months: each credit's, at free times of a carer who has the skills."""

    def __init__(self, region: Region, homes: list[tuple[UUID, int, UUID]]) -> None:
        self.region, self.random = region, region.random
        self.providers = {elder: provider for elder, _area, provider in homes}
        self.catalogue = list(_bookable().order_by("code").distinct())
        self.needed = {service.pk: frozenset(service.skills) for service in self.catalogue}
        self.prices = dict(
            ServicePrice.objects.filter(payer=ServicePrice.Payer.PUBLIC).values_list("service_id", "price_fen")
        )
        self.skills: dict[UUID, set[str]] = {person.pk: set() for staff in region.staff.values() for person in staff}
        for staff, code in StaffSkill.objects.values_list("staff_id", "skill__code"):
            self.skills[staff].add(code)
        self.accrued: dict[tuple[UUID, UUID], UUID] = {}
        self.repeated = standing.repeated(region, homes, self.catalogue)
        self.repeating_random = Random(standing.SEED)

    def made(self) -> _Made:
        """Return the rows of all months."""
        made = _Made()
        for month in self.region.months():
            slots = self._slots(month)
            with use(Scope.system()):
                credits_of_month = list(_credits(month))
            purses = [_Purse(credit, credit.amount_fen) for credit in credits_of_month]
            for purse in purses:
                self._spend(purse, month, slots[self.providers[purse.credit.elder]], made)
            self._repeat({purse.credit.elder: purse for purse in purses}, month, slots, made)
        numbers = next_numbers("DD", len(made.orders))
        made.orders = [(row[0], number, *row[1:]) for row, number in zip(made.orders, numbers, strict=True)]
        return made

    def _slots(self, month: date) -> dict[UUID, list[_Slot]]:
        """Return every provider's free visit times of a month, shuffled, up to tomorrow."""
        today = self.region.today
        first, next_first = month_of(month)
        last = min(next_first, today + timedelta(days=2))
        days = [first + timedelta(days=offset) for offset in range((last - first).days)]
        starts = [_stamp(day, start) for day in days if is_working_day(day) or day >= today for start in SLOTS]
        found: dict[UUID, list[_Slot]] = {}
        for provider, staff in self.region.staff.items():
            slots = [_Slot(person.pk, start) for person in staff for start in starts]
            self.random.shuffle(slots)
            found[provider] = slots
        return found

    def _take(self, slots: list[_Slot], needed: frozenset[str]) -> _Slot | None:
        for back in range(1, min(LOOKED_AT, len(slots)) + 1):
            if needed <= self.skills[slots[-back].staff]:
                return slots.pop(-back)
        return None

    def _spend(self, purse: _Purse, month: date, slots: list[_Slot], made: _Made) -> None:
        """Draw one credit's orders with their visits and entries."""
        for _ in range(self.random.choice((1, 2, 2, 3, 3, 4))):
            service = self.random.choice(self.catalogue)
            slot = self._take(slots, self.needed[service.pk])
            if slot is None:
                break
            placed_at = slot.start - timedelta(days=self.random.choice((1, 1, 2, 3)), hours=2)
            source = self.random.choice(_SOURCES).value
            self._order(purse, _Wish(service, slot.staff, slot.start, source, placed_at), month, self.random, made)

    def _repeat(self, purses: dict[UUID, _Purse], month: date, slots: dict[UUID, list[_Slot]], made: _Made) -> None:
        """Make the month's orders of what repeats, at times that are still free; without a credit there are none."""
        today = self.region.today
        free: dict[tuple[UUID, datetime], list[UUID]] = {}
        for provider, rest in slots.items():
            for slot in rest:
                free.setdefault((provider, slot.start), []).append(slot.staff)
        taken = {(row[1], row[6]) for row in made.orders}
        for each in self.repeated:
            for start, placed_at in standing.days(each, month, today):
                purse = purses.get(each.elder)
                if purse is None or (each.elder, start) in taken:
                    continue
                staff = None
                if start.date() <= today:
                    staff = self._free(free.get((each.provider, start), []), each.service, start.date())
                    if staff is None:
                        continue
                wish = _Wish(each.service, staff, start, Order.Source.STANDING.value, placed_at, LEEWAY, each.id)
                self._order(purse, wish, month, self.repeating_random, made)

    def _free(self, staff: list[UUID], service: Service, day: date) -> UUID | None:
        """Take somebody who knows the trade; the demo's own carer has other things to do yesterday (``work``)."""
        own = self.region.users["carer"].staff_id if day == self.region.today - timedelta(days=1) else None
        for person in staff:
            if person != own and self.needed[service.pk] <= self.skills[person]:
                staff.remove(person)
                return person
        return None

    def _open_reserved(self, credit: _CreditRow, made: _Made) -> str:
        """Open the account of what is held beside a credit, as its first order does."""
        pk = str(uuid7())
        made.reserved.append(
            (pk, credit.account, credit.account, f"{credit.account_name}占用", credit.area, credit.elder)
        )
        return pk

    def _order(self, purse: _Purse, wish: _Wish, month: date, random: Random, made: _Made) -> None:
        credit, service, start = purse.credit, wish.service, wish.start
        price = self.prices[service.pk]
        part = min(price, purse.left)
        purse.left -= part
        if part and not purse.held:
            purse.held = self._open_reserved(credit, made)
        order, provider = str(uuid7()), self.providers[credit.elder]
        past = start.date() < self.region.today
        state = OrderState.CLOSED if past else OrderState.DISPATCHED if wish.staff is None else OrderState.ASSIGNED
        made.orders.append(
            (
                order,
                credit.elder,
                credit.area,
                service.pk,
                wish.source,
                wish.placed_at,
                start,
                start + timedelta(minutes=service.minutes) + wish.patience,
                service.minutes,
                provider,
                price,
                part,
                price - part,
                credit.pk if part else None,
                state.value,
                wish.standing,
            )
        )
        verified_at = None
        if wish.staff is not None:
            ends = start + timedelta(minutes=service.minutes)
            facts = (
                str(uuid7()), order, credit.elder, credit.area, provider, wish.staff, service.pk, f"[{start},{ends})"
            )  # fmt: skip
            if past:
                served = self._served(start, service.minutes, random)
                verified_at = served[2] + timedelta(minutes=10)
                made.visits.append(
                    (
                        *facts,
                        VisitState.VERIFIED.value,
                        served[0],
                        Visit.Proof.HOME_CODE.value,
                        served[1],
                        served[2],
                        served[3],
                        price,
                        part,
                        price - part,
                        verified_at,
                        "服务完成，老人满意。",
                    )
                )
            else:
                made.visits.append((*facts, VisitState.PLANNED.value, None, "", None, None, None, 0, 0, 0, None, ""))
        if not part:
            return
        made.post(
            EntryKind.RESERVE, max(wish.placed_at.date(), month), f"order:{order}:held:0", order, "占用额度",
            [(credit.account, -part), (purse.held, part)],
        )  # fmt: skip
        if verified_at is not None:
            made.post(
                EntryKind.SETTLE, verified_at.date(), f"settle:{order}:1", order, "核验入账",
                [(purse.held, -part), (self._accrued(credit.line, provider), part)],
            )  # fmt: skip

    def _served(self, start: datetime, minutes: int, random: Random) -> tuple[datetime, datetime, datetime, int]:
        """Return when the carer came and left, when that was recorded, and the whole minutes between."""
        check_in = start + timedelta(minutes=random.randrange(-5, 9))
        check_out = check_in + timedelta(minutes=minutes + random.randrange(0, 8))
        return check_in, check_out, check_out, round((check_out - check_in).total_seconds() / 60)

    def _accrued(self, line: UUID, provider: UUID) -> UUID:
        if (line, provider) not in self.accrued:
            self.accrued[line, provider] = credits.accrued(line, provider).pk
        return self.accrued[line, provider]


def _credits(month: date) -> Iterator[_CreditRow]:
    rows: Any = Credit.objects.filter(month=month).order_by("id")
    for row in rows.values_list(
        "id", "elder_id", "area_id", "amount_fen", "account_id", "account__name", "account__fund_id"
    ):
        yield _CreditRow(*row)


def _stamp(day: date, moment: time) -> datetime:
    return timezone.make_aware(datetime.combine(day, moment))
