"""Test databases: built once from migrations and packs, then copied; tests sign in as the server does, under its walls.

``db`` tests run in a transaction that is rolled back. ``transactional_db`` tests commit, and each gets a fresh copy of
the template, because append-only tables are not to be truncated even by tests.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.test import TransactionTestCase
from hypothesis import settings as properties
from psycopg import sql

ROOT = Path(__file__).parent
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "songhe.config.settings")
# Settings are read before this file, so what differs in tests is said here: sign-in as in a demonstration.
settings.DEMO = True
settings.STAFF_SECOND_FACTOR = False
# A change lands or not by what it does: properties draw the same cases each time. ``HYPOTHESIS_PROFILE=searching``
# draws new ones, for the nightly run and for whoever writes a property. How long a case takes is the bench's to judge:
# on a machine that others use too, a limit on each case fails by chance.
properties.register_profile("landing", derandomize=True, print_blob=True, deadline=None)
properties.register_profile("searching", derandomize=False, print_blob=True, deadline=None)
properties.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "landing"))
# The static files' server looks for its folder when it starts.
(ROOT / "var" / "static").mkdir(parents=True, exist_ok=True)


# What of a room decides how a new database looks; of these floors, everything does.
PARTS = (
    "apps.py",
    "guard.py",
    "migrations/*.py",
    "models*.py",
    "models/**/*.py",
    "flow.py",
    "packs.py",
    "packs/**/*.py",
)
WHOLE = ("songhe/core/*.py", "songhe/core/scope/*.py", "songhe/core/crypto/*.py", "songhe/packs/**/*")
KEPT_TEMPLATES = 12


def _fingerprint() -> str:
    """Digest all that decides what a new database looks like."""
    digest = hashlib.sha256()
    rooms = [Path(config.path) for config in apps.get_app_configs() if config.name.startswith("songhe.")]
    digest.update(repr(sorted(str(room.relative_to(ROOT)) for room in rooms)).encode())
    files = {path for room in rooms for part in PARTS for path in room.glob(part)}
    files |= {path for pattern in WHOLE for path in ROOT.glob(pattern)}
    for path in sorted(files):
        if path.is_file() and not {"tests", "__pycache__"} & set(path.parts):
            digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()[:12]


# Its walk of every page is the longest file by far, and the first to need all the databases there are.
LONGEST = ROOT / "tests" / "browser" / "test_pages.py"
ENGINES = ROOT / "songhe" / "engines"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, and with what needs no database while the first file builds them.

    Workers take whole files in this order; many short ones at the end let them end together.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("browser")}

    def order(item: pytest.Item) -> tuple[bool, ...]:
        return item.path != LONGEST, ENGINES not in item.path.parents, item.path not in slow

    items.sort(key=order)


@contextmanager
def _administrator() -> Iterator[psycopg.Connection]:
    from songhe.config.database import server

    with psycopg.connect(server().conninfo(dbname="postgres"), autocommit=True) as connection:
        yield connection


def _copy(template: str, name: str) -> None:
    with _administrator() as admin:
        _drop(admin, name)
        admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY WAL_LOG").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )


def _sign_in(name: str, *, owner: bool) -> None:
    from songhe.config.database import django_database

    connection = connections["default"]
    connection.close()
    connection.settings_dict.update(django_database(owner=owner), NAME=name, CONN_MAX_AGE=0)
    settings.DATABASES["default"]["NAME"] = name


def _build_template() -> str:
    from songhe.config import database
    from songhe.config.migrating import swiftly

    if database.is_embedded():
        database.start_embedded()
    name = f"songhe_template_{_fingerprint()}"
    if database.database_exists(name):
        return name
    with _administrator() as admin:
        # One run builds while the others wait for it.
        admin.execute("SELECT pg_advisory_lock(728431)")
        database.prepare_server()
        _drop_leftovers(admin)
        if database.database_exists(name):
            return name
        building = f"building_{name}"
        _drop(admin, building)
        database.create_database(building)
        _sign_in(building, owner=True)
        with swiftly():
            call_command("migrate", verbosity=0)
        connections["default"].close()
        _copy(building, _bare(name))
        _load_packs()
        connections["default"].close()
        admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(building), sql.Identifier(name)))
    return name


def _bare(template: str) -> str:
    """Return the name of the database with the same tables and no place in it."""
    return template.replace("songhe_template_", "songhe_bare_")


def _drop(admin: psycopg.Connection, name: str) -> None:
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _drop_leftovers(admin: psycopg.Connection) -> None:
    """Drop the oldest templates, and what killed runs left; nobody else builds while the lock is held."""
    names = admin.execute("SELECT datname FROM pg_database ORDER BY oid DESC").fetchall()
    templates = [name for (name,) in names if name.startswith("songhe_template_")]
    old = {name.rpartition("_")[2] for name in templates[KEPT_TEMPLATES:]}
    rest = [
        name for (name,) in names if name.startswith(("songhe_bare_", "songhe_place_")) and old & set(name.split("_"))
    ]
    dead = [name for (name,) in names if name.startswith("building_songhe_template_")]
    dead += [name for (name,) in names if name.startswith("songhe_test_") and not _alive(name)]
    for name in templates[KEPT_TEMPLATES:] + rest + dead:
        _drop(admin, name)


def _alive(test_database: str) -> bool:
    try:
        os.kill(int(test_database.removeprefix("songhe_test_")), 0)
    except ProcessLookupError:
        return False
    except ValueError:
        return True
    return True


def _load_packs() -> None:
    from songhe.config.packs import load_pack_into_rooms

    if (ROOT / "songhe" / "packs" / "anqing").exists():
        load_pack_into_rooms("anqing")


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """Copy the template into this run's own database and sign in as the server does."""
    with django_db_blocker.unblock():
        template = _build_template()
        name = f"songhe_test_{os.getpid()}"
        _copy(template, name)
        _sign_in(name, owner=False)
        settings.SONGHE_TEST_TEMPLATE = template
    yield
    with django_db_blocker.unblock():
        connections.close_all()
        with _administrator() as admin:
            _drop(admin, name)


