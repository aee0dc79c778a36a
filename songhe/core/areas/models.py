"""Divisions: province, city, county, township, village, by the 12-digit statistical code."""

from typing import ClassVar

from django.db import models

from songhe.core.records import Stored
from songhe.core.scope.roles import RowScope


class Area(Stored):
    """A division; its subtree is the half-open code range [code, upper)."""

    # A person's own area is looked up before their scope is taken.
    anteroom: ClassVar = ()
    row_scope: ClassVar = RowScope(shared=True, writers=())

    class Level(models.TextChoices):
        PROVINCE = "province", "省级"
        CITY = "city", "市级"
        COUNTY = "county", "县级"
        TOWNSHIP = "township", "乡级"
        VILLAGE = "village", "村级"

    code = models.BigIntegerField("区划代码", primary_key=True)
    upper = models.BigIntegerField("下级代码上界", help_text="下级代码都小于此数")
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children", verbose_name="上级")
    name = models.CharField("名称", max_length=60)
    full_name = models.CharField("全称", max_length=200)
    level = models.CharField("级别", max_length=10, choices=Level.choices)
    kind = models.CharField("类型", max_length=20)
    statistical_only = models.BooleanField("仅统计用", default=False)
    latitude = models.FloatField("纬度", null=True, help_text="WGS-84")
    longitude = models.FloatField("经度", null=True, help_text="WGS-84")

    class Meta:
        verbose_name = "行政区划"
        verbose_name_plural = "行政区划"
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(condition=models.Q(upper__gt=models.F("code")), name="area_range_not_empty"),
            models.CheckConstraint(
                condition=models.Q(code__gte=110000000000, code__lt=1000000000000), name="area_code_has_12_digits"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def __contains__(self, code: int) -> bool:
        return self.code <= code < self.upper
