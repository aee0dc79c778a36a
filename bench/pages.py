"""How long the pages take on a built region, against their limits and beside the bare SQL of each.

    SONGHE_DEMO=1 python -m bench.pages [samples [part of a page's name]]

Asks the database in force (``SONGHE_DB`` names another) through the whole of Songhe, middleware and walls included, as
the person whose page it is, and each time for somebody else. The bare SQL is run by the database's administrator: no
walls, no page, the same rows. Calls that are taken for the look-up stay in the day's list of calls.

The CPU column is what the page cost this process and its database's, as the kernel accounts for it: on a machine that
others use too it says what the clock cannot.
"""

import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

SAMPLES = 100
WARM = 8
SEED = 20260301
LIST_MS, CALLER_MS, SCREEN_MS = 200, 100, 300
ROWS = 20
BOUND = 10_001

Bare = tuple[str, list[Any]]


@dataclass(frozen=True)
class Someone:
    """An elder who is searched for, looked at, or calls."""

    pk: str
    name: str
    pinyin: str
    initials: str
    id_number: str
    phone: str
    id_number_index: bytes
    phone_index: bytes


@dataclass(frozen=True)
class Page:
    """One page: how it is asked for about somebody, how long it may take, and the bare SQL of its rows."""

    name: str
    who: str
    limit_ms: int
    ask: Callable[[Any, Someone], Any]
    bare: Callable[[Someone], list[Bare]]


