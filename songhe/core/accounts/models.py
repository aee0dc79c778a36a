"""Who signs in, in which role, and for which area, provider or elders."""

from typing import ClassVar
from uuid import UUID

import pghistory
from django.contrib.auth.models import AbstractBaseUser, UserManager
from django.db import models
from django.db.models import Q

from songhe.core.accounts.roles import ADMINISTRATORS, PROVIDER_SIDE, READ_ONLY, Role, role_may
from songhe.core.areas.models import Area
from songhe.core.records import Record
from songhe.core.scope.roles import RowScope
from songhe.core.scope.services import Scope

# Providers see who works in the offices, families also who else acts for their elders; no one else's family.
_NOT_FAMILY = "role <> 'family'"
_FAMILY = "(role <> 'family' OR id IN (SELECT user_id FROM accounts_acting WHERE elder_id = ANY {persons}))"


@pghistory.track(exclude=["password", "last_login", "version"])
class User(Record, AbstractBaseUser):
    """A person with an account; the role says what they may do, area, provider and acting say on which rows.

    Rows are written by ``accounts.services`` alone, under the system's scope.
    """

    # Sign-in happens before any scope is known; it may change these columns and no others.
    anteroom: ClassVar = ("password", "last_login", "must_change_password")
    row_scope: ClassVar = RowScope(shared=True, provider_sql=_NOT_FAMILY, person_sql=_FAMILY, writers=())

    username = models.CharField("登录名", max_length=60, unique=True)
    display_name = models.CharField("姓名", max_length=60)
    role = models.CharField("角色", max_length=20, choices=Role.choices)
    area = models.ForeignKey(Area, models.PROTECT, null=True, blank=True, verbose_name="负责区划")
    provider_id = models.UUIDField("所属服务商", null=True, blank=True)
    staff_id = models.UUIDField("对应从业人员", null=True, blank=True)
    email = models.EmailField("邮箱", blank=True)
    is_active = models.BooleanField("启用", default=True)
    must_change_password = models.BooleanField("须修改初始密码", default=False)
    is_demo = models.BooleanField("演示账号", default=False)

    objects = UserManager()
    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    is_staff = False
    is_superuser = False

    class Meta(Record.Meta):
        verbose_name = "账号"
        verbose_name_plural = "账号"
        ordering = ["username"]
        constraints = [
            models.CheckConstraint(condition=Q(role__in=Role.values), name="user_role_known"),
            models.CheckConstraint(
                condition=~Q(role__in=sorted(PROVIDER_SIDE)) | Q(provider_id__isnull=False),
                name="user_of_provider_names_it",
            ),
        ]

    def __str__(self) -> str:
        return self.display_name or self.username

    def may(self, permission: str) -> bool:
        """Tell whether this person's role holds a permission such as ``elders.edit``."""
        return self.is_active and role_may(self.role, permission)

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Answer Django's question with Songhe's roles."""
        return self.may(perm)

    @property
    def needs_second_factor(self) -> bool:
        """Tell whether this person must sign in with a second factor: everyone but elders and families."""
        return self.role != Role.FAMILY

    def scope(self) -> Scope:
        """Return the rows this person may see; administrators see none of the elders'."""
        return self._reach().seen_by(self.pk)

    def _reach(self) -> Scope:
        if self.role == Role.FAMILY:
            return Scope.of_persons(self.acting_for())
        if self.role in PROVIDER_SIDE and self.provider_id:
            return Scope.of_provider(self.provider_id)
        if self.role in ADMINISTRATORS or self.area is None:
            return Scope.area(0, 0)
        return Scope.area(self.area.code, self.area.upper, read_only=self.role in READ_ONLY)

    def acting_for(self) -> list[UUID]:
        """Return the ids of the elders this person may act for today."""
        return list(Acting.objects.filter(user=self, ended_on__isnull=True).values_list("elder_id", flat=True))


@pghistory.track()
class Acting(Record):
    """An account that may act for an elder: the elder's own or a family member's."""

    anteroom: ClassVar = ()
    row_scope: ClassVar = RowScope(area_sql="true", elder="elder_id", writers=())

    user = models.ForeignKey(User, models.CASCADE, related_name="actings", verbose_name="账号")
    elder_id = models.UUIDField("老年人", db_index=True)
    relation = models.CharField("关系", max_length=20)
    ended_on = models.DateField("终止日期", null=True, blank=True)

    class Meta(Record.Meta):
        verbose_name = "代办关系"
        verbose_name_plural = "代办关系"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "elder_id"], condition=Q(ended_on__isnull=True), name="acting_once_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user}（{self.relation}）"
