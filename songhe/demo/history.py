"""The months a demo region has lived: assessments, decisions, credits, orders, visits, statements."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange, DateTimeTZRange
from django.utils import timezone

from songhe.care.orders.flow import OrderState
from songhe.care.orders.models import Order
from songhe.care.visits.flow import VisitState
from songhe.care.visits.models import HomeCode, Visit
from songhe.core.calendar.services import at, is_working_day, month_of, months_after
from songhe.core.flow import services as flow
from songhe.core.ids import uuid7
from songhe.core.ledger import credits
from songhe.core.ledger.models import Account, AccountKind, Entry, EntryKind, Posting
from songhe.core.numbers import next_number
from songhe.core.scope.services import Scope, use
from songhe.core.validity import from_day
from songhe.demo.region import Region
from songhe.engines.scales import Scale, score
from songhe.money.payments import services as payments
from songhe.money.settlement import services as settlement
from songhe.money.settlement.models import Statement
from songhe.registers.catalogue.models import Service, ServicePrice
from songhe.registers.elders.models import Disclosure, Elder
from songhe.registers.elders.selectors import facts_for_policy
from songhe.registers.funds.models import Pot
from songhe.registers.workforce.models import Staff
from songhe.rights.assessment.flow import AssessmentState
from songhe.rights.assessment.models import Assessment
from songhe.rights.assessment.scales import DEFAULT, scale
from songhe.rights.policy import services as policy
from songhe.rights.policy.models import Credit, Decision, Entitlement, Policy
from songhe.rights.policy.rules import judge
from songhe.rights.policy.selectors import version_on

BATCH = 1000
# Quarter-hour starts of the six visits a carer can make in a day, with the way between them.
SLOTS = (time(8, 15), time(9, 45), time(11, 15), time(13, 15), time(14, 45), time(16, 15))
LONGEST = 60
ASSESSED_MOST = 8000


def _stamp(day: date, moment: time) -> datetime:
    return timezone.make_aware(datetime.combine(day, moment))


# --- rights ----------------------------------------------------------------------------------------------------


def rights(region: Region, journalled: bool) -> None:
    """Assess those in difficulty, decide who is entitled, and open each month's credits."""
    with use(Scope.system()):
        _assessments(region)
        _decisions(region)
        for policy_row in Policy.objects.filter(form=Policy.Form.CREDIT):
            for month in region.months():
                with at(_stamp(month, time(6))):
                    policy.open_month(month=month, policy=policy_row)


def _assessments(region: Region) -> None:
    rules = scale(DEFAULT)
    people = list(Elder.objects.filter(pk__in=region.difficult[:ASSESSED_MOST]).order_by("id"))
    assessors = (region.users["assessor1"], region.users["assessor2"])
    made: list[Assessment] = []
    for elder in people:
        wanted = region.random.choices(range(5), _level_weights(elder, region.today))[0]
        answers = _answers(rules, wanted, region)
        result = score(rules, answers, {})
        assessed = region.today - timedelta(days=region.random.randrange(20, 330))
        made.append(
            Assessment(
                number=next_number("PG"),
                elder=elder,
                area_id=elder.area_id,
                scale=rules.key,
                reason=Assessment.Reason.FIRST,
                applied_on=assessed - timedelta(days=8),
                applicant=elder.name,
                assessor_1=assessors[0],
                assessor_2=assessors[1],
                assessed_at=_stamp(assessed, time(10)),
                informant=elder.name,
                informant_relation="本人",
                answers=answers,
                result=result.as_json(),
                total=result.total,
                preliminary_level=result.preliminary_level,
                level=result.level,
                published_on=assessed + timedelta(days=5),
                validity=DateRange(
                    assessed + timedelta(days=5),
                    months_after(assessed + timedelta(days=5), rules.validity_months),
                    "[)",
                ),
                state=AssessmentState.PUBLISHED,
            )
        )
        elder.ability_level, elder.ability_assessed_on = result.level, assessed + timedelta(days=5)
    Assessment.objects.bulk_create(made, batch_size=BATCH)
    Elder.objects.bulk_update(people, ["ability_level", "ability_assessed_on"], batch_size=500)


def _level_weights(elder: Elder, today: date) -> tuple[int, ...]:
    age = elder.age_on(today)
    return (70, 16, 8, 4, 2) if age < 75 else (45, 25, 15, 10, 5) if age < 85 else (22, 28, 24, 16, 10)


