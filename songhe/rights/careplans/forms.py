"""Forms of care plans."""

from typing import Any

from django import forms

from songhe.core.console.fields import DayInput, Lookup
from songhe.registers.catalogue.models import Service
from songhe.registers.elders.models import Elder

WEEKDAYS = [(1, "周一"), (2, "周二"), (3, "周三"), (4, "周四"), (5, "周五"), (6, "周六"), (7, "周日")]


class PlanEditForm(forms.Form):
    """What is to be reached, from when to when, and when somebody looks again."""

    goals = forms.CharField(label="照护目标", widget=forms.Textarea(attrs={"rows": 5}))
    first = forms.DateField(label="开始日期", widget=DayInput())
    last = forms.DateField(label="结束日期", widget=DayInput())
    review_on = forms.DateField(label="下次复核日期", widget=DayInput(), required=False)


class PlanForm(PlanEditForm):
    """A plan for an elder; ``revises_id`` names the plan it is to replace."""

    elder_id = forms.ModelChoiceField(Elder.objects.all(), label="老年人", widget=Lookup("elders-elder"))
    revises_id = forms.UUIDField(required=False, widget=forms.HiddenInput())
    field_order = ("elder_id",)

    def clean_elder_id(self) -> object:
        """Give the service the elder's id."""
        return self.cleaned_data["elder_id"].pk


class ItemForm(forms.Form):
    """One service, on which days, at what time."""

    service_id = forms.ModelChoiceField(
        Service.objects.filter(state=Service.State.OPEN, minutes__gt=0)
        .select_related("category")
        .order_by("category__position", "code"),
        label="服务项目",
    )
    weekdays = forms.TypedMultipleChoiceField(
        label="星期", choices=WEEKDAYS, coerce=int, widget=forms.CheckboxSelectMultiple()
    )
    at = forms.TimeField(label="时间", widget=forms.TimeInput(attrs={"type": "time"}))
    note = forms.CharField(label="说明", max_length=200, required=False)

    def clean_service_id(self) -> Any:
        """Give the service the catalogue entry's id."""
        return self.cleaned_data["service_id"].pk


class AgreeForm(forms.Form):
    """Who agreed."""

    agreed_by = forms.CharField(label="确认人", max_length=60, help_text="本人，或家属的姓名和与老人的关系")


class ReviewForm(forms.Form):
    """When somebody looks again; what was found is the step's reason."""

    review_on = forms.DateField(label="下次复核日期", widget=DayInput(), required=False)
