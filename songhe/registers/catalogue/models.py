"""The services that may be ordered: the tree, what each takes, what it costs, and who offers it."""

from typing import ClassVar

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from songhe.core.areas.models import Area
from songhe.core.records import Record
from songhe.core.scope.roles import RowScope
from songhe.core.validity import has_days, no_overlap, validity_field
from songhe.registers.providers.models import Provider


@pghistory.track()
class Category(Record):
    """A branch of the tree of services; the top ones are the categories a policy speaks of."""

    row_scope: ClassVar = RowScope(shared=True)

    code = models.CharField("代码", max_length=30)
    name = models.CharField("名称", max_length=60)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name="上级类别"
    )
    position = models.PositiveSmallIntegerField("次序", default=0)

    class Meta(Record.Meta):
        verbose_name = "服务类别"
        verbose_name_plural = "服务类别"
        ordering = ["position", "code"]
        constraints = [
            models.UniqueConstraint(
                fields=["code"], name="category_once", violation_error_message="已有此代码的类别。"
            ),
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | ~Q(parent=models.F("id")), name="category_not_under_itself"
            ),
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class Service(Record):
    """Something that may be ordered, in its unit, with the minutes one unit takes and the skills it asks for."""

    row_scope: ClassVar = RowScope(shared=True)

    class Unit(models.TextChoices):
        TIME = "time", "次"
        HOUR = "hour", "小时"
        DAY = "day", "天"
        MONTH = "month", "月"
        MEAL = "meal", "餐"
        PIECE = "piece", "件"

    class State(models.TextChoices):
        OPEN = "open", "可预订"
        RETIRED = "retired", "已停用"

    code = models.CharField("代码", max_length=30)
    category = models.ForeignKey(Category, models.PROTECT, related_name="services", verbose_name="类别")
    name = models.CharField("名称", max_length=60)
    area = models.ForeignKey(
        Area, models.PROTECT, null=True, blank=True, verbose_name="适用区划", help_text="空为全国清单"
    )
    standard = models.BooleanField("标准项目", default=True, help_text="否则为本地自选项目")
    unit = models.CharField("计价单位", max_length=10, choices=Unit.choices)
    minutes = models.PositiveSmallIntegerField("每单位时长（分钟）")
    carers = models.PositiveSmallIntegerField("所需人数", default=1)
    skills = ArrayField(models.CharField(max_length=30), default=list, blank=True, verbose_name="所需技能")
    at_home = models.BooleanField("上门服务", default=True)
    description = models.TextField("服务内容", blank=True)
    steps = ArrayField(models.CharField(max_length=200), default=list, blank=True, verbose_name="服务步骤")
    source = models.CharField("依据", max_length=200, blank=True)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.OPEN)

    class Meta(Record.Meta):
        verbose_name = "服务项目"
        verbose_name_plural = "服务项目"
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(
                fields=["code"], name="service_once", violation_error_message="已有此代码的服务项目。"
            ),
            models.CheckConstraint(
                condition=Q(unit__in=["time", "hour", "day", "month", "meal", "piece"]), name="service_unit_known"
            ),
            models.CheckConstraint(condition=Q(state__in=["open", "retired"]), name="service_state_known"),
            models.CheckConstraint(
                condition=Q(minutes__range=(1, 1440)),
                name="service_minutes_within_a_day",
                violation_error_message="时长应在 1 至 1440 分钟之间。",
            ),
            models.CheckConstraint(
                condition=Q(carers__range=(1, 4)),
                name="service_carers_1_to_4",
                violation_error_message="所需人数应在 1 至 4 之间。",
            ),
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class ServicePrice(Record):
    """The guided price of one unit of a service for one kind of payer, in fen, while ``validity`` lasts."""

    row_scope: ClassVar = RowScope(shared=True)

    class Payer(models.TextChoices):
        PUBLIC = "public", "政府购买"
        SELF = "self", "个人自费"

    service = models.ForeignKey(Service, models.PROTECT, related_name="prices", verbose_name="服务项目")
    payer = models.CharField("付费方", max_length=10, choices=Payer.choices)
    price_fen = models.PositiveIntegerField("指导价（分）")
    ceiling_fen = models.PositiveIntegerField("最高限价（分）", null=True, blank=True)
    validity = validity_field()
    source = models.CharField("依据", max_length=200, blank=True)

    class Meta(Record.Meta):
        verbose_name = "指导价"
        verbose_name_plural = "指导价"
        ordering = ["service", "payer", "validity"]
        constraints = [
            has_days("service_price_has_days"),
            models.CheckConstraint(condition=Q(payer__in=["public", "self"]), name="service_price_payer_known"),
            models.CheckConstraint(
                condition=Q(ceiling_fen__isnull=True) | Q(ceiling_fen__gte=models.F("price_fen")),
                name="service_price_under_ceiling",
                violation_error_message="指导价不得高于最高限价。",
            ),
            no_overlap(
                "service_price_once_at_a_time",
                "service",
                "payer",
                message="该服务在此期间已有同一付费方的价格，请先结束原价格。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.get_payer_display()}"


@pghistory.track()
class Cover(Record):
    """What a scheme pays of a service while ``validity`` lasts: a share, and at most so many fen a unit."""

    row_scope: ClassVar = RowScope(shared=True)

    service = models.ForeignKey(Service, models.PROTECT, related_name="covers", verbose_name="服务项目")
    scheme = models.CharField("政策", max_length=100)
    percent = models.PositiveSmallIntegerField("支付比例（%）")
    ceiling_fen = models.PositiveIntegerField("每单位最高支付（分）", null=True, blank=True)
    validity = validity_field()
    source = models.CharField("依据", max_length=200, blank=True)

    class Meta(Record.Meta):
        verbose_name = "政策支付"
        verbose_name_plural = "政策支付"
        ordering = ["service", "scheme", "-validity"]
        constraints = [
            has_days("cover_has_days"),
            models.CheckConstraint(
                condition=Q(percent__range=(1, 100)),
                name="cover_percent_1_to_100",
                violation_error_message="支付比例应在 1 至 100 之间。",
            ),
            no_overlap("cover_once_at_a_time", "service", "scheme", message="该政策在此期间已登记过对这项服务的支付。"),
        ]

    def __str__(self) -> str:
        return f"{self.scheme} {self.service}"


@pghistory.track()
class ProviderService(Record):
    """A service that a provider offers while ``validity`` lasts, at the price it publishes, in fen a unit."""

    row_scope: ClassVar = RowScope(shared=True, provider="provider", writers=("area", "provider"))

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="services", verbose_name="服务商")
    service = models.ForeignKey(Service, models.PROTECT, related_name="offers", verbose_name="服务项目")
    price_fen = models.PositiveIntegerField("公布价（分）")
    validity = validity_field()

    class Meta(Record.Meta):
        verbose_name = "服务商供给"
        verbose_name_plural = "服务商供给"
        ordering = ["service", "provider", "validity"]
        constraints = [
            has_days("provider_service_has_days"),
            no_overlap(
                "provider_service_once_at_a_time",
                "provider",
                "service",
                message="该服务商在此期间已公布过这项服务的价格。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.provider}"
