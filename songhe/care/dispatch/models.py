"""Who goes where: what was weighed for one order, a provider's plans of a day, and what carers say to their visits."""

from typing import ClassVar

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Deferrable, F, Q

from songhe.care.dispatch.flow import PlanFlow, PlanState
from songhe.care.orders.models import Order
from songhe.care.visits.models import Visit
from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.flow.models import state_check
from songhe.core.records import AppendOnly, Record
from songhe.core.scope.roles import RowScope
from songhe.registers.elders.models import Elder
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


@pghistory.track()
class DayPlan(Record, PlanFlow):
    """One way to serve a provider's day; several drafts of a day may lie side by side, one of them is published.

    ``carers`` holds what each carer's day comes to (minutes, metres, counts), of which the plan's measures are sums.
    """

    row_scope: ClassVar = RowScope(area="area", provider="provider", writers=("area", "provider"))

    class Kind(models.TextChoices):
        ADD = "add", "已派的不动，只排没派的"
        ANEW = "anew", "没开始的都可以重排"

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="day_plans", verbose_name="服务商")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="服务商所在区划")
    day = models.DateField("日期")
    number = models.PositiveSmallIntegerField("方案号")
    kind = models.CharField("范围", max_length=10, choices=Kind.choices, default=Kind.ADD)
    note = models.CharField("说明", max_length=100, blank=True)
    carers = models.JSONField("各护理员的工作量", default=dict, blank=True, editable=False)
    made_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="建立人")
    published_at = models.DateTimeField("发布时间", null=True, blank=True)
    published_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="发布人"
    )

    state_tones: ClassVar = {
        "draft": "azure",
        "published": "green",
        "superseded": "secondary",
        "discarded": "secondary",
    }

    class Meta(Record.Meta):
        verbose_name = "排单方案"
        verbose_name_plural = "排单方案"
        ordering = ["-day", "-number"]
        constraints = [
            state_check(PlanState, name="day_plan_state_known"),
            models.CheckConstraint(condition=Q(kind__in=["add", "anew"]), name="day_plan_kind_known"),
            models.UniqueConstraint(fields=["provider", "day", "number"], name="day_plan_number_once"),
            models.UniqueConstraint(
                fields=["provider", "day"],
                condition=Q(state="published"),
                name="day_plan_one_published",
                violation_error_message="这一天已有另一份方案刚刚发布，请先刷新。",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "discarded"]) | Q(published_at__isnull=False),
                name="day_plan_published_has_time",
            ),
        ]

    @property
    def served(self) -> int:
        """How many visits it makes."""
        return sum(each["visits"] for each in self.carers.values())

    def __str__(self) -> str:
        return f"{self.day:%m月%d日} 方案 {self.number}"


