"""Policies as dated data, the decisions made by them, and the monthly credits that decisions open."""

from typing import ClassVar

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import Q

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.ledger.models import Account
from songhe.core.records import AppendOnly, Record
from songhe.core.scope.roles import RowScope
from songhe.registers.elders.models import DISCLOSED_ELDER, Elder
from songhe.registers.funds.models import BudgetLine

SHARED = RowScope(shared=True, writers=("area",))


@pghistory.track()
class Document(Record):
    """A plan, norm or list that a rule comes from."""

    row_scope: ClassVar = SHARED

    class Mark(models.TextChoices):
        VERIFIED = "verified", "已核对原文"
        SINGLE_SOURCE = "single_source", "单一来源"
        UNVERIFIED = "unverified", "未核实"

    key = models.CharField("代码", max_length=60, unique=True)
    title = models.CharField("标题", max_length=200)
    number = models.CharField("文号", max_length=80, blank=True)
    issuer = models.CharField("发文机关", max_length=120, blank=True)
    issued_on = models.DateField("发文日期", null=True, blank=True)
    mark = models.CharField("核实情况", max_length=20, choices=Mark.choices)
    summary = models.TextField("要点", blank=True)

    class Meta(Record.Meta):
        verbose_name = "政策文件"
        verbose_name_plural = "政策文件"
        ordering = ["-issued_on", "key"]

    def __str__(self) -> str:
        return f"《{self.title}》{self.number}"


@pghistory.track()
class Policy(Record):
    """One benefit of one place, whose rule is a decision model."""

    row_scope: ClassVar = SHARED

    key = models.CharField("代码", max_length=60, unique=True)
    name = models.CharField("名称", max_length=100)
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="适用区划")
    budget_purpose = models.CharField("列支用途", max_length=60)

    class Meta(Record.Meta):
        verbose_name = "政策"
        verbose_name_plural = "政策"
        ordering = ["key"]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class PolicyVersion(Record):
    """The rule of a policy in one period: the decision model's text and the parameters in force."""

    row_scope: ClassVar = SHARED

    class State(models.TextChoices):
        DRAFT = "draft", "草案"
        IN_FORCE = "in_force", "现行"
        SUPERSEDED = "superseded", "已被替代"

    policy = models.ForeignKey(Policy, models.PROTECT, related_name="versions", verbose_name="政策")
    number = models.PositiveIntegerField("版本号")
    validity = DateRangeField("有效期")
    state = models.CharField("状态", max_length=12, choices=State.choices, default=State.DRAFT)
    document = models.ForeignKey(Document, models.PROTECT, related_name="+", verbose_name="依据文件")
    model_xml = models.TextField("决策模型")
    digest = models.CharField("模型摘要", max_length=64)
    parameters = models.JSONField("参数", default=dict)

    class Meta(Record.Meta):
        verbose_name = "政策版本"
        verbose_name_plural = "政策版本"
        ordering = ["policy", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "number"], name="policy_version_number_once"),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "in_force", "superseded"]), name="policy_version_state_known"
            ),
            ExclusionConstraint(
                name="policy_one_version_in_force",
                expressions=[("policy", RangeOperators.EQUAL), ("validity", RangeOperators.OVERLAPS)],
                condition=~Q(state="draft"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy} 第{self.number}版"


class Decision(AppendOnly):
    """What a policy version said of one elder on one date: facts, result and trace, kept for ever."""

    row_scope: ClassVar = RowScope(area="area", elder="elder", writers=(), reporters=("area",), append_only=True)

    elder = models.ForeignKey(Elder, models.PROTECT, related_name="decisions", verbose_name="老年人")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="所属社区")
    policy_version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="decisions", verbose_name="政策版本")
    decided_on = models.DateField("认定日期")
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="经办人")
    entitled = models.BooleanField("符合条件")
    monthly_fen = models.BigIntegerField("每月额度（分）")
    reason = models.CharField("结论", max_length=300)
    facts = models.JSONField("认定依据")
    trace = models.JSONField("认定过程")
    explanation = models.TextField("说明")

    class Meta(AppendOnly.Meta):
        verbose_name = "待遇认定"
        verbose_name_plural = "待遇认定"
        indexes = [models.Index(fields=["elder", "-decided_on"]), models.Index(fields=["area", "decided_on"])]
        constraints = [
            models.CheckConstraint(condition=Q(monthly_fen__gte=0), name="decision_amount_not_negative"),
            models.CheckConstraint(condition=Q(entitled=True) | Q(monthly_fen=0), name="decision_refused_is_nothing"),
        ]

    def __str__(self) -> str:
        return self.reason


@pghistory.track()
class Entitlement(Record):
    """What an elder is due each month under one policy, from a day on."""

    row_scope: ClassVar = RowScope(area="area", elder="elder", writers=("area",))

    elder = models.ForeignKey(Elder, models.PROTECT, related_name="entitlements", verbose_name="老年人")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="所属社区")
    policy = models.ForeignKey(Policy, models.PROTECT, related_name="entitlements", verbose_name="政策")
    decision = models.OneToOneField(Decision, models.PROTECT, related_name="entitlement", verbose_name="认定")
    monthly_fen = models.BigIntegerField("每月额度（分）")
    validity = DateRangeField("享受期间")
    ended_reason = models.CharField("终止原因", max_length=100, blank=True)

    class Meta(Record.Meta):
        verbose_name = "待遇"
        verbose_name_plural = "待遇"
        indexes = [models.Index(fields=["area", "policy"])]
        constraints = [
            models.CheckConstraint(condition=Q(monthly_fen__gt=0), name="entitlement_amount_positive"),
            ExclusionConstraint(
                name="entitlement_one_a_policy",
                expressions=[
                    ("elder", RangeOperators.EQUAL),
                    ("policy", RangeOperators.EQUAL),
                    ("validity", RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy}"


@pghistory.track()
class Credit(Record):
    """One month's credit of one entitlement; its balance is the ledger account's."""

    row_scope: ClassVar = RowScope(
        area="area",
        elder="elder",
        writers=("area",),
        provider_sql=DISCLOSED_ELDER,
    )

    entitlement = models.ForeignKey(Entitlement, models.PROTECT, related_name="credits", verbose_name="待遇")
    elder = models.ForeignKey(Elder, models.PROTECT, related_name="credits", verbose_name="老年人")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="所属社区")
    month = models.DateField("月份", help_text="当月第一天")
    amount_fen = models.BigIntegerField("额度（分）")
    account = models.OneToOneField(Account, models.PROTECT, related_name="credit", verbose_name="额度账户")
    budget_line = models.ForeignKey(BudgetLine, models.PROTECT, related_name="credits", verbose_name="预算项目")
    expired_on = models.DateField("清零日期", null=True, blank=True)

    class Meta(Record.Meta):
        verbose_name = "月度额度"
        verbose_name_plural = "月度额度"
        indexes = [models.Index(fields=["elder", "-month"]), models.Index(fields=["area", "month"])]
        constraints = [
            models.UniqueConstraint(fields=["entitlement", "month"], name="credit_once_a_month"),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="credit_amount_positive"),
            models.CheckConstraint(condition=Q(month__day=1), name="credit_month_is_first_day"),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y年%m月}额度"
