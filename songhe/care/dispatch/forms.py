"""Forms by which a person follows or overrules the suggestions."""

from typing import Any, cast
from uuid import UUID

from django import forms
from django.utils import timezone

from songhe.care.dispatch.models import CarerWish, DayPlan
from songhe.care.dispatch.selectors import rank_carers, rank_providers
from songhe.care.dispatch.selectors.nearest import asked_already, nearest
from songhe.care.orders.models import Order
from songhe.core.calendar.services import today
from songhe.core.console.fields import DayInput, Lookup, MomentInput
from songhe.registers.elders.models import Elder
from songhe.registers.providers.models import Provider
from songhe.registers.workforce.models import Staff


class DayPlanForm(forms.Form):
    """Whose day is to be planned, and how much of it; a provider's people plan their own."""

    provider = forms.ModelChoiceField(
        Provider.objects.filter(state=Provider.State.ACTIVE), label="服务商", widget=Lookup("providers-provider")
    )
    day = forms.DateField(label="日期", widget=DayInput(), initial=today)
    kind = forms.ChoiceField(label="范围", choices=DayPlan.Kind.choices, widget=forms.RadioSelect(), initial="add")
    note = forms.CharField(label="说明", max_length=100, required=False)

    def __init__(self, *args: Any, own: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if own:
            del self.fields["provider"]


class CarerWishForm(forms.Form):
    """Whom an elder wishes for or does not want: one carer, or one sex of carers."""

    elder = forms.ModelChoiceField(Elder.objects.all(), label="老年人", widget=Lookup("elders-elder"))
    kind = forms.ChoiceField(
        label="意愿",
        # Who is steady comes of a week's plan.
        choices=[(kind.value, kind.label) for kind in (CarerWish.Kind.WISHED, CarerWish.Kind.BARRED)],
        widget=forms.RadioSelect(),
        initial=CarerWish.Kind.WISHED,
    )
    staff = forms.ModelChoiceField(
        Staff.objects.filter(state=Staff.State.ACTIVE), label="护理员", required=False, widget=Lookup("workforce-staff")
    )
    sex = forms.ChoiceField(label="或者性别", choices=[("", "不限"), *Staff.Sex.choices], required=False)
    reason = forms.CharField(label="说明", max_length=200, required=False)


class ProviderForm(forms.Form):
    """Which provider takes the order; the first one is suggested."""

    takes_record = True

    provider_id = forms.TypedChoiceField(label="服务商", coerce=UUID, widget=forms.RadioSelect())
    overrule_reason = forms.CharField(
        label="改派理由", max_length=200, required=False, help_text="没有选第一个时必须填写"
    )

    def __init__(self, *args: Any, record: Order, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = rank_providers(record)
        field = cast("forms.TypedChoiceField", self.fields["provider_id"])
        field.choices = [
            (str(choice.provider_id), f"{choice.name} {choice.points:g} 分：{'；'.join(choice.reasons)}")
            for choice in choices
        ]
        if choices:
            field.initial = str(choices[0].provider_id)
        else:
            field.help_text = "没有服务商在这个社区提供此项服务。"


class CarerForm(forms.Form):
    """Which carer goes, and when; the first one is suggested, at the time the engine found."""

    takes_record = True

    staff_id = forms.TypedChoiceField(label="护理员", coerce=UUID, widget=forms.RadioSelect())
    start = forms.DateTimeField(label="上门时间", widget=MomentInput(), required=False, help_text="留空则用建议的时间")
    overrule_reason = forms.CharField(
        label="改派理由", max_length=200, required=False, help_text="没有选第一个时必须填写"
    )

    def __init__(self, *args: Any, record: Order, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ranked = rank_carers(record)
        self.choices = [choice for choice in ranked if choice.able][:10]
        unable = [f"{choice.name}：{'、'.join(choice.reasons)}" for choice in ranked if not choice.able]
        more = f"等 {len(unable)} 人" if len(unable) > 5 else ""
        field = cast("forms.TypedChoiceField", self.fields["staff_id"])
        field.choices = [
            (
                str(choice.staff_id),
                f"{choice.name}（{timezone.localtime(choice.start):%H:%M} 到，路上 {choice.travel_minutes} 分钟"
                f"{''.join('；' + reason for reason in choice.reasons)}）",
            )
            for choice in self.choices
        ]
        if self.choices:
            field.initial = str(self.choices[0].staff_id)
        said = [] if self.choices else ["期望时间内没有可派的护理员。"]
        if unable:
            said.append(f"不能去的：{'；'.join(unable[:5])}{more}。")
        field.help_text = "".join(said)

    def clean(self) -> dict[str, Any]:
        """Fill in the suggested time where none was typed."""
        data = super().clean() or {}
        if data.get("start") is None:
            chosen = next((choice for choice in self.choices if choice.staff_id == data.get("staff_id")), None)
            data["start"] = chosen.start if chosen else None
        return data


class NearestForm(forms.Form):
    """Who would be there first, told before anybody is sent; nothing is to be filled in."""

    takes_record = True

    arrival = forms.CharField(
        label="谁能先到", required=False, disabled=True, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="派的是第一位；按下时重新核对，谁先到派谁。",
    )  # fmt: skip

    def __init__(self, *args: Any, record: Order, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.is_bound:
            found = nearest(record, without=asked_already(record))[:3]
            said = "\n".join(str(each) for each in found)
            self.fields["arrival"].initial = said or "眼下没有能赶到的护理员"
