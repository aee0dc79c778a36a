"""The pages of money, as the people of each part see and use them."""

from datetime import date

import pytest
from django.test import Client
from django.urls import reverse
from procrastinate.contrib.django.models import ProcrastinateJob

from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.calendar.services import at
from songhe.core.console.registry import pages_named
from songhe.core.ids import uuid7
from songhe.core.journal.models import Access
from songhe.core.ledger.models import Account, Entry
from songhe.core.ledger.services import balance
from songhe.money.payments.models import Batch, Payee, Payment
from songhe.money.payments.tests.test_payments import ACCOUNT, make, payee
from songhe.money.settlement import jobs
from songhe.money.settlement.flow import StatementState
from songhe.money.settlement.models import Statement, StatementLine
from songhe.money.settlement.tests.test_settlement import approved, checked, draw, step
from songhe.money.settlement.tests.world import NEXT
from songhe.registers.contracts.models import Contract
from songhe.registers.funds.models import BudgetLine, Pot


@pytest.fixture(autouse=True)
def no_second_factor(settings):
    settings.STAFF_SECOND_FACTOR = False


@pytest.fixture
def sign_in(world):
    def sign(name):
        client = Client()
        client.force_login(world.people[name], backend="django.contrib.auth.backends.ModelBackend")
        return client

    return sign


@pytest.fixture
def leader(world):
    user = User.objects.create(username="t-leader", display_name="局长", role=Role.LEADER, area=world.city)
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def url(key, action="list", *args):
    return reverse(f"console:{key}-{action}", args=args)


def post(client, address, **data):
    return client.post(address, {"form_token": str(uuid7()), **data})


def test_every_list_and_record_of_money_opens(world, leader):
    world.visit(world.new_credit(), 2)
    payee(world)
    approved(world)
    make(world)
    records = {
        "funds-pot": Pot.objects.get(code="t-pot"),
        "funds-line": BudgetLine.objects.get(code="t-line"),
        "ledger-entry": Entry.objects.filter(kind="approve").get(),
        "ledger-account": Account.objects.filter(kind="payable").get(),
        "contracts-contract": Contract.objects.get(number="T-1"),
        "settlement-statement": Statement.objects.get(),
        "settlement-line": StatementLine.objects.get(),
        "payments-batch": Batch.objects.get(),
        "payments-payment": Payment.objects.get(),
        "payments-payee": Payee.objects.get(),
    }
    for key, obj in records.items():
        page = leader.get(url(key))
        assert page.status_code == 200, key
        record = leader.get(url(key, "detail", obj.pk))
        assert record.status_code == 200, key
        for number, tab in enumerate(pages_named(key).tabs):
            if tab.shown(obj, User.objects.get(username="t-leader")):
                assert leader.get(url(key, "tab", obj.pk, number)).status_code == 200, f"{key} {tab.label}"
    assert leader.get(url("funds-rate")).status_code == 200


def test_lists_show_the_figures_of_the_ledger(world, leader):
    world.visit(world.new_credit(), 2)
    statement = approved(world)
    text = leader.get(url("funds-line"), {"q": "t-line"}).content.decode()
    assert "9,999,800.00" in text, "free: ten million less the credit of two hundred"
    text = leader.get(url("settlement-statement")).content.decode()
    assert statement.number in text
    assert "50.00" in text
    detail = leader.get(url("settlement-statement", "detail", statement.pk)).content.decode()
    assert "测试1" in detail
    assert "助浴" in detail


def test_money_is_received_and_given_from_the_page(world, sign_in):
    client = sign_in("clerk")
    clerk = world.people["clerk"]
    clerk.area = world.city
    clerk.save()
    before = balance(world.pot.account)
    answer = post(client, url("funds-pot", "do", world.pot.pk, "receive"), amount="12.34", on="2026-03-05", memo="二批")
    assert answer.status_code == 303, answer.content.decode()
    assert balance(world.pot.account) == before + 1234
    answer = post(
        client, url("funds-line", "do", world.line.pk, "take-back"), fen="1.00", on="2026-03-05", reason="调减"
    )
    assert answer.status_code == 303
    assert balance(world.pot.account) == before + 1334
    answer = post(client, url("funds-line", "do", world.line.pk, "appropriate"), fen="99999999", on="2026-03-05")
    assert "最多还可下达 1.00 元" in answer.content.decode()


