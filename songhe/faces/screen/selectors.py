"""What the leader's screen shows, each figure with the rows behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncDate
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from songhe.care.orders.flow import OrderState
from songhe.care.orders.models import Order
from songhe.care.visits.flow import VisitState
from songhe.care.visits.models import Visit
from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.console.registry import pages_named
from songhe.oversight.indicators.measures import MEASURES, Period
from songhe.oversight.indicators.selectors import Figure, figures
from songhe.oversight.indicators.services import this_month
from songhe.packs.shapes import county_shape
from songhe.registers.facilities.models import Facility
from songhe.registers.funds.selectors import money_against_budget


@dataclass(frozen=True)
class Tile:
    """One figure of the screen: what it is, how much, in what unit, and where its rows are."""

    name: str
    value: int
    unit: str
    url: str

    @property
    def is_money(self) -> bool:
        """Tell whether the value is in fen."""
        return self.unit == "分"


TILES = ("elders", "elders_in_difficulty", "entitled", "facilities", "providers", "carers")
MONTH = ("orders", "visits_verified", "served", "spent_fen", "doubts_open", "complaints_open")


def tiles(counts: Mapping[str, int], names: tuple[str, ...]) -> list[Tile]:
    """Return figures of the present month."""
    period = this_month()
    return [Tile(MEASURES[name].name, counts[name], MEASURES[name].unit, rows_url(name, period)) for name in names]


def rows_url(name: str, period: Period) -> str:
    """Return where the rows behind a period's figure are listed; empty where no page lists them."""
    measure = MEASURES[name]
    narrowed = measure.filter_for(period)
    try:
        return f"{pages_named(measure.pages).url()}{'?' + narrowed if narrowed else ''}"
    except (KeyError, NoReverseMatch):
        return ""


def indicator_figures(counts: Mapping[str, int]) -> list[tuple[Figure, str]]:
    """Return the place's indicators with the rows of their numerators."""
    period = this_month()
    return [(figure, rows_url(figure.indicator.numerator, period)) for figure in figures(counts)]


def budget(area: Area) -> list[Any]:
    """Return how this year's budget lines stand."""
    day = today()
    return money_against_budget(area, date(day.year, 1, 1), date(day.year, 12, 31))


def _planned_today() -> QuerySet[Visit]:
    """Return the visits planned for today.

    Walls keep a range from its index. What was verified before today was not planned for it, so the states' and the
    verification's indexes leave only a day's rows to look at.
    """
    morning = timezone.make_aware(datetime.combine(today(), time()))
    others = [state for state in VisitState if state != VisitState.VERIFIED]
    return Visit.objects.filter(
        Q(state__in=others) | Q(verified_at__gte=morning), planned__overlap=(morning, morning + timedelta(days=1))
    )


def visits_today() -> dict[str, int]:
    """Return today's visits by state."""
    counted = dict(_planned_today().order_by().values_list("state").annotate(Count("id")))
    return {label: counted.get(state, 0) for state, label in VisitState.choices if counted.get(state)}


def latest_orders(most: int = 8) -> list[Order]:
    """Return the orders placed last."""
    return list(Order.objects.select_related("area", "service", "provider").order_by("-id")[:most])


def alerts() -> list[tuple[str, int, str]]:
    """Return what is not going well now: a sentence, how often, and where to look."""
    waiting = Order.objects.filter(state=OrderState.ASKED).count()
    late = Order.objects.filter(
        state__in=[OrderState.ASKED, OrderState.DISPATCHED], wanted_from__lt=timezone.now()
    ).count()
    doubtful = Visit.objects.filter(state=VisitState.DOUBTFUL).count()
    orders, visits = reverse("console:orders-order-list"), reverse("console:visits-visit-list")
    found = [
        ("订单过了期望时间还没有派人", late, f"{orders}?state={OrderState.DISPATCHED}"),
        ("订单等待派给服务商", waiting, f"{orders}?state={OrderState.ASKED}"),
        ("上门服务存疑待判", doubtful, f"{visits}?state={VisitState.DOUBTFUL}"),
    ]
    return [each for each in found if each[1]]


def services_by_day(days: int = 30) -> list[tuple[str, int]]:
    """Return how many visits were verified on each of the last days."""
    first = today() - timedelta(days=days - 1)
    since = timezone.make_aware(datetime.combine(first, time()))
    rows = Visit.objects.filter(state=VisitState.VERIFIED, verified_at__gte=since)
    by_day = rows.order_by().annotate(day=TruncDate("verified_at")).values_list("day")
    counted = dict(by_day.annotate(Count("id")))
    return [(f"{day:%m-%d}", counted.get(day, 0)) for day in (first + timedelta(days=offset) for offset in range(days))]


def map_features(area: Area) -> dict[str, Any]:
    """Return the map: county shapes, facilities as points, today's visits as points."""
    counties = Area.objects.filter(
        level=Area.Level.COUNTY, code__gte=area.code - area.code % 10**6, code__lt=area.upper
    )
    shapes = []
    for county in counties:
        geometry = county_shape(county.code)
        if geometry is not None:
            properties = {"name": county.name}
            shapes.append({"type": "Feature", "geometry": geometry, "properties": properties})
    return {"counties": _collection(shapes), "facilities": _collection(_facilities()), "visits": _collection(_visits())}


def _collection(features: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": features}


def _point(longitude: Any, latitude: Any, **properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [longitude, latitude]},
        "properties": properties,
    }


def _facilities() -> list[dict[str, Any]]:
    rows = Facility.objects.filter(latitude__isnull=False).values_list("longitude", "latitude", "name", "kind__name")
    return [_point(longitude, latitude, name=name, kind=kind) for longitude, latitude, name, kind in rows]


def _visits() -> list[dict[str, Any]]:
    rows = (
        _planned_today()
        .exclude(state=VisitState.CANCELLED)
        .values_list("elder__longitude", "elder__latitude", "state", "service__name")
    )
    return [
        # Rounded to about a hundred metres: a screen on a wall is no place for addresses.
        _point(round(longitude, 3), round(latitude, 3), state=VisitState(state).label, service=service)
        for longitude, latitude, state, service in rows
        if longitude is not None and latitude is not None
    ]
