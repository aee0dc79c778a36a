"""How long ways take: between points by great-circle distance, from a file, or from a routing server.

Every provider returns the minutes from each place to each other for a mode of travel. What a server cannot route is
NaN, which the planner reports place by place.
"""

from __future__ import annotations

import csv
import json
import math
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from songhe.engines.dispatch.problem import DispatchError, Minutes
from songhe.engines.dispatch.ranking import EARTH_RADIUS_KM, Travel

# Public servers take about this many points in one table request.
TABLE_POINTS = 100


@dataclass(frozen=True)
class Point:
    """A place on earth in degrees; ``area`` names the region whose detour holds there."""

    latitude: float
    longitude: float
    area: str = ""


class TravelTimes(Protocol):
    """Where minutes of way come from."""

    def minutes(self, points: Sequence[Point], mode: str) -> Minutes:
        """Return the minutes from every point (rows) to every other (columns)."""
        ...


@dataclass(frozen=True)
class GreatCircle:
    """Great-circle distance times a detour at a mode's speed; ``detours`` by (mode, area), an area "" for all."""

    detours: Mapping[tuple[str, str], float] = field(default_factory=dict)
    speeds: Mapping[str, float] = field(default_factory=lambda: Travel().speeds)
    detour: float = 1.3

    def minutes(self, points: Sequence[Point], mode: str) -> Minutes:
        """Return the minutes; between two areas the greater detour holds."""
        if mode not in self.speeds:
            raise DispatchError(f"没有出行方式 {mode} 的速度")
        latitude = np.radians([point.latitude for point in points])
        longitude = np.radians([point.longitude for point in points])
        north = latitude[:, None] - latitude[None]
        east = longitude[:, None] - longitude[None]
        half = np.sin(north / 2) ** 2 + np.cos(latitude)[:, None] * np.cos(latitude)[None] * np.sin(east / 2) ** 2
        km = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))
        factor = np.array([self._detour(mode, point.area) for point in points])
        found: Minutes = km * np.maximum(factor[:, None], factor[None]) / self.speeds[mode] * 60.0
        return found

    def _detour(self, mode: str, area: str) -> float:
        return self.detours.get((mode, area), self.detours.get((mode, ""), self.detour))


@dataclass(frozen=True)
class MatrixFile:
    """A square table of minutes for each mode: CSV without a heading, or JSON as a list of rows."""

    files: Mapping[str, Path]

    def minutes(self, points: Sequence[Point], mode: str) -> Minutes:
        """Return the mode's table, whose rows are the points in their order."""
        if mode not in self.files:
            raise DispatchError(f"没有出行方式 {mode} 的路程表")
        path = self.files[mode]
        try:
            text = path.read_text(encoding="utf-8-sig")
            rows = json.loads(text) if path.suffix == ".json" else list(csv.reader(text.splitlines()))
        except (OSError, ValueError) as error:
            raise DispatchError(f"{path.name}：读不了路程表：{error}") from error
        found = np.full((len(points), len(points)), math.nan)
        if len(rows) != len(points):
            raise DispatchError(f"{path.name}：有 {len(rows)} 行，地点有 {len(points)} 个")
        for at, row in enumerate(rows):
            if len(row) != len(points):
                raise DispatchError(f"{path.name}：第 {at + 1} 行有 {len(row)} 列，应有 {len(points)} 列")
            for k, cell in enumerate(row):
                try:
                    found[at, k] = float(cell)
                except (TypeError, ValueError) as error:
                    raise DispatchError(f"{path.name}：第 {at + 1} 行第 {k + 1} 列“{cell}”不是数字") from error
        return found


@dataclass(frozen=True)
class RoutingServer:
    """A server of the OSRM (``/table/v1``) or Valhalla (``/sources_to_targets``) format, asked block by block."""

    address: str
    format: str = "osrm"
    profiles: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 10.0
    block: int = TABLE_POINTS // 2

    def minutes(self, points: Sequence[Point], mode: str) -> Minutes:
        """Return the minutes; what the server cannot route is NaN."""
        if self.format not in {"osrm", "valhalla"}:
            raise DispatchError(f"不认识的路由服务格式 {self.format}，应为 osrm 或 valhalla")
        count = len(points)
        found = np.full((count, count), math.nan)
        ask = self._osrm if self.format == "osrm" else self._valhalla
        for row in range(0, count, self.block):
            for column in range(0, count, self.block):
                sources, targets = points[row : row + self.block], points[column : column + self.block]
                seconds = ask(sources, targets, self.profiles.get(mode, mode))
                found[row : row + len(sources), column : column + len(targets)] = seconds / 60.0
        np.fill_diagonal(found, 0.0)
        return found

    def _osrm(self, sources: Sequence[Point], targets: Sequence[Point], profile: str) -> Minutes:
        both = [*sources, *targets]
        where = ";".join(f"{point.longitude:.6f},{point.latitude:.6f}" for point in both)
        query = urllib.parse.urlencode(
            {
                "sources": ";".join(map(str, range(len(sources)))),
                "destinations": ";".join(map(str, range(len(sources), len(both)))),
                "annotations": "duration",
            },
            safe=";",
        )
        answer = self._fetch(f"/table/v1/{urllib.parse.quote(profile)}/{where}?{query}")
        if answer.get("code") != "Ok":
            raise DispatchError(f"路由服务拒绝：{answer.get('message') or answer.get('code')}")
        return self._table(answer.get("durations"), len(sources), len(targets))

    def _valhalla(self, sources: Sequence[Point], targets: Sequence[Point], profile: str) -> Minutes:
        def places(points: Sequence[Point]) -> list[dict[str, float]]:
            return [{"lat": point.latitude, "lon": point.longitude} for point in points]

        answer = self._fetch(
            "/sources_to_targets", {"sources": places(sources), "targets": places(targets), "costing": profile}
        )
        rows = answer.get("sources_to_targets")
        if not isinstance(rows, list):
            raise DispatchError(f"路由服务拒绝：{answer.get('error') or '没有 sources_to_targets'}")
        table = [[cell.get("time") if isinstance(cell, dict) else None for cell in row] for row in rows]
        return self._table(table, len(sources), len(targets))

    def _table(self, rows: Any, height: int, width: int) -> Minutes:
        try:
            table = np.array([[math.nan if cell is None else float(cell) for cell in row] for row in rows])
        except (TypeError, ValueError) as error:
            raise DispatchError("路由服务的回答不是时间表") from error
        if table.shape != (height, width):
            raise DispatchError(f"路由服务回答了 {'×'.join(map(str, table.shape))} 的表，应为 {height}×{width}")
        return table

    def _fetch(self, path: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
        address = self.address.rstrip("/")
        if urllib.parse.urlsplit(address).scheme not in {"http", "https"}:
            raise DispatchError("路由服务的地址要以 http:// 或 https:// 开头")
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(address + path, data=data, headers={"Content-Type": "application/json"})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as response:  # noqa: S310
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            raise DispatchError(f"路由服务回答 {error.code}") from error
        except (OSError, ValueError) as error:
            raise DispatchError(f"路由服务用不了：{error}") from error
        if not isinstance(answer, dict):
            raise DispatchError("路由服务的回答不是时间表")
        return answer
