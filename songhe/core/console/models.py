"""What the console remembers: a person's choice of columns, filters kept, and which forms have been sent already."""

from typing import ClassVar

from django.db import models

from songhe.core.accounts.models import User
from songhe.core.crypto.fields import SealedField
from songhe.core.ids import uuid7
from songhe.core.scope.roles import KINDS, RowScope


class Preference(models.Model):
    """How one person likes one page; holds no business."""

    row_scope: ClassVar = RowScope(own="user", writers=KINDS, deleters=KINDS)

    user = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name="账号")
    page = models.CharField("页面", max_length=80)
    value = models.JSONField("设置", default=dict)

    class Meta:
        verbose_name = "页面偏好"
        verbose_name_plural = "页面偏好"
        constraints = [models.UniqueConstraint(fields=["user", "page"], name="preference_one_a_page")]

    def __str__(self) -> str:
        return self.page


# Colleagues: of the same division and provider; families are nobody's.
_SAME_OFFICE = (
    "is_shared AND EXISTS (SELECT 1 FROM accounts_user keeper JOIN accounts_user reader "
    "ON (keeper.area_id, keeper.provider_id) IS NOT DISTINCT FROM (reader.area_id, reader.provider_id) "
    "WHERE keeper.id = user_id AND reader.id = {account} AND 'family' NOT IN (keeper.role, reader.role))"
)


class SavedFilter(models.Model):
    """Filters of a list under a name; holds the list's address, which never says what was searched for."""

    row_scope: ClassVar = RowScope(own="user", lent_sql=_SAME_OFFICE, writers=KINDS, deleters=KINDS)

    id = models.UUIDField("编号", primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name="账号")
    page = models.CharField("页面", max_length=80)
    name = models.CharField("名称", max_length=40)
    query = models.CharField("条件", max_length=2000)
    is_shared = models.BooleanField("本单位共用", default=False)

    class Meta:
        verbose_name = "常用筛选"
        verbose_name_plural = "常用筛选"
        indexes = [models.Index(fields=["page"], condition=models.Q(is_shared=True), name="saved_filter_shared")]
        constraints = [models.UniqueConstraint(fields=["user", "page", "name"], name="saved_filter_once")]

    def __str__(self) -> str:
        return self.name


class ExportState(models.TextChoices):
    WAITING = "waiting", "排队中"
    RUNNING = "running", "正在生成"
    READY = "ready", "可下载"
    FAILED = "failed", "未能生成"
    CANCELLED = "cancelled", "已取消"
    GONE = "gone", "已过期"


class Export(models.Model):
    """A list that one person asked to have as a spreadsheet, written in the background.

    ``query`` is what the list was narrowed to, without the searched text, which may be a personal number and is sealed
    in ``searched`` until the file is written. ``scope`` is whose rows the file holds: it is handed over only while the
    person still has that scope. ``path`` is under the folder of exports, empty while there is no file.
    """

    row_scope: ClassVar = RowScope(own="user", writers=KINDS, deleters=("system",))
    State = ExportState
    state_tones: ClassVar = {
        "waiting": "secondary", "running": "azure", "ready": "green", "failed": "red", "cancelled": "secondary",
        "gone": "secondary",
    }  # fmt: skip

    id = models.UUIDField("编号", primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name="账号")
    page = models.CharField("页面", max_length=80)
    subject = models.CharField("内容", max_length=200)
    query = models.TextField("条件", blank=True)
    searched = SealedField("检索内容", null=True)
    columns = models.JSONField("列", default=list)
    reason = models.CharField("用途", max_length=200)
    scope = models.CharField("数据范围", max_length=300, editable=False)
    state = models.CharField("进度", max_length=10, choices=ExportState.choices, default=ExportState.WAITING)
    done = models.PositiveIntegerField("已写行数", default=0)
    total = models.PositiveIntegerField("总行数", null=True, blank=True)
    failure = models.CharField("未能生成的原因", max_length=300, blank=True)
    path = models.CharField("存放位置", max_length=80, blank=True, editable=False)
    size = models.PositiveBigIntegerField("字节数", null=True, blank=True)
    job_id = models.BigIntegerField("后台任务", null=True, blank=True, editable=False)
    asked_at = models.DateTimeField("提出时间", auto_now_add=True)
    finished_at = models.DateTimeField("完成时间", null=True, blank=True)
    expires_at = models.DateTimeField("保留至", null=True, blank=True)

    class Meta:
        verbose_name = "导出"
        verbose_name_plural = "导出"
        ordering = ["-id"]
        indexes = [models.Index(fields=["user", "-asked_at"], name="export_of_user")]
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=ExportState.values), name="export_state_known"),
            models.CheckConstraint(
                condition=models.Q(state="ready", expires_at__isnull=False) & ~models.Q(path="")
                | ~models.Q(state="ready") & models.Q(path=""),
                name="export_has_file_when_ready",
            ),
        ]

    def __str__(self) -> str:
        return self.subject

    @property
    def is_under_way(self) -> bool:
        """Tell whether a job is to write it, or is at it."""
        return self.state in (ExportState.WAITING, ExportState.RUNNING)

    @property
    def percent(self) -> int:
        """How much of it is written."""
        return 100 * self.done // self.total if self.total else 0


class SentForm(models.Model):
    """The one-time token of a form that was accepted, and where its sender was led."""

    row_scope: ClassVar = RowScope(own="user", writers=KINDS, deleters=("system",))

    token = models.UUIDField("凭据", primary_key=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name="账号")
    result = models.CharField("结果页", max_length=300, blank=True)
    sent_at = models.DateTimeField("提交时间", auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = "已提交表单"
        verbose_name_plural = "已提交表单"

    def __str__(self) -> str:
        return str(self.token)
