"""Forms of orders."""

from datetime import date
from typing import Any

from django import forms

from songhe.care.orders.models import Order
from songhe.core.console.fields import DayInput, Lookup, MomentInput
from songhe.registers.catalogue.models import Service
from songhe.registers.elders.models import Elder

WEEKDAYS = [(1, "周一"), (2, "周二"), (3, "周三"), (4, "周四"), (5, "周五"), (6, "周六"), (7, "周日")]


class _ForElder(forms.Form):
    elder_id = forms.ModelChoiceField(Elder.objects.all(), label="老年人", widget=Lookup("elders-elder"))
    service_id = forms.ModelChoiceField(
        Service.objects.filter(state=Service.State.OPEN).select_related("category"), label="服务项目"
    )

    def clean_elder_id(self) -> object:
        """Give the service the elder's id."""
        return self.cleaned_data["elder_id"].pk

    def clean_service_id(self) -> object:
        """Give the service the catalogue entry's id."""
        return self.cleaned_data["service_id"].pk


class OrderForm(_ForElder):
    """What is asked for, for whom, when."""

    wanted_from = forms.DateTimeField(label="期望时间", widget=MomentInput())
    use_credit = forms.BooleanField(label="优先使用本月额度", initial=True, required=False)
    urgent = forms.BooleanField(label="紧急", required=False)
    note = forms.CharField(label="备注", max_length=300, required=False)
    source = forms.ChoiceField(choices=Order.Source.choices, initial=Order.Source.CONSOLE, widget=forms.HiddenInput())


class StandingForm(_ForElder):
    """What repeats, on which days, at what time, from when to when."""

    weekdays = forms.TypedMultipleChoiceField(
        label="星期", choices=WEEKDAYS, coerce=int, widget=forms.CheckboxSelectMultiple()
    )
    at = forms.TimeField(label="时间", widget=forms.TimeInput(attrs={"type": "time"}))
    first = forms.DateField(label="开始日期", widget=DayInput())
    last = forms.DateField(label="结束日期", widget=DayInput(), required=False)

    def clean(self) -> dict[str, Any]:
        """Check the days' order."""
        data = super().clean() or {}
        first, last = data.get("first"), data.get("last")
        if isinstance(first, date) and isinstance(last, date) and last < first:
            self.add_error("last", "结束日期不能早于开始日期。")
        return data


class RebookForm(forms.Form):
    """Another time."""

    wanted_from = forms.DateTimeField(label="新的期望时间", widget=MomentInput())


class AnswerForm(forms.Form):
    """The answer to a complaint."""

    answer = forms.CharField(label="答复", widget=forms.Textarea(attrs={"rows": 4}))
