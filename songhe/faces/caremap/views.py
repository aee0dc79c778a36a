"""The care map: every facility of the place, and how far on foot it reaches."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.console.views.access import person, signed_in
from songhe.faces.caremap import selectors
from songhe.faces.caremap.forms import MapForm


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
