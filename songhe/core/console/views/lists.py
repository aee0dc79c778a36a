"""The list of a set of pages, and what is done from it: look-up, columns, exact totals, export."""

from typing import Any

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from songhe.core.accounts.returning import is_part
from songhe.core.calendar.services import today
from songhe.core.console import exporting
from songhe.core.console.export import write_xlsx
from songhe.core.console.listing import SIZES, Listing
from songhe.core.console.models import Preference
from songhe.core.console.notes import note_export
from songhe.core.console.pages import Pages
from songhe.core.console.tables import table_for
from songhe.core.console.views.access import led_to, person

LOOKUP_ROWS = 12
# Sums over more rows than this are worked out only when asked for.
TOTAL_AT_ONCE = 2_000


def list_view(request: HttpRequest, *, pages: Pages) -> HttpResponse:
    """Show the list; a POST carries a search that may hold a personal number, so it changes nothing and is not kept."""
    user = person(request)
    listing = Listing(pages, request, user)
    bulk = [action for action in pages.bulk if user.may(action.permission)]
    context = {
        "pages": pages,
        "listing": listing,
        "table": table_for(listing, choosable=bool(bulk)),
        "headings": list(listing.headings()),
        "bulk": bulk,
        "sizes": SIZES,
        "totals": listing.totals() if pages.totals and listing.count <= TOTAL_AT_ONCE else None,
        "actions": [action for action in pages.extra_actions if action.shown(user)],
        "may_create": pages.may(user, "create"),
        "may_import": pages.may(user, "import"),
        "may_export": pages.may(user, "export"),
        "columns": _choices(listing),
    }
    if is_part(request):
        response = render(request, pages.rows_template, context)
        response["HX-Push-Url"] = listing.address
        return response
    return render(request, pages.list_template, context)


def _choices(listing: Listing) -> list[dict[str, Any]]:
    shown = {column.key for column in listing.columns}
    return [
        {"key": column.key, "label": listing.pages.label(column), "shown": column.key in shown, "fixed": index == 0}
        for index, column in enumerate(listing.pages.all_columns)
    ]


def count_view(request: HttpRequest, *, pages: Pages) -> HttpResponse:
    """Count and sum exactly what the list was narrowed to; asked for by a person, because it may take a while."""
    listing = Listing(pages, request, person(request))
    context = {"pages": pages, "exact": listing.queryset.order_by().count(), "totals": listing.totals()}
    return render(request, "console/parts/totals.html", context)


@require_POST
def columns_view(request: HttpRequest, *, pages: Pages) -> HttpResponse:
    """Save which columns this person wants to see; ``reset`` goes back to the usual ones."""
    user = person(request)
    known = [column.key for column in pages.all_columns]
    chosen = [key for key in known if key in request.POST.getlist("column")]
    rows = Preference.objects.filter(user=user, page=pages.key)
    if "reset" in request.POST or not chosen:
        rows.delete()
    else:
        Preference.objects.update_or_create(user=user, page=pages.key, defaults={"value": {"columns": chosen}})
    return led_to(request, Listing(pages, request, user).address)


@require_POST
def lookup_view(request: HttpRequest, *, pages: Pages) -> HttpResponse:
    """Return the records whose name or number was typed, for picking one in a form."""
    text = request.POST.get("q", "").strip()[:100]
    filters = pages.filter_kind
    rows = pages.get_queryset(request)
    if filters is not None:
        rows = filters(request.GET, queryset=rows, request=request).qs
    if text and pages.search is not None:
        rows = pages.search(rows, text)
    found = list(rows.order_by(*pages.default_ordering())[:LOOKUP_ROWS])
    lines = [{"pk": obj.pk, "text": str(obj), "note": pages.subtitle(obj)} for obj in found]
    return render(request, "console/widgets/lookup_rows.html", {"lines": lines, "text": text})


def export_view(request: HttpRequest, *, pages: Pages) -> HttpResponseBase:
    """Ask for the reason, then hand over the spreadsheet and note who took what out; a large one is left to a job."""
    user = person(request)
    listing = Listing(pages, request, user)
    later = listing.count > settings.EXPORT_AT_ONCE_ROWS
    context = {"pages": pages, "listing": listing, "carried": carried(request, "reason"), "later": later}
    if "reason" not in request.POST:
        return render(request, "console/dialogs/export.html", context)
    reason = request.POST["reason"].strip()
    if len(reason) < 2:
        return render(request, "console/dialogs/export.html", {**context, "error": "请写明导出的用途。"})
    if later:
        exporting.ask(listing=listing, reason=reason, subject=describe(listing))
        return led_to(request, reverse("console:downloads"))
    path, count = write_xlsx(listing.pages, listing.columns, listing.queryset)
    try:
        note_export(user=user, pages=pages, rows=count, reason=reason, subject=describe(listing))
        handle = path.open("rb")
    finally:
        # The open handle keeps the content until it has been sent; nothing stays on disk.
        path.unlink()
    name = f"{pages.heading}-{today():%Y%m%d}.xlsx"
    return FileResponse(handle, as_attachment=True, filename=name)


def carried(request: HttpRequest, *own: str) -> list[tuple[str, str]]:
    """Return what the list was asked with, for a dialog's form; ``own`` are the dialog's own fields."""
    return [
        (key, value)
        for key, values in request.POST.lists()
        for value in values
        if key not in ("csrfmiddlewaretoken", *own) and value
    ]


def describe(listing: Listing) -> str:
    """Return in words what a list was narrowed to, without the searched text itself."""
    parts = [f"{label}：{text}" for _names, label, text in listing.active_filters]
    if listing.text:
        parts.append("按姓名或号码搜索")
    return f"{listing.pages.heading}（{'；'.join(parts) or '全部'}）"[:200]