def _answers(rules: Scale, level: int, region: Region) -> dict[str, int]:
    """Return answers whose total falls into a level: points are taken away item by item until it does."""
    answers = {item.code: item.most for item in rules.items}
    goal = {0: 90, 1: 78, 2: 56, 3: 38, 4: 20}[level]
    items = [item for item in rules.items if item.most > 1]
    while sum(answers.values()) > goal:
        item = region.random.choice(items)
        if answers[item.code] > 0:
            answers[item.code] -= 1
    return answers


def _decisions(region: Region) -> None:
    since = region.months()[0]
    officer = region.users["county"]
    for policy_row in Policy.objects.filter(form=Policy.Form.CREDIT):
        version = version_on(policy_row, since)
        if version is None:
            continue
        elders = list(Elder.objects.filter(pk__in=region.difficult).prefetch_related("difficulties").order_by("id"))
        decisions = [decision for elder in elders if (decision := _decide(elder, version, since, officer))]
        Decision.objects.bulk_create(decisions, batch_size=BATCH)
        Entitlement.objects.bulk_create(
            [
                Entitlement(
                    elder_id=decision.elder_id,
                    area_id=decision.area_id,
                    policy=policy_row,
                    decision=decision,
                    monthly_fen=decision.monthly_fen,
                    validity=from_day(since),
                )
                for decision in decisions
                if decision.entitled
            ],
            batch_size=BATCH,
        )


def _decide(elder: Elder, version: Any, on: date, officer: Any) -> Decision:
    judgement = judge(version, facts_for_policy(elder, on), on)
    return Decision(
        elder=elder,
        area_id=elder.area_id,
        policy_version=version,
        decided_on=on,
        decided_by=officer,
        entitled=judgement.entitled,
        monthly_fen=judgement.monthly_fen,
        reason=judgement.reason,
        facts=judgement.facts,
        trace=judgement.trace,
        explanation=judgement.explanation,
    )


# --- services --------------------------------------------------------------------------------------------------


@dataclass
class _Slot:
    staff: Staff
    day: date
    start: time


def services(region: Region) -> None:
    """Place, carry out and verify the orders of every month; the present month up to today, and some for tomorrow."""
    with use(Scope.system()):
        catalogue = list(
            Service.objects.filter(minutes__lte=LONGEST, carers=1, prices__payer=ServicePrice.Payer.PUBLIC)
            .exclude(unit=Service.Unit.MEAL)
            .distinct()
        )
        prices = dict(
            ServicePrice.objects.filter(payer=ServicePrice.Payer.PUBLIC).values_list("service_id", "price_fen")
        )
        skills = _skills(region)
        homes = _homes(region)
    for month in region.months():
        with use(Scope.system()), transaction.atomic():
            _month(region, month, catalogue, prices, skills, homes)


def _skills(region: Region) -> dict[UUID, set[str]]:
    people = [person for staff in region.staff.values() for person in staff]
    found: dict[UUID, set[str]] = {person.pk: set() for person in people}
    from songhe.registers.workforce.models import StaffSkill

    for staff_id, code in StaffSkill.objects.filter(staff_id__in=found).values_list("staff_id", "skill__code"):
        found[staff_id].add(code)
    return found


def _homes(region: Region) -> dict[UUID, UUID]:
    """Give each entitled elder a provider, noted as disclosed, and a code at the door; return provider by elder."""
    elders = list(Entitlement.objects.order_by("id").values_list("elder_id", "area_id"))
    providers = {elder: region.providers[index % len(region.providers)] for index, (elder, _) in enumerate(elders)}
    since = region.months()[0]
    Disclosure.objects.bulk_create(
        [
            Disclosure(
                elder_id=elder,
                provider_id=provider.pk,
                recipient=provider.name,
                purpose="提供上门服务",
                basis="居家养老服务合同",
                since=since,
            )
            for elder, provider in providers.items()
        ],
        batch_size=BATCH,
    )
    HomeCode.objects.bulk_create(
        [HomeCode(elder_id=elder, area_id=area, token=uuid7().hex) for elder, area in elders], batch_size=BATCH
    )
    return {elder: provider.pk for elder, provider in providers.items()}


