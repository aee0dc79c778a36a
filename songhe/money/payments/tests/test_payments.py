"""What is approved is paid once, by somebody else, and what the bank gives back is payable again."""

import csv
import io
from datetime import date

import openpyxl
import pytest
from django.db import IntegrityError, connection, transaction

from songhe.core.errors import Refused
from songhe.core.ids import uuid7
from songhe.core.ledger import audit, credits
from songhe.core.ledger.services import balance
from songhe.core.scope.services import Scope, use
from songhe.money.payments import selectors, services
from songhe.money.payments.models import Batch, Payee, Payment
from songhe.money.settlement.models import Statement
from songhe.money.settlement.tests.test_settlement import approved
from songhe.registers.funds.selectors import money_against_budget

ACCOUNT = "6222020000001234567"


def payee(world):
    return services.set_payee(
        provider=world.provider, account_name="松鹤居家", bank_name="某银行安庆分行", account_number=ACCOUNT
    )


@pytest.fixture
def statement(world):
    world.visit(world.new_credit(), 2)
    payee(world)
    return approved(world)


def make(world):
    with world.acting("cashier") as cashier:
        return services.make_batch(pot=world.pot, user=cashier)


def pay(world, batch, who="cashier"):
    with world.acting(who) as user:
        return services.pay(batch=batch, user=user, on=date(2026, 4, 2))


def paid_from_bank(world):
    return balance(world.pot.bank) + 10**9


def test_an_approved_statement_is_paid_from_its_pot(world, statement):
    batch = pay(world, make(world))
    assert (batch.state, batch.paid_on) == ("paid", date(2026, 4, 2))
    payment = Payment.objects.get()
    assert (payment.amount_fen, payment.state, payment.entry.user) == (5000, "paid", world.people["cashier"])
    assert Statement.objects.get().state == "paid"
    assert balance(credits.payable(world.line.account, world.provider.pk)) == 0
    assert paid_from_bank(world) == 5000
    [status] = [
        s for s in money_against_budget(world.county, date(2026, 4, 1), date(2026, 4, 30)) if s.line == world.line
    ]
    assert status.paid == 5000
    report = audit.verify()
    assert report.ok, str(report)


def test_nothing_is_put_into_two_batches(world, statement):
    make(world)
    with pytest.raises(Refused, match="没有已审批待支付的结算单"):
        make(world)
    payment = Payment.objects.get()
    payment.pk, payment._state.adding = uuid7(), True
    with pytest.raises(IntegrityError, match="payment_once"), transaction.atomic():
        payment.save(force_insert=True)


def test_a_batch_called_off_frees_its_statements(world, statement):
    batch = make(world)
    with world.acting("cashier") as cashier:
        services.cancel(batch=batch, user=cashier, reason="账号有误")
    assert Payment.objects.get().state == "cancelled"
    assert pay(world, make(world)).state == "paid"
    with pytest.raises(Refused, match="当前状态是“已作废”"):
        pay(world, batch)


def test_whoever_approved_may_not_pay(world, statement):
    batch = make(world)
    approver = world.people["approver"]
    approver.role = "cashier"
    approver.save()
    with pytest.raises(Refused, match="付款须由他人办理"):
        pay(world, batch, "approver")
    assert (Batch.objects.get().state, paid_from_bank(world)) == ("made", 0)
    with pytest.raises(Refused, match="不能办理“确认付款”"):
        pay(world, batch, "clerk")


def test_what_the_bank_gives_back_is_payable_again(world, statement):
    pay(world, make(world))
    payment = Payment.objects.get()
    with world.acting("cashier") as cashier:
        with pytest.raises(Refused, match="退回原因"):
            services.take_return(payment=payment, reason=" ", user=cashier)
        services.take_return(payment=payment, reason="户名不符", user=cashier, on=date(2026, 4, 3))
        with pytest.raises(Refused, match="没有支付，不能登记退回"):
            services.take_return(payment=payment, reason="再退", user=cashier)
    assert (Statement.objects.get().state, paid_from_bank(world)) == ("approved", 0)
    assert balance(credits.payable(world.line.account, world.provider.pk)) == 5000
    payee(world)
    assert pay(world, make(world)).state == "paid"
    assert Statement.objects.get().state == "paid"
    assert (paid_from_bank(world), Payment.objects.count()) == (5000, 2)
    assert audit.verify().ok


def test_a_provider_without_account_is_named(world):
    world.visit(world.new_credit(), 2)
    approved(world)
    with pytest.raises(Refused, match="没有登记收款账户：松鹤居家"):
        make(world)
    with pytest.raises(Refused, match="8 至 32 位数字"):
        services.set_payee(provider=world.provider, account_name="x", bank_name="x", account_number="12a")


def test_the_account_number_is_sealed_and_replaced_not_edited(world):
    first = payee(world)
    second = payee(world)
    first.refresh_from_db()
    assert (first.ended_at is None, second.ended_at is None) == (False, True)
    assert second.account_number_masked == "6222" + "*" * 11 + "4567"
    with connection.cursor() as cursor:
        cursor.execute("SELECT account_number FROM payments_payee WHERE id = %s", [second.pk])
        assert ACCOUNT.encode() not in bytes(cursor.fetchone()[0])
    with use(Scope.of_provider(world.provider.pk)):
        assert Payee.objects.count() == 2
    with use(Scope.of_provider(uuid7())):
        assert not Payee.objects.exists()


def test_the_bank_file_says_whom_and_how_much(world, statement):
    batch = make(world)
    number = statement.number
    expected = ["松鹤居家", "某银行安庆分行", ACCOUNT]
    rows = list(csv.reader(io.StringIO(selectors.bank_file_csv(batch).decode("utf-8-sig"))))
    assert rows[0][:5] == ["序号", "收款户名", "开户行", "账号", "金额（元）"]
    assert rows[1] == ["1", *expected, "50.00", f"2026年03月服务结算 {number}"]
    sheet = openpyxl.load_workbook(io.BytesIO(selectors.bank_file_xlsx(batch))).active
    assert [cell.value for cell in sheet[2]] == [1, *expected, 50, f"2026年03月服务结算 {number}"]
