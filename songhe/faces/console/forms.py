"""The forms of the core's own pages."""

from typing import Any

from django import forms

from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.areas.models import Area
from songhe.core.console.fields import Lookup


class AccountForm(forms.Form):
    """What the security administrator decides of an account."""

    sections = [
        ("谁", ["display_name", "username", "email", "password"]),
        ("能做什么、看到哪里", ["role", "area", "provider", "is_active"]),
    ]

    display_name = forms.CharField(label="姓名", max_length=60)
    username = forms.CharField(label="登录名", max_length=60, help_text="字母、数字或手机号，开通后不再更改")
    email = forms.EmailField(label="邮箱", required=False)
    password = forms.CharField(
        label="初始密码",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="至少 10 位，不能全是数字；请当面告知本人并要求首次登录后更改",
    )
    role = forms.ChoiceField(label="角色", choices=[("", "请选择"), *Role.choices])
    area = forms.ModelChoiceField(
        label="负责区划",
        queryset=Area.objects.all(),
        required=False,
        widget=Lookup("areas-area"),
        help_text="账号只能看到该区划及其下级的数据",
    )
    provider = forms.ModelChoiceField(label="所属服务商", queryset=User.objects.none(), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["provider"]
        from songhe.registers.providers.models import Provider

        field.widget = Lookup("providers-provider")  # type: ignore[attr-defined]
        field.queryset = Provider.objects.all()  # type: ignore[attr-defined]


class AccountAmendForm(AccountForm):
    """An account that exists: its sign-in name stays, its password is changed elsewhere."""

    is_active = forms.BooleanField(label="启用", required=False, help_text="停用后立即不能登录")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["username"]
        del self.fields["password"]


class PasswordForm(forms.Form):
    """A new first password."""

    password = forms.CharField(
        label="新的初始密码", widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}), help_text="至少 10 位"
    )
