"""Holding the embedded PostgreSQL: whoever needs it notes so, and the last to leave stops what one of us started.

A process that was killed leaves its note behind; its number is no longer alive, so the note no longer counts.
"""

import os
import subprocess
import time
from importlib.util import find_spec

import fasteners
import psutil
import psycopg

from songhe.config import database
from songhe.config.paths import PGDATA, VAR

NOTES = VAR / "holding"
STARTED_BY_US = NOTES / "started"
PATIENCE = 180.0


class DatabaseNotReady(Exception):
    """The embedded PostgreSQL did not come up; the message says where to look."""


def is_running() -> bool:
    """Tell whether the embedded PostgreSQL runs."""
    try:
        number = int((PGDATA / "postmaster.pid").read_text().splitlines()[0])
        return str(psutil.Process(number).name()).startswith("postgres")
    except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
        return False


def hold() -> None:
    """Start the embedded PostgreSQL if need be and keep it running until ``release``; another's server needs nothing.

    Raises:
        DatabaseNotReady: there is none for this machine, or it did not answer within three minutes.
    """
    if not database.is_embedded():
        return
    if find_spec("pgserver") is None:
        raise DatabaseNotReady(
            "内置数据库只有 Linux x86_64 和 macOS arm64 版，请用 DATABASE_URL 指定一个 PostgreSQL 16 或更新版本。"
        )
    NOTES.mkdir(parents=True, exist_ok=True)
    with _lock():
        if not is_running():
            STARTED_BY_US.touch()
        _start()
        (NOTES / str(os.getpid())).touch()


def release() -> bool:
    """Give the embedded PostgreSQL up; return whether it was stopped (one of us started it and nobody uses it)."""
    if not database.is_embedded() or not NOTES.exists():
        return False
    with _lock():
        (NOTES / str(os.getpid())).unlink(missing_ok=True)
        for note in NOTES.glob("[0-9]*"):
            if not psutil.pid_exists(int(note.name)):
                note.unlink()
        if any(NOTES.glob("[0-9]*")) or not STARTED_BY_US.exists() or not is_running() or _others():
            return False
        database.stop_embedded()
        STARTED_BY_US.unlink()
    return True


def _lock() -> fasteners.InterProcessLock:
    return fasteners.InterProcessLock(NOTES / "lock")


def _start() -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            database.start_embedded()
            with psycopg.connect(database.server().conninfo(dbname="postgres")):
                return
        except (subprocess.SubprocessError, psycopg.OperationalError) as error:
            # After a crash the server first replays its log, which may take longer than the starter waits.
            if time.monotonic() > deadline or not is_running():
                raise DatabaseNotReady(f"内置数据库没有启动，请看 {PGDATA / 'log'}。") from error
            time.sleep(0.5)


def _others() -> int:
    with psycopg.connect(database.server().conninfo(dbname="postgres"), autocommit=True) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        ).fetchone()
    return int(row[0]) if row else 0
