"""The product as it is served and as its worker runs, on a clock that a test sets: the moment named in a file."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from songhe.config.wsgi import application as product

CLOCK = Path(os.environ["SONGHE_VAR"]) / "clock"


@contextmanager
def its_time() -> Iterator[None]:
    """Live at the moment in the file; without one, in the present."""
    from songhe.core.calendar.services import at

    if not CLOCK.exists():
        yield
        return
    with at(datetime.fromisoformat(CLOCK.read_text())):
        yield


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer one request."""
    with its_time():
        return product(environ, start_response)


if __name__ == "__main__":
    # Whatever waits is done in the order it was queued, then the worker ends.
    from songhe.core.testing.jobs import run_waiting_jobs

    with its_time():
        run_waiting_jobs(None)
