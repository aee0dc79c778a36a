"""The auditor finds what was put wrong behind the ledger's back, and beancount agrees with the ledger."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from beancount import loader
from beancount.core import realization

from songhe.core.ids import uuid7
from songhe.core.ledger import audit, credits, services
from songhe.core.ledger.models import Account, AccountKind, EntryKind
from songhe.core.ledger.tests.conftest import DAY, Thing, make_treasury
from songhe.core.scope.services import Scope, use
from songhe.core.testing.tables import owner_connection


@pytest.fixture
def busy_ledger(treasury):
    """A ledger with a month's life in it, and dollars changed into yuan."""
    credit, order = treasury.credit(), Thing("orders_order")
    credits.reserve(credit, 15000, source=order, key="hold")
    credits.settle_order(order, provider_id=uuid7(), on=DAY)
    credits.expire([credit], on=DAY)
    loan = Thing("funds_pot")
    bank = services.account(kind=AccountKind.BANK, owner=loan, name='世行"贷款"专户', currency="USD")
    pot = services.account(kind=AccountKind.POT, owner=loan, name="世行贷款", currency="USD", floor=0)
    services.post(kind=EntryKind.RECEIVE, on=DAY, lines=[(bank, -4300), (pot, 4300)], memo='提款"一"', key="draw")
    services.post(
        kind=EntryKind.CONVERT,
        on=DAY,
        lines=[(pot, -1000), (bank, 1000), (treasury.bank, -7123), (treasury.pot, 7123)],
        memo="结汇",
        key="convert",
    )
    return treasury


def test_an_untouched_ledger_is_in_order(busy_ledger):
    report = audit.verify()
    assert report.ok, str(report)
    assert "分录借贷平衡：核对 8 项，无误" in str(report)


def test_what_was_put_wrong_is_named(transactional_db):
    with use(Scope.system()):
        treasury = make_treasury()
        credit, order = treasury.credit(), Thing("orders_order")
        credits.reserve(credit, 15000, source=order, key="hold")
    owner = owner_connection()
    try:
        with owner.cursor() as cursor:
            for table in ("ledger_posting", "ledger_entry", "ledger_account"):
                cursor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute("UPDATE ledger_posting SET amount = amount + 100 WHERE account_id = %s", [treasury.line.pk])
            cursor.execute("UPDATE ledger_account SET floor = 999999 WHERE id = %s", [credit.pk])
            cursor.execute("DELETE FROM ledger_posting WHERE account_id = %s", [treasury.bank.pk])
            cursor.execute("UPDATE ledger_account SET closed_on = '2026-03-31' WHERE id = %s", [credit.pk])
    finally:
        owner.close()
    text = str(audit.verify())
    assert "分录“下达”" in text
    assert "不平衡：合计 1.00 元" in text
    assert "分录“到账”" in text
    assert "只有 1 行" in text
    assert "余额 50.00 元，低于下限 9,999.99 元" in text
    assert "CNY 全部账户合计" in text
    assert "已清零的“2026年03月额度”" in text
    assert "ledger_entry 的约束 entry_balances 不在位" in text
    assert "ledger_posting 的只增不改约束不在位" in text


def test_beancount_accepts_the_ledger_and_finds_the_same_balances(busy_ledger, tmp_path):
    path = tmp_path / "ledger.beancount"
    assert audit.export_beancount(path) == 8
    checker = Path(sys.executable).with_name("bean-check")
    checked = subprocess.run([checker, path], capture_output=True, text=True)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")

    entries, errors, _options = loader.load_file(str(path))
    assert errors == []
    real = realization.realize(entries)
    for account in Account.objects.filter(postings__isnull=False).distinct():
        have = services.balance(account)
        name = next(name for name in _names(real) if name.endswith(account.pk.hex.upper()))
        found = realization.get(real, name).balance.get_currency_units(account.currency).number
        assert found == -Decimal(have) / 100, account.name
    prices = [entry for entry in entries if type(entry).__name__ == "Price"]
    assert [(price.currency, price.amount.number) for price in prices] == [("USD", Decimal("7.123000"))]


def test_beancount_refuses_a_ledger_that_does_not_balance(busy_ledger, tmp_path):
    path = tmp_path / "ledger.beancount"
    audit.export_beancount(path)
    path.write_text(path.read_text().replace("150.00 CNY", "150.01 CNY", 1))
    assert loader.load_file(str(path))[1]


def _names(real):
    return [account.account for account in realization.iter_children(real, leaf_only=True)]
