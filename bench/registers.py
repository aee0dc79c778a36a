"""How fast rolls come in, are compared and go out, beside a bare COPY of the same rows.

    python -m bench.registers 1000000            # imports and the monthly difference, in a scratch database
    python -m bench.registers region             # export and duplicate search, on the built region in force

A roll as an office sends it (name, number, telephone, community, living situation, difficulty) is handed in, looked
over and applied under the walls of the city's clerk, as the jobs of the console do it; then the same file again; then
the next month's whole roll, with one person in a hundred gone, one new and two changed. The bare COPY fills tables of
the same columns, indexes and constraints with the rows that came of it: no walls, no journal, no checks. Beside the
clock stand the seconds of CPU that this process and its database's spent, which others lengthen less; the ratios are
theirs.
"""

import csv
import io
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

NAME = "songhe_bench_registers"
PACK = "anqing"
SEED = 20260301
COPY_RATIO, MEMORY_MB = 5, 1536
DIFFERENCE_S, EXPORT_S, EXPORT_ROWS, DUPLICATES_S = 60, 10, 100_000, 120
MILLION = 1_000_000
TABLES = ("elders_elder", "elders_difficulty")
HEAD = ("姓名", "身份证号", "联系电话", "区划代码", "居住状况", "困难类别")
# Of a million, some 125,000.
EXPORTED = "living_situation=alone"
GONE, NEW, CHANGED = 100, 100, 50


@dataclass
class Took:
    """Seconds by the clock and of CPU, and what the figure is held against."""

    wall: float = 0.0
    cpu: float = 0.0
    parts: list[str] = field(default_factory=list)


def main(argument: str) -> None:
    """Measure what the argument names."""
    os.environ.update(DJANGO_SETTINGS_MODULE="songhe.config.settings")
    if argument == "region":
        _region()
    else:
        _scratch(int(argument))


# --- rolls, in a scratch database ------------------------------------------------------------------------------------


def _scratch(rows: int) -> None:
    os.environ.update(SONGHE_DB=NAME, SONGHE_AS="owner")
    from songhe.config import database

    if database.is_embedded():
        database.start_embedded()
    database.prepare_server()
    _drop()
    database.create_database(NAME)
    try:
        _build()
        imports(rows)
    finally:
        from django.db import connections

        connections.close_all()
        _drop()


def _build() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from songhe.config.migrating import swiftly
    from songhe.config.packs import load_pack_into_rooms

    with swiftly():
        call_command("migrate", verbosity=0)
    load_pack_into_rooms(PACK)


