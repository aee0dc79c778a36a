"""The ledger as a plain-text file of beancount's, for a second pair of eyes: its own checker must accept it.

Beancount writes money held as positive, this ledger claims on money; so signs are turned round.
"""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import connection

from songhe.core.ledger.models import AccountKind, Currency, EntryKind
from songhe.core.scope.services import Scope, use

_ROOTS = {
    AccountKind.BANK: "Assets:Bank",
    AccountKind.POT: "Equity:Pot",
    AccountKind.BUDGET: "Equity:Budget",
    AccountKind.CREDIT: "Equity:Credit",
    AccountKind.RESERVED: "Equity:Reserved",
    AccountKind.ACCRUED: "Liabilities:Accrued",
    AccountKind.PAYABLE: "Liabilities:Payable",
}
ROWS_AT_A_TIME = 5000


def export_beancount(path: Path | str, *, title: str = "松鹤总账") -> int:
    """Write the whole ledger to a file and return how many entries it holds.

    Each account is opened on the day of its first entry under its kind and id, with its name as metadata. A change of
    currency also gives the price of its day.
    """
    written = 0
    with use(Scope.system()), Path(path).open("w", encoding="utf-8") as out:
        out.write(f'option "title" "{title}"\n')
        out.writelines(f'option "operating_currency" "{currency}"\n' for currency in Currency.values)
        out.write("\n")
        for line in _openings():
            out.write(line)
        for line in _prices():
            out.write(line)
        for line in _entries():
            out.write(line)
            written += 1
    return written


def _openings() -> Iterator[str]:
    yield from (
        f'{on:%Y-%m-%d} open {_account(kind, pk)} {currency}\n  name: "{_text(name)}"\n'
        for pk, kind, currency, name, on in _rows(
            "SELECT a.id, a.kind, a.currency, a.name, min(e.on) FROM ledger_account a "
            "JOIN ledger_posting p ON p.account_id = a.id JOIN ledger_entry e ON e.id = p.entry_id "
            "GROUP BY a.id ORDER BY min(e.on), a.id"
        )
    )
    yield "\n"


def _prices() -> Iterator[str]:
    rows = _rows(
        "SELECT e.on, a.currency, sum(abs(p.amount)) FROM ledger_entry e JOIN ledger_posting p ON p.entry_id = e.id "
        "JOIN ledger_account a ON a.id = p.account_id WHERE e.kind = %s GROUP BY e.id, a.currency ORDER BY e.on, e.id, "
        "a.currency = 'CNY'",
        [EntryKind.CONVERT],
    )
    foreign: tuple[str, Decimal] | None = None
    for on, currency, size in rows:
        if currency != Currency.CNY:
            foreign = (currency, size)
        elif foreign is not None:
            rate = (Decimal(size) / foreign[1]).quantize(Decimal("0.000001"))
            yield f"{on:%Y-%m-%d} price {foreign[0]} {rate} CNY\n"
    yield "\n"


def _entries() -> Iterator[str]:
    head: tuple[Any, ...] | None = None
    lines: list[str] = []
    rows = _rows(
        "SELECT e.id, e.on, e.memo, e.key, e.kind, a.id, a.kind, a.currency, p.amount FROM ledger_entry e "
        "JOIN ledger_posting p ON p.entry_id = e.id JOIN ledger_account a ON a.id = p.account_id "
        "ORDER BY e.on, e.id, p.id"
    )
    for pk, on, memo, key, kind, account, account_kind, currency, amount in rows:
        if head is None or head[0] != pk:
            if head is not None:
                yield _entry(head, lines)
            head, lines = (pk, on, memo, key, kind), []
        lines.append(f"  {_account(account_kind, account)}  {_decimal(-amount)} {currency}\n")
    if head is not None:
        yield _entry(head, lines)


def _entry(head: tuple[Any, ...], lines: list[str]) -> str:
    _pk, on, memo, key, kind = head
    return f'{on:%Y-%m-%d} * "{_text(memo)}"\n  key: "{_text(key)}"\n  kind: "{kind}"\n{"".join(lines)}\n'


def _account(kind: str, pk: Any) -> str:
    return f"{_ROOTS[AccountKind(kind)]}:A{pk.hex.upper()}"


def _decimal(amount: int) -> str:
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    return f"{sign}{size // 100}.{size % 100:02d}"


def _text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


def _rows(sql: str, parameters: list[Any] | None = None) -> Iterator[tuple[Any, ...]]:
    """Yield rows without holding them all, through a cursor on the server."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, parameters)
        while rows := cursor.fetchmany(ROWS_AT_A_TIME):
            yield from rows
