"""Taking a list in: hand over a file, look at what would come of it, write it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from songhe.core.console.once import once
from songhe.core.console.pages import Pages
from songhe.core.console.sheets import Trial, context_of, take_in, template
from songhe.core.console.views.access import led_to, person
from songhe.core.errors import Refused
from songhe.core.ids import uuid7

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def import_view(request: HttpRequest, *, pages: Pages) -> HttpResponse:
    """Show the page; a file sent to it is tried, and written when its digest comes along as ``confirmed``."""
    user = person(request)
    assert pages.sheet is not None
    context: dict[str, Any] = {"pages": pages, "form_token": uuid7(), **context_of(pages.sheet)}
    if request.method != "POST":
        return render(request, "console/sheet.html", context)
    file = request.FILES.get("file")
    if file is None:
        return render(request, "console/parts/sheet_result.html", {**context, "error": "请先选择文件。"})
    data, found = file.read(), []

    def act() -> str:
        found.append(take_in(pages.sheet, data, user=user, confirmed=request.POST.get("confirmed", "")))  # type: ignore[arg-type]
        return pages.url()

    try:
        # A trial leaves no token behind, so that the same page may be sent again to be written.
        address = once(request, user, act) if request.POST.get("confirmed") else act()
    except Refused as error:
        return render(request, "console/parts/sheet_result.html", {**context, "error": error.message})
    trial: Trial | None = found[0] if found else None
    if trial is not None and not trial.applied:
        return render(request, "console/parts/sheet_result.html", {**context, "trial": trial})
    if trial is not None:
        counts = trial.counts
        messages.success(
            request, f"已导入：新增 {counts['new']} 条，更新 {counts['changed']} 条，相同 {counts['same']} 条。"
        )
    return led_to(request, address)


def template_view(request: HttpRequest, *, pages: Pages) -> HttpResponse:
    """Hand out the empty spreadsheet."""
    assert pages.sheet is not None
    response = HttpResponse(template(pages.sheet, pages.heading), content_type=XLSX)
    response["Content-Disposition"] = "attachment; filename=template.xlsx"
    return response