def _slots(region: Region, month: date) -> dict[UUID, list[_Slot]]:
    """Return every provider's free visit times of a month, shuffled, up to tomorrow."""
    first, next_first = month_of(month)
    last = min(next_first, region.today + timedelta(days=2))
    days = [first + timedelta(days=offset) for offset in range((last - first).days)]
    found: dict[UUID, list[_Slot]] = {}
    for provider, staff in region.staff.items():
        slots = [
            _Slot(person, day, start)
            for person in staff
            for day in days
            if is_working_day(day) or day >= region.today
            for start in SLOTS
        ]
        region.random.shuffle(slots)
        found[provider] = slots
    return found


def _month(
    region: Region,
    month: date,
    catalogue: list[Service],
    prices: dict[UUID, int],
    skills: dict[UUID, set[str]],
    homes: dict[UUID, UUID],
) -> None:
    slots = _slots(region, month)
    orders: list[Order] = []
    visits: list[Visit] = []
    for credit in Credit.objects.filter(month=month).select_related("account").order_by("id"):
        left = credit.amount_fen
        for _ in range(region.random.choice((1, 2, 2, 3, 3, 4))):
            service = region.random.choice(catalogue)
            slot = _take(slots[homes[credit.elder_id]], set(service.skills), skills)
            if slot is None:
                break
            part = min(prices[service.pk], left)
            left -= part
            order = _order(region, credit, service, slot, homes[credit.elder_id], prices[service.pk], part)
            orders.append(order)
            visits.append(_visit(region, order, slot))
    Order.objects.bulk_create(orders, batch_size=BATCH)
    Visit.objects.bulk_create(visits, batch_size=BATCH)
    _books(orders, visits)


def _take(slots: list[_Slot], needed: set[str], skills: dict[UUID, set[str]]) -> _Slot | None:
    for back in range(1, min(12, len(slots)) + 1):
        if needed <= skills[slots[-back].staff.pk]:
            return slots.pop(-back)
    return None


def _order(
    region: Region, credit: Credit, service: Service, slot: _Slot, provider: UUID, price: int, part: int
) -> Order:
    start = _stamp(slot.day, slot.start)
    past = slot.day < region.today
    return Order(
        number=next_number("DD"),
        elder_id=credit.elder_id,
        area_id=credit.area_id,
        service=service,
        source=region.random.choice(
            (Order.Source.CALL, Order.Source.CONSOLE, Order.Source.STANDING, Order.Source.CALL)
        ),
        placed_by=region.users["operator"],
        placed_at=start - timedelta(days=region.random.choice((1, 1, 2, 3)), hours=2),
        wanted_from=start,
        wanted_to=start + timedelta(minutes=service.minutes + 30),
        minutes=service.minutes,
        provider_id=provider,
        price_fen=price,
        credit_fen=part,
        own_fen=price - part,
        credit=credit if part else None,
        state=OrderState.CLOSED if past else OrderState.ASSIGNED,
    )


def _visit(region: Region, order: Order, slot: _Slot) -> Visit:
    start = _stamp(slot.day, slot.start)
    facts: dict[str, Any] = {
        "order": order,
        "elder_id": order.elder_id,
        "area_id": order.area_id,
        "provider_id": order.provider_id,
        "staff": slot.staff,
        "service_id": order.service_id,
        "planned": DateTimeTZRange(start, start + timedelta(minutes=order.minutes), "[)"),
    }
    if slot.day >= region.today:
        return Visit(state=VisitState.PLANNED, **facts)
    check_in = start + timedelta(minutes=region.random.randrange(-5, 9))
    check_out = check_in + timedelta(minutes=order.minutes + region.random.randrange(0, 8))
    return Visit(
        state=VisitState.VERIFIED,
        check_in_at=check_in,
        check_in_proof=Visit.Proof.HOME_CODE,
        check_out_at=check_out,
        recorded_at=check_out,
        minutes=round((check_out - check_in).total_seconds() / 60),
        price_fen=order.price_fen,
        credit_fen=order.credit_fen,
        own_fen=order.own_fen,
        verified_at=check_out + timedelta(minutes=10),
        note="服务完成，老人满意。",
        **facts,
    )


