"""Jobs: queued with the transaction or not at all, run under their scope, retried, and revived when a worker died."""

from contextlib import suppress
from datetime import date
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import AlreadyEnqueued

from songhe.core.events.jobs import defer, job, revive
from songhe.core.scope import services as scope
from songhe.core.testing.jobs import run_waiting_jobs

QUEUE = "tests"
seen: list[object] = []


@job(queue=QUEUE)
def note(*, elder: UUID, on: date) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        seen.append((elder, on, cursor.fetchone()[0]))


@job(queue=QUEUE, retry=3)
def stumble() -> None:
    seen.append("tried")
    if seen.count("tried") < 3:
        raise RuntimeError("not yet")


@job(queue=QUEUE, retry=False)
def fail() -> None:
    raise RuntimeError("never")


@job(queue=QUEUE, own_transactions=True)
def alone() -> None:
    seen.append((scope.current(), connection.in_atomic_block))


@pytest.fixture(autouse=True)
def forget():
    seen.clear()


def test_a_job_is_queued_with_its_transaction_or_not_at_all(transactional_db):
    elder = uuid4()
    with pytest.raises(RuntimeError), transaction.atomic():
        defer(note, elder=elder, on=date(2026, 3, 1))
        raise RuntimeError
    assert not ProcrastinateJob.objects.exists()
    with scope.use(scope.Scope.of_persons([elder])):
        number = defer(note, elder=elder, on=date(2026, 3, 1))
    run_waiting_jobs(QUEUE)
    assert seen == [(elder, date(2026, 3, 1), "songhe_system")]
    assert ProcrastinateJob.objects.get(pk=number).status == "succeeded"


def test_a_stumbling_job_is_tried_again_and_its_state_lies_on_it(transactional_db):
    first, second = defer(stumble), defer(fail)
    run_waiting_jobs(QUEUE)
    assert seen.count("tried") == 3
    assert ProcrastinateJob.objects.get(pk=first).status == "succeeded"
    assert ProcrastinateJob.objects.get(pk=second).status == "failed"


def test_one_waiting_job_is_enough_and_does_not_break_the_transaction(transactional_db):
    with transaction.atomic():
        assert defer(alone, _queueing_lock="alone")
        assert defer(alone, _queueing_lock="alone") is None
        assert ProcrastinateJob.objects.count() == 1
    run_waiting_jobs(QUEUE)
    assert seen == [(None, False)]


def died_with(*numbers):
    """Leave jobs as a worker does that dies in the middle of them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '5 min') RETURNING id"
        )
        (worker,) = cursor.fetchone()
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s WHERE id = ANY (%s)",
            [worker, list(numbers)],
        )


def revived():
    # The clock may have queued it already.
    with suppress(AlreadyEnqueued):
        revive.defer(timestamp=0)
    run_waiting_jobs()


def test_a_job_whose_worker_died_goes_back_to_the_queue(transactional_db):
    died_with(defer(alone))
    run_waiting_jobs(QUEUE)
    assert not seen

    revived()
    run_waiting_jobs(QUEUE)
    assert seen == [(None, False)]


def test_a_dead_workers_job_gives_way_to_the_one_that_waits_with_its_lock_and_hinders_no_other(transactional_db):
    first, other = defer(alone, _queueing_lock="alone"), defer(alone)
    died_with(first, other)
    successor = defer(alone, _queueing_lock="alone")

    revived()
    run_waiting_jobs(QUEUE)
    states = dict(ProcrastinateJob.objects.filter(pk__in=[first, other, successor]).values_list("pk", "status"))
    assert states == {first: "failed", other: "succeeded", successor: "succeeded"}
    assert len(seen) == 2
