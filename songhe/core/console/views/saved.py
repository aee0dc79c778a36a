"""The filters kept under a name: listed in a menu, kept from a dialog, removed by whoever kept them."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from songhe.core.console import saved
from songhe.core.console.listing import Listing
from songhe.core.console.pages import Pages
from songhe.core.console.views.access import led_to, person
from songhe.core.console.views.lists import carried
from songhe.core.errors import Refused


def filters_view(request: HttpRequest, *, pages: Pages) -> HttpResponse:
    """Show the menu of kept filters; by POST, ask under which name to keep the list's present ones, and keep them."""
    user = person(request)
    if request.method != "POST":
        kept = saved.filters_of(pages.key)
        return render(request, "console/parts/filters.html", {"pages": pages, "kept": kept, "user": user})
    listing = Listing(pages, request, user)
    own = {"name": "", "is_shared": False}
    context = {"pages": pages, "listing": listing, "carried": carried(request, "filter_name", "filter_shared"), **own}
    if "filter_name" not in request.POST:
        return render(request, "console/dialogs/filter.html", context)
    name, is_shared = request.POST["filter_name"], "filter_shared" in request.POST
    query = listing.query(page="")
    try:
        new = saved.keep(user=user, page=pages.key, name=name, query=query, is_shared=is_shared)
    except Refused as error:
        context |= {"error": error.message, "name": name, "is_shared": is_shared}
        return render(request, "console/dialogs/filter.html", context)
    messages.success(request, f"筛选“{new.name}”已保存，可在“常用筛选”中打开。")
    return led_to(request, f"{pages.list_url}{new.query}")


@require_POST
def forget_view(request: HttpRequest, *, pages: Pages, filter_id: UUID) -> HttpResponse:
    """Remove one of the person's own filters and show the menu anew."""
    user = person(request)
    saved.forget(user=user, page=pages.key, filter_id=filter_id)
    kept = saved.filters_of(pages.key)
    return render(request, "console/parts/filters.html", {"pages": pages, "kept": kept, "user": user})
