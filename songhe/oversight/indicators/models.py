"""A place's indicators: a numerator over a denominator, with a target and the document that sets it."""

from typing import ClassVar

import pghistory
from django.db import models

from songhe.core.areas.models import Area
from songhe.core.ids import uuid7
from songhe.core.records import Record
from songhe.core.scope.roles import RowScope


@pghistory.track()
class Indicator(Record):
    """One indicator as defined by a place; figures are computed from the records whenever they are asked for."""

    row_scope: ClassVar = RowScope(shared=True)

    code = models.CharField("代码", max_length=60, unique=True)
    name = models.CharField("名称", max_length=100)
    definition = models.CharField("定义", max_length=300)
    numerator = models.CharField("分子", max_length=60)
    denominator = models.CharField("分母", max_length=60, blank=True)
    factor = models.PositiveIntegerField("倍数", default=100, help_text="百分比为 100，每千人为 1000")
    unit = models.CharField("单位", max_length=20)
    target = models.DecimalField("目标", max_digits=14, decimal_places=4, null=True, blank=True)
    document = models.CharField("依据", max_length=200, blank=True)
    requirement = models.CharField("对应要求", max_length=20, blank=True)
    position = models.PositiveSmallIntegerField("次序", default=0)

    class Meta(Record.Meta):
        verbose_name = "指标"
        verbose_name_plural = "指标"
        ordering = ["position", "code"]

    def __str__(self) -> str:
        return self.name


class Reading(models.Model):
    """What a measure came to for a division and a period when it was last counted; derived, and counted again."""

    row_scope: ClassVar = RowScope(area="area", writers=())

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    area = models.ForeignKey(Area, models.CASCADE, related_name="+")
    measure = models.CharField(max_length=60)
    first = models.DateField()
    next_first = models.DateField()
    value = models.BigIntegerField()
    taken_at = models.DateTimeField()

    class Meta:
        verbose_name = "统计读数"
        verbose_name_plural = "统计读数"
        constraints = [
            models.UniqueConstraint(fields=["area", "first", "next_first", "measure"], name="one_reading_of_a_measure")
        ]

    def __str__(self) -> str:
        return f"{self.area} {self.measure}"
