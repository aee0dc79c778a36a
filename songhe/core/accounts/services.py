"""Giving out accounts: opened, amended and closed by the security administrator, never by oneself."""

from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from songhe.core.accounts.models import User
from songhe.core.accounts.roles import ADMINISTRATORS, PROVIDER_SIDE, Role
from songhe.core.areas.models import Area
from songhe.core.errors import Refused
from songhe.core.saving import save


@transaction.atomic
def open_account(
    *,
    user: User | None,
    username: str,
    display_name: str,
    role: str,
    password: str,
    area: Area | None = None,
    provider_id: UUID | None = None,
    email: str = "",
) -> User:
    """Open an account with a first password; ``user`` is who opens it (None: set-up). Raises Refused."""
    account = User(username=username.strip(), display_name=display_name.strip(), role=role, email=email)
    _place(account, area, provider_id)
    _set_password(account, password)
    return save(account)


@transaction.atomic
def amend_account(
    *,
    account: User,
    user: User,
    display_name: str,
    role: str,
    area: Area | None = None,
    provider_id: UUID | None = None,
    email: str = "",
    is_active: bool = True,
) -> User:
    """Change what an account may do and where, or close it. Nobody changes their own role or closes themselves."""
    if account.pk == user.pk and (role != account.role or not is_active):
        raise Refused("不能更改自己的角色，也不能停用自己的账号。", field="role")
    account.display_name, account.role = display_name.strip(), role
    account.email, account.is_active = email, is_active
    _place(account, area, provider_id)
    return save(account)


@transaction.atomic
def reset_password(*, account: User, user: User, password: str) -> User:
    """Give an account a new first password and take away its second factor, for somebody who lost either."""
    from allauth.mfa.models import Authenticator

    if account.pk == user.pk:
        raise Refused("自己的密码请在“修改密码”里更改。")
    _set_password(account, password)
    Authenticator.objects.filter(user=account).delete()
    return save(account)


def _place(account: User, area: Area | None, provider_id: UUID | None) -> None:
    role = account.role
    if role in PROVIDER_SIDE:
        if provider_id is None:
            raise Refused("服务商一方的账号必须指明所属服务商。", field="provider")
        area = None
    elif role not in ADMINISTRATORS and role != Role.FAMILY and area is None:
        raise Refused("请选择负责的区划；账号只能看到该区划及其下级的数据。", field="area")
    account.area = area
    account.provider_id = provider_id if role in PROVIDER_SIDE else None


def _set_password(account: User, password: str) -> None:
    try:
        validate_password(password, account)
    except ValidationError as error:
        raise Refused("".join(error.messages), field="password") from error
    account.set_password(password)
