"""Forms by which a person follows or overrules the suggestions."""

from typing import Any
from uuid import UUID

from django import forms
from django.utils import timezone

from songhe.care.dispatch.selectors import rank_carers, rank_providers
from songhe.care.orders.models import Order
from songhe.core.console.display import yuan
from songhe.core.console.fields import MomentInput


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
        field = self.fields["provider_id"]
        field.choices = [
            (str(choice.provider_id), f"{choice.name}（{yuan(choice.price_fen)} 元；{'；'.join(choice.reasons)}）")
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
        self.choices = [choice for choice in rank_carers(record) if choice.able][:10]
        field = self.fields["staff_id"]
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
        else:
            field.help_text = "期望时间内没有可派的护理员。"

    def clean(self) -> dict[str, Any]:
        """Fill in the suggested time where none was typed."""
        data = super().clean() or {}
        if data.get("start") is None:
            chosen = next((choice for choice in self.choices if choice.staff_id == data.get("staff_id")), None)
            data["start"] = chosen.start if chosen else None
        return data
