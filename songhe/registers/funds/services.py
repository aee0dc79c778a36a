"""Money coming in, changed, given to budget lines and taken back: every write on funds."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import transaction

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.errors import Refused
from songhe.core.ids import uuid7
from songhe.core.ledger import services as ledger
from songhe.core.ledger.models import AccountKind, Currency, Entry, EntryKind
from songhe.core.ledger.money import written
from songhe.core.locks import locked
from songhe.core.saving import save
from songhe.core.validity import from_day
from songhe.registers.funds.models import BudgetLine, Pot, Rate
from songhe.registers.funds.selectors import appropriated_to, planned_of, rate_on, received_by


@transaction.atomic
def open_pot(
    *,
    code: str,
    name: str,
    source: str,
    amount: int,
    purposes: list[str],
    document: str,
    area: Area,
    first: date,
    last: date | None = None,
    currency: str = Currency.CNY,
    user: User | None = None,
) -> Pot:
    """Enter a source of money with its two accounts; ``amount`` is in the currency's minor unit."""
    pot = Pot(
        code=code,
        name=name,
        source=source,
        currency=currency,
        amount=amount,
        purposes=purposes,
        document=document,
        area=area,
        validity=from_day(first, last),
    )
    pot.account = ledger.account(kind=AccountKind.POT, owner=pot, name=name, currency=currency, area=area, floor=0)
    pot.bank = ledger.account(
        kind=AccountKind.BANK, owner=pot, name=f"{name}·专户", currency=currency, area=area, fund=pot.account
    )
    return save(pot)


@transaction.atomic
def receive(*, pot: Pot, amount: int, on: date, memo: str = "", key: str = "", user: User | None = None) -> Entry:
    """Note that money of a pot has come into the bank (minor units).

    Raises:
        Refused: more would have come in than the document grants.
    """
    ledger.lock_accounts([pot.account_id])
    if amount <= 0:
        raise Refused("到账金额必须大于零。", field="amount")
    key = key or f"receive:{uuid7()}"
    if not Entry.objects.filter(key=key).exists() and received_by(pot) + amount > pot.amount:
        left = written(pot.amount - received_by(pot), pot.currency)
        raise Refused(f"到账合计将超过核定总额，最多还可到账 {left}。", field="amount")
    return ledger.post(
        kind=EntryKind.RECEIVE,
        on=on,
        lines=[(pot.bank_id, -amount), (pot.account_id, amount)],
        memo=memo or f"{pot.name}到账",
        key=key,
        source=pot,
        user=user,
    )


@transaction.atomic
def convert(*, pot: Pot, into: Pot, amount: int, on: date, key: str = "", user: User | None = None) -> Entry:
    """Change foreign money into yuan at the rate of the day; it stays tied to the same purposes.

    ``amount`` is in the minor unit of the foreign pot; fen are rounded half up.

    Raises:
        Refused: no rate is known for the day, the purposes differ, or the pot holds less.
    """
    rate = rate_on(pot.currency, on)
    if rate is None:
        raise Refused(f"没有 {on:%Y年%m月%d日} 的{pot.get_currency_display()}汇率，不能结汇。", field="on")
    if into.currency != Currency.CNY or pot.currency == Currency.CNY:
        raise Refused("只能由外币资金结汇为人民币资金。", field="into")
    if not set(into.purposes) <= set(pot.purposes):
        raise Refused(f"“{into.name}”的用途超出“{pot.name}”的限定用途，不能结汇。", field="into")
    if amount <= 0:
        raise Refused("结汇金额必须大于零。", field="amount")
    fen = int((Decimal(amount) * rate.yuan).quantize(Decimal(1), ROUND_HALF_UP))
    return ledger.post(
        kind=EntryKind.CONVERT,
        on=on,
        lines=[(pot.account_id, -amount), (pot.bank_id, amount), (into.bank_id, -fen), (into.account_id, fen)],
        memo=f"{written(amount, pot.currency)}按 {rate.yuan.normalize():f} 结汇",
        key=key or f"convert:{uuid7()}",
        source=pot,
        user=user,
    )


