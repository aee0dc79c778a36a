"""Forms of funds: amounts are typed in yuan (or dollars) and kept in the minor unit."""

from typing import Any

from django import forms

from songhe.core.areas.models import Area
from songhe.core.console.fields import DayInput, FenField, Lookup
from songhe.core.ledger.models import Currency
from songhe.registers.funds.models import Pot


def _purposes(text: str) -> list[str]:
    return [purpose for part in text.replace("，", "、").split("、") if (purpose := part.strip())]


class _Purposes(forms.CharField):
    """Purposes typed with 、 between them."""

    def prepare_value(self, value: Any) -> Any:
        return "、".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        return _purposes(super().clean(value))


class PotForm(forms.Form):
    """A new source of money."""

    code = forms.SlugField(label="代码", max_length=60)
    name = forms.CharField(label="名称", max_length=100)
    source = forms.ChoiceField(label="资金来源", choices=Pot.Source.choices)
    currency = forms.ChoiceField(label="币种", choices=Currency.choices)
    amount = FenField(label="核定总额（元或美元）", min_value=1)
    purposes = _Purposes(label="限定用途", help_text="多个用途用顿号隔开")
    document = forms.CharField(label="依据文件", max_length=300)
    area = forms.ModelChoiceField(Area.objects.all(), label="管理区划", widget=Lookup("areas-area"))
    first = forms.DateField(label="使用期限起", widget=DayInput())
    last = forms.DateField(label="使用期限止", widget=DayInput(), required=False)


class PotEditForm(forms.Form):
    """What may change of a source of money."""

    name = forms.CharField(label="名称", max_length=100)
    amount = FenField(label="核定总额（元或美元）", min_value=1)
    purposes = _Purposes(label="限定用途", help_text="多个用途用顿号隔开")
    document = forms.CharField(label="依据文件", max_length=300)


class LineForm(forms.Form):
    """A new budget line."""

    code = forms.SlugField(label="代码", max_length=60)
    name = forms.CharField(label="名称", max_length=100)
    pot = forms.ModelChoiceField(Pot.objects.filter(currency=Currency.CNY), label="资金来源")
    year = forms.IntegerField(label="预算年度", min_value=2000, max_value=2100)
    purpose = forms.CharField(label="列支用途", max_length=60)
    area = forms.ModelChoiceField(Area.objects.all(), label="使用区划", widget=Lookup("areas-area"))
    planned_fen = FenField(label="预算数（元）", min_value=1)
    first = forms.DateField(label="使用期限起", widget=DayInput())
    last = forms.DateField(label="使用期限止", widget=DayInput())
    position = forms.IntegerField(label="列支次序", min_value=0, max_value=999, initial=0, required=False)

    def clean_position(self) -> int:
        """Read an empty position as the first."""
        return self.cleaned_data["position"] or 0


class MoneyForm(forms.Form):
    """An amount and its day."""

    fen = FenField(label="金额（元）", min_value=1)
    on = forms.DateField(label="日期", widget=DayInput())


class ReceiptForm(forms.Form):
    """Money that came in, in the pot's own currency."""

    amount = FenField(label="到账金额（元或美元）", min_value=1)
    on = forms.DateField(label="到账日期", widget=DayInput())
    memo = forms.CharField(label="摘要", max_length=200, required=False)


class ConversionForm(forms.Form):
    """Foreign money to change."""

    amount = FenField(label="结汇金额（外币）", min_value=1)
    into = forms.ModelChoiceField(Pot.objects.filter(currency=Currency.CNY), label="转入")
    on = forms.DateField(label="结汇日期", widget=DayInput())


class RateForm(forms.Form):
    """A rate from a day on."""

    currency = forms.ChoiceField(label="币种", choices=[pair for pair in Currency.choices if pair[0] != Currency.CNY])
    yuan = forms.DecimalField(label="一单位折合人民币元", max_digits=12, decimal_places=6)
    first = forms.DateField(label="起始日期", widget=DayInput())
    last = forms.DateField(label="终止日期", widget=DayInput(), required=False)
    source = forms.CharField(label="依据", max_length=200)
