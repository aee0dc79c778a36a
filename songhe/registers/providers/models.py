"""Organisations that serve elders: who they are, where they serve, what they are licensed for."""

from typing import ClassVar

import pghistory
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from stdnum.cn import uscc
from stdnum.exceptions import ValidationError as BadNumber

from songhe.core.areas.models import Area
from songhe.core.files.models import StoredFile
from songhe.core.flow.models import state_check
from songhe.core.records import Record
from songhe.core.scope.roles import RowScope
from songhe.core.validity import has_days, no_overlap, validity_field
from songhe.registers.providers.flow import AdmissionFlow, AdmissionState


def valid_credit_code(text: str) -> None:
    """Refuse what is not a unified social credit code (GB 32100-2015: 18 characters, the last a check)."""
    try:
        uscc.validate(text)
    except BadNumber as error:
        raise ValidationError("统一社会信用代码不正确：应为 18 位，且校验位须相符。") from error


@pghistory.track()
class Brand(Record):
    """A chain under whose name several providers or stations are run."""

    row_scope: ClassVar = RowScope(shared=True)

    name = models.CharField("品牌", max_length=60)
    website = models.URLField("网址", blank=True)

    class Meta(Record.Meta):
        verbose_name = "连锁品牌"
        verbose_name_plural = "连锁品牌"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["name"], name="brand_once", violation_error_message="已有同名品牌。")
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class Provider(Record):
    """An organisation that gives services; staff read all of them, a provider's people only their own."""

    row_scope: ClassVar = RowScope(shared=True, provider="id")

    class Kind(models.TextChoices):
        COMPANY = "company", "企业"
        SOCIAL = "social", "社会组织"
        INSTITUTION = "institution", "养老机构"
        PUBLIC = "public", "公办单位"

    class State(models.TextChoices):
        APPLYING = "applying", "待准入"
        ACTIVE = "active", "正常"
        SUSPENDED = "suspended", "暂停"
        ENDED = "ended", "已退出"

    name = models.CharField("名称", max_length=100)
    credit_code = models.CharField("统一社会信用代码", max_length=18, validators=[valid_credit_code])
    brand = models.ForeignKey(
        Brand, models.PROTECT, null=True, blank=True, related_name="providers", verbose_name="品牌"
    )
    kind = models.CharField("性质", max_length=20, choices=Kind.choices)
    state = models.CharField("状态", max_length=20, choices=State.choices, default=State.ACTIVE)
    area = models.ForeignKey(Area, models.PROTECT, verbose_name="注册地区划")
    address = models.CharField("地址", max_length=200, blank=True)
    contact = models.CharField("联系人", max_length=60, blank=True)
    phone = models.CharField("联系电话", max_length=20, blank=True, help_text="对外公布的业务电话")
    quality_score = models.PositiveSmallIntegerField(
        "质量分", null=True, blank=True, help_text="0–1000，由监管模块计算"
    )

    state_tones: ClassVar = {"applying": "azure", "active": "green", "suspended": "orange", "ended": "secondary"}

    class Meta(Record.Meta):
        verbose_name = "服务商"
        verbose_name_plural = "服务商"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["credit_code"],
                name="provider_credit_code_once",
                violation_error_message="已有服务商使用此统一社会信用代码。",
            ),
            models.CheckConstraint(condition=Q(credit_code__regex="^[0-9A-Z]{18}$"), name="provider_credit_code_form"),
            models.CheckConstraint(
                condition=Q(kind__in=["company", "social", "institution", "public"]), name="provider_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["applying", "active", "suspended", "ended"]), name="provider_state_known"
            ),
            models.CheckConstraint(
                condition=Q(quality_score__isnull=True) | Q(quality_score__lte=1000), name="provider_score_to_1000"
            ),
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class ProviderArea(Record):
    """A division that a provider serves, all of its subtree, while ``validity`` lasts."""

    row_scope: ClassVar = RowScope(shared=True, provider="provider")

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="areas", verbose_name="服务商")
    area = models.ForeignKey(Area, models.PROTECT, verbose_name="服务区划")
    validity = validity_field()

    class Meta(Record.Meta):
        verbose_name = "服务区域"
        verbose_name_plural = "服务区域"
        ordering = ["area_id", "validity"]
        constraints = [
            has_days("provider_area_has_days"),
            no_overlap(
                "provider_area_once_at_a_time", "provider", "area", message="该服务商在此期间已登记过这个服务区划。"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider_id} {self.area_id}"


@pghistory.track()
class Licence(Record):
    """A licence or filing of a provider, with the days it is good for; the provider itself may enter its own."""

    row_scope: ClassVar = RowScope(shared=True, provider="provider", writers=("area", "provider"))

    class Kind(models.TextChoices):
        BUSINESS = "business", "营业执照"
        NON_PROFIT = "non_profit", "民办非企业单位登记证书"
        PUBLIC_BODY = "public_body", "事业单位法人证书"
        CARE_FILING = "care_filing", "养老机构备案"
        FOOD = "food", "食品经营许可证"
        MEDICAL = "medical", "医疗机构执业许可证"
        FIRE = "fire", "消防验收或备案"
        OTHER = "other", "其他"

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="licences", verbose_name="服务商")
    kind = models.CharField("证照种类", max_length=20, choices=Kind.choices)
    number = models.CharField("证照编号", max_length=60)
    issuer = models.CharField("发证机关", max_length=100, blank=True)
    validity = validity_field()
    remind_days = models.PositiveSmallIntegerField("提前提醒（天）", default=60)
    document = models.ForeignKey(
        StoredFile, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="扫描件"
    )

    class Meta(Record.Meta):
        verbose_name = "证照"
        verbose_name_plural = "证照"
        ordering = ["kind", "-validity"]
        constraints = [
            has_days("licence_has_days"),
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "business",
                        "non_profit",
                        "public_body",
                        "care_filing",
                        "food",
                        "medical",
                        "fire",
                        "other",
                    ]
                ),
                name="licence_kind_known",
            ),
            no_overlap(
                "licence_number_once_at_a_time",
                "provider",
                "kind",
                "number",
                message="同一证照编号在此期间已登记过。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.number}"


@pghistory.track()
class CreditRecord(Record):
    """What was found for or against a provider, by whom, and until when it counts; a blacklisting bars it."""

    row_scope: ClassVar = RowScope(shared=True, provider="provider")

    class Kind(models.TextChoices):
        COMMENDED = "commended", "表彰"
        WARNED = "warned", "警示"
        PENALISED = "penalised", "处罚"
        BLACKLISTED = "blacklisted", "列入黑名单"

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="credit_records", verbose_name="服务商")
    kind = models.CharField("类别", max_length=20, choices=Kind.choices)
    fact = models.CharField("事实", max_length=500)
    issuer = models.CharField("认定单位", max_length=100)
    reference = models.CharField("文号", max_length=100, blank=True)
    validity = validity_field()
    end_reason = models.CharField("提前移出原因", max_length=200, blank=True)

    class Meta(Record.Meta):
        verbose_name = "信用记录"
        verbose_name_plural = "信用记录"
        ordering = ["-validity"]
        constraints = [
            has_days("credit_record_has_days"),
            models.CheckConstraint(
                condition=Q(kind__in=["commended", "warned", "penalised", "blacklisted"]),
                name="credit_record_kind_known",
            ),
            no_overlap(
                "blacklisted_once_at_a_time",
                "provider",
                condition=Q(kind="blacklisted"),
                message="该服务商在此期间已列入黑名单。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}：{self.fact}"


@pghistory.track()
class Admission(AdmissionFlow, Record):
    """A provider's application to serve a division, from its papers to the decision."""

    row_scope: ClassVar = RowScope(shared=True, provider="provider")

    State = AdmissionState

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="admissions", verbose_name="服务商")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="申请服务区划")
    services = models.CharField("申请开展的服务", max_length=500)
    applied_on = models.DateField("申请日期")
    valid_until = models.DateField("准入有效期至", null=True, blank=True)

    class Meta(Record.Meta):
        verbose_name = "准入申请"
        verbose_name_plural = "准入申请"
        ordering = ["-applied_on", "-id"]
        constraints = [
            state_check(AdmissionState, name="admission_state_known"),
            models.UniqueConstraint(
                fields=["provider", "area"],
                condition=Q(state__in=["applied", "checked"]),
                name="admission_open_once",
                violation_error_message="该服务商对这个区划已有一份在办的准入申请。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.area}"
