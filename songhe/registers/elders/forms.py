"""The forms of the elders' pages; what they mean is judged by the services."""

from typing import Any

from django import forms

from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.console.fields import DayInput, Lookup
from songhe.registers.elders.models import (
    Consent,
    ConsentPurpose,
    DifficultyKind,
    Elder,
    Guardian,
    IdKind,
    LifeEvent,
    LivingSituation,
    Sex,
)

ANY_SEX = [("", "按身份证号"), *Sex.choices]


def _day(label: str, *, required: bool = True, **more: Any) -> forms.DateField:
    return forms.DateField(label=label, required=required, widget=DayInput(), **more)


def _community(label: str, **more: Any) -> "forms.ModelChoiceField[Area]":
    queryset = Area.objects.filter(level=Area.Level.VILLAGE)
    return forms.ModelChoiceField(label=label, queryset=queryset, widget=Lookup("areas-area", level="village"), **more)


class Whole(forms.Form):
    """A form that asks for all its service needs, so that the dialog asks for no further reason."""

    reason = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """Leave the reason out of what goes to the service."""
        cleaned = super().clean() or self.cleaned_data
        cleaned.pop("reason", None)
        return cleaned


class AmendForm(forms.Form):
    """An elder's particulars."""

    sections = [
        ("身份", ["name", "id_kind", "id_number", "sex", "birth_date", "ethnicity", "photo_upload"]),
        ("联系与住址", ["phone", "area", "address", "latitude", "longitude", "registered_area", "registered_address"]),
        ("生活", ["living_situation", "remarks"]),
    ]

    name = forms.CharField(label="姓名", max_length=60)
    id_kind = forms.ChoiceField(label="证件类型", choices=IdKind.choices, initial=IdKind.RESIDENT)
    id_number = forms.CharField(
        label="证件号码", max_length=40, required=False, help_text="性别和出生日期按身份证号自动带出"
    )
    sex = forms.ChoiceField(label="性别", choices=ANY_SEX, required=False)
    birth_date = _day("出生日期", required=False)
    ethnicity = forms.CharField(label="民族", max_length=20, required=False)
    photo_upload = forms.FileField(label="照片", required=False, help_text="不超过 20 MB；拍摄位置等信息会自动去除")
    phone = forms.CharField(label="联系电话", max_length=30, required=False)
    address = forms.CharField(label="居住地址", max_length=200, required=False)
    latitude = forms.FloatField(label="纬度", required=False, help_text="WGS-84，可不填")
    longitude = forms.FloatField(label="经度", required=False, help_text="WGS-84，可不填")
    registered_area = forms.ModelChoiceField(
        label="户籍区划", queryset=Area.objects.all(), required=False, widget=Lookup("areas-area")
    )
    registered_address = forms.CharField(label="户籍地址", max_length=200, required=False)
    living_situation = forms.ChoiceField(
        label="居住状况", choices=LivingSituation.choices, initial=LivingSituation.OTHER
    )
    remarks = forms.CharField(label="备注", max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3}))


class RegisterForm(AmendForm):
    """A new elder; the community can be changed afterwards only by noting a move."""

    area = _community("居住社区", help_text="输入社区名称查找")


class DifficultyForm(Whole):
    """A kind of difficulty an office has found."""

    kind = forms.ChoiceField(label="困难类别", choices=DifficultyKind.choices)
    grade = forms.TypedChoiceField(
        label="残疾等级",
        choices=[("", "不适用"), (1, "一级"), (2, "二级"), (3, "三级"), (4, "四级")],
        coerce=int,
        empty_value=None,
        required=False,
    )
    first = _day("起始日期", initial=today)
    last = _day("终止日期", required=False, help_text="长期有效的不填")
    source = forms.CharField(label="认定单位", max_length=100, required=False)
    evidence = forms.CharField(label="凭证编号", max_length=100, required=False)
    evidence_upload = forms.FileField(label="凭证扫描件", required=False, help_text="图片或 PDF，不超过 20 MB")
    review_on = _day("复核日期", required=False)


class EndDifficultyForm(forms.Form):
    """The last day a difficulty counts."""

    last_day = _day("最后有效日", initial=today)


class MoveForm(Whole):
    """Where an elder lives from a day on."""

    area = _community("迁入社区")
    address = forms.CharField(label="新地址", max_length=200, required=False)
    living_situation = forms.ChoiceField(
        label="居住状况", choices=[("", "不变"), *LivingSituation.choices], required=False
    )
    on = _day("变更日期", initial=today)


class MoveAwayForm(Whole):
    """When and where to an elder left the region."""

    on = _day("迁出日期", initial=today)
    destination = forms.CharField(label="去向", max_length=200, required=False)


class DeathForm(Whole):
    """When an elder died and how it is known."""

    on = _day("去世日期", initial=today)
    source = forms.CharField(label="信息来源", max_length=100, help_text="如：家属告知、殡葬信息比对、派出所")
    detail = forms.CharField(label="说明", max_length=500, required=False)


