"""A process that serves dies, and cannot come back at once because what it needs is away."""

import sys
import time
from collections.abc import Callable

import pytest

from songhe.config.commands import children
from songhe.config.commands.children import Child

NEEDS_A_FILE = """
import pathlib, sys, time
with open(sys.argv[1], "a") as starts:
    starts.write("start\\n")
if not pathlib.Path(sys.argv[2]).exists():
    sys.exit(3)
time.sleep(60)
"""


@pytest.fixture
def child(tmp_path, monkeypatch):
    monkeypatch.setattr(children, "LOGS", tmp_path)
    command = [sys.executable, "-c", NEEDS_A_FILE, str(tmp_path / "starts"), str(tmp_path / "needed")]
    found = Child("tried", "试验", command, {}, pause=0.02)
    yield found
    found.end()
    found.wait(time.monotonic() + 5)


def watched(child: Child, until: Callable[[], bool], seconds: float) -> bool:
    """Watch over a child until something holds; tell whether it came to hold in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if child.died():
            child.revive()
        if until():
            return True
        time.sleep(0.01)
    return False


def test_a_process_is_tried_again_until_what_it_needs_is_back(child, tmp_path, capsys):
    starts = tmp_path / "starts"
    child.start()
    assert watched(child, lambda: starts.exists() and starts.read_text().count("start") >= 6, 20)
    # The pauses have doubled: it is not started as fast as it dies.
    assert child.pause >= 0.02 * 2**5
    assert "意外退出（3）" in capsys.readouterr().out
    (tmp_path / "needed").touch()
    tried = starts.read_text().count("start")
    assert watched(child, lambda: starts.read_text().count("start") > tried, 20)
    assert not watched(child, child.died, 0.5)
