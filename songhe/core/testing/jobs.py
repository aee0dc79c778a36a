"""Running queued jobs inside a test, as a worker would."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from procrastinate.contrib.django import app


def run_waiting_jobs(queue: str | None = "default") -> None:
    """Run every job of a queue (of all, for None) that is due now, in this process, then stop; needs committed rows."""
    # A thread of its own: where a browser is open, the test's own thread already has its event loop running. The moment
    # that the test lives at goes with it.
    with ThreadPoolExecutor(max_workers=1) as worker:
        worker.submit(copy_context().run, _work, [queue] if queue else None).result()


def _work(queues: list[str] | None) -> None:
    connector: Any = app.connector
    with app.replace_connector(connector.get_worker_connector()) as working:
        working.run_worker(queues=queues, wait=False, install_signal_handlers=False, listen_notify=False)
