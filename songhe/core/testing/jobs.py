"""Running queued jobs inside a test, as a worker would."""

from procrastinate.contrib.django import app


def run_waiting_jobs(queue: str = "default") -> None:
    """Run every job of a queue that is due now, in this thread's process, then stop; needs committed rows."""
    with app.replace_connector(app.connector.get_worker_connector()) as working:
        working.run_worker(queues=[queue], wait=False, install_signal_handlers=False, listen_notify=False)