class PlanRun(Record):
    """One search for a better plan; its progress and end stand here and never on the plan.

    A run that is open and has not been heard of for a while was lost; whoever works on the plan gives it up or retries.
    """

    row_scope: ClassVar = RowScope(via="plan", writers=("area", "provider"))

    plan = models.ForeignKey(DayPlan, models.PROTECT, related_name="runs", verbose_name="方案")
    job = models.BigIntegerField("任务号", null=True, blank=True, editable=False)
    asked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="发起人")
    seconds = models.PositiveSmallIntegerField("最多计算（秒）")
    percent = models.PositiveSmallIntegerField("进度", default=0)
    stage = models.CharField("阶段", max_length=40, default="排队中")
    heard_at = models.DateTimeField("最近消息", null=True, blank=True)
    stop_asked = models.BooleanField("要求停止", default=False)
    finished_at = models.DateTimeField("结束时间", null=True, blank=True)
    failure = models.CharField("未完成的原因", max_length=500, blank=True)

    class Meta(Record.Meta):
        verbose_name = "排单计算"
        verbose_name_plural = "排单计算"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(percent__lte=100), name="plan_run_percent_to_100"),
            models.UniqueConstraint(
                fields=["plan"],
                condition=Q(finished_at__isnull=True),
                name="plan_run_one_open",
                violation_error_message="这份方案正在计算。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stage} {self.percent}%"


class PlanStop(Record):
    """One order of a plan's day: who goes when, or why nobody does; times of one carer never overlap in a plan.

    ``visit`` and ``visit_version`` are the visit as it was when the plan last looked; publishing insists on them.
    """

    row_scope: ClassVar = RowScope(
        area="area", provider="provider", writers=("area", "provider"), deleters=("area", "provider")
    )

    plan = models.ForeignKey(DayPlan, models.PROTECT, related_name="stops", verbose_name="方案")
    order = models.ForeignKey(Order, models.PROTECT, related_name="+", verbose_name="订单")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="所属社区")
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="+", verbose_name="服务商")
    staff = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="护理员")
    during = DateTimeRangeField("时间", null=True, blank=True)
    held = models.BooleanField("锁定护理员", default=False)
    frozen = models.BooleanField("不可改动", default=False)
    by_hand = models.BooleanField("人工调整", default=False)
    reason = models.CharField("未安排的原因", max_length=300, blank=True)
    visit = models.ForeignKey(Visit, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="已派的上门")
    visit_version = models.PositiveIntegerField(null=True, blank=True)

    class Meta(Record.Meta):
        verbose_name = "方案中的上门"
        verbose_name_plural = "方案中的上门"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "order"], name="plan_stop_once_an_order"),
            models.CheckConstraint(
                condition=Q(staff__isnull=True, during__isnull=True) | Q(staff__isnull=False, during__isnull=False),
                name="plan_stop_placed_whole",
            ),
            # Two stops may change places within a transaction that puts the check off to its end.
            ExclusionConstraint(
                name="plan_stop_one_at_a_time_a_carer",
                expressions=[
                    ("plan", RangeOperators.EQUAL),
                    ("staff", RangeOperators.EQUAL),
                    ("during", RangeOperators.OVERLAPS),
                ],
                deferrable=Deferrable.IMMEDIATE,
                violation_error_message="这位护理员在这段时间已有别的上门。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_id}"


class PlanMove(AppendOnly):
    """One change by hand of one stop: from whom and when to whom and when; undoing one is another, back."""

    row_scope: ClassVar = RowScope(
        area="area", provider="provider", reporters=("area", "provider"), writers=(), append_only=True
    )

    order = models.ForeignKey(Order, models.PROTECT, related_name="+", verbose_name="订单")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="所属社区")
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="+", verbose_name="服务商")
    plan = models.ForeignKey(DayPlan, models.PROTECT, related_name="moves", verbose_name="方案")
    from_staff = models.ForeignKey(
        Staff, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="原护理员"
    )
    from_during = DateTimeRangeField("原时间", null=True, blank=True)
    to_staff = models.ForeignKey(
        Staff, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="新护理员"
    )
    to_during = DateTimeRangeField("新时间", null=True, blank=True)
    undoes = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="undone_by", verbose_name="撤销"
    )
    moved_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="经办人")

    class Meta(AppendOnly.Meta):
        verbose_name = "方案调整"
        verbose_name_plural = "方案调整"
        ordering = ["line"]

    def __str__(self) -> str:
        return f"{self.order_id}"


@pghistory.track()
class CarerWish(Record):
    """Who is to come to an elder: a carer by name or of one sex, wished for or kept away, or the steady carer.

    ``since`` is the moment a week's proposal was adopted; the steady carers adopted together share it.
    """

    row_scope: ClassVar = RowScope(area="area", provider="provider", elder="elder", writers=("area", "provider"))

    class Kind(models.TextChoices):
        WISHED = "wished", "希望"
        BARRED = "barred", "不要"
        STEADY = "steady", "固定"

    elder = models.ForeignKey(Elder, models.PROTECT, related_name="carer_wishes", verbose_name="老年人")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="所属社区")
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="+", verbose_name="服务商")
    kind = models.CharField("意愿", max_length=10, choices=Kind.choices)
    staff = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="护理员")
    sex = models.CharField("性别", max_length=10, choices=Staff.Sex.choices, blank=True)
    reason = models.CharField("说明", max_length=200, blank=True)
    since = models.DateTimeField("固定自", null=True, blank=True)
    ended_at = models.DateTimeField("终止时间", null=True, blank=True)

    class Meta(Record.Meta):
        verbose_name = "对护理员的意愿"
        verbose_name_plural = "对护理员的意愿"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["wished", "barred", "steady"]), name="carer_wish_kind_known"),
            models.CheckConstraint(
                condition=Q(staff__isnull=False, sex="") | Q(staff__isnull=True, sex__in=["male", "female"]),
                name="carer_wish_names_one_thing",
                violation_error_message="请指定一位护理员，或者一个性别，二者选一。",
            ),
            models.UniqueConstraint(
                fields=["elder", "provider", "staff", "sex"],
                condition=Q(ended_at__isnull=True) & ~Q(kind="steady"),
                nulls_distinct=False,
                name="carer_wish_once",
                violation_error_message="已登记过同样的意愿，请先终止原来的。",
            ),
            models.UniqueConstraint(
                fields=["elder", "provider", "staff"],
                condition=Q(ended_at__isnull=True, kind="steady"),
                name="carer_steady_once",
                violation_error_message="这位护理员已是这位老人的固定护理员。",
            ),
            models.CheckConstraint(
                condition=~Q(kind="steady") | Q(staff__isnull=False, since__isnull=False), name="carer_steady_is_named"
            ),
        ]

    def __str__(self) -> str:
        whom = self.staff.name if self.staff else self.get_sex_display()
        return f"{self.get_kind_display()}{whom}"


