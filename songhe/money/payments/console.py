"""Payees, payment batches and payments in the console."""

from functools import partial
from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from songhe.core.accounts.models import User
from songhe.core.console.notes import note_export
from songhe.core.console.pages import FACTS, TIMELINE, Action, Column, Command, Pages, StepForm, Tab, View, pages
from songhe.core.console.views.access import person, record
from songhe.money.payments import services
from songhe.money.payments.forms import BatchForm, PayeeForm, PayForm
from songhe.money.payments.models import Batch, Payee, Payment, PaymentState
from songhe.money.payments.selectors import bank_file_csv, bank_file_xlsx, batches_with_totals, payments_of

_FILES = {
    "xlsx": (bank_file_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "csv": (bank_file_csv, "text/csv; charset=utf-8"),
}
TONES: dict[str, str] = {PaymentState.RETURNED: "red", PaymentState.PAID: "green", PaymentState.CANCELLED: "secondary"}


def bank_file_view(request: HttpRequest, *, pages: Pages, pk: str, kind: str) -> HttpResponse:
    """Hand out the file for the bank, with whole account numbers; noted as data taken out."""
    if kind not in _FILES:
        raise Http404("没有这种文件格式。")
    batch = record(request, pages, pk)
    write, content_type = _FILES[kind]
    note_export(
        user=person(request),
        pages=pages,
        rows=batch.payments.count(),
        reason="提交银行付款",
        subject=f"付款批次 {batch.number}",
    )
    response = HttpResponse(write(batch), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{batch.number}.{kind}"'
    response["Cache-Control"] = "no-store"
    return response


def _bank_file(kind: str, batch: Batch) -> str:
    return reverse("console:payments-batch-bank-file", args=[batch.pk, kind])


def _payments(batch: Batch, user: User) -> dict[str, Any]:
    return {"payments": payments_of(batch)}


@pages
class BatchPages(Pages):
    model, room, noun, menu, icon, order = Batch, "payments", "batch", "资金", "cash-banknote", 50
    explain = "已审批的结算单按资金来源汇总成批，交银行付款。"
    empty = "还没有付款批次。有已审批的结算单后，点“新建”按资金来源汇总。"
    queryset = batches_with_totals
    columns = [
        "number",
        "pot",
        Column("payments_count", "笔数", number=True),
        Column("amount_fen", "金额（元）"),
        Column("returned_fen", "其中退回（元）"),
        "paid_on",
        "state",
    ]
    filters = ["state", "pot"]
    select_related = ["pot"]
    form, create = BatchForm, services.make_batch
    permissions = {"create": "payments.pay"}
    tabs = [Tab("付款明细", "payments/_payments.html", _payments), TIMELINE]
    steps = {
        "pay": StepForm(form=PayForm, run=services.pay, primary=True, warning="确认银行已付款后再办理，办理即入账。"),
        "cancel": StepForm(run=services.cancel),
    }
    views = [View("<uuid:pk>/bank.<str:kind>", "bank-file", bank_file_view, permission="payments.pay")]
    detail_actions = [
        Action(
            "银行文件（Excel）",
            partial(_bank_file, "xlsx"),
            icon="download",
            permission="payments.pay",
        ),
        Action(
            "银行文件（CSV）",
            partial(_bank_file, "csv"),
            icon="download",
            permission="payments.pay",
        ),
    ]


def _take_return(*, payment: Payment, reason: str, user: User, on: Any) -> None:
    services.take_return(payment=payment, reason=reason, user=user, on=on)


@pages
class PaymentPages(Pages):
    model, room, noun, menu, icon, order = Payment, "payments", "payment", "资金", "cash", 55
    explain = "每一笔付款的去向和结果。"
    empty = "还没有付款。"
    columns = [
        ("statement.number", "结算单号"),
        "provider",
        ("batch.number", "批次号"),
        "amount_fen",
        ("batch.paid_on", "付款日期"),
        Column("state", tones=TONES),
    ]
    more_columns = ["area", "returned_on", "return_reason"]
    filters = ["state", "provider"]
    select_related = ["statement", "provider", "batch", "area"]
    totals = ["amount_fen"]
    readonly = True
    tabs = [FACTS, TIMELINE]
    commands = [
        Command(
            "return",
            "登记退回",
            _take_return,
            "payments.pay",
            form=PayForm,
            needs_reason=True,
            icon="arrow-back-up",
            warning="登记后，该笔款项重新转为待支付。",
            only_if=lambda payment: payment.state == PaymentState.PAID,
        )
    ]


def _search_payees(queryset: QuerySet[Payee], text: str) -> QuerySet[Payee]:
    """Find payees by the provider's or the account's name."""
    return queryset.filter(Q(provider__name__icontains=text.strip()) | Q(account_name__icontains=text.strip()))


@pages
class PayeePages(Pages):
    model, room, noun, menu, icon, order = Payee, "payments", "payee", "资金", "credit-card", 58
    explain = "服务商的收款账户。账号加密保存，登记新账户后旧账户自动停用。"
    empty = "还没有收款账户。"
    columns = ["provider", "account_name", "bank_name", "account_number", "ended_at"]
    search, search_hint = _search_payees, "服务商或户名"
    select_related = ["provider"]
    form, create = PayeeForm, services.set_payee
    permissions = {"create": "payments.pay", "reveal": "payments.pay"}
