"""The services of a demo region: orders placed, visits made and verified, and what the ledger says of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from songhe.care.orders.flow import OrderState
from songhe.care.orders.models import Order
from songhe.care.visits.flow import VisitState
from songhe.care.visits.models import HomeCode, Visit
from songhe.core.calendar.services import is_working_day, month_of
from songhe.core.ids import uuid7
from songhe.core.ledger import credits
from songhe.core.ledger.models import Account, AccountKind, Entry, EntryKind, Posting
from songhe.core.numbers import next_numbers
from songhe.core.scope.services import Scope, use
from songhe.demo.bulk import copy_rows, loading
from songhe.demo.region import Region
from songhe.registers.catalogue.models import Service, ServicePrice
from songhe.registers.elders.models import Disclosure
from songhe.registers.workforce.models import StaffSkill
from songhe.rights.policy.models import Credit, Entitlement

# Quarter-hour starts of the six visits a carer can make in a day, with the way between them.
SLOTS = (time(8, 15), time(9, 45), time(11, 15), time(13, 15), time(14, 45), time(16, 15))
LONGEST = 60
# How far down the free times one looks for a carer who knows the trade.
LOOKED_AT = 12

_ORDER = (
    "id", "number", "elder_id", "area_id", "service_id", "source", "placed_at", "wanted_from", "wanted_to", "minutes",
    "provider_id", "price_fen", "credit_fen", "own_fen", "credit_id", "state",
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

    There are none where no service has a public price.
    """
    with use(Scope.system()):
        if not _bookable().exists():
            return
        homes = _homes(region)
    _disclose(region, homes)
    with use(Scope.system()):
        months = _Months(region, {elder: provider for elder, _area, provider in homes})
    # Drawing takes longer than a transaction may idle, so it is done outside of one.
    made = months.made()
    with loading(Order, Visit, Account, Entry, Posting):
        copy_rows(Order, _ORDER, made.orders, placed_by_id=region.users["operator"].pk)
        copy_rows(Visit, _VISIT, made.visits)
        copy_rows(
            Account, _RESERVED, made.reserved, kind=AccountKind.RESERVED, owner_table=Account._meta.db_table, floor=0
        )
        copy_rows(Entry, _ENTRY, made.entries, source_table=Order._meta.db_table)
        copy_rows(Posting, _POSTING, made.postings)


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

    def __init__(self, region: Region, providers: dict[UUID, UUID]) -> None:
        self.region, self.random, self.providers = region, region.random, providers
        self.catalogue = list(_bookable().order_by("code").distinct())
        self.needed = {service.pk: frozenset(service.skills) for service in self.catalogue}
        self.prices = dict(
            ServicePrice.objects.filter(payer=ServicePrice.Payer.PUBLIC).values_list("service_id", "price_fen")
        )
        self.skills: dict[UUID, set[str]] = {person.pk: set() for staff in region.staff.values() for person in staff}
        for staff, code in StaffSkill.objects.values_list("staff_id", "skill__code"):
            self.skills[staff].add(code)
        self.accrued: dict[tuple[UUID, UUID], UUID] = {}

    def made(self) -> _Made:
        """Return the rows of all months."""
        made = _Made()
        for month in self.region.months():
            slots = self._slots(month)
            with use(Scope.system()):
                credits_of_month = list(_credits(month))
            for credit in credits_of_month:
                self._spend(credit, month, slots[self.providers[credit.elder]], made)
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

    def _spend(self, credit: _CreditRow, month: date, slots: list[_Slot], made: _Made) -> None:
        """Draw one credit's orders with their visits and entries."""
        left, held = credit.amount_fen, ""
        for _ in range(self.random.choice((1, 2, 2, 3, 3, 4))):
            service = self.random.choice(self.catalogue)
            slot = self._take(slots, self.needed[service.pk])
            if slot is None:
                break
            price = self.prices[service.pk]
            part = min(price, left)
            left -= part
            if part and not held:
                held = self._open_reserved(credit, made)
            self._order(credit, service, slot, price, part, month, held, made)

    def _open_reserved(self, credit: _CreditRow, made: _Made) -> str:
        """Open the account of what is held beside a credit, as its first order does."""
        pk = str(uuid7())
        made.reserved.append(
            (pk, credit.account, credit.account, f"{credit.account_name}占用", credit.area, credit.elder)
        )
        return pk

    def _order(
        self,
        credit: _CreditRow,
        service: Service,
        slot: _Slot,
        price: int,
        part: int,
        month: date,
        held: str,
        made: _Made,
    ) -> None:
        order, provider, start = str(uuid7()), self.providers[credit.elder], slot.start
        placed_at = start - timedelta(days=self.random.choice((1, 1, 2, 3)), hours=2)
        past = start.date() < self.region.today
        made.orders.append(
            (
                order,
                credit.elder,
                credit.area,
                service.pk,
                self.random.choice(_SOURCES).value,
                placed_at,
                start,
                start + timedelta(minutes=service.minutes + 30),
                service.minutes,
                provider,
                price,
                part,
                price - part,
                credit.pk if part else None,
                OrderState.CLOSED.value if past else OrderState.ASSIGNED.value,
            )
        )
        ends = start + timedelta(minutes=service.minutes)
        facts = (
            str(uuid7()), order, credit.elder, credit.area, provider, slot.staff, service.pk, f"[{start},{ends})"
        )  # fmt: skip
        verified_at = None
        if past:
            served = self._served(start, service.minutes)
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
            EntryKind.RESERVE, max(placed_at.date(), month), f"order:{order}:held:0", order, "占用额度",
            [(credit.account, -part), (held, part)],
        )  # fmt: skip
        if verified_at is not None:
            made.post(
                EntryKind.SETTLE, verified_at.date(), f"settle:{order}:1", order, "核验入账",
                [(held, -part), (self._accrued(credit.line, provider), part)],
            )  # fmt: skip

    def _served(self, start: datetime, minutes: int) -> tuple[datetime, datetime, datetime, int]:
        """Return when the carer came and left, when that was recorded, and the whole minutes between."""
        check_in = start + timedelta(minutes=self.random.randrange(-5, 9))
        check_out = check_in + timedelta(minutes=minutes + self.random.randrange(0, 8))
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
