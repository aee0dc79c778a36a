"""The seals that chain the journal, and the notes of who looked at or took out what."""

from typing import ClassVar

import pgtrigger
from django.db import models

from songhe.core.records import AppendOnly
from songhe.core.scope.roles import RowScope


class Seal(models.Model):
    """The SM3 digests of a run of journal lines, chained to the seal before it.

    ``digests`` holds for each line its number (8 bytes), its table's place in ``tables`` (2) and its digest (32).
    ``tables`` lists each table with the columns that were digested, so that a column added later changes nothing.
    """

    row_scope: ClassVar = RowScope(writers=(), append_only=True)

    number = models.BigIntegerField("序号", primary_key=True)
    first_line = models.BigIntegerField("首行")
    last_line = models.BigIntegerField("末行", unique=True)
    tables = models.JSONField("表与列")
    digests = models.BinaryField("逐行摘要")
    chain = models.BinaryField("链式摘要")
    sealed_at = models.DateTimeField("封存时间", auto_now_add=True)

    class Meta:
        verbose_name = "日志封存"
        verbose_name_plural = "日志封存"
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(last_line__gte=models.F("first_line")), name="seal_run_not_empty"
            ),
        ]

    def __str__(self) -> str:
        return f"第 {self.number} 次封存（{self.first_line}–{self.last_line}）"


class Access(AppendOnly):
    """A look at what is normally masked, or data taken out: who, what, how much, and the stated reason."""

    class Act(models.TextChoices):
        REVEAL = "reveal", "查看完整信息"
        EXPORT = "export", "导出"
        DENIED = "denied", "越权被拒"

    # Written under the system's scope by services only; read by staff who hold ``journal.view``.
    row_scope: ClassVar = RowScope(writers=(), shared=True, hidden_from=("provider", "person"), append_only=True)

    act = models.CharField("行为", max_length=10, choices=Act.choices)
    user_id = models.UUIDField("账号")
    user_name = models.CharField("姓名", max_length=60)
    table = models.CharField("对象表", max_length=63)
    row_id = models.CharField("对象编号", max_length=40, blank=True)
    subject = models.CharField("对象", max_length=200, blank=True)
    rows = models.PositiveIntegerField("行数", default=1)
    reason = models.CharField("理由", max_length=200)

    class Meta(AppendOnly.Meta):
        verbose_name = "查阅与导出登记"
        verbose_name_plural = "查阅与导出登记"
        ordering = ["-line"]
        indexes = [
            models.Index(fields=["user_id", "-line"], name="access_by_user"),
            models.Index(fields=["table", "row_id"], name="access_of_row"),
        ]

    def __str__(self) -> str:
        return f"{self.user_name} {self.get_act_display()} {self.subject}"
