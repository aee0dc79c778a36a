"""Visits: who was where, when, for how long, with what proof."""

from typing import ClassVar

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Deferrable, F, Q

from songhe.care.orders.models import Order
from songhe.care.visits.flow import VisitFlow, VisitState
from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.files.models import StoredFile
from songhe.core.flow.models import state_check
from songhe.core.records import Record
from songhe.core.scope.roles import RowScope
from songhe.registers.catalogue.models import Service
from songhe.registers.elders.models import DISCLOSED_ELDER, Elder
from songhe.registers.providers.models import Provider
from songhe.registers.workforce.models import Staff


@pghistory.track()
class Visit(Record, VisitFlow):
    """One visit of one carer for one order; the prices are the order's, frozen when it was verified."""

    row_scope: ClassVar = RowScope(area="area", provider="provider", elder="elder", writers=("area", "provider"))

    class Proof(models.TextChoices):
        HOME_CODE = "home_code", "扫描家门二维码"
        PLACE = "place", "定位"
        MANUAL = "manual", "手工补录"

    order = models.ForeignKey(Order, models.PROTECT, related_name="visits", verbose_name="订单")
    elder = models.ForeignKey(Elder, models.PROTECT, related_name="visits", verbose_name="老年人")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="所属社区")
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="visits", verbose_name="服务商")
    staff = models.ForeignKey(Staff, models.PROTECT, related_name="visits", verbose_name="护理员")
    service = models.ForeignKey(Service, models.PROTECT, related_name="visits", verbose_name="服务项目")
    planned = DateTimeRangeField("计划时间")
    check_in_at = models.DateTimeField("签到时间", null=True, blank=True)
    check_in_latitude = models.FloatField("签到纬度", null=True, blank=True)
    check_in_longitude = models.FloatField("签到经度", null=True, blank=True)
    check_in_proof = models.CharField("签到方式", max_length=10, choices=Proof.choices, blank=True)
    check_out_at = models.DateTimeField("签退时间", null=True, blank=True)
    check_out_latitude = models.FloatField("签退纬度", null=True, blank=True)
    check_out_longitude = models.FloatField("签退经度", null=True, blank=True)
    recorded_at = models.DateTimeField("录入时间", null=True, blank=True, help_text="服务器收到签退的时间")
    device_key = models.UUIDField("设备防重键", null=True, blank=True, unique=True)
    photo = models.ForeignKey(StoredFile, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="照片")
    signature = models.ForeignKey(
        StoredFile, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="老人签字"
    )
    note = models.CharField("服务记录", max_length=500, blank=True)
    minutes = models.PositiveSmallIntegerField("实际时长（分钟）", null=True, blank=True)
    price_fen = models.BigIntegerField("结算价（分）", default=0)
    credit_fen = models.BigIntegerField("额度支付（分）", default=0)
    own_fen = models.BigIntegerField("自付（分）", default=0)
    verified_at = models.DateTimeField("核验时间", null=True, blank=True)
    verified_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="核验人"
    )

    class Meta(Record.Meta):
        verbose_name = "上门服务"
        verbose_name_plural = "上门服务"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["area", "state"]),
            models.Index(fields=["provider", "state", "verified_at"]),
            models.Index(fields=["staff", "state"]),
            models.Index(fields=["elder"]),
            models.Index(fields=["verified_at"]),
        ]
        constraints = [
            state_check(VisitState, name="visit_state_known"),
            ExclusionConstraint(
                name="visit_one_at_a_time_a_carer",
                expressions=[("staff", RangeOperators.EQUAL), ("planned", RangeOperators.OVERLAPS)],
                condition=~Q(state__in=[VisitState.CANCELLED, VisitState.REJECTED]),
                # Two carers may change visits within a transaction that puts the check off to its end.
                deferrable=Deferrable.IMMEDIATE,
                violation_error_message="这位护理员在这段时间已有别的上门。",
            ),
            models.UniqueConstraint(
                fields=["order"],
                condition=~Q(state__in=[VisitState.CANCELLED, VisitState.REJECTED]),
                name="visit_one_open_an_order",
                violation_error_message="这张订单刚由别人派了上门。",
            ),
            models.CheckConstraint(
                condition=Q(check_out_at__isnull=True) | Q(check_out_at__gte=F("check_in_at")),
                name="visit_ends_after_it_starts",
            ),
            models.CheckConstraint(
                condition=Q(price_fen=F("credit_fen") + F("own_fen"), credit_fen__gte=0, own_fen__gte=0),
                name="visit_price_is_split_whole",
            ),
            models.CheckConstraint(
                condition=~Q(state=VisitState.VERIFIED)
                | Q(verified_at__isnull=False, check_out_at__isnull=False, minutes__isnull=False),
                name="visit_verified_is_complete",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order}"


@pghistory.track()
class Doubt(Record):
    """One rule's doubt of one visit, and what a person made of it."""

    row_scope: ClassVar = RowScope(area="area", provider="provider", writers=("area",))

    class Rule(models.TextChoices):
        TOO_SHORT = "too_short", "服务时长不足"
        TOO_FAR = "too_far", "签到地点过远"
        OVERLAPPING = "overlapping", "与同一护理员其他服务重叠"
        BACK_FILLED = "back_filled", "事后补录"
        SAME_PHOTO = "same_photo", "照片重复使用"

    visit = models.ForeignKey(Visit, models.PROTECT, related_name="doubts", verbose_name="上门服务")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="所属社区")
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="+", verbose_name="服务商")
    rule = models.CharField("规则", max_length=12, choices=Rule.choices)
    finding = models.CharField("发现", max_length=200)
    upheld = models.BooleanField("成立", null=True, blank=True)
    judged_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="判定人")
    judged_at = models.DateTimeField("判定时间", null=True, blank=True)
    judgement = models.CharField("判定理由", max_length=200, blank=True)

    class Meta(Record.Meta):
        verbose_name = "存疑"
        verbose_name_plural = "存疑"
        constraints = [models.UniqueConstraint(fields=["visit", "rule"], name="doubt_once_a_rule")]

    def __str__(self) -> str:
        return f"{self.get_rule_display()}：{self.finding}"


@pghistory.track()
class HomeCode(Record):
    """The QR code at an elder's door; a new one ends the old."""

    row_scope: ClassVar = RowScope(
        area="area",
        elder="elder",
        writers=("area",),
        provider_sql=DISCLOSED_ELDER,
    )

    elder = models.ForeignKey(Elder, models.PROTECT, related_name="home_codes", verbose_name="老年人")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="所属社区")
    token = models.CharField("二维码内容", max_length=40, unique=True)
    ended_at = models.DateTimeField("作废时间", null=True, blank=True)

    class Meta(Record.Meta):
        verbose_name = "家门二维码"
        verbose_name_plural = "家门二维码"
        constraints = [
            models.UniqueConstraint(fields=["elder"], condition=Q(ended_at__isnull=True), name="home_code_one_in_use")
        ]

    def __str__(self) -> str:
        return f"{self.elder}"
