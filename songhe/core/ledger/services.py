"""Writing to the ledger. Every caller decides who may; the ledger decides what is possible.

All of it runs under the system's scope: a clerk of one street books against a budget line that is the city's.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

from django.db import models

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.errors import Refused
from songhe.core.ledger.models import Account, AccountKind, Currency, Entry, EntryKind, Posting
from songhe.core.ledger.money import written
from songhe.core.ledger.selectors import AccountRef, account_id, balance, balances
from songhe.core.locks import patience
from songhe.core.scope.services import Scope, use

__all__ = ["account", "balance", "balances", "correct", "lock_accounts", "post"]

Line = tuple[AccountRef, int]
LINES_A_STATEMENT = 5000


class KeyReused(Exception):
    """A key that already names one entry was given for a different one: a fault of the caller."""


class NotBalanced(Exception):
    """The lines of an entry do not sum to zero in each currency, or are fewer than two: a fault of the caller."""


def account(
    *,
    kind: str,
    owner: models.Model,
    name: str,
    currency: str = Currency.CNY,
    area: Area | int | None = None,
    provider: UUID | None = None,
    elder: UUID | None = None,
    fund: AccountRef | None = None,
    floor: int | None = None,
) -> Account:
    """Return the owner's account of this kind, currency and provider; it is opened the first time."""
    same = {
        "kind": AccountKind(kind),
        "currency": Currency(currency),
        "owner_table": owner._meta.db_table,
        "owner_id": owner.pk,
        "provider_id": provider,
    }
    with use(Scope.system()):
        found = Account.objects.filter(**same).first()
        if found is None:
            opened = Account(
                **same,
                name=name[:120],
                area_id=area.code if isinstance(area, Area) else area,
                elder_id=elder,
                fund_id=account_id(fund) if fund else None,
                floor=floor,
            )
            # Two at once open one account: the second waits for the first, then finds it.
            Account.objects.bulk_create([opened], ignore_conflicts=True)
            found = Account.objects.get(**same)
        return found


def lock_accounts(accounts: Iterable[AccountRef]) -> None:
    """Queue for accounts until the transaction ends, in the order of their ids; Busy after three seconds."""
    ids = sorted({account_id(account) for account in accounts})
    with use(Scope.system()), patience():
        list(
            Account.objects.filter(pk__in=ids)
            .order_by("pk")
            .select_for_update(no_key=True)
            .values_list("pk", flat=True)
        )


def post(
    *,
    kind: str,
    on: date,
    lines: Sequence[Line],
    memo: str,
    key: str,
    source: models.Model | None = None,
    user: User | None = None,
) -> Entry:
    """Book one entry and return it; the same key again returns the entry booked before and changes nothing.

    ``lines`` are accounts with amounts in minor units; lines of nothing are left out.

    Raises:
        Refused: an account would fall below its floor (says what is left).
        Busy: another transaction holds one of the accounts.
        KeyReused, NotBalanced: the caller is wrong.
    """
    return _book(
        Entry(
            kind=EntryKind(kind),
            on=on,
            memo=memo[:200],
            key=key,
            source_table=source._meta.db_table if source is not None else "",
            source_id=source.pk if source is not None else None,
            user=user,
        ),
        lines,
    )


def correct(
    entry: Entry,
    *,
    lines: Sequence[Line] | None = None,
    reason: str,
    on: date,
    key: str = "",
    user: User | None = None,
) -> Entry:
    """Set an entry right by another one: ``lines`` are the difference to book; without them it is undone whole.

    Raises:
        Refused: no reason was given, or an account would fall below its floor.
    """
    if not reason.strip():
        raise Refused("请写明更正的理由。", field="reason")
    if lines is None:
        with use(Scope.system()):
            lines = [(pk, -amount) for pk, amount in entry.postings.values_list("account_id", "amount")]
    return _book(
        Entry(
            kind=EntryKind.CORRECT,
            on=on,
            memo=reason.strip()[:200],
            key=key or f"correct:{entry.pk}",
            source_table=entry.source_table,
            source_id=entry.source_id,
            user=user,
            corrects=entry,
        ),
        lines,
    )


def _book(entry: Entry, lines: Sequence[Line]) -> Entry:
    # In the order of accounts, so that the walls at commit take their locks in one order too.
    wanted = sorted((account_id(ref), amount) for ref, amount in lines if amount)
    with use(Scope.system()):
        # The key first: a second caller waits here, and then finds the first one's entry, not an emptied account.
        Entry.objects.bulk_create([entry], ignore_conflicts=True)
        booked = Entry.objects.get(key=entry.key)
        if booked.pk != entry.pk:
            _same(booked, entry, wanted)
            return booked
        accounts = Account.objects.in_bulk({pk for pk, _amount in wanted})
        _balanced(wanted, accounts)
        _floors_hold(wanted, accounts)
        Posting.objects.bulk_create(
            [Posting(entry=booked, account_id=pk, amount=amount) for pk, amount in wanted],
            batch_size=LINES_A_STATEMENT,
        )
    return booked


def _same(booked: Entry, entry: Entry, wanted: list[tuple[UUID, int]]) -> None:
    lines = sorted(booked.postings.values_list("account_id", "amount"))
    if (booked.kind, booked.source_id, lines) != (entry.kind, entry.source_id, wanted):
        raise KeyReused(entry.key)


def _balanced(wanted: list[tuple[UUID, int]], accounts: dict[UUID, Account]) -> None:
    totals: dict[str, int] = defaultdict(int)
    for pk, amount in wanted:
        totals[accounts[pk].currency] += amount
    if len(wanted) < 2 or any(totals.values()):
        raise NotBalanced(f"{len(wanted)} 行，合计 {dict(totals)}")


def _floors_hold(wanted: list[tuple[UUID, int]], accounts: dict[UUID, Account]) -> None:
    changes: dict[UUID, int] = defaultdict(int)
    for pk, amount in wanted:
        changes[pk] += amount
    bounded = [pk for pk, change in changes.items() if change < 0 and accounts[pk].floor is not None]
    if not bounded:
        return
    lock_accounts(bounded)
    for pk, have in balances(bounded).items():
        short = accounts[pk]
        if have + changes[pk] < (short.floor or 0):
            raise Refused(
                f"“{short.name}”余额不足：可用 {written(have - (short.floor or 0), short.currency)}，"
                f"需要 {written(-changes[pk], short.currency)}。"
            )
