"""What is asked of whoever wants to connect a system."""

from django import forms

from songhe.core.console.fields import DayInput


class KeyForm(forms.Form):
    """A new key."""

    name = forms.CharField(label="对接系统", max_length=60, help_text="如“市大数据平台”，一个系统一个密钥")
    purpose = forms.CharField(label="用途", max_length=200, help_text="取数时登记的就是它")
    last_day = forms.DateField(label="有效至", widget=DayInput(), help_text="最长一年")
