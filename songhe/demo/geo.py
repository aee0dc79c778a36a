"""Where the demo region's communities lie: points inside each county's shape, fixed by the division's code.

Shapes come from the installed package geotool-cn (WGS-84); its data may not be passed on, so none of it is kept here.
"""

from collections.abc import Iterable
from random import Random

from GeoToolCN import GeoTool

TRIES = 400
SPREAD = 0.018
"""How far a township's communities lie from its middle, in degrees (about two kilometres)."""


def centres(communities: Iterable[tuple[int, int]]) -> dict[int, tuple[float, float]]:
    """Return a latitude and longitude for each community, given as (code, township code), inside its county."""
    tool = GeoTool()
    townships: dict[int, tuple[float, float]] = {}
    found: dict[int, tuple[float, float]] = {}
    for code, township in communities:
        county = str(code)[:6]
        if township not in townships:
            townships[township] = _inside(tool, county, Random(township), _middle(tool, county), 0.12)
        found[code] = _inside(tool, county, Random(code), townships[township], SPREAD)
    tool.close()
    return found


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