def imports(rows: int) -> None:
    """Import, import again, import the next month's, each held against its limit; print as it goes."""
    people = list(_people(rows + rows // NEW))
    now, later = people[:rows], _a_month_later(people, rows)
    print(f"{rows:,} rows{'':<24}{'wall s':>9}{'cpu s':>9}{'limit':>9}{'ratio':>7}  memory MB")
    first = _import("first", _csv(now), 1)
    bare = _bare_copy()
    _say("csv, first", first, COPY_RATIO * bare.cpu)
    _say("csv, the same again", _import("first", _csv(now), 2), COPY_RATIO * bare.cpu)
    _say("xlsx, the same again", _import("first", _xlsx(now), 3), COPY_RATIO * bare.cpu)
    _say("bare COPY of what came of it", bare, None)
    difference = DIFFERENCE_S * rows / MILLION
    _say("next month's whole roll", _import("first", _csv(later), 4), difference)
    print(f"memory limit {MEMORY_MB} MB, peak {_memory_mb():.0f} MB, ratio {_memory_mb() / MEMORY_MB:.2f}")


def _import(source: str, data: bytes, number: int) -> Took:
    """Hand a whole roll in, look it over and apply it, as the city's clerk; compare it with the one before."""
    from songhe.core.areas.models import Area
    from songhe.core.calendar.services import today
    from songhe.core.scope.services import Scope, use
    from songhe.packs.loader import load_pack
    from songhe.registers.elders.importing import services
    from songhe.registers.elders.models import ImportSource, Verdict
    from songhe.registers.exchange.services import compare

    with use(Scope.system()):
        city = Area.objects.get(code=load_pack(PACK).areas[0])
        ImportSource.objects.update_or_create(area=city, name=source, defaults={"is_whole": True})
    scope = Scope.area(city.code, city.upper)
    took = Took()
    with _timed(took, "handed in"), use(scope):
        batch = services.stage(
            data=data, file_name="roll", area=city, source=source, as_of=today() - timedelta(days=40 - number)
        )
    with _timed(took, "looked over"), use(scope):
        services.look_over(batch_id=batch.pk)
    with _timed(took, "applied"), use(scope):
        services.apply(batch_id=batch.pk)
    with _timed(took, "compared"):
        found = compare(source_id=batch.source_id, batch_id=batch.pk)
    with use(scope):
        verdicts = {verdict: batch.rows.filter(verdict=verdict).count() for verdict in Verdict.values}
    took.parts.append(" ".join(f"{count:,} {verdict}" for verdict, count in verdicts.items() if count))
    took.parts.append(f"{sum(found.values()):,} findings")
    return took


def _people(count: int) -> Iterator[tuple[str, ...]]:
    from songhe.core.areas.models import Area
    from songhe.core.calendar.services import today
    from songhe.core.scope.services import Scope, use
    from songhe.demo.geo import communities
    from songhe.demo.people import draw
    from songhe.packs.loader import load_pack
    from songhe.registers.elders.models import DifficultyKind, LivingSituation

    pack = load_pack(PACK)
    with use(Scope.system()):
        counties = Area.objects.filter(code__in=pack.demo["counties"])
        places = communities(
            (area.code, area.parent_id)
            for county in counties
            for area in Area.objects.filter(
                code__gte=county.code, code__lt=county.upper, level=Area.Level.VILLAGE, statistical_only=False
            )
        )
    living, kinds = dict(LivingSituation.choices), dict(DifficultyKind.choices)
    for person in draw(count, seed=SEED, today=today(), margins=pack.demo, communities=places):
        said = [
            kinds[kind]
            for kind, grade in person.difficulties
            # A heavy disability needs a column of its own for its grade.
            if grade is None
        ]
        yield (
            person.name, _real(person.id_number), person.phone, str(person.area), living[person.living_situation],
            "、".join(said),
        )  # fmt: skip


def _real(number: str) -> str:
    """Return a synthetic person's number as an office would know it: no province is 99, and a roll's are checked."""
    from stdnum.cn import ric

    body = f"3408{number[4:17]}"
    return body + ric.calc_check_digit(f"{body}0")


def _a_month_later(people: list[tuple[str, ...]], rows: int) -> list[tuple[str, ...]]:
    stayed = [person for at, person in enumerate(people[:rows]) if at % GONE]
    moved = [(*one[:2], f"139{at:08d}", *one[3:]) if at % CHANGED == 0 else one for at, one in enumerate(stayed)]
    return moved + people[rows:]


def _csv(people: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([HEAD, *people])
    return text.getvalue().encode()


def _xlsx(people: list[tuple[str, ...]]) -> bytes:
    import xlsxwriter

    into = io.BytesIO()
    with xlsxwriter.Workbook(into, {"constant_memory": True, "strings_to_numbers": False}) as book:
        sheet = book.add_worksheet()
        for number, person in enumerate([HEAD, *people]):
            for column, cell in enumerate(person):
                sheet.write_string(number, column, cell)
    return into.getvalue()


def _bare_copy() -> Took:
    """Fill tables like ours, without walls and triggers, with the rows that ours hold."""
    took = Took()
    with _administrator(NAME) as connection:
        for table in TABLES:
            names = connection.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
                " AND attgenerated = '' ORDER BY attnum",
                [table],
            ).fetchall()
            columns = sql.SQL(", ").join(sql.Identifier(name) for (name,) in names)
            rows = io.BytesIO()
            out = sql.SQL("COPY {} ({}) TO STDOUT").format(sql.Identifier(table), columns)
            with connection.cursor() as cursor, cursor.copy(out) as copy:
                for block in copy:
                    rows.write(block)
            bare = sql.Identifier(f"bare_{table}")
            connection.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(bare, sql.Identifier(table)))
            with (
                _timed(took, table, connection),
                connection.cursor() as cursor,
                cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(bare, columns)) as copy,
            ):
                copy.write(rows.getvalue())
    return took


