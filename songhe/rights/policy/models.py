"""Policies as dated data, the decisions made by them, and the monthly credits that decisions open."""

from typing import ClassVar

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.flow.models import state_check
from songhe.core.ledger.models import Account, Entry
from songhe.core.records import AppendOnly, Record
from songhe.core.scope.roles import RowScope
from songhe.registers.elders.models import DISCLOSED_ELDER, Elder
from songhe.registers.facilities.models import Facility
from songhe.registers.funds.models import BudgetLine
from songhe.registers.providers.models import Provider
from songhe.registers.workforce.models import Staff
from songhe.rights.policy.flow import (
    AdjustmentFlow,
    AdjustmentState,
    FindingFlow,
    FindingState,
    VersionFlow,
    VersionState,
)

SHARED = RowScope(shared=True, writers=("area",))
OFFICIAL = RowScope(shared=True, writers=("area",), hidden_from=("provider", "person"))


@pghistory.track()
class Document(Record):
    """A plan, norm or list that a rule comes from."""

    row_scope: ClassVar = SHARED

    class Mark(models.TextChoices):
        VERIFIED = "verified", "已核对原文"
        SINGLE_SOURCE = "single_source", "单一来源"
        UNVERIFIED = "unverified", "未核实"
        EXAMPLE = "example", "示例"

    key = models.CharField("代码", max_length=60, unique=True)
    title = models.CharField("标题", max_length=200)
    number = models.CharField("文号", max_length=80, blank=True)
    issuer = models.CharField("发文机关", max_length=120, blank=True)
    issued_on = models.DateField("发文日期", null=True, blank=True)
    mark = models.CharField("核实情况", max_length=20, choices=Mark.choices)
    summary = models.TextField("要点", blank=True)
    clauses = models.JSONField("条款", default=list, blank=True, help_text="每条为条款名（clause）和文字（text）")
    search_text = models.TextField("检索文本", blank=True, editable=False, default="")

    class Meta(Record.Meta):
        verbose_name = "政策文件"
        verbose_name_plural = "政策文件"
        ordering = ["-issued_on", "key"]
        indexes = [GinIndex(OpClass(Upper("search_text"), name="gin_trgm_ops"), name="document_by_text")]

    def __str__(self) -> str:
        return f"《{self.title}》{self.number}"


class PolicySubject(models.TextChoices):
    ELDER = "elder", "老年人"
    PROVIDER = "provider", "企业或社会组织"
    FACILITY = "facility", "养老设施"
    STAFF = "staff", "养老服务人员"
    BENEFITS = "benefits", "待遇之间的衔接"


class BenefitForm(models.TextChoices):
    CREDIT = "credit", "服务额度"
    VOUCHER = "voucher", "消费券"
    CASH = "cash", "按月现金"
    SERVICE = "service", "服务项目"
    ONCE = "once", "一次性奖补"
    MONTHLY = "monthly", "按月奖补"
    YEARLY = "yearly", "按年奖补"


CREDIT_FORMS = (BenefitForm.CREDIT, BenefitForm.VOUCHER)


@pghistory.track()
class Policy(Record):
    """One benefit of one place, whose rule is a decision model.

    ``subject`` tells whom it is decided for; the one of subject ``benefits`` decides between the benefits themselves:
    which of several wins, which excludes which.
    """

    row_scope: ClassVar = SHARED

    Subject = PolicySubject
    Form = BenefitForm

    key = models.CharField("代码", max_length=60, unique=True)
    name = models.CharField("名称", max_length=100)
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="适用区划")
    budget_purpose = models.CharField("列支用途", max_length=60)
    subject = models.CharField("对象", max_length=10, choices=Subject.choices, default=Subject.ELDER)
    form = models.CharField("待遇形式", max_length=10, choices=Form.choices, default=Form.CREDIT)

    class Meta(Record.Meta):
        verbose_name = "政策"
        verbose_name_plural = "政策"
        ordering = ["key"]
        constraints = [
            state_check(PolicySubject, name="policy_subject_known", field="subject"),
            state_check(BenefitForm, name="policy_form_known", field="form"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def opens_credit(self) -> bool:
        """Tell whether what is due is given as a month's credit that orders draw on."""
        return self.form in CREDIT_FORMS


@pghistory.track()
class PolicyVersion(VersionFlow, Record):
    """The rule of a policy in one period: the decision model's text and the histories of its parameters.

    ``parameters`` holds rows of name, value, unit, first, last, document, clause and mark; ``examples`` rows of named
    test persons with what the model should say of them, as ``*.examples.csv`` has them.
    """

    row_scope: ClassVar = SHARED

    State = VersionState
    state_tones: ClassVar = {
        "draft": "secondary",
        "simulated": "azure",
        "reviewed": "yellow",
        "in_force": "green",
        "superseded": "secondary",
        "withdrawn": "secondary",
    }

    policy = models.ForeignKey(Policy, models.PROTECT, related_name="versions", verbose_name="政策")
    number = models.PositiveIntegerField("版本号")
    validity = DateRangeField("有效期")
    document = models.ForeignKey(Document, models.PROTECT, related_name="versions", verbose_name="依据文件")
    model_xml = models.TextField("决策模型")
    digest = models.CharField("模型摘要", max_length=64)
    parameters = models.JSONField("参数", default=list, blank=True)
    examples = models.JSONField("示例人员", default=list, blank=True)
    based_on = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="drafts", verbose_name="由此修改"
    )
    note = models.CharField("修改说明", max_length=300, blank=True)
    author = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="起草人")

    class Meta(Record.Meta):
        verbose_name = "政策版本"
        verbose_name_plural = "政策版本"
        ordering = ["policy", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "number"], name="policy_version_number_once"),
            state_check(VersionState, name="policy_version_state_known"),
            ExclusionConstraint(
                name="policy_one_version_in_force",
                expressions=[("policy", RangeOperators.EQUAL), ("validity", RangeOperators.OVERLAPS)],
                condition=Q(state__in=["in_force", "superseded"]),
                violation_error_message="这项政策在此期间已有施行的版本。",
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
    results = models.JSONField("各项结果", default=dict, blank=True)
    previous = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="+", verbose_name="此前的认定", db_index=False
    )
    coordinated_by = models.ForeignKey(
        PolicyVersion, models.PROTECT, null=True, related_name="+", verbose_name="待遇衔接", db_index=False
    )

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
    """One month's credit of one entitlement; its balance is the ledger account's.

    A voucher pays ``share_percent`` of each price and no more; other credits pay the whole.
    """

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
    share_percent = models.PositiveSmallIntegerField("抵扣比例（%）", default=100)
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
            models.CheckConstraint(
                condition=Q(share_percent__gte=1, share_percent__lte=100), name="credit_share_is_percent"
            ),
            models.CheckConstraint(condition=Q(month__day=1), name="credit_month_is_first_day"),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y年%m月}额度"


