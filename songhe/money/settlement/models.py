"""What a provider is owed for a month's verified visits: statements and their frozen, signed lines."""

from typing import ClassVar

import pghistory
import pgtrigger
from django.db import models
from django.db.models import F, Q

from songhe.care.visits.models import Visit
from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.flow.models import state_check
from songhe.core.records import Record
from songhe.core.scope.roles import RowScope
from songhe.money.settlement.flow import StatementFlow, StatementState
from songhe.registers.providers.models import Provider


@pghistory.track()
class Statement(Record, StatementFlow):
    """One provider's verified visits in one contract's division, settled in one month; the sums are its lines'."""

    row_scope: ClassVar = RowScope(area="area", provider="provider", writers=("area", "provider"))

    number = models.CharField("结算单号", max_length=24, unique=True)
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="statements", verbose_name="服务商")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="区划")
    month = models.DateField("结算月份", help_text="当月第一天")
    drawn_at = models.DateTimeField("生成时间")

    class Meta(Record.Meta):
        verbose_name = "结算单"
        verbose_name_plural = "结算单"
        ordering = ["-month", "provider", "area"]
        indexes = [
            models.Index(fields=["area", "month"], name="statement_by_area"),
            models.Index(fields=["provider", "month"], name="statement_by_provider"),
        ]
        constraints = [
            state_check(StatementState, name="statement_state_known"),
            models.CheckConstraint(condition=Q(month__day=1), name="statement_month_is_first_day"),
            models.UniqueConstraint(
                fields=["provider", "area", "month"],
                name="statement_once_a_month",
                violation_error_message="该服务商本月已有结算单。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y年%m月} {self.number}"

    def open_disputes(self) -> int:
        """Return how many disputed lines nobody has answered."""
        return self.lines.filter(disputed_at__isnull=False, answered_at__isnull=True).count()


FACTS = (
    "statement",
    "visit",
    "order_id",
    "elder_id",
    "area",
    "provider",
    "service_id",
    "staff_id",
    "served_on",
    "verified_at",
    "minutes",
    "price_fen",
    "contract_price_fen",
    "credit_fen",
    "own_fen",
    "payable_fen",
    "contract_id",
    "contract_price_id",
    "fund_id",
    "signature",
)
"""What no one may change once a line is drawn; the database holds it."""


@pghistory.track(pghistory.UpdateEvent())
class StatementLine(Record):
    """One verified visit as it was when drawn: price, who pays which part, contract, minutes, and a seal on them all.

    ``credit_fen`` is what the visit took from the elder's credit, ``payable_fen`` what of it the contract's price
    allows; ``fund_id`` is the budget line's account. A line taken out (``voided_at``) leaves its visit to later.
    """

    row_scope: ClassVar = RowScope(area="area", provider="provider", writers=())

    statement = models.ForeignKey(Statement, models.PROTECT, related_name="lines", verbose_name="结算单")
    visit = models.ForeignKey(
        Visit, models.PROTECT, related_name="statement_lines", db_index=False, verbose_name="上门服务"
    )
    order_id = models.UUIDField("订单编号")
    elder_id = models.UUIDField("老年人编号")
    # The visit's own foreign keys vouch for these; checking them again for a million lines would double the time.
    area = models.ForeignKey(
        Area, models.PROTECT, related_name="+", db_index=False, db_constraint=False, verbose_name="所属社区"
    )
    provider = models.ForeignKey(
        Provider, models.PROTECT, related_name="+", db_index=False, db_constraint=False, verbose_name="服务商"
    )
    service_id = models.UUIDField("服务项目编号")
    staff_id = models.UUIDField("护理员编号")
    served_on = models.DateField("服务日期")
    verified_at = models.DateTimeField("核验时间")
    minutes = models.PositiveSmallIntegerField("实际时长（分钟）")
    price_fen = models.BigIntegerField("服务价格（分）")
    contract_price_fen = models.BigIntegerField("合同价（分）")
    credit_fen = models.BigIntegerField("额度支付（分）")
    own_fen = models.BigIntegerField("自付（分）")
    payable_fen = models.BigIntegerField("应结（分）")
    contract_id = models.UUIDField("合同编号")
    contract_price_id = models.UUIDField("合同价格编号")
    fund_id = models.UUIDField("预算账户编号")
    signature = models.BinaryField("签章", help_text="HMAC-SM3")
    disputed_at = models.DateTimeField("提出异议时间", null=True, blank=True)
    dispute = models.CharField("异议内容", max_length=300, blank=True)
    answered_at = models.DateTimeField("处理时间", null=True, blank=True)
    answered_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", db_index=False, verbose_name="处理人"
    )
    answer = models.CharField("处理意见", max_length=300, blank=True)
    voided_at = models.DateTimeField("剔除时间", null=True, blank=True)

    elder_name = ""
    """Filled in for lists by ``selectors.lines_of``."""

    class Meta(Record.Meta):
        verbose_name = "结算明细"
        verbose_name_plural = "结算明细"
        ordering = ["served_on", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["visit"], condition=Q(voided_at__isnull=True), name="statement_line_visit_once"
            ),
            models.CheckConstraint(
                condition=Q(price_fen=F("credit_fen") + F("own_fen")), name="statement_line_price_is_whole"
            ),
            models.CheckConstraint(
                condition=Q(credit_fen__gt=0, own_fen__gte=0, payable_fen__gt=0)
                & Q(payable_fen__lte=F("credit_fen"))
                & Q(payable_fen__lte=F("contract_price_fen")),
                name="statement_line_payable_bounded",
            ),
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True)
                | (Q(disputed_at__isnull=False, answered_by__isnull=False) & ~Q(answer="")),
                name="statement_line_answer_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(voided_at__isnull=True) | Q(answered_at__isnull=False),
                name="statement_line_void_has_answer",
            ),
        ]
        triggers = [
            *Record.Meta.triggers,
            pgtrigger.ReadOnly(name="facts_stay", fields=list(FACTS)),
            pgtrigger.Protect(name="line_stays", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.served_on:%Y-%m-%d} {self.payable_fen}"
