"""What the care map shows: facilities as points, how far on foot each reaches, county shapes beneath."""

import math
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from songhe.core.areas.models import Area
from songhe.core.validity import in_force
from songhe.packs.shapes import county_shape
from songhe.registers.catalogue.models import ProviderService, Service
from songhe.registers.facilities.models import Facility, FacilityKind, Norm, Operation
from songhe.registers.facilities.selectors import search, with_operator

EARTH_M = 6_371_008.8
CORNERS = 48
SHOWN = 5_000


def facilities_for(
    *,
    on: date,
    kind: FacilityKind | None = None,
    service: Service | None = None,
    area: Area | None = None,
    name: str = "",
) -> QuerySet[Facility]:
    """Return the facilities that are not closed, narrowed; those of a service are run by whoever offers it that day."""
    rows = Facility.objects.exclude(state=Facility.State.CLOSED).select_related("kind", "area")
    if kind is not None:
        rows = rows.filter(kind=kind)
    if area is not None:
        rows = rows.filter(area_id__gte=area.code, area_id__lt=area.upper)
    if service is not None:
        offering = ProviderService.objects.filter(in_force(on), service=service).values("provider")
        rows = rows.filter(pk__in=Operation.objects.filter(in_force(on), provider__in=offering).values("facility"))
    if name:
        rows = search(rows, name)
    return with_operator(on, rows).order_by("area_id", "name")


def open_facilities(*, on: date, **chosen: Any) -> QuerySet[Facility]:
    """Return the facilities that are open to everybody now, narrowed, with their opening hours."""
    rows = facilities_for(on=on, **chosen).filter(state=Facility.State.OPEN)
    return rows.prefetch_related("opening_hours")


def prices_of(service: Service, on: date) -> dict[Any, int]:
    """Return what each provider has published as its price of a service, in fen, by the provider's id."""
    return dict(ProviderService.objects.filter(in_force(on), service=service).values_list("provider_id", "price_fen"))


def reach_by_kind(on: date) -> dict[Any, Decimal]:
    """Return the service radius, in metres, that the place's norms set for each kind of facility."""
    norms = Norm.objects.filter(in_force(on), measure="service_radius_m", maximum__isnull=False)
    return {kind: maximum for kind, maximum in norms.values_list("kind_id", "maximum") if maximum is not None}


def circle(latitude: float, longitude: float, metres: float) -> list[list[float]]:
    """Return the corners (longitude, latitude) of a circle on the ground, the first one again at the end."""
    north = math.degrees(metres / EARTH_M)
    east = north / math.cos(math.radians(latitude))
    turns = [2 * math.pi * corner / CORNERS for corner in range(CORNERS)]
    corners = [
        [round(longitude + east * math.sin(turn), 6), round(latitude + north * math.cos(turn), 6)] for turn in turns
    ]
    return [*corners, corners[0]]


def features(rows: Iterable[Facility], on: date, counties: Iterable[Area]) -> dict[str, Any]:
    """Return the map's layers: shapes of counties, points, and the circle that a quarter of an hour's walk reaches."""
    by_norm = reach_by_kind(on)
    points, reaches = [], []
    for row in rows:
        if row.latitude is None or row.longitude is None:
            continue
        metres = row.service_radius_m or by_norm.get(row.kind_id)
        points.append(_feature("Point", [row.longitude, row.latitude], **_said(row, metres)))
        if metres:
            ring = circle(row.latitude, row.longitude, float(metres))
            reaches.append(_feature("Polygon", [ring], id=str(row.pk)))
    shapes = [
        {"type": "Feature", "geometry": shape, "properties": {"name": county.name}}
        for county in counties
        if (shape := county_shape(county.code)) is not None
    ]
    return {"counties": _collection(shapes), "facilities": _collection(points), "reaches": _collection(reaches)}


def _said(row: Facility, metres: Any) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "name": row.name,
        "kind": row.kind.name,
        "position": row.kind.position,
        "state": row.get_state_display(),
        "address": row.address,
        "phone": row.phone,
        "operator": "、".join(str(term.provider) for term in row.operating),  # type: ignore[attr-defined]
        "metres": int(metres) if metres else None,
    }


def _feature(shape: str, coordinates: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": {"type": shape, "coordinates": coordinates}, "properties": properties}


def _collection(found: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": found}
