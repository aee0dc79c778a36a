"""Forms of the hotline."""

from django import forms

from songhe.core.console.fields import MomentInput
from songhe.registers.catalogue.models import Service
from songhe.registers.elders.models import Elder


class ElderForm(forms.Form):
    """Whom the call is about, as picked from those found."""

    elder = forms.ModelChoiceField(Elder.objects.all(), label="老年人")


class OrderForm(forms.Form):
    """What the caller asks for, and when."""

    service_id = forms.ModelChoiceField(
        Service.objects.filter(state=Service.State.OPEN)
        .select_related("category")
        .order_by("category__position", "code"),
        label="服务项目",
    )
    wanted_from = forms.DateTimeField(label="期望时间", widget=MomentInput())
    urgent = forms.BooleanField(label="紧急", required=False)
    note = forms.CharField(label="备注", max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def clean_service_id(self) -> object:
        """Give the service the catalogue entry's id."""
        return self.cleaned_data["service_id"].pk


class EndForm(forms.Form):
    """What came of a call that is not an order."""

    outcome = forms.ChoiceField(
        label="结果",
        choices=[
            ("advice", "已答复咨询"),
            ("complaint", "已登记投诉"),
            ("transferred", "已转办"),
            ("silent", "无效来电"),
        ],
    )
    note = forms.CharField(label="通话记录", max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}))