class Award(AppendOnly):
    """What a policy said of an organisation, a facility or a worker; ``once_key`` keeps it from being granted twice."""

    row_scope: ClassVar = RowScope(area="area", provider="provider", writers=(), reporters=("area",), append_only=True)

    policy_version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="awards", verbose_name="政策版本")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="区划")
    provider = models.ForeignKey(
        Provider, models.PROTECT, null=True, blank=True, related_name="awards", verbose_name="机构"
    )
    facility = models.ForeignKey(
        Facility, models.PROTECT, null=True, blank=True, related_name="awards", verbose_name="设施"
    )
    staff = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="awards", verbose_name="人员")
    decided_on = models.DateField("认定日期")
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="经办人")
    granted = models.BooleanField("符合条件")
    amount_fen = models.BigIntegerField("奖补金额（分）")
    reason = models.CharField("结论", max_length=300)
    facts = models.JSONField("认定依据")
    trace = models.JSONField("认定过程")
    explanation = models.TextField("说明")
    once_key = models.CharField("一次性", max_length=120, null=True, unique=True, editable=False)

    class Meta(AppendOnly.Meta):
        verbose_name = "奖补认定"
        verbose_name_plural = "奖补认定"
        indexes = [models.Index(fields=["area", "decided_on"], name="award_by_area")]
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gte=0), name="award_not_negative"),
            models.CheckConstraint(condition=Q(granted=True) | Q(amount_fen=0), name="award_refused_is_nothing"),
            models.CheckConstraint(
                condition=Q(provider__isnull=False, facility__isnull=True, staff__isnull=True)
                | Q(provider__isnull=True, facility__isnull=False, staff__isnull=True)
                | Q(provider__isnull=True, facility__isnull=True, staff__isnull=False),
                name="award_of_one",
                violation_error_message="奖补对象须是一家机构、一处设施或一名人员。",
            ),
        ]

    def __str__(self) -> str:
        return self.reason

    @property
    def whom(self) -> str:
        """The name of the organisation, facility or worker."""
        return str(self.provider or self.facility or self.staff)