# --- export and duplicates, on a built region ------------------------------------------------------------------------


def _region() -> None:
    from songhe.config import database

    if database.is_embedded():
        database.start_embedded()
    import django

    django.setup()
    from songhe.core.areas.models import Area
    from songhe.core.console.registry import autodiscover
    from songhe.core.scope.services import Scope, use
    from songhe.packs.loader import load_pack

    autodiscover()
    with use(Scope.system()):
        city = Area.objects.get(code=load_pack(PACK).areas[0])
        counties = list(Area.objects.filter(level=Area.Level.COUNTY, code__gte=city.code, code__lt=city.upper))
    print(f"{'':<36}{'wall s':>9}{'cpu s':>9}{'limit':>9}{'ratio':>7}  memory MB")
    rows, took = _export()
    _say(f"export of {rows:,} elders", took, EXPORT_S * rows / EXPORT_ROWS)
    took, found = Took(), 0
    for county in counties:
        found += _looked_through(county, took)
    took.parts[:] = [f"{found:,} pairs to look at"]
    _say("duplicate search", took, DUPLICATES_S)


def _export() -> tuple[int, Took]:
    """Take out the elders who live alone, all of the city, as a clerk does whose list is written in the background."""
    from songhe.core.accounts.models import User
    from songhe.core.console import exporting
    from songhe.core.console.models import Export, ExportState
    from songhe.core.console.registry import pages_named
    from songhe.core.scope.services import Scope, use

    pages = pages_named("elders-elder")
    with use(Scope.system()):
        user = User.objects.get(username="county")
        export = Export.objects.create(
            user=user,
            page=pages.key,
            query=EXPORTED,
            columns=pages.usual_columns,
            reason="bench",
            scope=repr(user.scope()),
        )
    took = Took()
    try:
        with _timed(took, "written"):
            exporting.write(export.pk)
        with use(Scope.system()):
            export.refresh_from_db()
        if export.state != ExportState.READY:
            raise SystemExit(export.failure)
    finally:
        with use(Scope.system()):
            exporting.cancel(export_id=export.pk, user=user)
            export.delete()
    took.parts.append(f"{export.size / 1e6:.0f} MB")
    return export.done, took


def _looked_through(county: Any, took: Took) -> int:
    """Look through one county, and leave no finding behind."""
    from django.db import transaction

    from songhe.core.scope.services import Scope, use
    from songhe.registers.exchange import duplicates

    with use(Scope.system()):
        with _timed(took, county.name):
            found = duplicates.find(area=county)
        transaction.set_rollback(True)
    return found


# --- means -----------------------------------------------------------------------------------------------------------


def _say(name: str, took: Took, limit: float | None) -> None:
    held = f"{limit:>9.1f}{took.cpu / limit:>7.2f}" if limit else f"{'':>16}"
    print(
        f"{name:<36}{took.wall:>9.1f}{took.cpu:>9.1f}{held}{_memory_mb():>11.0f}  {'; '.join(took.parts)}", flush=True
    )


@contextmanager
def _timed(took: Took, part: str, connection: psycopg.Connection | None = None) -> Iterator[None]:
    start, spent = time.perf_counter(), _cpu(connection)
    yield
    wall, cpu = time.perf_counter() - start, _cpu(connection) - spent
    took.wall += wall
    took.cpu += cpu
    took.parts.append(f"{part} {wall:.1f} ({cpu:.1f})")


def _cpu(connection: psycopg.Connection | None) -> float:
    """Return the seconds of CPU spent so far by this process and by its database's, where the kernel tells."""
    if connection is None:
        from django.db import connection as ours

        ours.ensure_connection()
        connection = ours.connection
    account = Path(f"/proc/{connection.info.backend_pid}/schedstat")
    theirs = int(account.read_text().split()[0]) / 1e9 if account.exists() else 0.0
    return time.process_time() + theirs


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _administrator(name: str) -> psycopg.Connection:
    from songhe.config.database import server

    return psycopg.connect(server().conninfo(dbname=name), autocommit=True)


def _drop() -> None:
    with _administrator("postgres") as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(NAME)))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else str(MILLION))
