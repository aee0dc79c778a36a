"""A database that takes its time after a power cut is waited for, not given up."""

import subprocess
from types import SimpleNamespace

import pgserver
import pytest
from pgserver.postgres_server import PostmasterInfo

from songhe.config import database


@pytest.fixture
def slow_server(monkeypatch, tmp_path):
    """A server whose package gives up after its ten seconds, and which is ready three looks later."""
    (tmp_path / "songhe.tuned").touch()
    monkeypatch.setattr(database, "PGDATA", tmp_path)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    looks = iter(["starting", "starting", "ready", "ready"])
    seen = SimpleNamespace(starts=0, looked=[])

    def read(pgdata):
        if not seen.starts:
            return None
        status = next(looks)
        seen.looked.append(status)
        return SimpleNamespace(status=status, is_running=lambda: True)

    def get_server(pgdata, cleanup_mode):
        seen.starts += 1
        if seen.starts == 1:
            raise subprocess.TimeoutExpired("pg_ctl", 10)
        return SimpleNamespace(system_user=None)

    monkeypatch.setattr(PostmasterInfo, "read_from_pgdata", read)
    monkeypatch.setattr(pgserver, "get_server", get_server)
    return seen


def test_a_database_that_recovers_is_waited_for(slow_server):
    database.start_embedded()
    assert slow_server.starts == 2
    assert slow_server.looked == ["starting", "starting", "ready"]