def main(samples: int = SAMPLES, only: str = "") -> None:
    """Measure every page (or those whose name holds a text) and print the table."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "songhe.config.settings")
    os.environ["SONGHE_DEMO"] = "1"
    os.environ.pop("SONGHE_AS", None)
    from songhe.config import database

    if database.is_embedded():
        database.start_embedded()
    import django

    django.setup()
    people = list(_people(samples + WARM))
    with _administrator() as bare:
        counts = bare.execute(
            "SELECT (SELECT count(*) FROM elders_elder), (SELECT count(*) FROM orders_order),"
            " (SELECT count(*) FROM visits_visit), (SELECT count(*) FROM ledger_posting)"
        ).fetchone()
        print("老人 {:,}，订单 {:,}，上门 {:,}，分录行 {:,}；每页 {} 次".format(*(counts or ()), samples))
        print(f"{'page':<36}{'p50 ms':>9}{'p95 ms':>9}{'cpu p95':>9}{'limit':>7}{'ratio':>7}{'bare p95':>10}")
        worst = max(_measure(page, people, bare) for page in _pages() if only in page.name)
    print(f"worst ratio {worst:.2f}")


def _measure(page: Page, people: list[Someone], bare: psycopg.Connection) -> float:
    client = _signed_in(page.who)
    took: list[float] = []
    cost: list[float] = []
    bare_took: list[float] = []
    for number, someone in enumerate(people):
        before = _cpu_ms()
        with _timed(took):
            response = page.ask(client, someone)
        cost.append(_cpu_ms() - before)
        if response.status_code != 200:
            raise SystemExit(f"{page.name}: {response.status_code}")
        with _timed(bare_took):
            for sql, parameters in page.bare(someone):
                bare.execute(sql.encode(), parameters).fetchall()
        if number < WARM:
            took.clear()
            cost.clear()
            bare_took.clear()
    p50, p95 = _percentile(took, 50), _percentile(took, 95)
    ratio = p95 / page.limit_ms
    print(
        f"{page.name:<36}{p50:>9.1f}{p95:>9.1f}{_percentile(cost, 95):>9.1f}{page.limit_ms:>7}{ratio:>7.2f}"
        f"{_percentile(bare_took, 95):>10.1f}",
        flush=True,
    )
    return ratio


def _pages() -> list[Page]:
    lists = "/console/{}/{}/"
    elders = lists.format("elders", "elder")
    found = partial(_searched, elders)
    clerk = "county"
    return [
        Page("elders: list", clerk, LIST_MS, _get(elders), _listed("elders_elder")),
        Page(
            "elders: list, last page counted", clerk, LIST_MS, _get(f"{elders}?page=500"), _listed("elders_elder", 9980)
        ),
        Page(
            "elders: list by name", clerk, LIST_MS, _get(f"{elders}?sort=name"), _listed("elders_elder", 0, "name, id")
        ),
        Page(
            "elders: living alone",
            clerk,
            LIST_MS,
            _get(f"{elders}?living_situation=alone"),
            _filtered("living_situation = %s", lambda _someone: ["alone"]),
        ),
        Page(
            "elders: in difficulty",
            clerk,
            LIST_MS,
            _get(f"{elders}?difficulty=minimum_living"),
            _filtered(
                "EXISTS (SELECT 1 FROM elders_difficulty d WHERE d.elder_id = e.id AND d.kind = %s"
                " AND d.starts_on <= CURRENT_DATE AND d.ends_before > CURRENT_DATE)",
                lambda _someone: ["minimum_living"],
            ),
        ),
        Page(
            "elders: search by name",
            clerk,
            LIST_MS,
            lambda client, someone: found(client, someone.name),
            _filtered(
                "starts_with(name, %s) OR starts_with(given_name, %s)", lambda someone: [someone.name, someone.name]
            ),
        ),
        Page(
            "elders: search by surname",
            clerk,
            LIST_MS,
            lambda client, someone: found(client, someone.name[0]),
            _filtered(
                "starts_with(name, %s) OR starts_with(given_name, %s)",
                lambda someone: [someone.name[0], someone.name[0]],
            ),
        ),
        Page(
            "elders: search by pinyin",
            clerk,
            LIST_MS,
            lambda client, someone: found(client, someone.pinyin),
            _filtered(
                "starts_with(name_pinyin, %s) OR starts_with(name_initials, %s)",
                lambda someone: [someone.pinyin, someone.pinyin],
            ),
        ),
        Page(
            "elders: search by initials",
            clerk,
            LIST_MS,
            lambda client, someone: found(client, someone.initials),
            _filtered(
                "starts_with(name_pinyin, %s) OR starts_with(name_initials, %s)",
                lambda someone: [someone.initials, someone.initials],
            ),
        ),
        Page(
            "elders: search by identity number",
            clerk,
            LIST_MS,
            lambda client, someone: found(client, someone.id_number),
            _filtered("id_number_index = %s", lambda someone: [someone.id_number_index]),
        ),
        Page(
            "elders: search by phone",
            clerk,
            LIST_MS,
            lambda client, someone: found(client, someone.phone),
            _filtered("phone_index = %s", lambda someone: [someone.phone_index]),
        ),
        Page(
            "elder: detail",
            clerk,
            LIST_MS,
            lambda client, someone: client.get(f"{elders}{someone.pk}/"),
            _filtered("id = %s", lambda someone: [someone.pk]),
        ),
        Page(
            "hotline: caller recognised",
            "operator",
            CALLER_MS,
            _call,
            _filtered("phone_index = %s", lambda someone: [someone.phone_index]),
        ),
        Page("hotline: desk", "operator", LIST_MS, _get("/hotline/"), _listed("orders_order", 0, "placed_at DESC")),
        Page("orders: list", clerk, LIST_MS, _get(lists.format("orders", "order")), _listed("orders_order")),
        Page("visits: list", clerk, LIST_MS, _get(lists.format("visits", "visit")), _listed("visits_visit")),
        Page(
            "visits: list of a provider",
            "provider",
            LIST_MS,
            _get(lists.format("visits", "visit")),
            _listed("visits_visit"),
        ),
        Page(
            "ledger: entries",
            "checker",
            LIST_MS,
            _get(lists.format("ledger", "entry")),
            _listed("ledger_entry", 0, '"on" DESC, id DESC'),
        ),
        Page("to-do list", "checker", LIST_MS, _get("/console/todos/"), _listed("flow_todo")),
        Page("screen", "leader", SCREEN_MS, _get("/screen/"), _screen),
        Page("screen: what changes by the minute", "leader", SCREEN_MS, _get("/screen/live/"), _screen),
        Page("screen: map", "leader", SCREEN_MS, _get("/screen/map.json"), _screen),
    ]


def _get(path: str) -> Callable[[Any, Someone], Any]:
    return lambda client, _someone: client.get(path)


def _searched(path: str, client: Any, text: str) -> Any:
    return client.post(path, {"q": text})


def _call(client: Any, someone: Someone) -> Any:
    """Take a call from the elder's telephone, as the exchange pushes it, and show the caller's card."""
    return client.post("/hotline/take/", {"phone": someone.phone}, follow=True)


# --- bare SQL --------------------------------------------------------------------------------------------------


def _listed(table: str, offset: int = 0, order: str = "id DESC") -> Callable[[Someone], list[Bare]]:
    """Return a page of a table and its bounded count."""
    page = f"SELECT * FROM {table} ORDER BY {order} LIMIT {ROWS} OFFSET {offset}"
    count = f"SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT {BOUND}) bounded"
    return lambda _someone: [(page, []), (count, [])]


def _filtered(test: str, values: Callable[[Someone], list[Any]]) -> Callable[[Someone], list[Bare]]:
    """Return a page of the elders that pass a test, newest first, and their bounded count."""
    page = f"SELECT * FROM elders_elder e WHERE {test} ORDER BY id DESC LIMIT {ROWS}"
    count = f"SELECT count(*) FROM (SELECT 1 FROM elders_elder e WHERE {test} LIMIT {BOUND}) bounded"
    return lambda someone: [(page, values(someone)), (count, values(someone))]


def _screen(_someone: Someone) -> list[Bare]:
    return [
        ("SELECT count(*) FROM elders_elder WHERE state = 'active'", []),
        ("SELECT count(DISTINCT elder_id) FROM elders_difficulty WHERE ends_before > CURRENT_DATE", []),
        ("SELECT count(*) FROM orders_order WHERE placed_at >= date_trunc('month', now())", []),
        (
            "SELECT count(*), sum(minutes), sum(credit_fen) FROM visits_visit"
            " WHERE state = 'verified' AND verified_at >= date_trunc('month', now())",
            [],
        ),
    ]


# --- means -----------------------------------------------------------------------------------------------------


@contextmanager
def _timed(into: list[float]) -> Iterator[None]:
    start = time.perf_counter()
    yield
    into.append((time.perf_counter() - start) * 1000)


def _cpu_ms() -> float:
    """Return the milliseconds of CPU spent so far by this process and by its database's, where the kernel tells."""
    from django.db import connection

    spent = time.process_time_ns()
    if connection.connection is not None:
        account = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")
        if account.exists():
            spent += int(account.read_text().split()[0])
    return spent / 1e6


def _percentile(values: list[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def _signed_in(username: str) -> Any:
    from django.test import Client

    from songhe.core.accounts.models import User

    client = Client(raise_request_exception=True)
    client.force_login(User.objects.get(username=username), backend="django.contrib.auth.backends.ModelBackend")
    return client


def _people(count: int) -> Iterator[Someone]:
    """Return elders picked from all over the region, the same ones for the same region."""
    from songhe.core.scope.services import Scope, use
    from songhe.registers.elders.models import Elder

    with use(Scope.system()):
        every = list(Elder.objects.order_by("id").values_list("pk", flat=True))
        for pk in random.Random(SEED).sample(every, min(count, len(every))):
            elder = Elder.objects.get(pk=pk)
            yield Someone(
                str(elder.pk),
                elder.name,
                elder.name_pinyin,
                elder.name_initials,
                elder.id_number,
                elder.phone,
                bytes(elder.id_number_index or b""),
                bytes(elder.phone_index or b""),
            )


def _administrator() -> psycopg.Connection:
    from songhe.config.database import server

    here = server()
    return psycopg.connect(here.conninfo(dbname=os.environ.get("SONGHE_DB", here.name)), autocommit=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES, *sys.argv[2:3])