@transaction.atomic
def open_line(
    *,
    code: str,
    name: str,
    pot: Pot,
    year: int,
    purpose: str,
    area: Area,
    planned_fen: int,
    first: date,
    last: date,
    position: int = 0,
    user: User | None = None,
) -> BudgetLine:
    """Plan what a pot is spent on in a year.

    Raises:
        Refused: the purpose is not one the pot is tied to, or more would be planned than the pot grants.
    """
    pot = locked(Pot.objects.filter(pk=pot.pk))
    if pot.currency != Currency.CNY:
        raise Refused("外币资金须先结汇，再列预算。", field="pot")
    if purpose not in pot.purposes:
        raise Refused(f"“{pot.name}”限定用于{'、'.join(pot.purposes)}，不能列支“{purpose}”。", field="purpose")
    if planned_of(pot) + planned_fen > pot.amount:
        left = written(pot.amount - planned_of(pot))
        raise Refused(f"预算合计将超过“{pot.name}”核定总额，最多还可安排 {left}。", field="planned_fen")
    line = BudgetLine(
        code=code,
        name=name,
        pot=pot,
        year=year,
        purpose=purpose,
        area=area,
        planned_fen=planned_fen,
        validity=from_day(first, last),
        position=position,
    )
    line.account = ledger.account(
        kind=AccountKind.BUDGET, owner=line, name=name, area=area, fund=pot.account_id, floor=0
    )
    return save(line)


@transaction.atomic
def appropriate(
    *, line: BudgetLine, fen: int, on: date, memo: str = "", key: str = "", user: User | None = None
) -> Entry:
    """Give money of the pot to one of its budget lines.

    Raises:
        Refused: the line would be given more than was planned, or the pot holds less.
    """
    return _appropriate(line, fen, on, memo or f"下达{line.name}", key or f"appropriate:{uuid7()}", user)


@transaction.atomic
def take_back(*, line: BudgetLine, fen: int, on: date, reason: str, key: str = "", user: User | None = None) -> Entry:
    """Take unspent money of a budget line back into its pot; Refused if the line holds less."""
    if not reason.strip():
        raise Refused("请写明收回预算的理由。", field="reason")
    return _appropriate(line, -fen, on, f"收回：{reason.strip()}", key or f"take-back:{uuid7()}", user)


def _appropriate(line: BudgetLine, fen: int, on: date, memo: str, key: str, user: User | None) -> Entry:
    if fen == 0:
        raise Refused("金额必须大于零。", field="fen")
    ledger.lock_accounts([line.pot.account_id, line.account_id])
    if not Entry.objects.filter(key=key).exists() and appropriated_to(line) + fen > line.planned_fen:
        left = written(line.planned_fen - appropriated_to(line))
        raise Refused(f"下达合计将超过“{line.name}”预算数，最多还可下达 {left}。", field="fen")
    return ledger.post(
        kind=EntryKind.APPROPRIATE,
        on=on,
        lines=[(line.pot.account_id, -fen), (line.account_id, fen)],
        memo=memo,
        key=key,
        source=line,
        user=user,
    )


@transaction.atomic
def set_rate(*, currency: str, yuan: Decimal, first: date, source: str, last: date | None = None) -> Rate:
    """Enter what a foreign currency is worth from a day on; the rate before it ends the day before."""
    before = rate_on(currency, first)
    if before is not None and before.validity.lower < first:
        before.validity = from_day(before.validity.lower, _day_before(first))
        save(before)
    return save(Rate(currency=currency, yuan=yuan, validity=from_day(first, last), source=source))


@transaction.atomic
def amend_pot(*, pot: Pot, version: int | None = None, user: User | None = None, **fields: Any) -> Pot:
    """Change a pot's name, purposes, document or amount.

    Raises:
        Refused: the amount would be less than what came in, or a purpose is in use.
        Changed: somebody else changed it after ``version``.
    """
    row = locked(Pot.objects.filter(pk=pot.pk), version=version)
    for name in ("name", "amount", "purposes", "document"):
        if name in fields:
            setattr(row, name, fields[name])
    if row.amount < received_by(row):
        raise Refused(f"核定总额不能小于已到账的 {written(received_by(row), row.currency)}。", field="amount")
    used = set(row.lines.values_list("purpose", flat=True)) - set(row.purposes)
    if used:
        raise Refused(f"已有预算项目用于{'、'.join(sorted(used))}，不能删去这一用途。", field="purposes")
    return save(row)


def _day_before(day: date) -> date:
    return date.fromordinal(day.toordinal() - 1)
