"""The form that writes a label."""

from django import forms
from django.utils.html import format_html, format_html_join

from songhe.registers.elders.labelling.facts import FACTS
from songhe.registers.elders.models import LabelRule

HELP = format_html("可用的事实：{}", format_html_join("；", "<code>{}</code> {}", FACTS.items()))


class LabelForm(forms.Form):
    """What a label is called, whom it speaks of, and what for."""

    name = forms.CharField(label="标签", max_length=20)
    condition = forms.CharField(
        label="条件（FEEL）",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text=HELP,
    )
    why = forms.CharField(label="用途", max_length=200, help_text="为什么需要这个标签：如重点探访、政策宣传")
    tone = forms.ChoiceField(label="颜色", choices=LabelRule.Tone.choices, initial=LabelRule.Tone.BLUE)
