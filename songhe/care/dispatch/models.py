"""What was weighed when an order was given to a provider and a carer."""

from typing import ClassVar

from django.db import models

from songhe.care.orders.models import Order
from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.records import AppendOnly
from songhe.core.scope.roles import RowScope
from songhe.registers.providers.models import Provider
from songhe.registers.workforce.models import Staff


class Assignment(AppendOnly):
    """One choice of provider and carer: the candidates as ranked then, and why another was taken, if one was."""

    row_scope: ClassVar = RowScope(
        area="area", provider="provider", reporters=("area", "provider"), writers=(), append_only=True
    )

    order = models.ForeignKey(Order, models.PROTECT, related_name="assignments", verbose_name="订单")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="所属社区")
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="+", verbose_name="服务商")
    staff = models.ForeignKey(Staff, models.PROTECT, null=True, related_name="+", verbose_name="护理员")
    start = models.DateTimeField("上门时间", null=True)
    suggested = models.BooleanField("采用系统建议")
    overrule_reason = models.CharField("改派理由", max_length=200, blank=True)
    candidates = models.JSONField("候选", default=list)
    assigned_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="派单人")

    class Meta(AppendOnly.Meta):
        verbose_name = "派单记录"
        verbose_name_plural = "派单记录"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(suggested=True) | ~models.Q(overrule_reason=""),
                name="assignment_overruled_has_reason",
            )
        ]

    def __str__(self) -> str:
        return f"{self.order}"