@pghistory.track()
class Notice(Record):
    """A visit told to its carer, to be answered by a moment; what the carer answered, or that nothing came."""

    row_scope: ClassVar = RowScope(area="area", provider="provider", writers=("area", "provider"))

    class State(models.TextChoices):
        SENT = "sent", "待确认"
        ACKNOWLEDGED = "acknowledged", "已确认"
        DECLINED = "declined", "不能去"
        EXPIRED = "expired", "超时未答"
        WITHDRAWN = "withdrawn", "已撤回"

    visit = models.ForeignKey(Visit, models.PROTECT, related_name="notices", verbose_name="上门")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="所属社区")
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="+", verbose_name="服务商")
    staff = models.ForeignKey(Staff, models.PROTECT, related_name="notices", verbose_name="护理员")
    start = models.DateTimeField("上门时间")
    due_at = models.DateTimeField("应答期限")
    urgent = models.BooleanField("紧急", default=False)
    state = models.CharField("状态", max_length=20, choices=State.choices, default=State.SENT)
    reason = models.CharField("不能去的原因", max_length=200, blank=True)
    answered_at = models.DateTimeField("应答时间", null=True, blank=True)

    state_tones: ClassVar = {
        "sent": "azure", "acknowledged": "green", "declined": "red", "expired": "orange", "withdrawn": "secondary",
    }  # fmt: skip

    class Meta(Record.Meta):
        verbose_name = "派单通知"
        verbose_name_plural = "派单通知"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["provider", "state", "start"], name="notice_by_provider"),
            models.Index(fields=["staff", "start"], name="notice_by_staff"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["sent", "acknowledged", "declined", "expired", "withdrawn"]),
                name="notice_state_known",
            ),
            models.UniqueConstraint(
                fields=["visit"], condition=Q(state__in=["sent", "acknowledged"]), name="notice_one_open_a_visit"
            ),
            models.CheckConstraint(condition=~Q(state="declined") | ~Q(reason=""), name="notice_declined_has_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()}"

    @property
    def waits(self) -> bool:
        """Tell whether the carer may still answer."""
        return self.state in (self.State.SENT, self.State.EXPIRED)


@pghistory.track()
class Swap(Record):
    """A carer asks a colleague to make a visit instead; it is the colleague's once they agree."""

    row_scope: ClassVar = RowScope(area="area", provider="provider", writers=("area", "provider"))

    class State(models.TextChoices):
        ASKED = "asked", "待同事答复"
        AGREED = "agreed", "已换班"
        REFUSED = "refused", "同事不同意"
        WITHDRAWN = "withdrawn", "已撤回"

    visit = models.ForeignKey(Visit, models.PROTECT, related_name="swaps", verbose_name="上门")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="所属社区")
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="+", verbose_name="服务商")
    from_staff = models.ForeignKey(Staff, models.PROTECT, related_name="+", verbose_name="护理员")
    to_staff = models.ForeignKey(Staff, models.PROTECT, related_name="+", verbose_name="接替的同事")
    reason = models.CharField("原因", max_length=200)
    state = models.CharField("状态", max_length=20, choices=State.choices, default=State.ASKED)
    answered_at = models.DateTimeField("答复时间", null=True, blank=True)

    state_tones: ClassVar = {"asked": "azure", "agreed": "green", "refused": "orange", "withdrawn": "secondary"}

    class Meta(Record.Meta):
        verbose_name = "换班"
        verbose_name_plural = "换班"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["asked", "agreed", "refused", "withdrawn"]), name="swap_state_known"
            ),
            models.UniqueConstraint(
                fields=["visit"],
                condition=Q(state="asked"),
                name="swap_one_open_a_visit",
                violation_error_message="这次上门已经请了同事接替，请等答复或先撤回。",
            ),
            models.CheckConstraint(condition=~Q(from_staff=F("to_staff")), name="swap_between_two"),
        ]

    def __str__(self) -> str:
        return f"{self.from_staff} → {self.to_staff}"
