"""The one search box: name, pinyin, initials, identity number or phone, over all pages a person may see."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from songhe.core.console.registry import all_pages
from songhe.core.console.views.access import led_to, person, signed_in

ROWS = 6


@require_POST
@signed_in
def search_view(request: HttpRequest) -> HttpResponse:
    """Show the first rows of each set of pages that match; one single match is opened at once."""
    user = person(request)
    text = request.POST.get("q", "").strip()[:100]
    groups: list[dict[str, Any]] = []
    if text:
        for pages in all_pages():
            if not pages.search_everywhere or pages.search is None or not pages.may(user, "view"):
                continue
            rows = pages.search(pages.get_queryset(request), text).order_by(*pages.default_ordering())
            found = list(rows[: ROWS + 1])
            if found:
                lines = [(obj, pages.link(obj), pages.subtitle(obj)) for obj in found[:ROWS]]
                groups.append({"pages": pages, "lines": lines, "more": len(found) > ROWS, "url": pages.list_url})
    only = groups[0]["lines"] if len(groups) == 1 and not groups[0]["more"] else []
    if len(only) == 1 and only[0][1]:
        return led_to(request, only[0][1])
    return render(request, "console/search.html", {"text": text, "groups": groups})
