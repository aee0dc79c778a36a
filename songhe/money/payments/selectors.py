"""Reads on payments: what may be paid from a pot, and what the bank is told."""

import csv
import io
from dataclasses import dataclass

import xlsxwriter
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from songhe.money.payments.models import Batch, Payment, PaymentState
from songhe.money.settlement.flow import StatementState
from songhe.money.settlement.models import Statement, StatementLine
from songhe.registers.funds.models import BudgetLine, Pot

_COLUMNS = ("序号", "收款户名", "开户行", "账号", "金额（元）", "用途")


@dataclass(frozen=True)
class Payable:
    """What an approved statement is due from one budget line, in fen."""

    statement: Statement
    line: BudgetLine
    amount_fen: int


def payable_from(pot: Pot) -> list[Payable]:
    """Return what approved statements are due from a pot and is in no batch yet."""
    lines = {line.account_id: line for line in pot.lines.all()}
    sums = (
        StatementLine.objects.filter(
            statement__state=StatementState.APPROVED, voided_at__isnull=True, fund_id__in=list(lines)
        )
        .order_by("statement", "fund_id")
        .values_list("statement", "fund_id")
        .annotate(due=Sum("payable_fen"))
    )
    rows = list(sums)
    under_way = set(
        Payment.objects.filter(line__pot=pot, state__in=[PaymentState.PENDING, PaymentState.PAID]).values_list(
            "statement", "line"
        )
    )
    statements = Statement.objects.select_related("provider", "area").in_bulk([row[0] for row in rows])
    return [
        Payable(statements[statement], lines[fund], due)
        for statement, fund, due in rows
        if (statement, lines[fund].pk) not in under_way
    ]


def with_totals(batches: QuerySet[Batch]) -> QuerySet[Batch]:
    """Annotate batches with ``payments_count``, ``amount_fen`` and ``returned_fen``."""
    return batches.annotate(
        payments_count=Count("payments"),
        amount_fen=Coalesce(Sum("payments__amount_fen"), 0),
        returned_fen=Coalesce(Sum("payments__amount_fen", filter=Q(payments__state=PaymentState.RETURNED)), 0),
    )


def payments_of(batch: Batch) -> QuerySet[Payment]:
    """Return a batch's payments with what their list shows."""
    return batch.payments.select_related("statement", "provider", "payee", "line").order_by("id")


def bank_file_csv(batch: Batch) -> bytes:
    """Return what the bank is told as CSV, in UTF-8 with a mark that spreadsheets understand; amounts in yuan."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for number, name, bank, account, fen, purpose in _bank_rows(batch):
        writer.writerow([number, name, bank, account, f"{fen // 100}.{fen % 100:02d}", purpose])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def bank_file_xlsx(batch: Batch) -> bytes:
    """Return what the bank is told as a spreadsheet; account numbers are text, amounts are numbers in yuan."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet("付款清单")
    bold, money = book.add_format({"bold": True}), book.add_format({"num_format": "0.00"})
    sheet.write_row(0, 0, _COLUMNS, bold)
    for number, name, bank, account, fen, purpose in _bank_rows(batch):
        sheet.write_number(number, 0, number)
        sheet.write_string(number, 1, name)
        sheet.write_string(number, 2, bank)
        sheet.write_string(number, 3, account)
        sheet.write_number(number, 4, fen / 100, money)
        sheet.write_string(number, 5, purpose)
    sheet.set_column(1, 3, 28)
    sheet.set_column(5, 5, 36)
    book.close()
    return out.getvalue()


def _bank_rows(batch: Batch) -> list[tuple[int, str, str, str, int, str]]:
    return [
        (
            number,
            payment.payee.account_name,
            payment.payee.bank_name,
            payment.payee.account_number,
            payment.amount_fen,
            f"{payment.statement.month:%Y年%m月}服务结算 {payment.statement.number}",
        )
        for number, payment in enumerate(payments_of(batch), 1)
    ]


def batches_with_totals() -> QuerySet[Batch]:
    """Return all batches with their sums."""
    return with_totals(Batch.objects.all())
