"""How long a month of verified visits takes to settle, against its limit of a minute for a million.

    python -m bench.settlement 1000000

Fills a scratch database with copies of one visit, spread over providers, draws the month, and prints a ratio.
"""

import os
import sys
import time
from datetime import date

import psycopg
from psycopg import sql

NAME = "songhe_bench_settlement"
LIMIT_SECONDS_A_MILLION = 60
VISITS_A_PROVIDER = 10_000


def main(visits: int) -> None:
    """Build, draw, print and clean up."""
    os.environ.update(DJANGO_SETTINGS_MODULE="songhe.config.settings", SONGHE_DB=NAME, SONGHE_AS="owner")
    from songhe.config import database

    if database.is_embedded():
        database.start_embedded()
    database.prepare_server()
    _drop()
    database.create_database(NAME)
    try:
        _settle(visits)
    finally:
        from django.db import connections

        connections.close_all()
        _drop()


def _settle(visits: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from songhe.config.migrating import swiftly
    from songhe.core.calendar.services import at
    from songhe.core.scope.services import Scope, use
    from songhe.money.settlement.jobs import AT_ONCE
    from songhe.money.settlement.services import draw
    from songhe.money.settlement.tests.world import World

    with swiftly():
        call_command("migrate", verbosity=0)
    with use(Scope.system()):
        world = World()
        one = world.visit(world.new_credit(), 2)
    _multiply(str(world.provider.pk), str(one.order_id), str(one.pk), visits)
    start = time.perf_counter()
    with at(date(2026, 4, 1)):
        drawn = draw(month=date(2026, 3, 1), at_once=AT_ONCE)
    seconds = time.perf_counter() - start
    limit = LIMIT_SECONDS_A_MILLION * visits / 1_000_000
    print(f"{drawn}: {seconds:.1f} s, limit {limit:.1f} s, ratio {seconds / limit:.2f}")


def _multiply(provider: str, order: str, visit: str, visits: int) -> None:
    """Copy one visit with its order, and its provider with the contract price; triggers and overlaps are left out."""
    with _administrator(NAME) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("ALTER TABLE visits_visit DROP CONSTRAINT visit_one_at_a_time_a_carer")
        connection.execute(
            "CREATE TEMP TABLE copies AS SELECT gen_random_uuid() AS visit, gen_random_uuid() AS orders, n, "
            "n / %s AS provider_number FROM generate_series(0, %s - 1) n",
            [VISITS_A_PROVIDER, visits],
        )
        connection.execute(
            "CREATE TEMP TABLE providers AS SELECT number, gen_random_uuid() AS provider "
            "FROM (SELECT DISTINCT provider_number AS number FROM copies) numbers"
        )
        connection.execute(
            "CREATE TEMP TABLE placed AS SELECT * FROM copies JOIN providers ON number = provider_number"
        )
        new = {"id": "provider", "credit_code": "lpad(number::text, 18, '0')", "name": "'P' || number"}
        _copy(connection, "providers_provider", new, "providers", f"s.id = '{provider}'")
        new = {"id": "gen_random_uuid()", "provider_id": "provider"}
        _copy(connection, "contracts_contractprice", new, "providers", f"s.provider_id = '{provider}'")
        new = {"id": "orders", "number": "'B' || n", "provider_id": "provider", "idempotency_key": "NULL"}
        _copy(connection, "orders_order", new, "placed", f"s.id = '{order}'")
        new = {"id": "visit", "order_id": "orders", "provider_id": "provider", "device_key": "NULL"}
        _copy(connection, "visits_visit", new, "placed", f"s.id = '{visit}'")
        connection.execute("ANALYZE")


def _copy(connection: psycopg.Connection, table: str, new: dict[str, str], source: str, which: str) -> None:
    rows = connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position", [table]
    )
    columns = [name for (name,) in rows.fetchall()]
    values = ", ".join(new.get(name, f's."{name}"') for name in columns)
    names = ", ".join(f'"{name}"' for name in columns)
    connection.execute(f"INSERT INTO {table} ({names}) SELECT {values} FROM {source}, {table} s WHERE {which}")


def _administrator(name: str) -> psycopg.Connection:
    from songhe.config.database import server

    return psycopg.connect(server().conninfo(dbname=name), autocommit=True)


def _drop() -> None:
    with _administrator("postgres") as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(NAME)))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
