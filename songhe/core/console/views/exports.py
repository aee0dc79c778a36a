"""A person's own exports: how far they are, stopping them, and taking the file."""

from uuid import UUID

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from songhe.core.accounts.returning import is_part
from songhe.core.calendar.services import today
from songhe.core.console import exporting
from songhe.core.console.registry import pages_named
from songhe.core.console.views.access import led_to, person, signed_in


@signed_in
@require_safe
def exports_view(request: HttpRequest) -> HttpResponse:
    """Show the exports the person asked for; the part of the page asks again by itself while one is under way."""
    rows = exporting.mine(person(request))
    context = {
        "exports": [(row, _list_url(row.page, row.query)) for row in rows],
        "under_way": any(row.is_under_way for row in rows),
        "kept_hours": settings.EXPORT_KEPT_HOURS,
    }
    return render(request, "console/parts/exports.html" if is_part(request) else "console/exports.html", context)


def _list_url(page: str, query: str) -> str:
    try:
        url = pages_named(page).list_url
    except KeyError:
        return reverse("console:home")
    return f"{url}?{query}" if query else url


@signed_in
@require_POST
def cancel_view(request: HttpRequest, export_id: UUID) -> HttpResponse:
    """Stop an export, or remove its file."""
    exporting.cancel(export_id=export_id, user=person(request))
    return led_to(request, reverse("console:downloads"))


@signed_in
@require_POST
def fetch_view(request: HttpRequest, export_id: UUID) -> HttpResponseBase:
    """Hand over the file and note who took it."""
    row, handle = exporting.fetch(export_id=export_id, user=person(request))
    name = f"{pages_named(row.page).heading}-{today():%Y%m%d}.xlsx"
    response = FileResponse(handle, as_attachment=True, filename=name)
    response["Cache-Control"] = "private, no-store"
    return response
