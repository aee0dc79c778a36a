"""Minutes of way from points, from files, and from a routing server in this process."""

import json
import math
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from songhe.engines.dispatch.problem import DispatchError
from songhe.engines.dispatch.ranking import Travel
from songhe.engines.dispatch.travel import GreatCircle, MatrixFile, Point, RoutingServer

POINTS = [Point(30.50, 117.05, "city"), Point(30.55, 117.05, "city"), Point(30.50, 117.15, "hills")]


class Stub(BaseHTTPRequestHandler):
    """Answers tables as OSRM and Valhalla do: a degree of latitude takes an hour; 117.15 east cannot be reached."""

    def do_GET(self) -> None:
        _, table, version, profile, rest = self.path.split("/", 4)
        assert (table, version, profile) == ("table", "v1", "bike")
        where, query = rest.split("?")
        points = [tuple(map(float, point.split(",")))[::-1] for point in where.split(";")]
        wanted = dict(part.split("=") for part in query.split("&"))
        rows, columns = ([points[int(k)] for k in wanted[name].split(";")] for name in ("sources", "destinations"))
        self.answer({"code": "Ok", "durations": [[seconds(a, b) for b in columns] for a in rows]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert body["costing"] == "bicycle"
        rows, columns = ([(each["lat"], each["lon"]) for each in body[name]] for name in ("sources", "targets"))
        cells = [[{"time": seconds(a, b), "distance": 1.0} for b in columns] for a in rows]
        self.answer({"sources_to_targets": cells})

    def answer(self, document: object) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(document).encode())

    def log_message(self, *args: object) -> None:
        pass


def seconds(a: tuple[float, ...], b: tuple[float, ...]) -> float | None:
    """Return what the stub says of a way."""
    return None if 117.15 in (a[1], b[1]) and a != b else round(abs(a[0] - b[0]) * 3600)


@pytest.fixture
def server() -> Iterator[str]:
    """Serve the stub."""
    httpd = HTTPServer(("127.0.0.1", 0), Stub)
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.mark.parametrize(("format", "profile"), [("osrm", "bike"), ("valhalla", "bicycle")])
def test_a_server_is_asked_block_by_block_and_what_it_cannot_route_is_not_a_number(
    server: str, format: str, profile: str
) -> None:
    found = RoutingServer(server, format=format, profiles={"ebike": profile}, block=2).minutes(POINTS, "ebike")
    assert found[0, 1] == found[1, 0] == 3.0
    assert math.isnan(found[0, 2])
    assert math.isnan(found[2, 1])
    assert found[2, 2] == 0.0


def test_a_server_that_is_away_or_of_another_kind_is_told() -> None:
    with pytest.raises(DispatchError, match="路由服务用不了"):
        RoutingServer("http://127.0.0.1:9", timeout=1.0).minutes(POINTS, "car")
    with pytest.raises(DispatchError, match="http"):
        RoutingServer("file:///etc").minutes(POINTS, "car")
    with pytest.raises(DispatchError, match="不认识的路由服务格式"):
        RoutingServer("http://127.0.0.1:9", format="graph").minutes(POINTS, "car")


def test_great_circle_agrees_with_ranking_and_takes_the_greater_detour() -> None:
    found = GreatCircle().minutes(POINTS, "ebike")
    ranked = Travel().minutes(30.50, 117.05, 30.55, 117.05, "ebike")
    assert ranked - 1 < found[0, 1] <= ranked
    assert found[0, 0] == 0.0
    hilly = GreatCircle(detours={("ebike", "hills"): 2.6}).minutes(POINTS, "ebike")
    assert hilly[0, 2] == pytest.approx(2 * found[0, 2])
    assert hilly[0, 1] == found[0, 1]
    with pytest.raises(DispatchError, match="boat"):
        GreatCircle().minutes(POINTS, "boat")


def test_a_table_is_read_from_csv_and_json_and_told_where_it_is_wrong(tmp_path: Path) -> None:
    rows = [[0, 1, 2], [3, 0, 4], [5, 6, 0]]
    table, document, bad = tmp_path / "car.csv", tmp_path / "walk.json", tmp_path / "bad.csv"
    table.write_text("\n".join(",".join(map(str, row)) for row in rows), encoding="utf-8")
    document.write_text(json.dumps(rows), encoding="utf-8")
    bad.write_text("0,1,2\n3,x,4\n5,6,0", encoding="utf-8")
    files = MatrixFile({"car": table, "walk": document, "bad": bad})
    assert files.minutes(POINTS, "car").tolist() == files.minutes(POINTS, "walk").tolist() == rows
    with pytest.raises(DispatchError, match="第 2 行第 2 列“x”不是数字"):
        files.minutes(POINTS, "bad")
    with pytest.raises(DispatchError, match="有 3 行，地点有 2 个"):
        files.minutes(POINTS[:2], "car")
    with pytest.raises(DispatchError, match="没有出行方式 bus"):
        files.minutes(POINTS, "bus")