@pghistory.track()
class Adjustment(AdjustmentFlow, Record):
    """A month that a later decision makes more or less: what to pay or take back, proposed to a person."""

    State = AdjustmentState
    state_tones: ClassVar = {"proposed": "yellow", "booked": "green", "dismissed": "secondary"}
    row_scope: ClassVar = RowScope(area="area", elder="elder")

    elder = models.ForeignKey(Elder, models.PROTECT, related_name="adjustments", verbose_name="老年人")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="所属社区")
    policy = models.ForeignKey(Policy, models.PROTECT, related_name="adjustments", verbose_name="政策")
    decision = models.ForeignKey(Decision, models.PROTECT, related_name="adjustments", verbose_name="新的认定")
    month = models.DateField("月份", help_text="当月第一天")
    was_fen = models.BigIntegerField("原额度（分）")
    now_fen = models.BigIntegerField("新额度（分）")
    entry = models.ForeignKey(Entry, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="更正分录")

    class Meta(Record.Meta):
        verbose_name = "补发与追回"
        verbose_name_plural = "补发与追回"
        ordering = ["-month", "-id"]
        indexes = [models.Index(fields=["area", "state"], name="adjustment_by_area")]
        constraints = [
            state_check(AdjustmentState, name="adjustment_state_known"),
            models.UniqueConstraint(fields=["decision", "month"], name="adjustment_once"),
            models.CheckConstraint(condition=Q(month__day=1), name="adjustment_month_is_first_day"),
            models.CheckConstraint(
                condition=Q(was_fen__gte=0, now_fen__gte=0) & ~Q(was_fen=models.F("now_fen")),
                name="adjustment_changes_something",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y年%m月}{'补发' if self.difference_fen > 0 else '追回'}"

    @property
    def difference_fen(self) -> int:
        """What is to be paid (positive) or taken back (negative), in fen."""
        return self.now_fen - self.was_fen


@pghistory.track()
class Finding(FindingFlow, Record):
    """An elder who is probably due something and gets nothing: work for a clerk (政策找人)."""

    State = FindingState
    state_tones: ClassVar = {"open": "orange", "decided": "green", "dismissed": "secondary", "gone": "secondary"}
    row_scope: ClassVar = RowScope(area="area", elder="elder")

    elder = models.ForeignKey(Elder, models.PROTECT, related_name="rights_found", verbose_name="老年人")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="所属社区")
    policy = models.ForeignKey(Policy, models.PROTECT, related_name="findings", verbose_name="政策")
    found_on = models.DateField("发现日期")
    monthly_fen = models.BigIntegerField("预计每月（分）")
    reason = models.CharField("理由", max_length=300)
    decision = models.ForeignKey(Decision, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="认定")

    class Meta(Record.Meta):
        verbose_name = "政策找人线索"
        verbose_name_plural = "政策找人线索"
        ordering = ["-found_on", "-id"]
        indexes = [models.Index(fields=["area", "policy"], name="policy_finding_by_area")]
        constraints = [
            state_check(FindingState, name="policy_finding_state_known"),
            models.UniqueConstraint(
                fields=["elder", "policy"], condition=Q(state="open"), name="policy_finding_open_once"
            ),
            models.CheckConstraint(condition=Q(monthly_fen__gte=0), name="policy_finding_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.elder} · {self.policy}"


class Simulation(Record):
    """A policy version, as its ``digest`` tells, tried on everybody in the roll on a day, beside what is in force.

    ``results`` holds counts and sums in fen by year, area, kind of difficulty, age, level and amount of change.
    ``submitted_at`` marks the one that went to the approvers with the draft.
    """

    row_scope: ClassVar = OFFICIAL

    policy_version = models.ForeignKey(
        PolicyVersion, models.PROTECT, related_name="simulations", verbose_name="政策版本"
    )
    digest = models.CharField("模型摘要", max_length=64)
    on = models.DateField("测算基准日")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="测算区划")
    asked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="测算人")
    job = models.BigIntegerField("任务编号", null=True, blank=True, editable=False)
    progress = models.PositiveSmallIntegerField("进度", default=0)
    stage = models.CharField("环节", max_length=60, default="排队")
    finished_at = models.DateTimeField("完成时间", null=True, blank=True)
    stopped_at = models.DateTimeField("停止时间", null=True, blank=True)
    submitted_at = models.DateTimeField("随草案提交复核", null=True, blank=True)
    failure = models.TextField("失败原因", blank=True)
    results = models.JSONField("测算结果", default=dict, blank=True)

    class Meta(Record.Meta):
        verbose_name = "政策测算"
        verbose_name_plural = "政策测算"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(progress__lte=100), name="simulation_progress_is_percent"),
            models.CheckConstraint(
                condition=Q(stopped_at__isnull=True) | Q(finished_at__isnull=True), name="simulation_ends_once"
            ),
            models.CheckConstraint(
                condition=Q(submitted_at__isnull=True) | Q(finished_at__isnull=False), name="simulation_submitted_whole"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy_version} {self.on:%Y年%m月%d日}测算"

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more is to be awaited: it is finished, failed or was stopped."""
        return self.finished_at is not None or self.stopped_at is not None or bool(self.failure)


class SimulatedChange(Record):
    """One elder whom a simulated version gives more or less than the one in force."""

    row_scope: ClassVar = RowScope(area="area", writers=())

    simulation = models.ForeignKey(Simulation, models.PROTECT, related_name="changes", verbose_name="测算")
    elder = models.ForeignKey(Elder, models.PROTECT, related_name="+", verbose_name="老年人", db_index=False)
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="所属社区", db_index=False)
    was_fen = models.BigIntegerField("现行每月（分）")
    now_fen = models.BigIntegerField("测算每月（分）")

    class Meta(Record.Meta):
        verbose_name = "测算变动人员"
        verbose_name_plural = "测算变动人员"
        indexes = [models.Index(fields=["simulation", "area"], name="change_by_area")]

    def __str__(self) -> str:
        return f"{self.was_fen} → {self.now_fen}"

    @property
    def difference_fen(self) -> int:
        """More (positive) or less (negative) a month, in fen."""
        return self.now_fen - self.was_fen
