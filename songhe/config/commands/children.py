"""The processes that serve: started together, watched, started again if one dies, and ended together."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from songhe.config.commands.progress import say
from songhe.config.paths import ROOT, VAR

LOGS = VAR / "log"
LOG_LIMIT = 20 * 1024 * 1024
GRACE = 15.0
RESTARTS, PER_SECONDS = 3, 60.0
_PR_SET_PDEATHSIG = 1


class Failed(Exception):
    """A process cannot be kept running; the message says which and ends with its last lines."""


@dataclass
class Child:
    """One process in a session of its own, so that Ctrl-C reaches only us and we end it in order."""

    name: str
    label: str
    command: list[str]
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    starts: deque[float] = field(default_factory=deque)

    @property
    def log(self) -> Path:
        """The file that holds what the process says."""
        return LOGS / f"{self.name}.log"

    def start(self) -> None:
        """Start the process; what it says is added to its log."""
        LOGS.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        self.starts.append(time.monotonic())

    def died(self) -> bool:
        """Tell whether the process has ended."""
        return self.process is not None and self.process.poll() is not None

    def revive(self) -> None:
        """Start the process again.

        Raises:
            Failed: it has died too often in the last minute.
        """
        now = time.monotonic()
        while self.starts and now - self.starts[0] > PER_SECONDS:
            self.starts.popleft()
        if len(self.starts) > RESTARTS:
            raise Failed(f"{self.label}一再退出。它最后的话：\n{self.last_words()}")
        code = self.process.returncode if self.process else None
        say(f"{self.label}意外退出（{code}），已重新启动；详情见 {self.log}")
        self.start()

    def last_words(self, lines: int = 20) -> str:
        """Return the end of the log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def end(self) -> None:
        """Ask the process to finish what it is doing."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def wait(self, until: float) -> None:
        """Wait for the end; past ``until`` (monotonic seconds) end its whole session by force."""
        if self.process is None:
            return
        try:
            self.process.wait(timeout=max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def _die_with_parent() -> None:
    """Have the kernel end this process if we are killed outright; elsewhere than on Linux it must be ended by hand."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def watch(children: list[Child]) -> None:
    """Keep the processes running until interrupted.

    Raises:
        Failed: one of them cannot be kept running.
    """
    while True:
        for child in children:
            if child.died():
                child.revive()
        time.sleep(0.5)


def end(children: list[Child]) -> None:
    """End the processes together, within a quarter of a minute."""
    until = time.monotonic() + GRACE
    for child in children:
        child.end()
    for child in children:
        child.wait(until)


def interrupt_on_signals() -> None:
    """Treat a request to terminate like Ctrl-C."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


def ignore_signals() -> None:
    """Finish ending in peace: a second Ctrl-C changes nothing."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
