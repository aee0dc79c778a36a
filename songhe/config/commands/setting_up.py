"""Setting up what is missing, step by step; what is done already is noted on the database and not done again."""

import os

import psycopg
from psycopg import sql

from songhe.config import database
from songhe.config.commands import holding, stamps, tasks
from songhe.config.commands.progress import say, step
from songhe.packs.loader import PackError, load_pack

PACK = os.environ.get("SONGHE_PACK", "anqing")
# One set-up at a time, though several of us may share a database.
SETUP_LOCK = 728_440
BUILDING = "building"


class InUse(Exception):
    """A demo region was asked for where there are elders already."""


class NoMargins(Exception):
    """A demo region was asked for of a place whose pack does not say how to draw one."""


def draw_demo(*, elders: int | None, seed: int | None) -> int:
    """Set up whatever is missing and draw the demo region, because somebody asked for it; return the exit code."""
    try:
        if not load_pack(PACK).demo:
            raise NoMargins(f"政策包“{PACK}”没有演示数据的设定（demo.yaml）。")
        holding.hold()
        if database.database_exists(database.server().name) and _is_in_use():
            raise InUse("这里已经有老人档案，不能再生成演示数据。")
        set_up(demo=True, elders=elders, seed=seed)
    except (InUse, NoMargins, PackError, tasks.Failed, holding.DatabaseNotReady, psycopg.Error) as error:
        say(f"没有成功：{error}")
        return 1
    finally:
        holding.release()
    say("演示数据已就绪，用 make run 打开")
    return 0


def set_up(*, demo: bool, elders: int | None = None, seed: int | None = None) -> None:
    """Do whatever is missing: start the server, make the database and its tables, load the pack, draw the demo region.

    Raises:
        DatabaseNotReady: the embedded PostgreSQL did not come up.
        Failed: a step failed; the message quotes its last lines.
    """
    if not holding.is_running() and database.is_embedded():
        say("启动内置数据库")
    holding.hold()
    with psycopg.connect(database.server().conninfo(dbname="postgres"), autocommit=True) as guard:
        guard.execute("SELECT pg_advisory_lock(%s)", (SETUP_LOCK,))
        _database()
        _migrate()
        _load_pack()
        if demo:
            _demo(elders, seed)


def _database() -> None:
    name = database.server().name
    if database.database_exists(name) and stamps.read().get("demo") == BUILDING:
        say("上次的演示数据没有生成完，重新开始")
        with psycopg.connect(database.server().conninfo(dbname="postgres"), autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    warnings = database.prepare_server()
    if not database.database_exists(name):
        say(f"新建数据库 {name}")
        warnings += database.create_database(name)
    for warning in warnings:
        say(f"  {warning}")


def _migrate() -> None:
    wanted = stamps.fingerprint(*stamps.SCHEMA, *stamps.LIBRARIES)
    if stamps.read().get("schema") != wanted:
        with step("建表"):
            _command("manage.py", "migrate", "--verbosity", "0")
        stamps.write("schema", wanted)


def _load_pack() -> None:
    wanted = f"{PACK} {stamps.fingerprint(*stamps.PACK)}"
    if stamps.read().get("pack") != wanted:
        with step(f"政策包 {PACK}"):
            _command("-m", "songhe", "pack", "load", PACK)
        stamps.write("pack", wanted)


def _demo(elders: int | None, seed: int | None) -> None:
    if "demo" in stamps.read() or _has_elders():
        return
    chosen = {"--elders": elders, "--seed": seed}
    options = [text for name, value in chosen.items() if value is not None for text in (name, str(value))]
    # Until it is whole it is nothing: an interrupted region is dropped and drawn again.
    stamps.write("demo", BUILDING)
    with step("演示数据"):
        _command("-m", "songhe", "fill", *options)
    stamps.write("demo", "built")


def _is_in_use() -> bool:
    """Tell whether somebody's elders are here already; a region whose drawing was cut short is nobody's."""
    with psycopg.connect(database.server().conninfo()) as connection:
        has_tables = connection.execute("SELECT to_regclass('elders_elder') IS NOT NULL").fetchone() == (True,)
    return has_tables and stamps.read().get("demo") != BUILDING and _has_elders()


def _has_elders() -> bool:
    row = as_system("SELECT EXISTS (SELECT 1 FROM elders_elder)")
    return bool(row[0][0])


def as_system(query: str) -> list[tuple[object, ...]]:
    """Return what a query finds in our database, of every row."""
    here = database.server()
    sign_in = here.conninfo(user=database.APP, password=database.role_password(database.APP))
    with psycopg.connect(sign_in) as connection:
        connection.execute("SET LOCAL ROLE songhe_system")
        return list(connection.execute(query.encode()).fetchall())


def _command(*arguments: str) -> None:
    """Run one of our commands signed in as the owner of the tables, showing its lines as progress."""
    running = tasks.start(*arguments, SONGHE_AS="owner")
    try:
        tasks.finish(running, show=lambda line: say(f"  {line.strip()}"))
    finally:
        tasks.stop(running)
