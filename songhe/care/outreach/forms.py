"""The forms of visits of care; what they mean is judged by the services."""

from typing import Any

from django import forms

from songhe.care.outreach.models import Attendance, Call, Course, Problem
from songhe.care.outreach.services import Found
from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.console.fields import DayInput, Lookup
from songhe.registers.elders.forms import Whole
from songhe.registers.elders.models import Elder

NO_PROBLEM = ("", "没有问题")


def _visitors() -> Any:
    return User.objects.filter(
        is_active=True, role__in=["community_clerk", "street_clerk", "adviser"], area__isnull=False
    )


class VisitorForm(Whole):
    """Who sees an elder."""

    visitor = forms.ModelChoiceField(label="探访人", queryset=User.objects.none())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.pop("record", None)
        super().__init__(*args, **kwargs)
        self.fields["visitor"].queryset = _visitors()  # type: ignore[attr-defined]


class PlanForm(VisitorForm):
    """When somebody goes, and who."""

    on = forms.DateField(label="计划日期", widget=DayInput(), initial=today)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["visitor"].required = False
        self.fields["visitor"].help_text = "不选则为已指定的探访人；没有指定的由您自己去"


class HeldForm(Whole):
    """How it is with the elder, and one problem if there is one."""

    done_on = forms.DateField(label="探访日期", widget=DayInput(), initial=today)
    way = forms.ChoiceField(label="方式", choices=Call.Way.choices)
    result = forms.ChoiceField(label="结果", choices=Call.Result.choices)
    note = forms.CharField(
        label="情况",
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="身体、心情、家里安全、需要",
    )
    companions = forms.CharField(label="同行人", max_length=100, required=False, help_text="干部、志愿者姓名")
    problem = forms.ChoiceField(
        label="发现的问题",
        choices=[NO_PROBLEM, *[each for each in Problem.Kind.choices if each[0] != "not_seen"]],
        required=False,
    )
    problem_text = forms.CharField(label="问题内容", max_length=300, required=False)
    urgent = forms.BooleanField(label="紧急", required=False, help_text="须在下一个工作日内解决")

    def clean(self) -> dict[str, Any]:
        """Bring the problem's parts together."""
        cleaned = super().clean()
        kind, text = cleaned.pop("problem", ""), cleaned.pop("problem_text", "").strip()
        urgent = cleaned.pop("urgent", False)
        if kind and not text:
            self.add_error("problem_text", "请写明问题内容。")
        if text and not kind:
            self.add_error("problem", "请选择问题种类。")
        cleaned["problems"] = [Found(kind, text, urgent)] if kind and text else []
        return cleaned


class DropInForm(HeldForm):
    """A visit that nobody planned."""

    elder = forms.ModelChoiceField(label="老年人", queryset=Elder.objects.all(), widget=Lookup("elders-elder"))
    field_order = ["elder", "done_on", "way", "result", "note", "companions", "problem", "problem_text", "urgent"]


class CourseForm(forms.Form):
    """A training for families."""

    topic = forms.CharField(label="主题", max_length=100)
    area = forms.ModelChoiceField(label="区划", queryset=Area.objects.all(), widget=Lookup("areas-area"))
    on = forms.DateField(label="日期", widget=DayInput(), initial=today)
    hours = forms.DecimalField(label="课时", min_value=0, max_digits=4, decimal_places=1)
    trainer = forms.CharField(label="讲师", max_length=Course._meta.get_field("trainer").max_length)
    place = forms.CharField(label="地点", max_length=200, required=False)


class AttendForm(forms.Form):
    """A family member who came."""

    course = forms.ModelChoiceField(label="培训", queryset=Course.objects.all(), widget=Lookup("outreach-course"))
    elder = forms.ModelChoiceField(label="所照护的老人", queryset=Elder.objects.all(), widget=Lookup("elders-elder"))
    name = forms.CharField(label="照护者", max_length=60)
    relation = forms.CharField(label="与老人关系", max_length=Attendance._meta.get_field("relation").max_length)
    passed = forms.BooleanField(label="考核合格", required=False)
