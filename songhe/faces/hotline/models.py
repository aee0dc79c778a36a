"""Calls to 12349: who called, what about, what came of it."""

from typing import ClassVar

import pghistory
from django.db import models
from django.db.models import Q

from songhe.care.orders.models import Order
from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.crypto.fields import SealedField
from songhe.core.records import Record
from songhe.core.scope.roles import RowScope
from songhe.registers.elders.models import Elder


@pghistory.track()
class Call(Record):
    """One call, from ringing to what came of it."""

    row_scope: ClassVar = RowScope(area="area", writers=("area",))

    class Outcome(models.TextChoices):
        OPEN = "open", "通话中"
        ORDER = "order", "已下单"
        ADVICE = "advice", "已答复咨询"
        COMPLAINT = "complaint", "已登记投诉"
        TRANSFERRED = "transferred", "已转办"
        SILENT = "silent", "无效来电"

    phone = SealedField("来电号码", mask=(3, 4), index="phone_index")
    phone_index = models.BinaryField(null=True, editable=False, db_index=True)
    elder = models.ForeignKey(Elder, models.PROTECT, null=True, blank=True, related_name="calls", verbose_name="老年人")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="区划")
    operator = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="坐席")
    order = models.ForeignKey(Order, models.PROTECT, null=True, blank=True, related_name="calls", verbose_name="订单")
    outcome = models.CharField("结果", max_length=12, choices=Outcome.choices, default=Outcome.OPEN)
    note = models.CharField("通话记录", max_length=500, blank=True)
    started_at = models.DateTimeField("接听时间")
    ended_at = models.DateTimeField("结束时间", null=True, blank=True)

    class Meta(Record.Meta):
        verbose_name = "来电"
        verbose_name_plural = "来电"
        ordering = ["-id"]
        indexes = [models.Index(fields=["area", "started_at"]), models.Index(fields=["operator", "outcome"])]
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=["open", "order", "advice", "complaint", "transferred", "silent"]),
                name="call_outcome_known",
            ),
            models.CheckConstraint(
                condition=Q(outcome="open") | Q(ended_at__isnull=False), name="call_with_outcome_has_ended"
            ),
            models.CheckConstraint(
                condition=~Q(outcome="order") | Q(order__isnull=False), name="call_ordered_names_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.started_at:%m-%d %H:%M} 来电"
