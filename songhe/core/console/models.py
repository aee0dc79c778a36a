"""What the console remembers: a person's choice of columns, filters kept, and which forms have been sent already."""

from typing import ClassVar

from django.db import models

from songhe.core.accounts.models import User
from songhe.core.ids import uuid7
from songhe.core.scope.roles import KINDS, RowScope


class Preference(models.Model):
    """How one person likes one page; holds no business."""

    row_scope: ClassVar = RowScope(shared=True, writers=KINDS, deleters=KINDS)

    user = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name="账号")
    page = models.CharField("页面", max_length=80)
    value = models.JSONField("设置", default=dict)

    class Meta:
        verbose_name = "页面偏好"
        verbose_name_plural = "页面偏好"
        constraints = [models.UniqueConstraint(fields=["user", "page"], name="preference_one_a_page")]

    def __str__(self) -> str:
        return self.page


class SavedFilter(models.Model):
    """Filters of a list under a name; holds the list's address, which never says what was searched for."""

    row_scope: ClassVar = RowScope(shared=True, writers=KINDS, deleters=KINDS)

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


class SentForm(models.Model):
    """The one-time token of a form that was accepted, and where its sender was led."""

    row_scope: ClassVar = RowScope(shared=True, writers=KINDS, deleters=("system",))

    token = models.UUIDField("凭据", primary_key=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name="账号")
    result = models.CharField("结果页", max_length=300, blank=True)
    sent_at = models.DateTimeField("提交时间", auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = "已提交表单"
        verbose_name_plural = "已提交表单"

    def __str__(self) -> str:
        return str(self.token)
