"""The forms of the providers' pages; what they mean is judged by the services."""

from typing import Any

from django import forms

from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.console.fields import DayInput, Lookup
from songhe.registers.providers.models import Brand, CreditRecord, Licence, Provider, valid_credit_code


def day(label: str, *, required: bool = True, **more: Any) -> forms.DateField:
    """Return a field for a day."""
    return forms.DateField(label=label, required=required, widget=DayInput(), **more)


def provider_field(**more: Any) -> "forms.ModelChoiceField[Provider]":
    """Return a field for a provider, found by typing."""
    return forms.ModelChoiceField(Provider.objects.all(), label="服务商", widget=Lookup("providers-provider"), **more)


class BrandForm(forms.Form):
    """A chain."""

    name = forms.CharField(label="品牌", max_length=60)
    website = forms.URLField(label="网址", required=False, assume_scheme="https")


class ProviderForm(forms.Form):
    """A provider's particulars."""

    sections = [
        ("主体", ["name", "credit_code", "kind", "brand"]),
        ("联系", ["area", "address", "contact", "phone"]),
    ]

    name = forms.CharField(label="名称", max_length=100)
    credit_code = forms.CharField(
        label="统一社会信用代码", max_length=18, validators=[valid_credit_code], help_text="18 位，末位为校验码"
    )
    kind = forms.ChoiceField(label="性质", choices=Provider.Kind.choices)
    brand = forms.ModelChoiceField(Brand.objects.all(), label="品牌", required=False)
    area = forms.ModelChoiceField(Area.objects.all(), label="注册地区划", widget=Lookup("areas-area"))
    address = forms.CharField(label="地址", max_length=200, required=False)
    contact = forms.CharField(label="联系人", max_length=60, required=False)
    phone = forms.CharField(label="联系电话", max_length=20, required=False, help_text="对外公布的业务电话")

    def clean_credit_code(self) -> str:
        """Write the code in capitals."""
        return str(self.cleaned_data["credit_code"]).strip().upper()


class EndForm(forms.Form):
    """The last day something counts."""

    last = day("最后一天", initial=today)


class AreaForm(forms.Form):
    """A division a provider serves."""

    provider = provider_field()
    area = forms.ModelChoiceField(Area.objects.all(), label="服务区划", widget=Lookup("areas-area"))
    first = day("起始日期", initial=today)
    last = day("终止日期", required=False, help_text="长期的不填")


class LicenceEditForm(forms.Form):
    """A licence's particulars."""

    number = forms.CharField(label="证照编号", max_length=60)
    issuer = forms.CharField(label="发证机关", max_length=100, required=False)
    first = day("有效期起")
    last = day("有效期止", required=False, help_text="长期有效的不填")
    remind_days = forms.IntegerField(label="提前提醒（天）", min_value=0, max_value=365, initial=60)


class LicenceForm(LicenceEditForm):
    """A new licence, or a renewed one."""

    field_order = ["provider", "kind", "number"]

    provider = provider_field()
    kind = forms.ChoiceField(label="证照种类", choices=Licence.Kind.choices)
    file = forms.FileField(label="扫描件", required=False, help_text="图片或 PDF，不超过 20 MB")


class CreditForm(forms.Form):
    """Something found for or against a provider."""

    provider = provider_field()
    kind = forms.ChoiceField(label="类别", choices=CreditRecord.Kind.choices)
    fact = forms.CharField(label="事实", max_length=500, widget=forms.Textarea(attrs={"rows": 3}))
    issuer = forms.CharField(label="认定单位", max_length=100)
    reference = forms.CharField(label="文号", max_length=100, required=False)
    first = day("起始日期", initial=today)
    last = day("终止日期", required=False, help_text="长期的不填")


class AdmissionForm(forms.Form):
    """A provider's application."""

    provider = provider_field()
    area = forms.ModelChoiceField(Area.objects.all(), label="申请服务区划", widget=Lookup("areas-area"))
    services = forms.CharField(
        label="申请开展的服务",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="如：助餐、助洁、助浴",
    )
    applied_on = day("申请日期", initial=today)


class AdmitForm(forms.Form):
    """From when to when a provider is admitted."""

    first = day("准入起始日", initial=today)
    last = day("准入终止日", required=False, help_text="长期的不填")
