"""Where the demo region's communities lie: points inside each county's shape, fixed by the division's code.

Shapes come from the installed package geotool-cn (WGS-84); its data may not be passed on, so none of it is kept here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import cos, pi, sin
from random import Random

from GeoToolCN import GeoTool

TRIES = 400
REACH = 0.006
"""How far a community stretches from its middle, in degrees (some 600 metres)."""
SPREAD = 0.018
"""How far a township's communities lie from its middle, in degrees (about two kilometres)."""


@dataclass(frozen=True)
class Community:
    """The middle of a community in WGS-84, and how far it stretches, in degrees."""

    latitude: float
    longitude: float
    reach: float


def communities(areas: Iterable[tuple[int, int]]) -> dict[int, Community]:
    """Return where each community lies, given as (code, township code): its middle is inside its county, as all of it.

    The same codes give the same places.
    """
    tool = GeoTool()
    townships: dict[int, tuple[float, float]] = {}
    found: dict[int, Community] = {}
    for code, township in areas:
        county = str(code)[:6]
        if township not in townships:
            townships[township] = _inside(tool, county, Random(township), _middle(tool, county), 0.12)
        middle = _inside(tool, county, Random(code), townships[township], SPREAD)
        found[code] = Community(*middle, _reach(tool, county, middle))
    tool.close()
    return found


def _reach(tool: GeoTool, county: str, middle: tuple[float, float]) -> float:
    """Return how far the community may stretch on all sides without leaving its county."""
    reach = REACH
    while reach > REACH / 40 and not all(
        tool.is_in_region(middle[0] + reach * part * sin(angle), middle[1] + reach * part * cos(angle), county)
        for angle in (pi * eighth / 4 for eighth in range(8))
        for part in (0.5, 1)
    ):
        reach /= 2
    return reach


def _middle(tool: GeoTool, county: str) -> tuple[float, float]:
    region = tool.get_region(county)
    if region is None or region.latitude is None or region.longitude is None:
        raise LookupError(f"geotool-cn 没有 {county} 的位置。")
    return region.latitude, region.longitude


def _inside(
    tool: GeoTool, county: str, random: Random, around: tuple[float, float], spread: float
) -> tuple[float, float]:
    for _ in range(TRIES):
        latitude = around[0] + random.uniform(-spread, spread)
        longitude = around[1] + random.uniform(-spread, spread)
        if tool.is_in_region(latitude, longitude, county):
            return round(latitude, 6), round(longitude, 6)
    return around