@pytest.fixture
def transactional_db(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """Give the test a database it may commit to; afterwards the next test gets a fresh copy."""
    with django_db_blocker.unblock():
        yield
        _fresh_copy()


def _fresh_copy(_case: TransactionTestCase | None = None) -> None:
    connections.close_all()
    _copy(settings.SONGHE_TEST_TEMPLATE, settings.DATABASES["default"]["NAME"])


# ``django_db(transaction=True)`` means the same here: the server's sign-in may not empty tables.
TransactionTestCase._fixture_teardown = _fresh_copy


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """Nothing to modify: the database is made by ``django_db_setup``."""


@pytest.fixture
def system(db: None) -> Iterator[None]:
    """Run the test under the system's scope, which sees every row."""
    from songhe.core.scope.services import Scope, use

    with use(Scope.system()):
        yield


@pytest.fixture(scope="session")
def anqing_region(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> str:
    """Build a small Anqing that has lived three months, once for each day and schema; return its database's name."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    day = datetime.now(ZoneInfo("Asia/Shanghai"))
    name = f"{settings.SONGHE_TEST_TEMPLATE.replace('songhe_template_', 'songhe_anqing_')}_{day:%m%d}"
    with django_db_blocker.unblock(), _administrator() as admin:
        admin.execute("SELECT pg_advisory_lock(728432)")
        own = settings.DATABASES["default"]["NAME"]
        building = f"making_{name}"
        if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
            from songhe.demo.build import build

            _copy(settings.SONGHE_TEST_TEMPLATE, building)
            _sign_in(building, owner=True)
            build(pack="anqing", elders=600, progress=lambda line: None)
            connections.close_all()
            admin.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(building), sql.Identifier(name))
            )
            _sign_in(own, owner=False)
    return name


@pytest.fixture
def anqing(anqing_region: str, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """Let the test live in Anqing, on a copy of its own, signed in as the server is."""
    own = settings.DATABASES["default"]["NAME"]
    with django_db_blocker.unblock():
        connections.close_all()
        _copy(anqing_region, own)
        _sign_in(own, owner=False)
        yield
        _fresh_copy()


@pytest.fixture
def place(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: pytest.FixtureRequest
) -> Iterator[str]:
    """Let the test live in the place it names (``parametrize("place", ["wuhan"], indirect=True)``), on its own copy.

    The place has its divisions, pack and staff (``songhe.demo.staffing``), and nobody in its roll yet.
    """
    own = settings.DATABASES["default"]["NAME"]
    with django_db_blocker.unblock():
        connections.close_all()
        _copy(_place(request.param), own)
        _sign_in(own, owner=False)
        yield request.param
        _fresh_copy()


@pytest.fixture(scope="session")
def wuhan_roll(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> str:
    """Build a small Wuhan of people, difficulties and levels only, once for each schema; return its database's name."""
    from songhe.demo.staffing import enroll_place

    with django_db_blocker.unblock(), _administrator() as admin:
        own, place = settings.DATABASES["default"]["NAME"], _place("wuhan")
        _sign_in(own, owner=False)
        name = place.replace("songhe_place_", "songhe_place_roll_")
        admin.execute("SELECT pg_advisory_lock(728433)")
        if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
            building = f"making_{name}"
            _copy(place, building)
            _sign_in(building, owner=True)
            enroll_place("wuhan", 600)
            connections.close_all()
            admin.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(building), sql.Identifier(name))
            )
            _sign_in(own, owner=False)
    return name


def _place(pack: str) -> str:
    """Build the place once for each schema; return its database's name."""
    from songhe.config.packs import load_pack_into_rooms
    from songhe.demo.staffing import staff_place

    template = settings.SONGHE_TEST_TEMPLATE
    name = template.replace("songhe_template_", f"songhe_place_{pack}_")
    with _administrator() as admin:
        admin.execute("SELECT pg_advisory_lock(728433)")
        if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
            building = f"making_{name}"
            _copy(_bare(template), building)
            _sign_in(building, owner=True)
            load_pack_into_rooms(pack)
            staff_place(pack)
            connections.close_all()
            admin.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(building), sql.Identifier(name))
            )
    return name
