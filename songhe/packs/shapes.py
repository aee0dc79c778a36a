"""County shapes, read from the installed package geotool-cn (WGS-84), whose data may not be passed on.

Maps that show them say 边界仅供示意.
"""

from functools import cache
from typing import Any

from GeoToolCN import GeoTool

SCALE = 100_000
"""The package keeps degrees as whole hundred-thousandths."""


@cache
def county_shape(code: int) -> dict[str, Any] | None:
    """Return a county's GeoJSON geometry by its 12-digit code, or None where the package has none."""
    tool = GeoTool()
    try:
        data = tool._data
        index = data.index_of(str(code)[:6])
        if index is None:
            return None
        _box, polygons = data.geometry(index)
    finally:
        tool.close()
    return {"type": "MultiPolygon", "coordinates": [_rings(polygon) for polygon in polygons]}


def _rings(polygon: Any) -> list[list[list[float]]]:
    return [[[x / SCALE, y / SCALE] for x, y in zip(xs, ys, strict=True)] for xs, ys in polygon]
