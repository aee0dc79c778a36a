"""The forms of the core's own pages."""

from django import forms

from songhe.core.accounts.roles import Role
from songhe.core.areas.models import Area
from songhe.core.console.fields import Lookup
from songhe.registers.providers.models import Provider


class PlaceForm(forms.Form):
    """What an account may do, and where."""

    role = forms.ChoiceField(label="角色", choices=[("", "请选择"), *Role.choices])
    area = forms.ModelChoiceField(
        label="负责区划",
        queryset=Area.objects.all(),
        required=False,
        widget=Lookup("areas-area"),
        help_text="账号只能看到该区划及其下级的数据；服务商、家属和管理员不填",
    )
    provider = forms.ModelChoiceField(
        label="所属服务商",
        queryset=Provider.objects.all(),
        required=False,
        widget=Lookup("providers-provider"),
        help_text="护理员、服务商管理员必填",
    )


class AccountForm(PlaceForm):
    """A new account."""

    sections = [
        ("谁", ["display_name", "username", "email"]),
        ("能做什么、看到哪里", ["role", "area", "provider"]),
    ]

    display_name = forms.CharField(label="姓名", max_length=60)
    username = forms.CharField(label="登录名", max_length=60, help_text="字母、数字或手机号，开通后不再更改")
    email = forms.EmailField(label="邮箱", required=False)
