"""Care plans: what an adviser and an elder agreed on, item by item."""

from typing import ClassVar

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeOperators
from django.db import models
from django.db.models import Q

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.flow.models import state_check
from songhe.core.records import Record
from songhe.core.scope.roles import RowScope
from songhe.registers.catalogue.models import Service
from songhe.registers.elders.models import Elder
from songhe.rights.assessment.models import Assessment
from songhe.rights.careplans.flow import NOT_AGREED, PlanFlow, PlanState


@pghistory.track()
class CarePlan(Record, PlanFlow):
    """The services an elder is to have in a period, put together by an adviser, who answers for it."""

    State = PlanState
    state_tones: ClassVar = {
        "draft": "orange", "proposed": "azure", "agreed": "green",
        "replaced": "secondary", "ended": "secondary", "dropped": "secondary",
    }  # fmt: skip
    row_scope: ClassVar = RowScope(area="area", elder="elder", writers=("area",))

    elder = models.ForeignKey(Elder, models.PROTECT, related_name="care_plans", verbose_name="老年人")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="所属社区")
    adviser = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="责任人")
    assessment = models.ForeignKey(
        Assessment, models.PROTECT, null=True, blank=True, related_name="care_plans", verbose_name="依据的评估"
    )
    revises = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="revisions", verbose_name="修订自"
    )
    goals = models.TextField("照护目标")
    validity = DateRangeField("计划期间")
    review_on = models.DateField("下次复核日期", null=True, blank=True)
    agreed_on = models.DateField("确认日期", null=True, blank=True)
    agreed_by = models.CharField("确认人", max_length=60, blank=True)
    ended_reason = models.CharField("终止原因", max_length=200, blank=True)

    class Meta(Record.Meta):
        verbose_name = "照护计划"
        verbose_name_plural = "照护计划"
        indexes = [models.Index(fields=["area", "state"]), models.Index(fields=["state", "review_on"])]
        constraints = [
            state_check(PlanState, name="care_plan_state_known"),
            ExclusionConstraint(
                name="care_plan_one_at_a_time",
                expressions=[("elder", RangeOperators.EQUAL), ("validity", RangeOperators.OVERLAPS)],
                condition=Q(state=PlanState.AGREED),
                violation_error_message="这位老人在这段时间已有执行中的照护计划，请修订或终止那一份。",
            ),
            models.UniqueConstraint(
                fields=["elder"],
                condition=Q(state__in=NOT_AGREED),
                name="care_plan_one_draft_an_elder",
                violation_error_message="这位老人已有一份照护计划正在拟定，请在那一份上修改。",
            ),
            models.CheckConstraint(
                condition=~Q(state=PlanState.AGREED) | Q(agreed_on__isnull=False), name="care_plan_agreed_has_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.elder}的照护计划"


@pghistory.track()
class PlanItem(Record):
    """One service of a plan, on weekdays at a time."""

    row_scope: ClassVar = RowScope(via="plan", writers=("area",), deleters=("area",))

    plan = models.ForeignKey(CarePlan, models.CASCADE, related_name="items", verbose_name="照护计划")
    service = models.ForeignKey(Service, models.PROTECT, related_name="+", verbose_name="服务项目")
    weekdays = ArrayField(models.PositiveSmallIntegerField(), verbose_name="星期")
    at = models.TimeField("时间")
    note = models.CharField("说明", max_length=200, blank=True)

    class Meta(Record.Meta):
        verbose_name = "计划项目"
        verbose_name_plural = "计划项目"
        constraints = [
            models.CheckConstraint(
                condition=Q(weekdays__contained_by=[1, 2, 3, 4, 5, 6, 7]) & Q(weekdays__len__gt=0),
                name="plan_item_weekdays_known",
            )
        ]

    def __str__(self) -> str:
        return f"{self.service}"

    @property
    def weekday_names(self) -> str:
        """The weekdays as people write them."""
        return "周" + "、".join("一二三四五六日"[day - 1] for day in self.weekdays)