def test_a_contract_is_signed_and_priced_from_the_page(world, sign_in):
    client = sign_in("clerk")
    form = {
        "number": "HT-88",
        "name": "区级合同",
        "kind": "purchase",
        "provider": world.provider.pk,
        "area": world.community.pk,
        "signed_on": "2026-03-01",
        "first": "2026-03-01",
        "last": "2026-12-31",
        "share_percent": "",
    }
    answer = post(client, url("contracts-contract", "create"), **{**form, "last": "2026-01-01"})
    assert "合同终止日期不能早于起始日期" in answer.content.decode()
    assert post(client, url("contracts-contract", "create"), **form).status_code == 303
    contract = Contract.objects.get(number="HT-88")
    price = {"service": world.service.pk, "price_fen": "48.50", "first": ""}
    assert post(client, url("contracts-contract", "do", contract.pk, "price"), **price).status_code == 303
    assert contract.prices.get().price_fen == 4850


def test_the_provider_contests_a_line_and_the_clerk_answers(world, sign_in):
    world.visit(world.new_credit(), 2)
    draw(world)
    statement = Statement.objects.get()
    step(world, "clerk", statement, "send")
    manager, clerk = sign_in("manager"), sign_in("clerk")
    address = url("settlement-statement", "step", statement.pk, "dispute")
    assert "助浴" in manager.get(address).content.decode()
    line = statement.lines.get()
    answer = post(manager, address, line_ids=[str(line.pk)], reason="时长不对")
    assert answer.status_code == 303, answer.content.decode()
    answer = post(clerk, url("settlement-line", "do", line.pk, "answer"), keep="void", answer="重新核验")
    assert answer.status_code == 303, answer.content.decode()
    line.refresh_from_db()
    assert line.voided_at is not None


def test_the_month_is_drawn_in_the_background(world, sign_in, monkeypatch):
    # Connections of their own would not see what this test has not committed.
    monkeypatch.setattr(jobs, "AT_ONCE", 1)
    world.visit(world.new_credit(), 2)
    client = sign_in("clerk")
    address = reverse("console:settlement-statement-draw")
    with at(NEXT):
        assert client.get(address).status_code == 200
        assert "还没有结束" in client.post(address, {"month": "2026-04"}).content.decode()
        assert client.post(address, {"month": "2026-03"}).status_code == 302
        [job] = ProcrastinateJob.objects.filter(task_name__endswith="draw_month")
        assert job.args == {"month": "2026-03-01", "user_id": str(world.people["clerk"].pk)}
        jobs.draw_month.func(**job.args)
    assert Statement.objects.get().lines.count() == 1
    assert sign_in("cashier").get(address).status_code == 403


def test_checking_and_approving_are_buttons_of_those_who_may(world, sign_in):
    world.visit(world.new_credit(), 2)
    statement = checked(world)
    page = url("settlement-statement", "detail", statement.pk)
    assert "审批通过" not in sign_in("checker").get(page).content.decode()
    approver = sign_in("approver")
    assert "审批通过" in approver.get(page).content.decode()
    with at(NEXT):
        answer = post(approver, url("settlement-statement", "step", statement.pk, "approve"))
    assert answer.status_code == 303, answer.content.decode()
    statement.refresh_from_db()
    assert statement.state == StatementState.APPROVED


def test_the_cashier_pays_and_takes_a_return(world, sign_in):
    world.visit(world.new_credit(), 2)
    payee(world)
    approved(world)
    cashier = sign_in("cashier")
    answer = post(cashier, url("payments-batch", "create"), pot=world.pot.pk)
    assert answer.status_code == 303, answer.content.decode()
    batch = Batch.objects.get()
    file = cashier.get(reverse("console:payments-batch-bank-file", args=[batch.pk, "csv"]))
    assert ACCOUNT in file.content.decode()
    assert Access.objects.filter(act="export", subject=f"付款批次 {batch.number}").count() == 1
    assert sign_in("clerk").get(reverse("console:payments-batch-bank-file", args=[batch.pk, "csv"])).status_code == 403
    assert post(cashier, url("payments-batch", "step", batch.pk, "pay"), on="2026-04-02").status_code == 303
    payment = Payment.objects.get()
    assert payment.batch.paid_on == date(2026, 4, 2)
    answer = post(cashier, url("payments-payment", "do", payment.pk, "return"), on="2026-04-03", reason="户名不符")
    assert answer.status_code == 303, answer.content.decode()
    assert Statement.objects.get().state == StatementState.APPROVED


def test_account_numbers_are_masked_on_pages(world, sign_in):
    payee(world)
    cashier = sign_in("cashier")
    form = {
        "provider": world.provider.pk,
        "account_name": "新户",
        "bank_name": "某银行",
        "account_number": ACCOUNT[::-1],
    }
    assert post(cashier, url("payments-payee", "create"), **form).status_code == 303
    text = cashier.get(url("payments-payee")).content.decode()
    assert ACCOUNT not in text
    assert "6222" in text
