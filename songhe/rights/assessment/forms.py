"""Forms of assessments."""

from django import forms

from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.console.fields import Lookup, MomentInput
from songhe.registers.elders.models import Elder
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
