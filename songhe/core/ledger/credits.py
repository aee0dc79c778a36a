"""Monthly credits as money: opened from a budget line, held by orders, earned by visits, given back at month's end.

A credit is an account of kind CREDIT with floor 0. What orders hold of it lies on one RESERVED account beside it; whose
hold it is, is read from the entries' source. A verified visit moves its hold to what is ACCRUED for the provider.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Protocol
from uuid import UUID

from django.db import models

from songhe.core.calendar.services import today
from songhe.core.errors import Refused
from songhe.core.ledger.models import Account, AccountKind, Entry, EntryKind, Posting
from songhe.core.ledger.money import written
from songhe.core.ledger.selectors import AccountRef, account_id, balances, held_by
from songhe.core.ledger.services import account, correct, lock_accounts, post
from songhe.core.scope.services import Scope, use

ROWS_A_STATEMENT = 2000


class MonthlyCredit(Protocol):
    """A room's record of one elder's credit of one month, about to be opened."""

    amount_fen: int

    @property
    def pk(self) -> UUID:
        """Its id."""

    @property
    def elder_id(self) -> UUID:
        """Whose credit it is."""

    @property
    def area_id(self) -> int:
        """Where they live."""

    @property
    def _meta(self) -> Any: ...


class HasAccount(Protocol):
    """A record that stands for an account."""

    account_id: UUID


def open_credits(
    line: AccountRef, made: Sequence[MonthlyCredit], *, on: date, memo: str, name: str = ""
) -> dict[UUID, Account]:
    """Open the accounts of many credits and move their whole sum from a budget line in one entry.

    Returns each credit's account by the credit's id. ``name`` is what people call the accounts (``2026年3月额度``).

    Raises:
        Refused: the budget line does not hold enough.
    """
    if not made:
        return {}
    opened = {
        credit.pk: Account(
            kind=AccountKind.CREDIT,
            name=name or f"{on:%Y年%m月}额度",
            owner_table=credit._meta.db_table,
            owner_id=credit.pk,
            fund_id=account_id(line),
            floor=0,
            area_id=credit.area_id,
            elder_id=credit.elder_id,
        )
        for credit in made
    }
    with use(Scope.system()):
        Account.objects.bulk_create(opened.values(), batch_size=ROWS_A_STATEMENT)
    post(
        kind=EntryKind.OPEN,
        on=on,
        lines=[
            (line, -sum(credit.amount_fen for credit in made)),
            *((opened[credit.pk], credit.amount_fen) for credit in made),
        ],
        memo=memo,
        key=f"open:{made[0].pk}",
        source=made[0] if len(made) == 1 else None,  # type: ignore[arg-type]
    )
    return opened


def open_credit(line: AccountRef, credit: MonthlyCredit, *, on: date, memo: str, name: str = "") -> Account:
    """Open one credit from a budget line and return its account; Refused if the line does not hold enough."""
    return open_credits(line, [credit], on=on, memo=memo, name=name)[credit.pk]


def reserve(credit: AccountRef, fen: int, *, source: models.Model, key: str, on: date | None = None) -> Entry:
    """Hold part of a credit for an order (``source``); the same key again changes nothing.

    Raises:
        Refused: the credit is closed, or holds less (says how much is left).
    """
    spent = _account(credit)
    if fen <= 0:
        raise Refused("占用金额必须大于零。")
    if spent.closed_on is not None:
        raise Refused(f"“{spent.name}”已于 {spent.closed_on:%Y年%m月%d日} 清零，不能再使用。")
    return post(
        kind=EntryKind.RESERVE,
        on=on or today(),
        lines=[(spent, -fen), (_reserved(spent), fen)],
        memo=f"占用 {written(fen)}",
        key=key,
        source=source,
    )


def release(credit: AccountRef, fen: int, *, source: models.Model, key: str, on: date | None = None) -> Entry:
    """Give back to a credit part of what an order holds of it; a closed credit passes it on to the budget line.

    Raises:
        Refused: the order holds less than that.
    """
    given = _account(credit)
    held = _reserved(given)
    lock_accounts([given, held])
    _holds(source, held, fen)
    given = _account(given.pk)
    return post(
        kind=EntryKind.RELEASE,
        on=on or today(),
        lines=[(held, -fen), (given if given.closed_on is None else _line_of(given), fen)],
        memo=f"释放 {written(fen)}",
        key=key,
        source=source,
    )


def settle(
    credit: AccountRef, fen: int, *, source: models.Model, provider_id: UUID, key: str, on: date | None = None
) -> Entry:
    """Move what an order holds of a credit to what is accrued for the provider that served it.

    Raises:
        Refused: the order holds less than that.
    """
    drawn = _account(credit)
    held = _reserved(drawn)
    lock_accounts([held])
    _holds(source, held, fen)
    return post(
        kind=EntryKind.SETTLE,
        on=on or today(),
        lines=[(held, -fen), (accrued(_line_of(drawn), provider_id), fen)],
        memo=f"核验入账 {written(fen)}",
        key=key,
        source=source,
    )


def release_order(order: models.Model, *, on: date | None = None) -> list[Entry]:
    """Give back all that an order holds."""
    return [
        release(credit, fen, source=order, key=f"release:{order.pk}:{credit}:{entries}", on=on)
        for credit, fen, entries in _holdings(order)
    ]


def settle_order(order: models.Model, *, provider_id: UUID, on: date | None = None) -> list[Entry]:
    """Move all that an order holds to what is accrued for the provider that served it."""
    return [
        settle(credit, fen, source=order, provider_id=provider_id, key=f"settle:{order.pk}:{credit}:{entries}", on=on)
        for credit, fen, entries in _holdings(order)
    ]


def times_booked(order: models.Model) -> int:
    """Return how often something was booked of what an order holds: a key that no earlier hold of it had."""
    with use(Scope.system()):
        return Posting.objects.filter(account__kind=AccountKind.RESERVED, entry__source_id=order.pk).count()


def expire(credits: Iterable[HasAccount | Account], *, on: date) -> list[Entry]:
    """Close credits: what they still hold free goes back to their budget lines, one entry a line.

    What orders hold of them stays held. Credits already closed are left alone.
    """
    ids = sorted({credit.pk if isinstance(credit, Account) else credit.account_id for credit in credits})
    lock_accounts(ids)
    with use(Scope.system()):
        still_open = list(Account.objects.filter(pk__in=ids, closed_on__isnull=True).order_by("pk"))
        free = balances(still_open)
        by_line: dict[UUID, list[Account]] = defaultdict(list)
        for credit in still_open:
            by_line[_line_of(credit)].append(credit)
        entries = [
            _expire_into(line, [credit for credit in closing if free[credit.pk]], free, on)
            for line, closing in sorted(by_line.items())
        ]
        Account.objects.filter(pk__in=[credit.pk for credit in still_open]).update(closed_on=on)
    return [entry for entry in entries if entry is not None]


def reopen(credit: HasAccount | Account, fen: int, *, reason: str, on: date) -> Entry | None:
    """Open a credit again that was closed by mistake, with what it then gave back to its budget line.

    Raises:
        Refused: the budget line does not hold that much any more.
    """
    with use(Scope.system()):
        closed = Account.objects.get(pk=credit.pk if isinstance(credit, Account) else credit.account_id)
    lock_accounts([closed.pk])
    with use(Scope.system()):
        closed.refresh_from_db()
        if closed.closed_on is None:
            return None
        Account.objects.filter(pk=closed.pk).update(closed_on=None)
    if not fen:
        return None
    with use(Scope.system()):
        given = Entry.objects.filter(kind=EntryKind.EXPIRE, postings__account=closed.pk).latest("line")
    return correct(
        given,
        lines=[(_line_of(closed), -fen), (closed, fen)],
        reason=f"恢复额度：{reason}",
        on=on,
        key=f"reopen:{closed.pk}:{given.pk}",
    )


def hand_over(*, elder_id: UUID, area_id: int) -> None:
    """Put an elder's open accounts under another division, which answers for them from now on."""
    with use(Scope.system()):
        Account.objects.filter(elder_id=elder_id, closed_on__isnull=True).update(area_id=area_id)


