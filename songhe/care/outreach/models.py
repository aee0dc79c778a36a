"""Visits of care (探访关爱): who must be seen how often and why, who sees them, what was found and what came of it."""

from typing import ClassVar

import pghistory
from django.db import models
from django.db.models import Q

from songhe.care.outreach.flow import CallFlow, CallState, ProblemFlow, ProblemState
from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.flow.models import state_check
from songhe.core.records import Record
from songhe.core.scope.roles import Kind, RowScope
from songhe.core.validity import has_days, no_overlap, validity_field
from songhe.registers.elders.models import Elder

STAFF_ONLY: tuple[Kind, ...] = ("provider", "person")


class Period(models.TextChoices):
    WEEK = "week", "每周"
    MONTH = "month", "每月"
    QUARTER = "quarter", "每季"


@pghistory.track()
class Frequency(Record):
    """Who must be seen how often: a condition over an elder's facts, from the pack, with how sure it is."""

    class Mark(models.TextChoices):
        VERIFIED = "verified", "已核对原文"
        SINGLE_SOURCE = "single_source", "单一来源"
        UNVERIFIED = "unverified", "未核实"
        EXAMPLE = "example", "示例"

    row_scope: ClassVar = RowScope(shared=True)

    code = models.CharField("代码", max_length=30, unique=True)
    name = models.CharField("探访对象", max_length=60)
    condition = models.TextField("条件", max_length=1000)
    period = models.CharField("至少", max_length=10, choices=Period.choices)
    document = models.CharField("依据", max_length=200, blank=True)
    mark = models.CharField("核实情况", max_length=20, choices=Mark.choices)
    active = models.BooleanField("使用中", default=True)

    class Meta(Record.Meta):
        verbose_name = "探访频次"
        verbose_name_plural = "探访频次"
        ordering = ["code"]
        constraints = [
            state_check(Period, name="frequency_period_known", field="period"),
            models.CheckConstraint(
                condition=Q(mark__in=["verified", "single_source", "unverified", "example"]),
                name="frequency_mark_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}（{self.get_period_display()}）"


@pghistory.track()
class Charge(Record):
    """An elder who must be seen, by which rule, by whom, and by when next, while ``validity`` lasts."""

    row_scope: ClassVar = RowScope(area="area", hidden_from=STAFF_ONLY)

    elder = models.ForeignKey(Elder, models.CASCADE, related_name="charges", verbose_name="老年人")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="居住社区")
    frequency = models.ForeignKey(Frequency, models.PROTECT, related_name="charges", verbose_name="探访频次")
    visitor = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="探访人")
    validity = validity_field("列入期间")
    last_seen_on = models.DateField("上次探访", null=True, blank=True)
    due_on = models.DateField("最迟探访")

    class Meta(Record.Meta):
        verbose_name = "探访对象"
        verbose_name_plural = "探访对象"
        ordering = ["due_on", "id"]
        indexes = [
            models.Index(fields=["area", "due_on"], condition=Q(validity__endswith=None), name="charge_by_due"),
            models.Index(fields=["visitor", "due_on"], condition=Q(validity__endswith=None), name="charge_of_visitor"),
        ]
        constraints = [
            has_days("charge_has_days"),
            no_overlap("charge_once_at_a_time", "elder", message="该老人已列入探访对象。"),
        ]

    def __str__(self) -> str:
        return str(self.elder)


