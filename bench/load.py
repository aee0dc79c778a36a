"""How long lists, filters, searches and records take when many clerks ask at once, beside the bare SQL of each.

    SONGHE_DEMO=1 python -m bench.load [--users 20] [--seconds 60] [--pause 2]

Serves the built region in force by the product's own server, with as many clerks signed in; each opens one page after
another, anyone's at random, and looks at it for as long as ``--pause`` says in the mean (0: asks again at once). Then
as many connections of the database's administrator run the bare SQL of the same pages in the same rhythm: no walls, no
pages. What is asked is what bench/pages.py asks.
"""

import argparse
import http.client
import os
import random
import signal
import subprocess
import threading
import time
import urllib.parse
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.pages import LIST_MS, SEED, Page, Someone, _administrator, _pages, _people, _percentile, _signed_in

WHO = "county"
TOKEN = "b" * 32
CONNECT_S = 60


@dataclass
class Answer:
    """What a page answered."""

    status_code: int


@dataclass
class Browser:
    """One signed-in clerk's connection; asks as Django's test client does, so that pages are asked the same way."""

    port: int
    session: str
    connection: http.client.HTTPConnection | None = None

    def get(self, path: str) -> Answer:
        """Open a page."""
        return self._ask("GET", path, None)

    def post(self, path: str, data: dict[str, str]) -> Answer:
        """Send a form."""
        return self._ask("POST", path, urllib.parse.urlencode(data))

    def _ask(self, method: str, path: str, body: str | None) -> Answer:
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=CONNECT_S)
        headers = {"Cookie": f"sessionid={self.session}; csrftoken={TOKEN}", "Accept-Encoding": "gzip"}
        if body is not None:
            headers |= {"X-CSRFToken": TOKEN, "Content-Type": "application/x-www-form-urlencoded"}
        try:
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise
        return Answer(answer.status)


@dataclass
class Seen:
    """What all users together saw: milliseconds by page, and what went wrong how often."""

    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, page: str, milliseconds: float, error: str) -> None:
        """Add one request; a failed one counts among the errors only."""
        with self.lock:
            if error:
                self.errors[f"{page}: {error}"] += 1
            else:
                self.took[page].append(milliseconds)


def main() -> None:
    """Measure, print the table, and end the server."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--pause", type=float, default=2)
    asked = parser.parse_args()
    os.environ.update(DJANGO_SETTINGS_MODULE="songhe.config.settings", SONGHE_DEMO="1")
    os.environ.pop("SONGHE_AS", None)
    from songhe.config import database

    if database.is_embedded():
        database.start_embedded()
    import django

    django.setup()
    from songhe.config.commands.up import free_port, server_command

    pages = [page for page in _pages() if page.who == WHO]
    people = list(_people(max(200, asked.users)))
    port = free_port()
    server = subprocess.Popen(server_command(port), start_new_session=True)
    try:
        _wait_for(port)
        browsers = [Browser(port, _signed_in(WHO).cookies["sessionid"].value) for _ in range(asked.users)]
        for page in pages:
            page.ask(browsers[0], people[0])
        by_page, seconds = _all_at_once([_opening(browser) for browser in browsers], pages, people, asked)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()
    bare = [_administrator() for _ in range(asked.users)]
    by_sql, _seconds = _all_at_once([_querying(connection) for connection in bare], pages, people, asked)
    _say(by_page, by_sql, seconds, asked)


def _opening(browser: Browser) -> Callable[[Page, Someone], str]:
    def open_page(page: Page, someone: Someone) -> str:
        status = page.ask(browser, someone).status_code
        return "" if status == 200 else str(status)

    return open_page


def _querying(connection: Any) -> Callable[[Page, Someone], str]:
    def query(page: Page, someone: Someone) -> str:
        for sql, parameters in page.bare(someone):
            connection.execute(sql.encode(), parameters).fetchall()
        return ""

    return query


def _all_at_once(
    users: list[Callable[[Page, Someone], str]], pages: list[Page], people: list[Someone], asked: argparse.Namespace
) -> tuple[Seen, float]:
    """Let every user ask in a thread of its own until the time is up."""
    seen, begun = Seen(), time.perf_counter()

    def work(number: int) -> None:
        chance = random.Random(SEED + number)
        # Not all in the same instant, as after a bell.
        time.sleep(chance.uniform(0, asked.pause))
        while time.perf_counter() - begun < asked.seconds:
            page, someone, start = chance.choice(pages), chance.choice(people), time.perf_counter()
            try:
                error = users[number](page, someone)
            except (OSError, http.client.HTTPException) as broken:
                error = type(broken).__name__
            seen.note(page.name, (time.perf_counter() - start) * 1000, error)
            time.sleep(chance.uniform(0.5, 1.5) * asked.pause)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(users))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen, time.perf_counter() - begun


def _say(by_page: Seen, by_sql: Seen, seconds: float, asked: argparse.Namespace) -> None:
    every = [took for page in by_page.took.values() for took in page]
    print(f"{asked.users} users, each a page every {asked.pause:g} s beside its answer, {seconds:.0f} s")
    print(f"{'page':<36}{'asked':>7}{'p50 ms':>9}{'p95 ms':>9}{'limit':>7}{'ratio':>7}{'bare p95':>10}")
    for name, took in [*sorted(by_page.took.items()), ("all", every)]:
        p95 = _percentile(took, 95)
        bare = by_sql.took.get(name) or [each for page in by_sql.took.values() for each in page]
        print(
            f"{name:<36}{len(took):>7}{_percentile(took, 50):>9.1f}{p95:>9.1f}{LIST_MS:>7}{p95 / LIST_MS:>7.2f}"
            f"{_percentile(bare, 95):>10.1f}"
        )
    print(f"{len(every) / seconds:.1f} requests/s, {sum(by_page.errors.values())} errors")
    for what, count in sorted((by_page.errors | by_sql.errors).items()):
        print(f"  {what}: {count}")


def _wait_for(port: int) -> None:
    browser, until = Browser(port, ""), time.monotonic() + CONNECT_S
    while True:
        try:
            browser.get("/accounts/login/")
        except OSError:
            if time.monotonic() > until:
                raise
            browser.connection = None
            time.sleep(0.5)
        else:
            return


if __name__ == "__main__":
    main()