class ReinstateForm(forms.Form):
    """From when an elder is on the roll again."""

    on = _day("恢复日期", initial=today)
    mistaken = forms.BooleanField(
        label="原登记有误", required=False, help_text="勾选后，原登记所终止的待遇、计划、床位等按原样恢复；迁回的不勾选"
    )


class BereavedForm(Whole):
    """When an elder's husband or wife died, and with whom they live since."""

    on = _day("配偶去世日期", initial=today)
    living_situation = forms.ChoiceField(
        label="现居住状况", choices=LivingSituation.choices, initial=LivingSituation.ALONE
    )
    detail = forms.CharField(label="说明", max_length=500, required=False)
    source = forms.CharField(label="信息来源", max_length=100, required=False)


class EnterForm(Whole):
    """Into which institution outside our beds an elder moved, and when."""

    on = _day("入住日期", initial=today)
    name = forms.CharField(label="机构名称", max_length=100)
    source = forms.CharField(label="信息来源", max_length=100, required=False)


class LeaveForm(Whole):
    """When an elder left an institution, and with whom they live since."""

    on = _day("离开日期", initial=today)
    living_situation = forms.ChoiceField(label="现居住状况", choices=LivingSituation.choices)


class PastForm(forms.Form):
    """The day whose record is asked for."""

    on = _day("日期")

    def clean_on(self) -> Any:
        """Refuse days to come."""
        if self.cleaned_data["on"] > today():
            raise forms.ValidationError("不能查看今天以后的档案。")
        return self.cleaned_data["on"]


class ContactForm(Whole):
    """Whom to call about an elder."""

    name = forms.CharField(label="姓名", max_length=60)
    relation = forms.CharField(label="与老人关系", max_length=20)
    phone = forms.CharField(label="电话", max_length=30)
    order = forms.IntegerField(label="联系顺序", min_value=1, max_value=99, required=False)
    is_emergency = forms.BooleanField(label="紧急联系人", required=False)


class GuardianForm(Whole):
    """Who decides for an elder."""

    kind = forms.ChoiceField(label="监护类型", choices=Guardian.Kind.choices)
    name = forms.CharField(label="监护人姓名", max_length=60)
    relation = forms.CharField(label="与老人关系", max_length=20)
    phone = forms.CharField(label="电话", max_length=30, required=False)
    id_number = forms.CharField(label="身份证号", max_length=40, required=False)
    first = _day("起始日期", initial=today)
    last = _day("终止日期", required=False, help_text="长期的不填")
    evidence = forms.CharField(label="依据", max_length=200, required=False, help_text="协议、判决或证明的名称与编号")
    evidence_upload = forms.FileField(label="依据扫描件", required=False)


class EndDayForm(Whole):
    """The last day something counts."""

    last_day = _day("最后一天", initial=today)


class HouseholdForm(Whole):
    """With whom an elder shares a dwelling."""

    other = forms.ModelChoiceField(label="同住老人", queryset=Elder.objects.all(), widget=Lookup("elders-elder"))
    number = forms.CharField(label="户号", max_length=30, required=False)


class ConsentForm(Whole):
    """What was agreed to, in which words, by whom."""

    purpose = forms.ChoiceField(label="事项", choices=ConsentPurpose.choices)
    channel = forms.ChoiceField(label="方式", choices=Consent.Channel.choices)
    text_version = forms.CharField(label="告知书版本", max_length=30)
    given_by = forms.CharField(label="同意人", max_length=60, initial="本人", help_text="本人，或监护人、代理人姓名")
    given_on = _day("同意日期", initial=today)
    evidence_upload = forms.FileField(label="签字件", required=False, help_text="图片或 PDF，不超过 20 MB")


class EventForm(Whole):
    """Something that happened to an elder."""

    KINDS = (LifeEvent.Kind.HOSPITAL, LifeEvent.Kind.OTHER)

    kind = forms.ChoiceField(label="事件", choices=[(kind.value, kind.label) for kind in KINDS])
    on = _day("日期", initial=today)
    detail = forms.CharField(label="说明", max_length=500, required=False)
    source = forms.CharField(label="信息来源", max_length=100, required=False)


class UploadForm(forms.Form):
    """A roll to import."""

    file = forms.FileField(label="名册文件", help_text="xlsx、xls 或 csv；标题行、合并单元格、合计行会自动识别")
    source = forms.CharField(
        label="名册来源",
        max_length=60,
        help_text="如：区民政局救助科。列的对应关系、裁决规则按来源记住，下次自动套用",
        widget=forms.TextInput(attrs={"list": "roll-sources"}),
    )
    as_of = _day("名册日期", required=False, help_text="名册内容截至哪一天；不填为今天")
    default_area = _community("默认社区", required=False, help_text="名册没有社区一列时，全部归入这个社区")
