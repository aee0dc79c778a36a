"""Forms of contracts."""

from typing import Any

from django import forms

from songhe.core.areas.models import Area
from songhe.core.console.fields import DayInput, FenField, Lookup
from songhe.registers.catalogue.models import Category, Service
from songhe.registers.contracts.models import Contract
from songhe.registers.providers.models import Provider


class ContractForm(forms.Form):
    """A signed contract."""

    number = forms.CharField(label="合同编号", max_length=60)
    name = forms.CharField(label="合同名称", max_length=100)
    kind = forms.ChoiceField(label="合同类型", choices=Contract.Kind.choices)
    provider = forms.ModelChoiceField(Provider.objects.all(), label="服务商", widget=Lookup("providers-provider"))
    area = forms.ModelChoiceField(Area.objects.all(), label="适用区划", widget=Lookup("areas-area"))
    signed_on = forms.DateField(label="签订日期", widget=DayInput())
    first = forms.DateField(label="合同期限起", widget=DayInput())
    last = forms.DateField(label="合同期限止", widget=DayInput())
    share_percent = forms.IntegerField(
        label="运营方分成（%）", min_value=0, max_value=100, required=False, help_text="只有委托运营合同填写"
    )
    file = forms.FileField(label="合同文本", required=False)

    def clean(self) -> dict[str, Any]:
        """Check the days' order."""
        data = super().clean() or {}
        if data.get("first") and data.get("last") and data["last"] < data["first"]:
            self.add_error("last", "合同终止日期不能早于起始日期。")
        return data


class ContractEditForm(forms.Form):
    """What may change of a contract."""

    name = forms.CharField(label="合同名称", max_length=100)
    share_percent = forms.IntegerField(label="运营方分成（%）", min_value=0, max_value=100, required=False)


class PriceForm(forms.Form):
    """A service's price from a day on."""

    service = forms.ModelChoiceField(
        Service.objects.filter(state=Service.State.OPEN).select_related("category"), label="服务项目"
    )
    price_fen = FenField(label="结算价（元）", min_value=1)
    first = forms.DateField(label="起始日期", widget=DayInput(), required=False, help_text="留空为合同起始日")


class ShareForm(forms.Form):
    """What part of a category's orders goes to the provider from a day on."""

    category = forms.ModelChoiceField(Category.objects.all(), label="服务类别")
    percent = forms.IntegerField(
        label="派单份额（%）", min_value=0, max_value=100, help_text="占适用区划这一类别全部订单的比例；0 为不再约定"
    )
    first = forms.DateField(label="起始日期", widget=DayInput(), required=False, help_text="留空为合同起始日")


class EndForm(forms.Form):
    """The day a contract ends early."""

    last = forms.DateField(label="终止日期", widget=DayInput())
