"""The forms of the workforce's pages; what they mean is judged by the services."""

from typing import Any

from django import forms

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.console.fields import DayInput, Lookup, MomentInput
from songhe.registers.providers.models import Provider
from songhe.registers.workforce.models import Absence, Certificate, Skill, Staff

WEEKDAYS = [(1, "周一"), (2, "周二"), (3, "周三"), (4, "周四"), (5, "周五"), (6, "周六"), (7, "周日")]


def _day(label: str, *, required: bool = True, **more: Any) -> forms.DateField:
    return forms.DateField(label=label, required=required, widget=DayInput(), **more)


def _staff() -> "forms.ModelChoiceField[Staff]":
    return forms.ModelChoiceField(Staff.objects.all(), label="人员", widget=Lookup("workforce-staff"))


class StaffForm(forms.Form):
    """A person's particulars."""

    sections = [
        ("身份", ["provider", "name", "id_number", "sex", "phone", "dialect"]),
        ("出发", ["area", "transport", "latitude", "longitude", "joined_on"]),
    ]

    name = forms.CharField(label="姓名", max_length=60)
    id_number = forms.CharField(label="身份证号", max_length=18, required=False, help_text="性别按身份证号带出")
    sex = forms.ChoiceField(label="性别", choices=[("", "按身份证号"), *Staff.Sex.choices], required=False)
    phone = forms.CharField(label="手机", max_length=20, required=False)
    dialect = forms.CharField(label="方言", max_length=60, required=False)
    area = forms.ModelChoiceField(
        Area.objects.all(), label="驻点区划", widget=Lookup("areas-area"), help_text="每天从哪里出发"
    )
    transport = forms.ChoiceField(label="出行方式", choices=Staff.Transport.choices, initial=Staff.Transport.EBIKE)
    latitude = forms.FloatField(label="出发点纬度", required=False, help_text="WGS-84，可不填")
    longitude = forms.FloatField(label="出发点经度", required=False)
    joined_on = _day("入职日期", required=False, initial=today)


class HireForm(StaffForm):
    """A new person; a provider's manager hires for the own organisation and is not asked which."""

    provider = forms.ModelChoiceField(
        Provider.objects.exclude(state=Provider.State.ENDED), label="服务商", widget=Lookup("providers-provider")
    )

    def __init__(self, *args: Any, user: User | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if user is not None and user.provider_id is not None:
            del self.fields["provider"]


class LeaveForm(forms.Form):
    """A person's last day."""

    last = _day("最后工作日", initial=today)


class CertificateForm(forms.Form):
    """A certificate and what it proves."""

    staff = _staff()
    name = forms.CharField(label="证书名称", max_length=60, initial="养老护理员")
    level = forms.TypedChoiceField(
        label="等级",
        required=False,
        coerce=int,
        empty_value=None,
        choices=[
            ("", "不分级"),
            (5, "五级（初级工）"),
            (4, "四级（中级工）"),
            (3, "三级（高级工）"),
            (2, "二级（技师）"),
            (1, "一级（高级技师）"),
        ],
    )
    number = forms.CharField(label="证书编号", max_length=60)
    issuer = forms.CharField(label="发证单位", max_length=100, required=False)
    first = _day("有效期起")
    last = _day("有效期止", required=False, help_text="长期有效的不填")
    skills = forms.ModelMultipleChoiceField(
        Skill.objects.all(), label="据此认定的技能", required=False, widget=forms.CheckboxSelectMultiple
    )


class SkillForm(forms.Form):
    """A skill a person has."""

    staff = _staff()
    skill = forms.ModelChoiceField(Skill.objects.all(), label="技能")
    certificate = forms.ModelChoiceField(
        Certificate.objects.all(), label="凭证", required=False, widget=Lookup("workforce-certificate"),
        help_text="须持证的技能必选",
    )  # fmt: skip
    first = _day("起始日期", initial=today)
    last = _day("终止日期", required=False, help_text="不填为长期，或随证书到期")


class EndForm(forms.Form):
    """The last day something counts."""

    last = _day("最后一天", initial=today)


class RosterForm(forms.Form):
    """Shifts on some days of the week."""

    staff = _staff()
    first = _day("起始日期", initial=today)
    last = _day("终止日期")
    weekdays = forms.TypedMultipleChoiceField(
        label="星期", choices=WEEKDAYS, coerce=int, initial=[1, 2, 3, 4, 5], widget=forms.CheckboxSelectMultiple
    )
    begins = forms.TimeField(label="上班", initial="08:00", widget=forms.TimeInput(attrs={"type": "time"}))
    ends = forms.TimeField(
        label="下班", initial="17:00", widget=forms.TimeInput(attrs={"type": "time"}), help_text="早于上班时间的为次日"
    )


class AbsenceForm(forms.Form):
    """A stretch of time off."""

    staff = _staff()
    begins = forms.DateTimeField(label="开始", widget=MomentInput())
    ends = forms.DateTimeField(label="结束", widget=MomentInput())
    reason = forms.ChoiceField(label="事由", choices=Absence.Reason.choices)


class TrainingForm(forms.Form):
    """A training attended."""

    staff = _staff()
    topic = forms.CharField(label="培训内容", max_length=100)
    held_on = _day("培训日期", initial=today)
    hours = forms.DecimalField(label="学时", min_value=0, max_digits=5, decimal_places=1)
    organiser = forms.CharField(label="举办单位", max_length=100, required=False)
    passed = forms.NullBooleanField(
        label="合格", widget=forms.Select(choices=[("", "未考核"), ("true", "合格"), ("false", "不合格")])
    )
