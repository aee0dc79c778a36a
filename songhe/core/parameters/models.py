"""Figures that policies and rules use: each a dated history with the clause it comes from."""

from typing import ClassVar

import pghistory
from django.db import models

from songhe.core.records import Record
from songhe.core.scope.roles import RowScope
from songhe.core.validity import has_days, no_overlap, validity_field


@pghistory.track()
class Parameter(Record):
    """One figure in one period; ``value`` is in ``unit``, money in fen."""

    row_scope: ClassVar = RowScope(shared=True)

    class Mark(models.TextChoices):
        VERIFIED = "verified", "已核对原文"
        SINGLE_SOURCE = "single_source", "单一来源"
        UNVERIFIED = "unverified", "未核实"
        EXAMPLE = "example", "示例"

    name = models.CharField("名称", max_length=80)
    value = models.DecimalField("数值", max_digits=18, decimal_places=4)
    unit = models.CharField("单位", max_length=20)
    validity = validity_field()
    document = models.CharField("依据文件", max_length=200, blank=True)
    clause = models.CharField("条款", max_length=200, blank=True)
    mark = models.CharField("核实情况", max_length=20, choices=Mark.choices)

    class Meta(Record.Meta):
        verbose_name = "政策参数"
        verbose_name_plural = "政策参数"
        ordering = ["name", "validity"]
        constraints = [
            has_days("parameter_has_days"),
            no_overlap("parameter_once_at_a_time", "name", message="此参数在此期间已有数值。"),
        ]

    def __str__(self) -> str:
        return f"{self.name} = {self.value.normalize():f} {self.unit}"
