"""The seals that chain the journal, and the notes of who looked at or took out what."""

from typing import ClassVar

from django.db import models

from songhe.core.records import AppendOnly
from songhe.core.scope.roles import RowScope


class Seal(models.Model):
    """The SM3 digest of one journal line, chained to the one before it."""

    row_scope: ClassVar = RowScope(writers=(), append_only=True)

    number = models.BigAutoField("序号", primary_key=True)
    line = models.BigIntegerField("日志行号", unique=True)
    table = models.CharField("日志表", max_length=63)
    digest = models.BinaryField("链式摘要")
    sealed_at = models.DateTimeField("封存时间", auto_now_add=True)

    class Meta:
        verbose_name = "日志封存"
        verbose_name_plural = "日志封存"

    def __str__(self) -> str:
        return f"{self.number}"


class Access(AppendOnly):
    """A look at what is normally masked, or data taken out: who, what, how much, and the stated reason."""

    class Act(models.TextChoices):
        REVEAL = "reveal", "查看完整信息"
        EXPORT = "export", "导出"
        DENIED = "denied", "越权被拒"

    row_scope: ClassVar = RowScope(
        writers=(), reporters=("area", "inspect", "provider", "person"), shared=True, hidden_from=("provider", "person"),
        append_only=True,
    )

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

    def __str__(self) -> str:
        return f"{self.user_name} {self.get_act_display()} {self.subject}"
