"""Distances on the ground."""

from math import asin, cos, radians, sin, sqrt

EARTH_RADIUS = 6_371_008.8


def metres_between(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Return the great-circle distance between two WGS-84 points, in metres."""
    north, east = radians(other_latitude - latitude), radians(other_longitude - longitude)
    half = sin(north / 2) ** 2 + cos(radians(latitude)) * cos(radians(other_latitude)) * sin(east / 2) ** 2
    return 2 * EARTH_RADIUS * asin(sqrt(half))
