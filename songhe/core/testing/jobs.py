"""Running queued jobs inside a test, as a worker would."""

from typing import Any

from procrastinate.contrib.django import app


def run_waiting_jobs(queue: str | None = "default") -> None:
    """Run every job of a queue (of all, for None) that is due now, in this process, then stop; needs committed rows."""
    connector: Any = app.connector
    with app.replace_connector(connector.get_worker_connector()) as working:
        working.run_worker(
            queues=[queue] if queue else None, wait=False, install_signal_handlers=False, listen_notify=False
        )
