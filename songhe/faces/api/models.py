"""Keys by which other systems come in, and what was taken through the interface each day."""

from typing import ClassVar

import pghistory
from django.db import models
from django.db.models import Q

from songhe.core.accounts.models import User
from songhe.core.calendar.services import today
from songhe.core.console.pages import Pages
from songhe.core.console.registry import all_pages
from songhe.core.ids import uuid7
from songhe.core.records import Record
from songhe.core.scope.roles import RowScope

# A provider's people see the keys of their own; offices see each other's, as they see each other's accounts.
_COLLEAGUES = "user_id IN (SELECT id FROM accounts_user WHERE provider_id = {provider})"


class Standing(models.TextChoices):
    """Whether a key opens anything today, and if not, why."""

    OPEN = "open", "有效"
    UNISSUED = "unissued", "待生成"
    EXPIRED = "expired", "已过期"
    REVOKED = "revoked", "已停用"
    ACCOUNT_OFF = "account_off", "账号已停用"


@pghistory.track(exclude=["digest", "last_used_at", "version"])
class ApiKey(Record):
    """Another system's way in: it may do what its account may, on that account's rows, to the end of ``last_day``.

    ``digest`` is the HMAC-SM3 of the key itself, which is shown once and kept nowhere; NULL until it was.
    """

    # Whose key it is must be known before their scope is taken.
    anteroom: ClassVar = ("last_used_at",)
    row_scope: ClassVar = RowScope(shared=True, provider_sql=_COLLEAGUES, writers=(), hidden_from=("person",))

    user = models.ForeignKey(User, models.PROTECT, related_name="api_keys", verbose_name="账号")
    name = models.CharField("对接系统", max_length=60)
    purpose = models.CharField("用途", max_length=200)
    last_day = models.DateField("有效至")
    digest = models.BinaryField("密钥摘要", null=True, unique=True, editable=False)
    tail = models.CharField("密钥尾号", max_length=4, blank=True, editable=False)
    last_used_at = models.DateTimeField("最近使用", null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField("停用时间", null=True, blank=True)
    revoked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="停用人")

    class Meta(Record.Meta):
        verbose_name = "接口密钥"
        verbose_name_plural = "接口密钥"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "name"],
                condition=Q(revoked_at__isnull=True),
                name="api_key_named_once",
                violation_error_message="您已有一个同名的密钥，请换个名称，或先停用它。",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True) | Q(revoked_by__isnull=False), name="api_key_revoked_by_somebody"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def standing(self) -> Standing:
        """Tell whether it opens anything today, and if not, why."""
        if self.revoked_at is not None:
            return Standing.REVOKED
        if self.last_day < today():
            return Standing.EXPIRED
        if not self.user.is_active:
            return Standing.ACCOUNT_OFF
        return Standing.OPEN if self.digest else Standing.UNISSUED


class Taking(models.Model):
    """What one account took from one list by one key on one day; a session in a browser has no key.

    Rows are added up here while the day lasts, then noted in the journal as an export.
    """

    row_scope: ClassVar = RowScope(shared=True, provider_sql=_COLLEAGUES, writers=(), hidden_from=("person",))

    id = models.UUIDField("编号", primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="账号")
    key = models.ForeignKey(
        ApiKey, models.PROTECT, null=True, blank=True, related_name="takings", verbose_name="接口密钥"
    )
    page = models.CharField("名单", max_length=80)
    purpose = models.CharField("用途", max_length=200)
    day = models.DateField("日期")
    rows = models.PositiveIntegerField("行数")
    requests = models.PositiveIntegerField("请求次数")
    noted_at = models.DateTimeField("登记时间", null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "接口取数"
        verbose_name_plural = "接口取数"
        ordering = ["-id"]
        indexes = [models.Index(fields=["day"], condition=Q(noted_at__isnull=True), name="taking_to_be_noted")]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "page", "day", "key", "purpose"], nulls_distinct=False, name="taking_added_up"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.day}"

    @property
    def pages(self) -> Pages | None:
        """The list's pages, or None where they are no longer declared."""
        return next((pages for pages in all_pages() if pages.key == self.page), None)
