"""An auditor of the ledger who trusts none of its code: every sum is made again in SQL, from the rows alone.

Rooms that keep figures beside the ledger add checks of their own with ``check``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from songhe.core.ledger.beancount import export_beancount
from songhe.core.ledger.money import written
from songhe.core.scope.services import Scope, use

__all__ = ["Finding", "Report", "check", "export_beancount", "query", "verify"]

Rows = list[tuple[Any, ...]]

MOST_SHOWN = 200
"""How many mismatches of one check are written out; the rest are counted."""

GUARDS = {
    "ledger_entry": ("entry_balances",),
    "ledger_posting": ("floor_holds", "entry_is_whole"),
}
"""The triggers that hold the ledger, beside those declared on its models."""


@dataclass(frozen=True)
class Finding:
    """What one check looked at and what it found wrong, each in a Chinese sentence."""

    name: str
    looked_at: int
    mismatches: list[str]
    left_out: int = 0


@dataclass(frozen=True)
class Report:
    """The findings of all checks."""

    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Tell whether nothing was found wrong."""
        return not any(finding.mismatches for finding in self.findings)

    def lines(self) -> Iterator[str]:
        """Write the report out, a line each."""
        for finding in self.findings:
            count = len(finding.mismatches) + finding.left_out
            verdict = f"发现 {count} 处不符" if count else "无误"
            yield f"{finding.name}：核对 {finding.looked_at:,} 项，{verdict}"
            yield from (f"  · {mismatch}" for mismatch in finding.mismatches)
            if finding.left_out:
                yield f"  · 另有 {finding.left_out:,} 处未列出"

    def __str__(self) -> str:
        return "\n".join(self.lines())


Check = Callable[[], tuple[int, list[str]]]
_checks: list[tuple[str, Check]] = []


def check(name: str) -> Callable[[Check], Check]:
    """Add a check: a function of nothing that returns how much it looked at and what is wrong, in Chinese."""

    def add(function: Check) -> Check:
        if (name, function) not in _checks:
            _checks.append((name, function))
        return function

    return add


def query(sql: str, parameters: list[Any] | None = None) -> Rows:
    """Run one query of a check."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def verify() -> Report:
    """Run every check under the system's scope and report."""
    with use(Scope.system()):
        return Report([_found(name, function) for name, function in _checks])


def _found(name: str, function: Check) -> Finding:
    looked_at, mismatches = function()
    return Finding(name, looked_at, mismatches[:MOST_SHOWN], max(0, len(mismatches) - MOST_SHOWN))


def _count(table: str) -> int:
    return int(query(f'SELECT count(*) FROM "{table}"')[0][0])  # noqa: S608


@check("分录借贷平衡")
def _entries_balance() -> tuple[int, list[str]]:
    rows = query(
        """
        SELECT e.on, e.memo, e.key, a.currency, sum(p.amount)
        FROM ledger_entry e JOIN ledger_posting p ON p.entry_id = e.id JOIN ledger_account a ON a.id = p.account_id
        GROUP BY e.id, a.currency HAVING sum(p.amount) <> 0 ORDER BY e.on, e.id
        """
    )
    return _count("ledger_entry"), [
        f"{on:%Y-%m-%d} 分录“{memo}”（{key}）不平衡：合计 {written(int(total), currency)}，应为 0"
        for on, memo, key, currency, total in rows
    ]


@check("分录完整")
def _entries_are_whole() -> tuple[int, list[str]]:
    rows = query(
        """
        SELECT e.on, e.memo, e.key, count(p.id) FROM ledger_entry e LEFT JOIN ledger_posting p ON p.entry_id = e.id
        GROUP BY e.id HAVING count(p.id) < 2 ORDER BY e.on, e.id
        """
    )
    orphans = query(
        """
        SELECT p.id FROM ledger_posting p LEFT JOIN ledger_entry e ON e.id = p.entry_id
        LEFT JOIN ledger_account a ON a.id = p.account_id WHERE e.id IS NULL OR a.id IS NULL
        """
    )
    return _count("ledger_entry"), [
        *(f"{on:%Y-%m-%d} 分录“{memo}”（{key}）只有 {lines} 行，至少应有两行" for on, memo, key, lines in rows),
        *(f"分录行 {pk} 所属的分录或账户不存在" for (pk,) in orphans),
    ]


@check("账户余额不低于下限")
def _floors_hold() -> tuple[int, list[str]]:
    rows = query(
        """
        SELECT a.name, a.id, a.currency, coalesce(s.total, 0), a.floor FROM ledger_account a
        LEFT JOIN (SELECT account_id, sum(amount) AS total FROM ledger_posting GROUP BY account_id) s
            ON s.account_id = a.id
        WHERE coalesce(s.total, 0) < a.floor ORDER BY a.name
        """
    )
    return _count("ledger_account"), [
        f"账户“{name}”（{pk}）余额 {written(int(total), currency)}，低于下限 {written(floor, currency)}"
        for name, pk, currency, total, floor in rows
    ]


@check("各币种合计为零")
def _ledger_sums_to_zero() -> tuple[int, list[str]]:
    rows = query(
        """
        SELECT a.currency, sum(p.amount) FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
        GROUP BY a.currency
        """
    )
    return _count("ledger_posting"), [
        f"{currency} 全部账户合计 {written(int(total), currency)}，应为 0" for currency, total in rows if total
    ]


@check("关闭的额度没有余额")
def _closed_credits_are_empty() -> tuple[int, list[str]]:
    rows = query(
        """
        SELECT a.name, a.id, a.currency, sum(p.amount)
        FROM ledger_account a JOIN ledger_posting p ON p.account_id = a.id
        WHERE a.kind = 'credit' AND a.closed_on IS NOT NULL GROUP BY a.id HAVING sum(p.amount) <> 0
        """
    )
    looked_at = query("SELECT count(*) FROM ledger_account WHERE kind = 'credit' AND closed_on IS NOT NULL")[0][0]
    return int(looked_at), [
        f"已清零的“{name}”（{pk}）仍有余额 {written(int(total), currency)}" for name, pk, currency, total in rows
    ]


@check("各订单占用不为负")
def _holds_are_not_negative() -> tuple[int, list[str]]:
    rows = query(
        """
        SELECT e.source_id, sum(p.amount) FROM ledger_posting p JOIN ledger_entry e ON e.id = p.entry_id
        JOIN ledger_account a ON a.id = p.account_id AND a.kind = 'reserved'
        GROUP BY e.source_id, p.account_id HAVING sum(p.amount) < 0
        """
    )
    looked_at = query("SELECT count(*) FROM ledger_account WHERE kind = 'reserved'")[0][0]
    return int(looked_at), [f"订单 {source} 多释放了占用：{written(int(total))}" for source, total in rows]


@check("防篡改约束在位")
def _guards_stand() -> tuple[int, list[str]]:
    rows = query(
        """
        SELECT c.relname, t.tgname, t.tgenabled FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE c.relname IN ('ledger_account', 'ledger_entry', 'ledger_posting') AND NOT t.tgisinternal
        """
    )
    standing = {(table, trigger) for table, trigger, enabled in rows if enabled in ("O", "A")}
    wanted = [(table, trigger) for table, triggers in GUARDS.items() for trigger in triggers]
    missing = [f"{table} 的约束 {trigger} 不在位" for table, trigger in wanted if (table, trigger) not in standing]
    kept = {table for table, trigger in standing if "append_only" in trigger}
    missing += [f"{table} 的只增不改约束不在位" for table in GUARDS if table not in kept]
    return len(rows), missing
