"""What has been set up in a database, noted on the database itself, so that a new or restored one is set up anew."""

import hashlib
import json
from pathlib import Path

import psycopg
from psycopg import sql

from songhe.config import database
from songhe.config.paths import ROOT

SCHEMA = ("songhe/**/migrations/*.py", "songhe/**/models*.py", "songhe/**/models/**/*.py", "songhe/core/scope/*.py")
PACK = ("songhe/packs/**/*", "songhe/**/packs.py", "songhe/**/packs/*.py")
LIBRARIES = ("requirements.lock",)


def fingerprint(*patterns: str) -> str:
    """Digest every file that the patterns name, below the project's root."""
    digest = hashlib.sha256()
    for pattern in patterns:
        for path in sorted(ROOT.glob(pattern)):
            if path.is_file() and not {"tests", "__pycache__"} & set(path.parts):
                digest.update(_described(path))
    return digest.hexdigest()[:16]


def _described(path: Path) -> bytes:
    return str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes()


def read() -> dict[str, str]:
    """Return the notes on our database: step to fingerprint."""
    with _connect() as connection:
        row = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", (_name(),)
        ).fetchone()
    try:
        notes = json.loads(row[0] or "{}") if row else {}
    except ValueError:
        return {}
    return notes if isinstance(notes, dict) else {}


def write(step: str, value: str) -> None:
    """Note one step on our database."""
    notes = json.dumps({**read(), step: value})
    with _connect() as connection:
        connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(_name()), sql.Literal(notes)))


def _name() -> str:
    return database.server().name


def _connect() -> psycopg.Connection:
    return psycopg.connect(database.server().conninfo(dbname="postgres"), autocommit=True)
