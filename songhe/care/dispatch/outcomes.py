"""The page and the spreadsheet of what dispatch came to over a stretch of days."""

from __future__ import annotations

import io
from datetime import date, timedelta
from typing import Any

import xlsxwriter
from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from songhe.care.dispatch.selectors.outcomes import PROVIDER, STREET, Outcome, outcomes
from songhe.core.calendar.services import today
from songhe.core.console.fields import DayInput
from songhe.core.console.notes import note_export
from songhe.core.console.pages import Pages
from songhe.core.console.views.access import person
from songhe.core.files.sniffing import XLSX

LONGEST = timedelta(days=366)
HEADS = (
    ("上门（次）", "visits"),
    ("准点（%）", "punctuality"),
    ("老人（位）", "elders"),
    ("老人见到的护理员（人）", "carers_an_elder"),
    ("服务（分钟）", "service"),
    ("路上占比（%）", "travel_share"),
    ("在岗利用率（%）", "utilisation"),
    ("派单通知（次）", "asked"),
    ("不能去（次）", "declined"),
    ("超时未答（次）", "expired"),
    ("拒单率（%）", "refusals"),
)


class PeriodForm(forms.Form):
    """Which days, and by what they are told apart."""

    first = forms.DateField(label="从", widget=DayInput())
    last = forms.DateField(label="到", widget=DayInput())
    by = forms.ChoiceField(label="按", choices=[(PROVIDER, "服务商"), (STREET, "街道（乡镇）")])

    def clean(self) -> dict[str, Any]:
        """Keep the days in order and within a year."""
        data = super().clean() or {}
        first, last = data.get("first"), data.get("last")
        if first and last and last < first:
            self.add_error("last", "结束日期早于开始日期。")
        elif first and last and last - first > LONGEST:
            self.add_error("last", "一次最多看一年。")
        return data


def outcomes_view(request: HttpRequest, *, pages: Pages) -> HttpResponse:
    """Show the figures of a period, this month unless asked otherwise."""
    asked: dict[str, Any] = {"first": today().replace(day=1), "last": today(), "by": PROVIDER}
    form = PeriodForm(request.GET or None, initial=asked)
    rows: list[Outcome] = []
    total = None
    if not form.is_bound or form.is_valid():
        asked = form.cleaned_data if form.is_bound else asked
        rows, total = outcomes(asked["first"], asked["last"], asked["by"])
    may_export = person(request).may("dispatch.export")
    if request.GET.get("format") == "xlsx" and may_export and total is not None:
        return _spreadsheet(request, pages, asked, [*rows, total])
    query = request.GET.copy()
    query.update({name: str(value) for name, value in asked.items() if name not in query})
    query["format"] = "xlsx"
    context = {
        "pages": pages,
        "form": form,
        "heads": [head for head, _name in HEADS],
        "rows": [(each.name, _cells(each)) for each in rows],
        "total": _cells(total) if total is not None else [],
        "export": f"?{query.urlencode()}" if may_export and rows else "",
    }
    return render(request, "dispatch/outcomes.html", context)


def _cells(outcome: Outcome) -> list[float | None]:
    return [getattr(outcome, name) for _head, name in HEADS]


def _spreadsheet(request: HttpRequest, pages: Pages, asked: dict[str, Any], rows: list[Outcome]) -> HttpResponse:
    first: date = asked["first"]
    period = f"{first:%Y%m%d}-{asked['last']:%Y%m%d}"
    note_export(user=person(request), pages=pages, rows=len(rows), reason="派单成效统计", subject=period)
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_numbers": False})
    sheet = book.add_worksheet("派单成效")
    bold = book.add_format({"bold": True, "bg_color": "#EEF2F6", "border": 1})
    for index, head in enumerate(["名称", *(head for head, _name in HEADS)]):
        sheet.set_column(index, index, max(12, len(head) * 2 + 2))
        sheet.write_string(0, index, head, bold)
    for line, row in enumerate(rows, start=1):
        sheet.write_string(line, 0, row.name)
        for index, value in enumerate(_cells(row), start=1):
            if value is not None:
                sheet.write_number(line, index, value)
    sheet.freeze_panes(1, 1)
    book.close()
    answer = HttpResponse(out.getvalue(), content_type=XLSX)
    answer["Content-Disposition"] = f'attachment; filename="dispatch-{period}.xlsx"'
    return answer
