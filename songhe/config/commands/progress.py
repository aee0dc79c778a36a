"""Lines of progress, each with the seconds since the command began."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def elapsed() -> float:
    """Return the seconds since the first process of this command began."""
    return time.time() - float(os.environ.setdefault("SONGHE_STARTED", str(time.time())))


def say(text: str = "") -> None:
    """Print one line of progress at once."""
    sys.stdout.write(f"[{elapsed():6.1f} 秒] {text}\n" if text else "\n")
    sys.stdout.flush()


@contextmanager
def step(label: str) -> Iterator[None]:
    """Say that something begins and, if it succeeds, how long it took."""
    say(f"{label} …")
    began = time.monotonic()
    yield
    say(f"{label}：完成（用时 {time.monotonic() - began:.1f} 秒）")
