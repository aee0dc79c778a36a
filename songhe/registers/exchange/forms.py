"""Forms of the exchange."""

from typing import Any

from django import forms

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.console.fields import DayInput, Lookup
from songhe.engines.scales import load_scale
from songhe.packs.loader import PACKS
from songhe.registers.elders.importing.columns import LABELS
from songhe.registers.elders.importing.judging import COMPARED
from songhe.registers.elders.models import Cadence, DifficultyKind, ImportSource, Office, Rule, Subject
from songhe.registers.exchange.models import OUTCOMES, Duplicate, Finding, HandoutSubject, Outcome

RULE = "rule_"


def scale_choices() -> list[tuple[str, str]]:
    """Return the assessment scales this Songhe knows, by key."""
    folder = PACKS / "national" / "scales"
    return [(path.stem, load_scale(path).title) for path in sorted(folder.glob("*.yaml"))]


class SourceForm(forms.Form):
    """A source's profile, with one rule for each field that a roll may change."""

    sections = [
        ("来源", ["name", "office", "responsible", "contact"]),
        ("名册", ["subject", "kinds", "cadence", "is_whole", "adds_people", "from_age"]),
        ("名册与档案不一致时", [f"{RULE}{key}" for key in COMPARED]),
    ]

    name = forms.CharField(label="名册来源", max_length=60, help_text="如：区民政局救助科低保名册")
    office = forms.ChoiceField(label="部门", choices=Office.choices)
    responsible = forms.ModelChoiceField(User.objects.none(), label="本方负责人", required=False)
    contact = forms.CharField(label="对方联系人", max_length=100, required=False, help_text="姓名与办公电话")
    subject = forms.ChoiceField(label="名册性质", choices=Subject.choices)
    kinds = forms.MultipleChoiceField(
        label="认定的困难类别",
        choices=DifficultyKind.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple(),
        help_text="名册上的人即属这些类别，名册不必另有一列",
    )
    cadence = forms.ChoiceField(label="报送周期", choices=Cadence.choices)
    is_whole = forms.BooleanField(label="全量名册", required=False, help_text="每次都列出全部人员，未列出的视为消失")
    adds_people = forms.BooleanField(label="可新增档案", required=False, initial=True)
    from_age = forms.IntegerField(
        label="应覆盖年龄",
        required=False,
        min_value=60,
        max_value=110,
        help_text="待遇名册应覆盖的起始周岁，如高龄津贴 80",
    )

    def __init__(self, *args: Any, users: Any = None, **kwargs: Any) -> None:
        """Offer the people of the same scope, and a rule for each field."""
        super().__init__(*args, **kwargs)
        field: Any = self.fields["responsible"]
        field.queryset = users if users is not None else User.objects.none()
        for key in COMPARED:
            self.fields[f"{RULE}{key}"] = forms.ChoiceField(
                label=LABELS[key], choices=Rule.choices, initial=Rule.TAKE, required=False
            )


def profile_of(data: dict[str, Any]) -> dict[str, Any]:
    """Return the form's data as a profile: the rules that differ from taking the roll's word gathered into one."""
    rules = {key: data.pop(f"{RULE}{key}", "") for key in COMPARED}
    return {**data, "rules": {key: rule for key, rule in rules.items() if rule and rule != Rule.TAKE}}


def initial_of(source: ImportSource) -> dict[str, Any]:
    """Return what the form of an existing source starts with."""
    rules = {f"{RULE}{key}": source.rules.get(key, Rule.TAKE) for key in COMPARED}
    fields = [name for name in SourceForm.base_fields if not name.startswith(RULE)]
    return {name: getattr(source, name) for name in fields} | rules


class SettleForm(forms.Form):
    """What is behind a finding."""

    outcome = forms.ChoiceField(label="核查结果", choices=Outcome.choices)
    on = forms.DateField(
        label="日期", required=False, widget=DayInput(), help_text="去世、迁出的日期，或终止认定的最后一天"
    )
    takes_record = True

    def __init__(self, *args: Any, record: Finding, **kwargs: Any) -> None:
        """Offer the outcomes that answer this kind of finding."""
        super().__init__(*args, **kwargs)
        outcomes: Any = self.fields["outcome"]
        outcomes.choices = [(outcome.value, outcome.label) for outcome in OUTCOMES[record.kind]]
        self.fields["on"].initial = record.said_on


class MergeForm(forms.Form):
    """Which of two records of one person is kept."""

    takes_record = True

    keep = forms.ChoiceField(label="保留哪一份档案")

    def __init__(self, *args: Any, record: Duplicate, **kwargs: Any) -> None:
        """Offer the two."""
        super().__init__(*args, **kwargs)
        keep: Any = self.fields["keep"]
        keep.choices = [
            (
                str(elder.pk),
                f"{elder.name}，{elder.id_number_masked or '无证件号'}，{elder.area.name}，{elder.registered_on} 建档",
            )
            for elder in (record.first, record.second)
        ]


class PartnerForm(forms.Form):
    """An agreement with another region."""

    name = forms.CharField(label="对方地区", max_length=60)
    agreement = forms.CharField(label="协议名称与文号", max_length=200)
    first = forms.DateField(label="协议期起", widget=DayInput(), initial=today)
    last = forms.DateField(label="协议期止", widget=DayInput(), required=False, help_text="长期的不填")
    recognises = forms.BooleanField(label="互认评估结果", required=False, initial=True)
    scales = forms.MultipleChoiceField(
        label="互认的评估标准", choices=scale_choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    subjects = forms.MultipleChoiceField(
        label="可提供的数据", choices=HandoutSubject.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    contact = forms.CharField(label="对方联系人", max_length=100, required=False)
    paper = forms.FileField(label="协议扫描件", required=False, help_text="图片或 PDF，不超过 20 MB")


class HandOutForm(forms.Form):
    """What is given to a partner region, of which area, and why."""

    subject = forms.ChoiceField(label="数据")
    area = forms.ModelChoiceField(label="范围", queryset=Area.objects.all(), widget=Lookup("areas-area"))
    form = forms.ChoiceField(label="形式", choices=[("xlsx", "xlsx"), ("csv", "csv")])
    reason = forms.CharField(label="用途", max_length=300, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, partner: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [choice for choice in HandoutSubject.choices if choice[0] in partner.subjects]
        self.fields["subject"].choices = offered  # type: ignore[attr-defined]
