"""Forms of payments."""

from django import forms

from songhe.core.console.fields import DayInput, Lookup
from songhe.core.ledger.models import Currency
from songhe.registers.funds.models import Pot
from songhe.registers.providers.models import Provider


class PayeeForm(forms.Form):
    """Where a provider is paid to."""

    sealed = ("account_number",)

    provider = forms.ModelChoiceField(Provider.objects.all(), label="服务商", widget=Lookup("providers-provider"))
    account_name = forms.CharField(label="户名", max_length=100)
    bank_name = forms.CharField(label="开户行", max_length=100)
    account_number = forms.CharField(label="账号", max_length=40)


class BatchForm(forms.Form):
    """From which pot to pay."""

    pot = forms.ModelChoiceField(Pot.objects.filter(currency=Currency.CNY), label="资金来源")


class PayForm(forms.Form):
    """The day the bank paid."""

    on = forms.DateField(label="付款日期", widget=DayInput())
