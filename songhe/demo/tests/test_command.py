"""``songhe demo`` as an operator types it: no pack loaded before it, and nothing known of the tables' owner."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from songhe.config import database
from songhe.config.commands import stamps
from songhe.config.paths import KEYRING, ROOT, VAR

NAME = f"songhe_typed_{os.getpid()}"


@pytest.fixture
def operator(django_db_setup: None, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Give the environment of somebody at the command line, whose database has tables and nothing in them.

    Making the tables is the same command that made the tests' template, and takes a minute.
    """
    (tmp_path / "database-passwords").symlink_to(VAR / "database-passwords")
    here = database.server()
    address = os.environ.get("DATABASE_URL", f"postgresql://{here.admin}@/songhe?host={here.host}")
    environment = {key: value for key, value in os.environ.items() if key not in ("SONGHE_AS", "SONGHE_DB")}
    with psycopg.connect(here.conninfo(dbname="postgres"), autocommit=True) as admin:
        bare = settings.SONGHE_TEST_TEMPLATE.replace("songhe_template_", "songhe_bare_")
        notes = json.dumps({"schema": stamps.fingerprint(*stamps.SCHEMA, *stamps.LIBRARIES)})
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(NAME), sql.Identifier(bare)))
        admin.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(NAME), sql.Literal(notes)))
    yield environment | {
        "DATABASE_URL": address.replace("/songhe", f"/{NAME}"),
        "SONGHE_VAR": str(tmp_path),
        "SONGHE_KEYRING": str(KEYRING),
    }
    with psycopg.connect(here.conninfo(dbname="postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(NAME)))


def typed(operator: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "songhe", *arguments],
        cwd=ROOT,
        env=operator,
        capture_output=True,
        text=True,
        check=False,
    )


def elders() -> int:
    with psycopg.connect(database.server().conninfo(dbname=NAME)) as connection:
        row = connection.execute("SELECT count(*) FROM elders_elder").fetchone()
    return int(row[0]) if row else 0


def test_a_demo_is_all_an_operator_needs_to_type(operator: dict[str, str]) -> None:
    first = typed(operator, "demo", "--elders", "400", "--seed", "3")
    assert first.returncode == 0, first.stdout + first.stderr
    for said in ("政策包 anqing：完成", "老人 400 位", "演示数据：完成"):
        assert said in first.stdout
    assert elders() == 400

    again = typed(operator, "demo", "--elders", "500")
    assert again.returncode == 1
    assert "已经有老人档案" in again.stdout
    assert "Traceback" not in again.stdout + again.stderr
    assert elders() == 400
