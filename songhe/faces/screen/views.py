"""One screen: is it going well, and where is it not."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from songhe.core.areas.models import Area
from songhe.core.calendar.services import now
from songhe.core.console.views.access import person, signed_in
from songhe.faces.screen import selectors
from songhe.oversight.indicators.selectors import readings
from songhe.oversight.indicators.services import take_readings, this_month


def _area(request: HttpRequest) -> Area:
    """Return the division shown: the one asked for within the person's own, or their own."""
    user = person(request)
    if not user.may("screen.view") or user.area is None:
        raise PermissionDenied
    asked = request.GET.get("area", "")
    if asked.isdigit():
        return get_object_or_404(Area, code=int(asked), code__gte=user.area.code, upper__lte=user.area.upper)
    return user.area


@signed_in
def home(request: HttpRequest) -> HttpResponse:
    """Show the screen."""
    area = _area(request)
    return render(request, "screen/home.html", {**_figures(area), "by_day": selectors.services_by_day()})


@signed_in
def live(request: HttpRequest) -> HttpResponse:
    """Show the parts that change by the minute, for the screen to fetch anew."""
    return render(request, "screen/_live.html", _figures(_area(request)))


@require_POST
@signed_in
def recount(request: HttpRequest) -> HttpResponse:
    """Count the figures now instead of waiting for the job that does."""
    area = _area(request)
    take_readings(area=area, period=this_month())
    return redirect(f"{reverse('screen:home')}?area={area.code}")


@signed_in
def map_data(request: HttpRequest) -> JsonResponse:
    """Give the map its shapes and points."""
    return JsonResponse(selectors.map_features(_area(request)))


def _figures(area: Area) -> dict[str, object]:
    counted = readings(area, this_month())
    return {
        "area": area,
        "now": now(),
        "taken_at": counted.taken_at,
        "tiles": selectors.tiles(counted.values, selectors.TILES),
        "month_tiles": selectors.tiles(counted.values, selectors.MONTH),
        "indicators": selectors.indicator_figures(counted.values),
        "budget": selectors.budget(area),
        "today": selectors.visits_today(),
        "orders": selectors.latest_orders(),
        "alerts": selectors.alerts(),
    }
