"""For tests that use Songhe as its people do: a server of its own on a copy of Anqing, and a Chromium at its door."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, sync_playwright
from psycopg import sql

from songhe.config import database
from songhe.config.paths import KEYRING, VAR
from tests.visitor import Site, Visitor

ROOT = Path(__file__).parent.parent
# The browser's loop runs in this thread, where Django would otherwise refuse to ask its database anything.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


def _administrator() -> psycopg.Connection:
    return psycopg.connect(database.server().conninfo(dbname="postgres"), autocommit=True)


def _copy(template: str, name: str) -> None:
    with _administrator() as admin:
        _drop(admin, name)
        statement = "CREATE DATABASE {} TEMPLATE {} STRATEGY WAL_LOG"
        admin.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Identifier(template)))


def _drop(admin: psycopg.Connection, name: str) -> None:
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(name: str, var: Path) -> dict[str, str]:
    """Return the environment of a server whose uploads go to ``var`` but whose database and keys are the tests' own."""
    (var / "database-passwords").symlink_to(VAR / "database-passwords")
    environment = {key: value for key, value in os.environ.items() if key not in ("SONGHE_AS", "DATABASE_URL")}
    here = database.server()
    environment["DATABASE_URL"] = os.environ.get("DATABASE_URL", f"postgresql://{here.admin}@/songhe?host={here.host}")
    return environment | {
        "SONGHE_DB": name,
        "SONGHE_VAR": str(var),
        "SONGHE_KEYRING": str(KEYRING),
        "SONGHE_SECRET_KEY": "only for tests",
        "SONGHE_DEMO": "1",
        # The longest list there is, the divisions', is to be too long to export at once.
        "SONGHE_EXPORT_AT_ONCE_ROWS": "1000",
    }


def _await(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/accounts/login/", timeout=60):
                return
        except urllib.error.HTTPError as error:
            raise AssertionError(f"登录页 {error.code}：{log.read_text()[-4000:]}") from error
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"服务没有启动：{log.read_text()[-4000:]}")


@pytest.fixture(scope="session")
def _server(anqing_region: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Serve a database of its own, under the walls, from a process of its own."""
    name, var, port = f"songhe_live_{os.getpid()}", tmp_path_factory.mktemp("var"), _free_port()
    _copy(anqing_region, name)
    command = [sys.executable, "-W", "ignore", "-m", "granian", "--interface", "wsgi", "--workers", "1"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--blocking-threads", "4", "--log-level", "warning"]
    log = var / "server.log"
    environment = _environment(name, var)
    with log.open("wb") as out:
        server = subprocess.Popen(
            [*command, "tests.clocked:application"],
            cwd=ROOT,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    site = Site(f"http://127.0.0.1:{port}", name, log, anqing_region, environment)
    try:
        _await(site.address, server, log)
        yield site
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        with _administrator() as admin:
            _drop(admin, name)
        shutil.rmtree(var, ignore_errors=True)


@pytest.fixture(scope="module")
def live_site(_server: Site, request: pytest.FixtureRequest) -> Site:
    """A served Anqing, as the demo left it when this module began; what its tests do stays until the module ends.

    A module that names another fixture's region in ``REGION`` gets that one.
    """
    named = getattr(request.module, "REGION", None)
    region = request.getfixturevalue(named) if named else _server.region
    if _server.used or region != _server.region:
        _copy(region, _server.database)
        _server.set_clock(None)
    _server.used = True
    return _server


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for the whole run."""
    from songhe.config.browser import ARGUMENTS, browser_environment, chromium_path

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(chromium_path()), args=list(ARGUMENTS), env=dict(browser_environment())
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(live_site: Site, chromium: Browser) -> Iterator[Callable[..., Visitor]]:
    """Open a browser window: ``visit("operator", width=390)``; at the end none of them may have met an error."""
    visitors: list[Visitor] = []

    def open_window(username: str | None = None, *, width: int = 1440) -> Visitor:
        visitor = Visitor.open(live_site, chromium, width=width)
        visitors.append(visitor)
        if username:
            visitor.sign_in(username)
        return visitor

    yield open_window
    errors = [error for visitor in visitors for error in visitor.errors]
    for visitor in visitors:
        visitor.context.close()
    assert errors == [], "\n".join(errors)


@pytest.fixture(params=[1440, 390], ids=["desk", "phone"])
def page(request: pytest.FixtureRequest, visit: Callable[..., Visitor]) -> Visitor:
    """A window at a desk and on a phone, one after the other, with nobody signed in."""
    return visit(width=request.param)
