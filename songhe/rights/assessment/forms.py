"""Forms of assessments."""

from django import forms

from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.console.fields import DayInput, Lookup, MomentInput
from songhe.registers.elders.models import AbilityLevel, Elder
from songhe.registers.exchange.forms import scale_choices
from songhe.registers.exchange.models import Partner
from songhe.rights.assessment.models import Assessment


class ApplyForm(forms.Form):
    """Whose ability is to be assessed, why, and who asks."""

    elder_id = forms.ModelChoiceField(Elder.objects.all(), label="老年人", widget=Lookup("elders-elder"))
    reason = forms.ChoiceField(label="评估原因", choices=Assessment.Reason.choices)
    applicant = forms.CharField(label="申请人", max_length=60)

    def clean_elder_id(self) -> object:
        """Give the service the elder's id."""
        return self.cleaned_data["elder_id"].pk


class AssignForm(forms.Form):
    """Who goes, and when."""

    assessor_1 = forms.ModelChoiceField(User.objects.filter(role=Role.ASSESSOR, is_active=True), label="主评估员")
    assessor_2 = forms.ModelChoiceField(User.objects.filter(role=Role.ASSESSOR, is_active=True), label="副评估员")
    planned_at = forms.DateTimeField(label="约定时间", widget=MomentInput(), required=False)


class RecogniseForm(forms.Form):
    """A partner region's assessment."""

    elder = forms.ModelChoiceField(Elder.objects.all(), label="老年人", widget=Lookup("elders-elder"))
    partner = forms.ModelChoiceField(Partner.objects.all(), label="评估地区", widget=Lookup("exchange-partner"))
    scale_key = forms.ChoiceField(label="评估标准", choices=scale_choices)
    number = forms.CharField(label="对方评估编号", max_length=60)
    level = forms.TypedChoiceField(label="等级", choices=AbilityLevel.choices, coerce=int)
    assessed_on = forms.DateField(label="评估日期", widget=DayInput())
    paper = forms.FileField(label="评估报告", required=False, help_text="图片或 PDF，不超过 20 MB")
