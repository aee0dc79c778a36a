"""Accounts are given, changed and closed by the security administrator, and by nobody else.

``by`` is who does it; None means set-up itself and is accepted only under the system's scope.
"""

import secrets
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from songhe.core.accounts.models import Acting, User
from songhe.core.accounts.roles import ADMINISTRATORS, PROVIDER_SIDE, Role
from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.errors import Refused
from songhe.core.locks import locked
from songhe.core.scope.services import Scope, current, use

# Without letters and digits that are mistaken for one another when read out.
_ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@transaction.atomic
def create_user(
    *,
    by: User | None,
    username: str,
    display_name: str,
    role: str,
    area: Area | None = None,
    provider_id: UUID | None = None,
    staff_id: UUID | None = None,
    email: str = "",
    password: str | None = None,
    is_demo: bool = False,
) -> User:
    """Open an account; without ``password`` its holder gets one from ``reset_password`` before signing in.

    A password given here by an administrator must be changed at the first sign-in.
    """
    _require(by, "accounts.create")
    _check_place(role, area, provider_id)
    username = username.strip()
    with use(Scope.system()):
        if not username or User.objects.filter(username__iexact=username).exists():
            raise Refused("登录名已被使用或为空，请换一个。", field="username")
        user = User(
            username=username,
            display_name=display_name.strip(),
            role=role,
            area=area,
            provider_id=provider_id,
            staff_id=staff_id,
            email=email,
            is_demo=is_demo,
            must_change_password=by is not None,
        )
        if not user.display_name:
            raise Refused("请填写姓名。", field="display_name")
        _set_password(user, password)
        user.save(force_insert=True)
    return user


@transaction.atomic
def set_role(
    *,
    by: User | None,
    user: User,
    role: str,
    area: Area | None = None,
    provider_id: UUID | None = None,
    version: int | None = None,
) -> User:
    """Give an account another role and place; its open sessions act under them from their next request."""
    _require(by, "accounts.edit", on=user)
    _check_place(role, area, provider_id)
    with use(Scope.system()):
        row = _locked(user, version)
        if row.role == Role.SECURITY_ADMIN and role != Role.SECURITY_ADMIN:
            _keep_one_security_admin(row)
        row.role, row.area, row.provider_id = role, area, provider_id
        row.save()
    return row


@transaction.atomic
def deactivate(*, by: User | None, user: User, version: int | None = None) -> User:
    """Close an account: it cannot sign in and its open sessions end with their next request."""
    _require(by, "accounts.edit", on=user)
    with use(Scope.system()):
        row = _locked(user, version)
        if row.role == Role.SECURITY_ADMIN:
            _keep_one_security_admin(row)
        row.is_active = False
        row.save()
    return row


@transaction.atomic
def reactivate(*, by: User | None, user: User, version: int | None = None) -> User:
    """Open a closed account again."""
    _require(by, "accounts.edit", on=user)
    with use(Scope.system()):
        row = _locked(user, version)
        row.is_active = True
        row.save()
    return row


@transaction.atomic
def reset_password(*, by: User | None, user: User) -> str:
    """Give an account a new password, to be changed at the next sign-in, and return it; it is shown this once only."""
    _require(by, "accounts.edit", on=user)
    password = "".join(secrets.choice(_ALPHABET) for _ in range(12))
    with use(Scope.system()):
        row = _locked(user, None)
        row.must_change_password = True
        row.set_password(password)
        row.save()
    return password


@transaction.atomic
def reset_second_factor(*, by: User | None, user: User) -> None:
    """Remove a lost second factor; its holder sets up another at the next sign-in."""
    _require(by, "accounts.edit", on=user)
    from allauth.mfa.models import Authenticator

    with use(Scope.system()):
        _locked(user, None)
        Authenticator.objects.filter(user=user).delete()


@transaction.atomic
def link_family(*, by: User | None, user: User, elder_id: UUID, relation: str) -> Acting:
    """Let an account of an elder or family act for an elder, whom the caller has seen under the scope of ``by``."""
    _require(by, "elders.edit")
    if user.role != Role.FAMILY:
        raise Refused("只有老人与家属的账号可以代办。", field="user")
    with use(Scope.system()):
        if Acting.objects.filter(user=user, elder_id=elder_id, ended_on__isnull=True).exists():
            raise Refused("这个账号已经可以为这位老人办事。", field="user")
        return Acting.objects.create(user=user, elder_id=elder_id, relation=relation.strip())


@transaction.atomic
def unlink_family(*, by: User | None, acting: Acting) -> Acting:
    """End an account's acting for an elder from today."""
    _require(by, "elders.edit")
    with use(Scope.system()):
        row = locked(Acting.objects.filter(pk=acting.pk))
        row.ended_on = row.ended_on or today()
        row.save()
    return row


def _require(by: User | None, permission: str, *, on: User | None = None) -> None:
    if by is None:
        scope = current()
        if scope is None or scope.kind != "system":
            raise Refused("只有系统初始化可以不经管理员开设账号。")
    elif not by.may(permission):
        raise Refused(f"您的角色（{by.get_role_display()}）不能管理账号，请联系安全管理员。")
    elif on is not None and on.pk == by.pk:
        raise Refused("不能修改自己的账号，请由另一位安全管理员办理。")


def _check_place(role: str, area: Area | None, provider_id: UUID | None) -> None:
    if role not in Role.values:
        raise Refused("没有这个角色。", field="role")
    if role in PROVIDER_SIDE and provider_id is None:
        raise Refused("服务商一方的账号必须写明所属服务商。", field="provider_id")
    if role not in PROVIDER_SIDE and provider_id is not None:
        raise Refused("只有服务商一方的账号有所属服务商。", field="provider_id")
    if role not in PROVIDER_SIDE | ADMINISTRATORS | {Role.FAMILY} and area is None:
        raise Refused("请选择负责的区划。", field="area")
    if role in ADMINISTRATORS and area is not None:
        raise Refused("管理员不负责任何区划，看不到老年人的档案。", field="area")


def _set_password(user: User, password: str | None) -> None:
    if password is None:
        user.set_unusable_password()
        return
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Refused("".join(error.messages), field="password") from error
    user.set_password(password)


def _locked(user: User, version: int | None) -> User:
    return locked(User.objects.filter(pk=user.pk), version=version)


def _keep_one_security_admin(row: User) -> None:
    others = User.objects.select_for_update().filter(role=Role.SECURITY_ADMIN, is_active=True).exclude(pk=row.pk)
    if not others:
        raise Refused("这是最后一位安全管理员，请先开设另一位，再作此变更。")
