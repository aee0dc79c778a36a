"""Forms of people who work at elders' homes."""

from typing import Any
from uuid import UUID

from django import forms

from songhe.care.dispatch.selectors.answers import colleagues
from songhe.care.visits.models import Visit
from songhe.care.visits.services import Presence
from songhe.core.calendar.services import now
from songhe.engines.scales import Scale


class PlaceForm(forms.Form):
    """Where the phone is; filled in by the phone."""

    latitude = forms.FloatField(required=False, min_value=-90, max_value=90, widget=forms.HiddenInput())
    longitude = forms.FloatField(required=False, min_value=-180, max_value=180, widget=forms.HiddenInput())

    def presence(self) -> Presence:
        """Return what was sent, at the server's time."""
        data = self.cleaned_data
        return Presence(
            at=now(),
            latitude=data["latitude"],
            longitude=data["longitude"],
            home_code=data.get("home_code", "").strip(),
        )


class PresenceForm(PlaceForm):
    """Where the phone is, and the code read at the door."""

    home_code = forms.CharField(
        label="家门二维码", max_length=64, required=False, help_text="扫码后自动填入；扫不了可以不填，用定位签到"
    )


class CheckOutForm(PlaceForm):
    """What was done, with a photo and the elder's signature."""

    note = forms.CharField(label="服务记录", max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 3}))
    photo = forms.FileField(
        label="现场照片",
        required=False,
        widget=forms.ClearableFileInput(attrs={"accept": "image/*", "capture": "environment"}),
    )
    signature = forms.CharField(required=False, widget=forms.HiddenInput())

    def presence(self) -> Presence:
        """Return what was sent, at the server's time."""
        return Presence(at=now(), latitude=self.cleaned_data["latitude"], longitude=self.cleaned_data["longitude"])


class DeclineForm(forms.Form):
    """Why the carer cannot go."""

    reason = forms.CharField(label="不能去的原因", max_length=200)


class SwapForm(forms.Form):
    """Which colleague is asked to go instead, and why."""

    to_staff_id = forms.TypedChoiceField(label="请哪位同事接替", coerce=UUID)
    swap_reason = forms.CharField(label="换班原因", max_length=200)

    def __init__(self, *args: Any, visit: Visit, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        colleague: Any = self.fields["to_staff_id"]
        colleague.choices = [(str(each.pk), each.name) for each in colleagues(visit)]


RELATIONS = ["本人", "配偶", "子女", "其他亲属", "雇佣照顾者", "村（居）委会工作人员", "其他"]


class AssessmentForm(forms.Form):
    """Every item of a scale, its circumstances, and who gave the information; built from the scale's file."""

    informant = forms.CharField(label="信息提供者", max_length=60)
    informant_relation = forms.ChoiceField(label="与老年人关系", choices=[(each, each) for each in RELATIONS])

    def __init__(self, *args: Any, scale: Scale, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scale = scale
        for group in scale.groups:
            for item in group.items:
                self.fields[item.code] = forms.TypedChoiceField(
                    label=f"{item.code} {item.name}",
                    coerce=int,
                    choices=[(option.score, f"{option.score} 分　{option.text}") for option in item.options],
                    widget=forms.RadioSelect(),
                    required=False,
                )
        for circumstance in scale.circumstances:
            self.fields[circumstance.key] = _circumstance_field(circumstance)

    def grouped(self) -> list[dict[str, Any]]:
        """Return the items' fields by group, for the page."""
        return [
            {"name": group.name, "fields": [self[item.code] for item in group.items]} for group in self.scale.groups
        ]

    @property
    def item_count(self) -> int:
        """How many items the scale asks."""
        return self.scale.item_count

    def circumstance_fields(self) -> list[Any]:
        """Return the circumstances' fields, for the page."""
        return [self[circumstance.key] for circumstance in self.scale.circumstances]

    def answers(self) -> dict[str, int]:
        """Return the answered items; what is missing is named by the scale itself."""
        codes = [item.code for group in self.scale.groups for item in group.items]
        return {code: self.cleaned_data[code] for code in codes if self.cleaned_data.get(code) not in ("", None)}

    def circumstances(self) -> dict[str, Any]:
        """Return the circumstances."""
        return {each.key: self.cleaned_data.get(each.key) for each in self.scale.circumstances}


def _circumstance_field(circumstance: Any) -> forms.Field:
    if circumstance.kind == "number":
        return forms.IntegerField(label=circumstance.name, min_value=0, max_value=99, initial=0, required=False)
    return forms.BooleanField(label=circumstance.name, required=False)
