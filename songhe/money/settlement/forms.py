"""Forms of settlement."""

from typing import Any

from django import forms

from songhe.core.ledger.money import written
from songhe.money.settlement.models import Statement, StatementLine
from songhe.money.settlement.selectors import MOST_LINES, lines_of


class MonthInput(forms.DateInput):
    """A month, picked from the browser's own calendar."""

    input_type = "month"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m")


class DrawForm(forms.Form):
    """Which month to draw."""

    month = forms.DateField(label="结算月份", widget=MonthInput(), input_formats=["%Y-%m", "%Y-%m-%d"])


def _label(line: StatementLine) -> str:
    return f"{line.served_on:%m-%d} {line.elder_name} {line.visit.service} {written(line.payable_fen)}"


class DisputeForm(forms.Form):
    """Which lines the provider contests."""

    takes_record = True

    line_ids = forms.MultipleChoiceField(label="有异议的明细", widget=forms.CheckboxSelectMultiple())

    def __init__(self, *args: Any, record: Statement, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        lines = lines_of(record, most=MOST_LINES)
        self.fields["line_ids"].choices = [(str(line.pk), _label(line)) for line in lines]  # type: ignore[attr-defined]


class AnswerForm(forms.Form):
    """What is decided about a contested line."""

    keep = forms.TypedChoiceField(
        label="处理",
        choices=[("keep", "维持原明细"), ("void", "剔除，留待以后月份重新结算")],
        coerce=lambda text: text == "keep",
        widget=forms.RadioSelect(),
    )
    answer = forms.CharField(label="处理意见", max_length=300, widget=forms.Textarea(attrs={"rows": 3}))
