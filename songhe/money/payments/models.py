"""Money leaving the bank: where providers are paid to, batches handed to the bank, and each payment in them."""

from typing import ClassVar

import pghistory
from django.db import models
from django.db.models import Q

from songhe.core.areas.models import Area
from songhe.core.crypto.fields import SealedField
from songhe.core.flow.models import state_check
from songhe.core.ledger.models import Entry
from songhe.core.records import Record
from songhe.core.scope.roles import HERE_OR_ABOVE, RowScope
from songhe.money.payments.flow import BatchFlow, BatchState
from songhe.money.settlement.models import Statement
from songhe.registers.funds.models import BudgetLine, Pot
from songhe.registers.providers.models import Provider


@pghistory.track()
class Payee(Record):
    """A provider's bank account; a new one ends the old."""

    row_scope: ClassVar = RowScope(area_sql="true", provider="provider")

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="payees", verbose_name="服务商")
    account_name = models.CharField("户名", max_length=100)
    bank_name = models.CharField("开户行", max_length=100)
    account_number = SealedField("账号", mask=(4, 4))
    ended_at = models.DateTimeField("停用时间", null=True, blank=True)

    class Meta(Record.Meta):
        verbose_name = "收款账户"
        verbose_name_plural = "收款账户"
        ordering = ["provider", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider"],
                condition=Q(ended_at__isnull=True),
                name="payee_one_in_use",
                violation_error_message="该服务商已有在用的收款账户。",
            ),
            models.CheckConstraint(condition=Q(account_number__isnull=False), name="payee_has_number"),
        ]

    def __str__(self) -> str:
        return f"{self.account_name} {self.bank_name}"


@pghistory.track()
class Batch(Record, BatchFlow):
    """Payments from one pot's bank account, handed to the bank together."""

    row_scope: ClassVar = RowScope(area="area", area_sql=HERE_OR_ABOVE)

    number = models.CharField("批次号", max_length=24, unique=True)
    pot = models.ForeignKey(Pot, models.PROTECT, related_name="batches", verbose_name="资金来源")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="管理区划")
    paid_on = models.DateField("付款日期", null=True, blank=True)

    class Meta(Record.Meta):
        verbose_name = "付款批次"
        verbose_name_plural = "付款批次"
        ordering = ["-id"]
        constraints = [
            state_check(BatchState, name="payment_batch_state_known"),
            models.CheckConstraint(
                condition=~Q(state=BatchState.PAID) | Q(paid_on__isnull=False), name="payment_batch_paid_has_day"
            ),
        ]

    def __str__(self) -> str:
        return self.number


class PaymentState(models.TextChoices):
    PENDING = "pending", "待付款"
    PAID = "paid", "已付款"
    RETURNED = "returned", "已退回"
    CANCELLED = "cancelled", "已作废"


@pghistory.track()
class Payment(Record):
    """What one statement is paid from one budget line; ``entry`` is its booking once the bank has paid."""

    State = PaymentState

    row_scope: ClassVar = RowScope(area="area", provider="provider")

    batch = models.ForeignKey(Batch, models.PROTECT, related_name="payments", verbose_name="付款批次")
    statement = models.ForeignKey(Statement, models.PROTECT, related_name="payments", verbose_name="结算单")
    line = models.ForeignKey(BudgetLine, models.PROTECT, related_name="payments", verbose_name="预算项目")
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="payments", verbose_name="服务商")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="区划")
    payee = models.ForeignKey(Payee, models.PROTECT, related_name="payments", verbose_name="收款账户")
    amount_fen = models.BigIntegerField("金额（分）")
    state = models.CharField("状态", max_length=10, choices=PaymentState.choices, default=PaymentState.PENDING)
    entry = models.OneToOneField(
        Entry, models.PROTECT, null=True, blank=True, related_name="payment", verbose_name="支付分录"
    )
    returned_on = models.DateField("退回日期", null=True, blank=True)
    return_reason = models.CharField("退回原因", max_length=200, blank=True)

    class Meta(Record.Meta):
        verbose_name = "付款"
        verbose_name_plural = "付款"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["area", "state"], name="payment_by_area"),
            models.Index(fields=["provider", "state"], name="payment_by_provider"),
        ]
        constraints = [
            state_check(PaymentState, name="payment_state_known"),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="payment_amount_positive"),
            models.UniqueConstraint(
                fields=["statement", "line"],
                condition=Q(state__in=["pending", "paid"]),
                name="payment_once_a_statement_and_line",
                violation_error_message="这份结算单已在其他付款批次中。",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "cancelled"], entry__isnull=True)
                | Q(state__in=["paid", "returned"], entry__isnull=False),
                name="payment_paid_is_booked",
            ),
            models.CheckConstraint(
                condition=~Q(state="returned") | (Q(returned_on__isnull=False) & ~Q(return_reason="")),
                name="payment_return_is_explained",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.amount_fen}"
