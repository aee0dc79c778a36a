"""The care map: every facility of the place, and how far on foot it reaches.

The public one is read under the scope of somebody who may act for nobody, so that only what every kind of person may
read is there, whatever the page asks for.
"""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.console.views.access import person, signed_in
from songhe.core.scope.services import Scope, use
from songhe.faces.caremap import selectors
from songhe.faces.caremap.forms import MapForm, PublicForm


def _form(request: HttpRequest) -> MapForm:
    if not person(request).may("facilities.view"):
        raise PermissionDenied("“养老地图”需要 facilities.view 权限。")
    return MapForm(request.GET)


@signed_in
def home(request: HttpRequest) -> HttpResponse:
    """Show the map, and the same facilities as a list beside it."""
    form = _form(request)
    chosen = form.cleaned_data if form.is_valid() else {}
    rows = list(selectors.facilities_for(on=today(), **chosen)[: selectors.SHOWN])
    context = {"form": form, "rows": rows, "unplaced": sum(row.latitude is None for row in rows)}
    return render(request, "caremap/home.html", context)


@signed_in
def map_data(request: HttpRequest) -> JsonResponse:
    """Give the map its shapes, points and circles."""
    form = _form(request)
    chosen = form.cleaned_data if form.is_valid() else {}
    rows = selectors.facilities_for(on=today(), **chosen)[: selectors.SHOWN]
    return JsonResponse(selectors.features(rows, today(), Area.objects.filter(level=Area.Level.COUNTY)))


PUBLIC = Scope.of_persons(())


def public(request: HttpRequest) -> HttpResponse:
    """Show everybody the facilities that are open, with address, telephone, hours and published prices."""
    with use(PUBLIC):
        form = PublicForm(request.GET)
        chosen = form.cleaned_data if form.is_valid() else {}
        rows = list(selectors.open_facilities(on=today(), **chosen)[: selectors.SHOWN])
        service = chosen.get("service")
        prices = selectors.prices_of(service, today()) if service is not None else {}
        shown = [
            (row, prices.get(term.provider_id) if (term := next(iter(getattr(row, "operating", ())), None)) else None)
            for row in rows
        ]
        return render(request, "caremap/public.html", {"form": form, "rows": shown, "service": service})


def public_data(request: HttpRequest) -> JsonResponse:
    """Give the public map its shapes, points and circles."""
    with use(PUBLIC):
        form = PublicForm(request.GET)
        chosen = form.cleaned_data if form.is_valid() else {}
        rows = selectors.open_facilities(on=today(), **chosen)[: selectors.SHOWN]
        counties = Area.objects.filter(level=Area.Level.COUNTY)
        return JsonResponse(selectors.features(rows, today(), counties))