def accrued(line: AccountRef, provider_id: UUID) -> Account:
    """Return the account of what a provider has earned from a budget line and is not yet approved."""
    return _of_provider(AccountKind.ACCRUED, line, provider_id)


def payable(line: AccountRef, provider_id: UUID) -> Account:
    """Return the account of what is approved for a provider from a budget line and not yet paid."""
    return _of_provider(AccountKind.PAYABLE, line, provider_id)


def _expire_into(line: UUID, closing: list[Account], free: dict[UUID, int], on: date) -> Entry | None:
    if not closing:
        return None
    return post(
        kind=EntryKind.EXPIRE,
        on=on,
        lines=[(line, sum(free[credit.pk] for credit in closing)), *((credit, -free[credit.pk]) for credit in closing)],
        memo=f"额度清零 {len(closing)} 户",
        key=f"expire:{closing[0].pk}",
    )


def _line_of(credit: Account) -> UUID:
    if credit.fund_id is None:
        raise TypeError(f"{credit.pk} 不是由预算项目开立的额度。")
    return credit.fund_id


def _account(ref: AccountRef) -> Account:
    if isinstance(ref, Account):
        return ref
    with use(Scope.system()):
        return Account.objects.get(pk=ref)


def _reserved(credit: Account) -> Account:
    return account(
        kind=AccountKind.RESERVED,
        owner=credit,
        name=f"{credit.name}占用",
        area=credit.area_id,
        elder=credit.elder_id,
        fund=credit,
        floor=0,
    )


def _of_provider(kind: AccountKind, line: AccountRef, provider_id: UUID) -> Account:
    funding = _account(line)
    return account(
        kind=kind,
        owner=funding,
        name=f"{funding.name}·{kind.label}",
        area=funding.area_id,
        provider=provider_id,
        fund=funding,
        floor=0,
    )


def _holds(source: models.Model, held: Account, fen: int) -> None:
    have = held_by(source.pk, AccountKind.RESERVED).get(held.pk, 0)
    if fen <= 0 or have < fen:
        raise Refused(f"该订单占用的额度为 {written(have)}，不能动用 {written(fen)}。")


def _holdings(order: models.Model) -> list[tuple[UUID, int, int]]:
    """Return the order's holds as credit account, amount, and how often it was booked before (for a key of its own)."""
    with use(Scope.system()):
        rows = (
            Account.objects.filter(kind=AccountKind.RESERVED, postings__entry__source_id=order.pk)
            .order_by("pk")
            .values_list("fund_id")
            .annotate(held=models.Sum("postings__amount"), entries=models.Count("postings"))
        )
        return [(credit, int(held), entries) for credit, held, entries in rows if held]
