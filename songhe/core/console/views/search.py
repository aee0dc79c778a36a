"""The one search box on every page: whatever the person may see, by name, number, telephone, address or provider."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from songhe.core.accounts.models import User
from songhe.core.console.pages import Pages
from songhe.core.console.registry import all_pages
from songhe.core.console.views.access import led_to, person, signed_in

ROWS = 6


@require_POST
@signed_in
def search_view(request: HttpRequest) -> HttpResponse:
    """Show the first rows of each set of pages that match; one single match is opened at once.

    ``part`` asks for the short list under the box while somebody types. Where nothing matches, what was typed almost
    right is looked for; what lies outside the person's scope is not there either way.
    """
    user = person(request)
    text = request.POST.get("q", "").strip()[:100]
    part = "part" in request.POST
    # While somebody types, only where nothing else was found: a short list need not be complete.
    groups, nearby = found_everywhere(request, user, text, briefly=part)
    context = {"text": text, "groups": groups, "nearby": nearby}
    if part:
        return render(request, "console/parts/found.html", context)
    only = groups[0]["lines"] if len(groups) == 1 and not groups[0]["more"] else []
    if len(only) == 1 and only[0][1]:
        return led_to(request, only[0][1])
    return render(request, "console/search.html", context)


def found_everywhere(
    request: HttpRequest, user: User, text: str, *, briefly: bool = False
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the first rows of each set of pages that match, and those that almost do on pages where none match.

    ``briefly`` looks for the latter only where nothing matches at all.
    """
    groups = _groups(request, user, text, "search") if text else []
    nearby = _groups(request, user, text, "search_nearby") if text and not (briefly and groups) else []
    exact = [group["pages"] for group in groups]
    return groups, [group for group in nearby if group["pages"] not in exact]


def _groups(request: HttpRequest, user: User, text: str, how: str) -> list[dict[str, Any]]:
    found = [
        group
        for pages in all_pages()
        if pages.search_everywhere and getattr(pages, how) is not None and pages.may(user, "view")
        if (group := _group(request, pages, text, how)) is not None
    ]
    return sorted(found, key=lambda group: not group["exact"])


def _group(request: HttpRequest, pages: Pages, text: str, how: str) -> dict[str, Any] | None:
    rows = getattr(pages, how)(pages.get_queryset(request), text).order_by(*pages.default_ordering())
    found = list(rows[: ROWS + 1])
    if not found:
        return None
    return {
        "pages": pages,
        "lines": [(obj, pages.link(obj), pages.subtitle(obj)) for obj in found[:ROWS]],
        "more": len(found) > ROWS,
        "url": pages.list_url,
        "exact": any(str(obj) == text for obj in found[:ROWS]),
    }
