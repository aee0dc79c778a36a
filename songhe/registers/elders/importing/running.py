"""Running the steps of an import: small rolls at once, large ones as a job under the importer's own scope."""

from typing import Literal
from uuid import UUID

import pghistory
from procrastinate.contrib.django.models import ProcrastinateJob

from songhe.core.accounts.models import User
from songhe.core.calendar.services import today
from songhe.core.errors import Refused
from songhe.core.events.services import defer, job
from songhe.core.scope.services import use
from songhe.registers.elders.importing import services
from songhe.registers.elders.models import ImportBatch

AT_ONCE = 2_000
"""Rolls of up to this many lines are worked on while the person waits."""

Deed = Literal["look_over", "apply", "undo"]


def start(*, batch: ImportBatch, deed: Deed, user: User, version: int | None = None) -> ImportBatch:
    """Do a step now, or queue it; a step already queued is not queued again."""
    if batch.rows_read <= AT_ONCE:
        return _do(batch.pk, deed, user, version)
    number = defer(
        work_on, batch_id=batch.pk, deed=deed, user_id=user.pk, _lock=f"elders.import:{batch.pk}",
        _queueing_lock=f"elders.import:{batch.pk}:{deed}",
    )  # fmt: skip
    if number is not None:
        ImportBatch.objects.filter(pk=batch.pk).update(job_id=number)
        batch.refresh_from_db()
    return batch


def _do(batch_id: UUID, deed: str, user: User, version: int | None = None) -> ImportBatch:
    if deed == "look_over":
        return services.look_over(batch_id=batch_id)
    if deed == "apply":
        return services.apply(batch_id=batch_id, user=user, version=version)
    return services.undo(batch_id=batch_id, user=user, version=version)


@job(queue="imports", own_transactions=True)
def work_on(*, batch_id: UUID, deed: str, user_id: UUID) -> None:
    """Do one step of an import; what the rules refuse is written on the batch for its page to show."""
    user = User.objects.get(pk=user_id)
    scope = user.scope()
    with pghistory.context(user=str(user.pk), name=user.display_name, role=user.role, path=f"import:{deed}"):
        try:
            with use(scope):
                _do(batch_id, deed, user)
        except Refused as error:
            with use(scope):
                ImportBatch.objects.filter(pk=batch_id).update(refusal=error.message[:300])


@job(cron="20 3 * * *", queueing_lock="elders.purge_imports")
def purge_imports() -> None:
    """Remove the lines of old rolls."""
    services.purge(before=today() - services.KEPT)


def job_state(batch: ImportBatch) -> str:
    """Return whether a job is at work on a batch: ``waiting``, ``running``, ``failed``, or empty for none."""
    if batch.job_id is None:
        return ""
    status = ProcrastinateJob.objects.filter(pk=batch.job_id).values_list("status", flat=True).first()
    return {"todo": "waiting", "doing": "running", "failed": "failed", "aborted": "failed"}.get(status or "", "")