def _books(orders: list[Order], visits: list[Visit]) -> None:
    """Hold what each order needs of its credit, and settle what was verified: the entries that services would post."""
    reserved = _reserved_accounts(orders)
    served = {visit.order_id: visit for visit in visits if visit.state == VisitState.VERIFIED}
    entries: list[Entry] = []
    postings: list[Posting] = []
    accrued: dict[tuple[UUID, UUID], Account] = {}

    def post(order: Order, kind: EntryKind, on: date, key: str, lines: tuple[tuple[UUID, int], ...], memo: str) -> None:
        entry = Entry(kind=kind, on=on, memo=memo, key=key, source_table=Order._meta.db_table, source_id=order.pk)
        entries.append(entry)
        postings.extend(Posting(entry=entry, account_id=account, amount=amount) for account, amount in lines)

    for order in orders:
        if not order.credit_fen or order.credit is None:
            continue
        credit, held = order.credit.account, reserved[order.credit.account_id]
        placed = timezone.localtime(order.placed_at).date()
        lines = ((credit.pk, -order.credit_fen), (held.pk, order.credit_fen))
        post(order, EntryKind.RESERVE, max(placed, order.credit.month), f"order:{order.pk}:hold:1", lines, "占用额度")
        visit = served.get(order.pk)
        if visit is None or visit.verified_at is None:
            continue
        owed = (credit.fund_id, visit.provider_id)
        if owed not in accrued:
            accrued[owed] = credits.accrued(*owed)
        lines = ((held.pk, -order.credit_fen), (accrued[owed].pk, order.credit_fen))
        day = timezone.localtime(visit.verified_at).date()
        post(order, EntryKind.SETTLE, day, f"settle:{order.pk}:1", lines, "核验入账")
    Entry.objects.bulk_create(entries, batch_size=BATCH)
    Posting.objects.bulk_create(postings, batch_size=BATCH * 2)


def _reserved_accounts(orders: list[Order]) -> dict[UUID, Account]:
    """Open the account of what is held beside each credit used, as the first order of a credit does."""
    used = {order.credit.account_id: order.credit.account for order in orders if order.credit is not None}
    made = {
        pk: Account(
            kind=AccountKind.RESERVED,
            owner_table=Account._meta.db_table,
            owner_id=pk,
            name=f"{credit.name}占用",
            area_id=credit.area_id,
            elder_id=credit.elder_id,
            fund_id=pk,
            floor=0,
        )
        for pk, credit in used.items()
    }
    Account.objects.bulk_create(made.values(), batch_size=BATCH)
    return made


# --- settlements -----------------------------------------------------------------------------------------------


def settlements(region: Region) -> None:
    """Close and settle the past months: the oldest ones are paid, the last one is on the approver's desk."""
    past = region.months()[:-1]
    users = region.users
    with use(Scope.system()):
        for provider in region.providers:
            payments.set_payee(
                provider=provider,
                account_name=provider.name,
                bank_name="演示银行",
                account_number="6222000000000000000",
            )
    for number, month in enumerate(past):
        _first, next_first = month_of(month)
        with at(_stamp(next_first + timedelta(days=1), time(9))), use(Scope.system()):
            policy.close_month(month=month, on=next_first)
            settlement.draw(month=month, user=users["county"])
            for statement in Statement.objects.filter(month=month):
                _through(statement, region, approve=number < len(past) - 1)
        if number < len(past) - 1:
            with at(_stamp(next_first + timedelta(days=5), time(15))), use(Scope.system()):
                _pay(region)


def _through(statement: Statement, region: Region, *, approve: bool) -> None:
    users = region.users
    manager = _manager_of(statement, region)
    flow.fire(statement, "send", user=users["county"])
    flow.fire(statement, "confirm", user=manager)
    if approve:
        settlement.check(statement=statement, user=users["checker"])
        settlement.approve(statement=statement, user=users["approver"])


def _manager_of(statement: Statement, region: Region) -> Any:
    """Return who confirms for the provider; the demo has one manager, the system stands in for the others."""
    manager = region.users["provider"]
    return manager if manager.provider_id == statement.provider_id else None


def _pay(region: Region) -> None:
    for pot in _pots_due():
        batch = payments.make_batch(pot=pot, user=region.users["cashier"])
        payments.pay(batch=batch, user=region.users["cashier"])


def _pots_due() -> Iterator[Pot]:
    from songhe.money.payments.selectors import payable_from

    for pot in Pot.objects.all():
        if payable_from(pot):
            yield pot
