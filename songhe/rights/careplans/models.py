"""Care plans: what an adviser and an elder agreed on, item by item."""

from typing import ClassVar

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeOperators
from django.db import models
from django.db.models import Q

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.records import Record
from songhe.core.scope.roles import RowScope
from songhe.registers.catalogue.models import Service
from songhe.registers.elders.models import Elder


@pghistory.track()
class CarePlan(Record):
    """The services an elder is to have in a period, put together by an adviser."""

    row_scope: ClassVar = RowScope(area="area", elder="elder", writers=("area",))

    elder = models.ForeignKey(Elder, models.PROTECT, related_name="care_plans", verbose_name="老年人")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="所属社区")
    adviser = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="养老顾问")
    goals = models.TextField("照护目标")
    validity = DateRangeField("计划期间")
    agreed_on = models.DateField("老人确认日期", null=True, blank=True)

    class Meta(Record.Meta):
        verbose_name = "照护计划"
        verbose_name_plural = "照护计划"
        constraints = [
            ExclusionConstraint(
                name="care_plan_one_at_a_time",
                expressions=[("elder", RangeOperators.EQUAL), ("validity", RangeOperators.OVERLAPS)],
            )
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
