"""Fields are written as Django writes them."""

import re
from datetime import date, time
from typing import Any

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.utils.safestring import mark_safe

from songhe.core.console.widgets import Renderer

AWKWARD = "<b>\"与'&"
CHOICES = [
    ("", "全部"),
    (1, 1234567),
    ("a", AWKWARD),
    ("组", [("x", mark_safe("<i>x</i>")), (AWKWARD, "y")]),
    (None, "无"),
]


class Every(forms.Form):
    """A field of each kind that the kit writes itself, and one that it leaves to Django."""

    text = forms.CharField(
        widget=forms.TextInput(attrs={"class": AWKWARD, "data-x": True, "data-y": False, "size": 3}), max_length=12
    )
    number = forms.IntegerField(min_value=1, required=False)
    mail = forms.EmailField(required=False)
    day = forms.DateField(required=False)
    hour = forms.TimeField(required=False)
    hidden = forms.CharField(widget=forms.HiddenInput(), required=False)
    choice = forms.ChoiceField(choices=CHOICES, required=False, widget=forms.Select(attrs={"class": "form-select"}))
    several = forms.MultipleChoiceField(choices=CHOICES, required=False)
    unknown = forms.NullBooleanField(required=False)
    long = forms.CharField(widget=forms.Textarea(), required=False)


@pytest.mark.parametrize("number", range(3))
def test_every_field_is_written_as_django_writes_it(number: int) -> None:
    values: list[dict[str, Any]] = [
        {},
        {"text": AWKWARD, "number": 0, "choice": "a", "several": ["x", "1"], "unknown": True, "hidden": AWKWARD},
        {"text": 0, "day": date(2026, 3, 1), "hour": time(8, 30), "choice": AWKWARD, "several": [AWKWARD]},
    ]
    ours = Every(initial=values[number], renderer=Renderer())
    theirs = Every(initial=values[number], renderer=DjangoTemplates())
    for name in Every.base_fields:
        # Django leaves lines empty between choices.
        assert str(ours[name]) == re.sub(r"\n\s*\n", "\n", str(theirs[name])), name
