"""Background jobs: queued in the transaction that needs them, run later under a named scope, retried with patience.

A job's state (waiting, running, failed, given up) lives on the job's row, never on a business object. A worker that
dies leaves its job to ``revive``, which gives it to another one; so a job must be safe to run twice.
"""

from collections.abc import Callable
from datetime import date, datetime
from functools import wraps
from typing import Any, TypeVar, get_type_hints
from uuid import UUID

from django.db import transaction
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued, UniqueViolation
from procrastinate.jobs import Status
from procrastinate.tasks import Task

from songhe.core.scope.services import Scope, use

R = TypeVar("R")
Job = Task[Any, Any, Any]

# 10, 20, 40, 80 … seconds would be kinder still, but the queue counts exponents of whole seconds: 3, 9, 27, 81, 243.
PATIENT = RetryStrategy(max_attempts=5, exponential_wait=3)
STALLED_AFTER = 60

_READERS: dict[Any, Callable[[str], Any]] = {
    UUID: UUID,
    date: date.fromisoformat,
    datetime: datetime.fromisoformat,
}


def job(
    *,
    queue: str = "default",
    retry: bool | int | RetryStrategy = PATIENT,
    scope: Scope | None = None,
    own_transactions: bool = False,
    lock: str | None = None,
    queueing_lock: str | None = None,
    cron: str | None = None,
) -> Callable[[Callable[..., R]], Job]:
    """Declare a job. It runs in one transaction under ``scope`` (the system's unless told).

    ``own_transactions`` leaves transactions and scopes to the job itself, for work too long for one. Jobs of one
    ``lock`` never run at once; of one ``queueing_lock`` only one waits. ``cron`` also queues it by the clock.
    Arguments annotated UUID, date or datetime are read back from the text they are stored as.
    """

    def declare(function: Callable[..., R]) -> Job:
        hints = get_type_hints(function)

        @wraps(function)
        def run(timestamp: int | None = None, **arguments: Any) -> R:
            read = {
                name: _READERS[hints[name]](value) if isinstance(value, str) and hints.get(name) in _READERS else value
                for name, value in arguments.items()
            }
            if own_transactions:
                return function(**read)
            with use(scope or Scope.system()):
                return function(**read)

        task = app.task(queue=queue, retry=retry, lock=lock, queueing_lock=queueing_lock)(run)
        return app.periodic(cron=cron)(task) if cron else task

    return declare


def defer(
    task: Job,
    *,
    _lock: str | None = None,
    _queueing_lock: str | None = None,
    _at: datetime | None = None,
    **arguments: Any,
) -> int | None:
    """Queue a job in the present transaction; return its number, or None if its queueing lock has one waiting already.

    Nothing is queued if the transaction is undone, and no worker sees the job before it commits.
    """
    configured = task.configure(lock=_lock, queueing_lock=_queueing_lock, schedule_at=_at)
    stored = {name: _storable(value) for name, value in arguments.items()}
    try:
        # A waiting twin breaks only this savepoint.
        with transaction.atomic():
            return int(configured.defer(**stored))
    except AlreadyEnqueued:
        return None


def _storable(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    return value


@app.periodic(cron="* * * * *")
@app.task(queue="default", queueing_lock="songhe.revive", pass_context=False)
async def revive(timestamp: int) -> None:
    """Give back to the queue the jobs whose worker died in the middle of them."""
    for stalled in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER):
        try:
            await app.job_manager.retry_job(stalled)
        except UniqueViolation:
            # Of those with its queueing lock one waits already, which does the same work.
            await app.job_manager.finish_job(stalled, Status.FAILED, delete_job=False)
