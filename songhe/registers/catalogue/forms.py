"""The forms of the catalogue's pages; what they mean is judged by the services."""

from typing import Any

from django import forms

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.console.fields import DayInput, FenField, Lookup
from songhe.registers.catalogue.models import Category, Service, ServicePrice
from songhe.registers.providers.models import Provider
from songhe.registers.workforce.models import Skill


def _day(label: str, *, required: bool = True, **more: Any) -> forms.DateField:
    return forms.DateField(label=label, required=required, widget=DayInput(), **more)


def _service() -> "forms.ModelChoiceField[Service]":
    return forms.ModelChoiceField(
        Service.objects.filter(state=Service.State.OPEN), label="服务项目", widget=Lookup("catalogue-service")
    )


class CategoryEditForm(forms.Form):
    """A branch of the tree."""

    name = forms.CharField(label="名称", max_length=60)
    parent = forms.ModelChoiceField(Category.objects.all(), label="上级类别", required=False)
    position = forms.IntegerField(label="次序", min_value=0, max_value=999, initial=0)


class CategoryForm(CategoryEditForm):
    """A new branch."""

    field_order = ["code", "name"]
    code = forms.CharField(label="代码", max_length=30)


class Steps(forms.CharField):
    """Steps, one a line."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.Textarea(attrs={"rows": 5}))
        super().__init__(required=False, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """Show a list as lines."""
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        """Return the lines that say something."""
        return [line.strip() for line in str(super().clean(value) or "").splitlines() if line.strip()]


class ServiceEditForm(forms.Form):
    """What a service is."""

    sections = [
        ("项目", ["code", "name", "category", "area", "standard"]),
        ("怎样做", ["unit", "minutes", "carers", "at_home", "skills", "description", "steps"]),
        ("依据", ["source"]),
    ]

    name = forms.CharField(label="名称", max_length=60)
    category = forms.ModelChoiceField(Category.objects.all(), label="类别")
    area = forms.ModelChoiceField(
        Area.objects.all(), label="适用区划", required=False, widget=Lookup("areas-area"), help_text="不填为各地通用"
    )
    standard = forms.BooleanField(
        label="标准项目", required=False, initial=True, help_text="“10+N”中的 10；不选为本地自选"
    )
    unit = forms.ChoiceField(label="计价单位", choices=Service.Unit.choices)
    minutes = forms.IntegerField(label="每单位时长（分钟）", min_value=1, max_value=1440)
    carers = forms.IntegerField(label="所需人数", min_value=1, max_value=4, initial=1)
    at_home = forms.BooleanField(label="上门服务", required=False, initial=True)
    skills = forms.ModelMultipleChoiceField(
        Skill.objects.all(), label="所需技能", required=False, widget=forms.CheckboxSelectMultiple, to_field_name="code"
    )
    description = forms.CharField(label="服务内容", required=False, widget=forms.Textarea(attrs={"rows": 3}))
    steps = Steps(label="服务步骤", help_text="一行一步")
    source = forms.CharField(label="依据", max_length=200, required=False)


class ServiceForm(ServiceEditForm):
    """A new service."""

    code = forms.CharField(label="代码", max_length=30)


class PriceForm(forms.Form):
    """A guided price from a day on."""

    service = _service()
    payer = forms.ChoiceField(label="付费方", choices=ServicePrice.Payer.choices)
    price_fen = FenField(label="指导价（元）")
    ceiling_fen = FenField(label="最高限价（元）", required=False, help_text="服务商公布价不得高于它；不填以指导价为限")
    first = _day("起始日期", initial=today, help_text="原价格自动在前一天终止")
    source = forms.CharField(label="依据", max_length=200, required=False)


class CoverForm(forms.Form):
    """What a scheme pays of a service."""

    service = _service()
    scheme = forms.CharField(label="政策", max_length=100)
    percent = forms.IntegerField(label="支付比例（%）", min_value=1, max_value=100)
    ceiling_fen = FenField(label="每单位最高支付（元）", required=False)
    first = _day("起始日期", initial=today)
    last = _day("终止日期", required=False)
    source = forms.CharField(label="依据", max_length=200, required=False)


class OfferForm(forms.Form):
    """A provider's published price; a manager is not asked whose."""

    provider = forms.ModelChoiceField(Provider.objects.all(), label="服务商", widget=Lookup("providers-provider"))
    service = _service()
    price_fen = FenField(label="公布价（元）")
    first = _day("起始日期", initial=today, help_text="原价格自动在前一天终止")

    def __init__(self, *args: Any, user: User | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if user is not None and user.provider_id is not None:
            del self.fields["provider"]


class EndForm(forms.Form):
    """The last day something counts."""

    last = _day("最后一天", initial=today)
