"""Commands of ours run as steps of a set-up: shown line by line, ended with us, quoted when they fail."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable

from songhe.config.paths import ROOT

QUOTED = 30


class Failed(Exception):
    """A step failed; the message quotes its last lines."""


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start one of our commands in a session of its own, with additions to the environment."""
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str], *, show: Callable[[str], None] | None = None) -> None:
    """Read the command to its end, showing each line.

    Raises:
        Failed: it ended with an error.
    """
    lines: list[str] = []
    shown = show
    for line in process.stdout or ():
        lines.append(line.rstrip())
        if line.startswith("Traceback"):
            shown = None
        if shown and line.strip():
            shown(line)
    if process.wait():
        command = process.args if isinstance(process.args, list) else [process.args]
        raise Failed(f"{' '.join(map(str, command[3:]))} 没有成功：\n" + "\n".join(lines[-QUOTED:]))


def stop(process: subprocess.Popen[str]) -> None:
    """End the command with all it started, if it still runs."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
    if process.stdout:
        process.stdout.close()
