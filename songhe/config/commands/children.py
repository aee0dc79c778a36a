"""The processes that serve: started together, watched, started again if one dies, and ended together."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from songhe.config.commands.progress import say
from songhe.config.paths import ROOT, VAR

LOGS = VAR / "log"
LOG_LIMIT = 20 * 1024 * 1024
GRACE = 15.0
# A child that keeps dying is tried ever more seldom: half a second after its first death, then 1, 2, 4 … seconds.
FIRST_PAUSE, LONGEST_PAUSE, STEADY_AFTER = 0.5, 15.0, 60.0
_PR_SET_PDEATHSIG = 1


@dataclass
class Child:
    """One process in a session of its own, so that Ctrl-C reaches only us and we end it in order."""

    name: str
    label: str
    command: list[str]
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    due_at: float | None = None
    pause: float = FIRST_PAUSE

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
        self.started_at = time.monotonic()
        self.due_at = None

    def died(self) -> bool:
        """Tell whether the process has ended."""
        return self.process is not None and self.process.poll() is not None

    def revive(self) -> None:
        """Start a process that has ended again, after a pause that doubles until it stays up for a minute.

        It is never given up: while the database is away nothing can serve, and once it is back everything must.
        """
        now = time.monotonic()
        if self.due_at is None:
            if now - self.started_at > STEADY_AFTER:
                self.pause = FIRST_PAUSE
            self.due_at = now + self.pause
            self.pause = min(2 * self.pause, LONGEST_PAUSE)
            code = self.process.returncode if self.process else None
            say(f"{self.label}意外退出（{code}），{self.due_at - now:.1f} 秒后重新启动；详情见 {self.log}")
        elif now >= self.due_at:
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
    """Keep the processes running until interrupted."""
    while True:
        for child in children:
            if child.died():
                child.revive()
        time.sleep(0.25)


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
