"""Orders: one service asked for one elder, priced and paid from credit and own money."""

from typing import ClassVar

import pghistory
from django.contrib.postgres.fields import ArrayField, DateRangeField
from django.db import models
from django.db.models import F, Q

from songhe.care.orders.flow import OrderFlow, OrderState
from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.flow.models import state_check
from songhe.core.records import Record
from songhe.core.scope.roles import RowScope
from songhe.registers.catalogue.models import Service
from songhe.registers.elders.models import Elder
from songhe.registers.providers.models import Provider
from songhe.rights.careplans.models import CarePlan
from songhe.rights.policy.models import Credit

# Some provider has it; what was cancelled counts for nobody.
GIVEN = Q(provider__isnull=False) & ~Q(state=OrderState.CANCELLED)


@pghistory.track()
class StandingOrder(Record):
    """A wish that repeats: on these weekdays, at this time, between these dates; each day it becomes an order."""

    row_scope: ClassVar = RowScope(area="area", provider="provider", elder="elder", writers=("area",))

    elder = models.ForeignKey(Elder, models.PROTECT, related_name="standing_orders", verbose_name="老年人")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="所属社区")
    service = models.ForeignKey(Service, models.PROTECT, related_name="+", verbose_name="服务项目")
    provider = models.ForeignKey(
        Provider, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="指定服务商"
    )
    care_plan = models.ForeignKey(
        CarePlan, models.PROTECT, null=True, blank=True, related_name="standing_orders", verbose_name="照护计划"
    )
    weekdays = ArrayField(models.PositiveSmallIntegerField(), verbose_name="星期", help_text="1 为星期一，7 为星期日")
    at = models.TimeField("时间")
    validity = DateRangeField("起止日期")
    made_until = models.DateField("已生成至", null=True, blank=True)
    ended_reason = models.CharField("终止原因", max_length=100, blank=True)
    held_up = models.CharField("未能生成的原因", max_length=200, blank=True)

    class Meta(Record.Meta):
        verbose_name = "周期订单"
        verbose_name_plural = "周期订单"
        constraints = [
            models.CheckConstraint(
                condition=Q(weekdays__contained_by=[1, 2, 3, 4, 5, 6, 7]) & Q(weekdays__len__gt=0),
                name="standing_order_weekdays_known",
            )
        ]

    def __str__(self) -> str:
        return f"{self.elder} {self.service}"

    @property
    def weekday_names(self) -> str:
        """The weekdays as people write them."""
        return "周" + "、".join("一二三四五六日"[day - 1] for day in self.weekdays)

    weekday_names.fget.short_description = "星期"  # type: ignore[attr-defined]


@pghistory.track()
class Order(Record, OrderFlow):
    """One service for one elder in a wished time; ``held`` is what its credit keeps for it."""

    row_scope: ClassVar = RowScope(
        area="area", provider="provider", elder="elder", writers=("area", "provider"), reporters=("person",)
    )

    class Source(models.TextChoices):
        CALL = "call", "12349来电"
        CONSOLE = "console", "社区代办"
        FAMILY = "family", "家属自助"
        PLAN = "plan", "照护计划"
        STANDING = "standing", "周期订单"

    number = models.CharField("订单号", max_length=24, unique=True)
    elder = models.ForeignKey(Elder, models.PROTECT, related_name="orders", verbose_name="老年人")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="所属社区")
    service = models.ForeignKey(Service, models.PROTECT, related_name="orders", verbose_name="服务项目")
    source = models.CharField("来源", max_length=10, choices=Source.choices)
    placed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="下单人")
    placed_at = models.DateTimeField("下单时间")
    standing_order = models.ForeignKey(
        StandingOrder, models.PROTECT, null=True, blank=True, related_name="orders", verbose_name="周期订单"
    )
    rebooked_from = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="rebookings", verbose_name="改约自"
    )
    wanted_from = models.DateTimeField("期望时间起")
    wanted_to = models.DateTimeField("期望时间止")
    minutes = models.PositiveSmallIntegerField("时长（分钟）")
    urgent = models.BooleanField("紧急", default=False)
    provider = models.ForeignKey(
        Provider, models.PROTECT, null=True, blank=True, related_name="orders", verbose_name="服务商"
    )
    price_fen = models.BigIntegerField("价格（分）")
    credit_fen = models.BigIntegerField("额度支付（分）", default=0)
    own_fen = models.BigIntegerField("自付（分）", default=0)
    credit = models.ForeignKey(
        Credit, models.PROTECT, null=True, blank=True, related_name="orders", verbose_name="所用额度"
    )
    note = models.CharField("备注", max_length=300, blank=True)
    idempotency_key = models.CharField("防重键", max_length=80, null=True, blank=True, unique=True)

    class Meta(Record.Meta):
        verbose_name = "服务订单"
        verbose_name_plural = "服务订单"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["area", "state", "wanted_from"]),
            models.Index(fields=["provider", "state", "wanted_from"]),
            models.Index(fields=["elder", "-placed_at"]),
            models.Index(fields=["placed_at"]),
            # For the share that each provider has of a month's orders, which is counted at each choice of a provider.
            models.Index(
                fields=["service", "wanted_from", "area"], include=["provider"], condition=GIVEN, name="order_given"
            ),
        ]
        constraints = [
            state_check(OrderState, name="order_state_known"),
            models.CheckConstraint(condition=Q(price_fen__gte=0), name="order_price_not_negative"),
            models.CheckConstraint(
                condition=Q(credit_fen__gte=0, own_fen__gte=0, price_fen=F("credit_fen") + F("own_fen")),
                name="order_price_is_split_whole",
            ),
            models.CheckConstraint(condition=Q(credit_fen=0) | Q(credit__isnull=False), name="order_credit_is_named"),
            models.CheckConstraint(condition=Q(wanted_to__gt=F("wanted_from")), name="order_wish_not_empty"),
            models.CheckConstraint(condition=Q(minutes__gt=0, minutes__lte=1440), name="order_minutes_sensible"),
            models.CheckConstraint(
                condition=Q(state__in=[OrderState.ASKED, OrderState.CANCELLED]) | Q(provider__isnull=False),
                name="order_past_asked_has_provider",
            ),
            models.UniqueConstraint(fields=["standing_order", "wanted_from"], name="order_once_a_standing_day"),
        ]

    def __str__(self) -> str:
        return self.number


@pghistory.track()
class Complaint(Record):
    """Something that went wrong with an order, followed to its end."""

    row_scope: ClassVar = RowScope(
        area="area", provider="provider", elder="elder", writers=("area",), reporters=("person",)
    )

    class State(models.TextChoices):
        OPEN = "open", "处理中"
        ANSWERED = "answered", "已答复"

    order = models.ForeignKey(Order, models.PROTECT, related_name="complaints", verbose_name="订单")
    elder = models.ForeignKey(Elder, models.PROTECT, related_name="complaints", verbose_name="老年人")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="所属社区")
    provider = models.ForeignKey(
        Provider, models.PROTECT, null=True, blank=True, related_name="complaints", verbose_name="服务商"
    )
    text = models.TextField("投诉内容")
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.OPEN)
    answer = models.TextField("答复", blank=True)
    answered_at = models.DateTimeField("答复时间", null=True, blank=True)

    class Meta(Record.Meta):
        verbose_name = "投诉"
        verbose_name_plural = "投诉"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=["open", "answered"]), name="complaint_state_known"),
            models.CheckConstraint(
                condition=Q(state="open") | (~Q(answer="") & Q(answered_at__isnull=False)),
                name="complaint_answered_has_answer",
            ),
        ]

    def __str__(self) -> str:
        return self.text[:20]