@pghistory.track()
class Call(CallFlow, Record):
    """One visit of care, planned or made by the way, in person or by telephone, and what was found."""

    class Way(models.TextChoices):
        HOME = "home", "上门"
        PHONE = "phone", "电话"
        VIDEO = "video", "视频"

    class Result(models.TextChoices):
        WELL = "well", "安好"
        NEEDS = "needs", "有需要"
        NOT_SEEN = "not_seen", "未见到本人"

    State = CallState
    state_tones: ClassVar = {"planned": "azure", "done": "green", "cancelled": "secondary"}
    row_scope: ClassVar = RowScope(area="area", elder="elder", hidden_from=("provider",))

    elder = models.ForeignKey(Elder, models.CASCADE, related_name="care_calls", verbose_name="老年人")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="居住社区")
    charge = models.ForeignKey(
        Charge, models.PROTECT, null=True, blank=True, related_name="calls", verbose_name="所依探访对象"
    )
    visitor = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="探访人")
    companions = models.CharField("同行人", max_length=100, blank=True, help_text="干部、志愿者姓名")
    planned_on = models.DateField("计划日期", null=True, blank=True, help_text="临时探访没有计划日期")
    done_on = models.DateField("探访日期", null=True, blank=True)
    way = models.CharField("方式", max_length=10, choices=Way.choices, default=Way.HOME)
    result = models.CharField("结果", max_length=10, choices=Result.choices, blank=True)
    note = models.CharField("情况", max_length=500, blank=True)

    class Meta(Record.Meta):
        verbose_name = "探访"
        verbose_name_plural = "探访记录"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["area", "done_on"], name="care_call_by_day"),
            models.Index(fields=["visitor", "planned_on"], condition=Q(state="planned"), name="care_call_of_visitor"),
            models.Index(fields=["elder", "-done_on"], name="care_call_of_elder"),
        ]
        constraints = [
            state_check(CallState, name="care_call_state_known"),
            models.CheckConstraint(condition=Q(way__in=["home", "phone", "video"]), name="care_call_way_known"),
            models.CheckConstraint(
                condition=Q(result__in=["", "well", "needs", "not_seen"]), name="care_call_result_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="done") | (Q(done_on__isnull=False) & ~Q(result="")), name="care_call_done_says_how"
            ),
            models.UniqueConstraint(
                fields=["elder", "planned_on"],
                condition=Q(state="planned"),
                name="care_call_planned_once",
                violation_error_message="这位老人当天已安排探访。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.elder} {self.done_on or self.planned_on}"


@pghistory.track()
class Problem(ProblemFlow, Record):
    """Something found on a visit, followed to its end."""

    class Kind(models.TextChoices):
        NOT_SEEN = "not_seen", "未见到本人"
        HEALTH = "health", "身体不适"
        SAFETY = "safety", "安全隐患"
        LIVING = "living", "生活困难"
        POLICY = "policy", "政策未享受"
        MIND = "mind", "心理与家庭"
        OTHER = "other", "其他"

    State = ProblemState
    state_tones: ClassVar = {"open": "orange", "referred": "yellow", "settled": "green"}
    row_scope: ClassVar = RowScope(area="area", hidden_from=STAFF_ONLY)

    call = models.ForeignKey(Call, models.PROTECT, related_name="problems", verbose_name="探访")
    elder = models.ForeignKey(Elder, models.CASCADE, related_name="care_problems", verbose_name="老年人")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="居住社区")
    kind = models.CharField("问题", max_length=10, choices=Kind.choices)
    text = models.CharField("内容", max_length=300)
    urgent = models.BooleanField("紧急", default=False)
    due_on = models.DateField("处理期限")
    outcome = models.CharField("处理结果", max_length=300, blank=True)
    settled_on = models.DateField("解决日期", null=True, blank=True)

    class Meta(Record.Meta):
        verbose_name = "探访发现的问题"
        verbose_name_plural = "探访发现的问题"
        ordering = ["due_on", "id"]
        indexes = [models.Index(fields=["area", "state", "due_on"], name="care_problem_by_due")]
        constraints = [
            state_check(ProblemState, name="care_problem_state_known"),
            models.CheckConstraint(
                condition=Q(kind__in=["not_seen", "health", "safety", "living", "policy", "mind", "other"]),
                name="care_problem_kind_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="settled") | (~Q(outcome="") & Q(settled_on__isnull=False)),
                name="care_problem_settled_says_how",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.elder}：{self.get_kind_display()}"


@pghistory.track()
class Course(Record):
    """A training for family members who care at home."""

    row_scope: ClassVar = RowScope(area="area", hidden_from=STAFF_ONLY)

    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="区划")
    topic = models.CharField("主题", max_length=100)
    on = models.DateField("日期")
    hours = models.DecimalField("课时", max_digits=4, decimal_places=1)
    trainer = models.CharField("讲师", max_length=100)
    place = models.CharField("地点", max_length=200, blank=True)

    class Meta(Record.Meta):
        verbose_name = "家庭照护培训"
        verbose_name_plural = "家庭照护培训"
        ordering = ["-on", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(hours__gt=0), name="course_has_hours", violation_error_message="课时须大于零。"
            )
        ]

    def __str__(self) -> str:
        return f"{self.topic}（{self.on}）"


@pghistory.track()
class Attendance(Record):
    """A family member of an elder who came to a training."""

    row_scope: ClassVar = RowScope(area="area", hidden_from=STAFF_ONLY, deleters=("area",))

    course = models.ForeignKey(Course, models.PROTECT, related_name="attendances", verbose_name="培训")
    elder = models.ForeignKey(Elder, models.CASCADE, related_name="+", verbose_name="所照护的老人")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="居住社区")
    name = models.CharField("照护者", max_length=60)
    relation = models.CharField("与老人关系", max_length=20)
    passed = models.BooleanField("考核合格", default=False)

    class Meta(Record.Meta):
        verbose_name = "参训家庭照护者"
        verbose_name_plural = "参训家庭照护者"
        ordering = ["course", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["course", "elder", "name"],
                name="attendance_once",
                violation_error_message="这位照护者已登记参加本次培训。",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name}（{self.relation}）"
