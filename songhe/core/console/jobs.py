"""What the console does in the background: large exports, and cleaning up by the clock."""

from datetime import timedelta
from uuid import UUID

from songhe.core.calendar.services import now
from songhe.core.console import exporting
from songhe.core.console.models import SentForm
from songhe.core.events.jobs import job


@job(queue="default", cron="17 3 * * *", queueing_lock="console.forget_sent_forms")
def forget_sent_forms() -> int:
    """Forget the tokens of forms sent more than two days ago; return how many."""
    return SentForm.objects.filter(sent_at__lt=now() - timedelta(days=2)).delete()[0]


@job(queue="exports", own_transactions=True)
def write_export(export_id: UUID) -> None:
    """Write the file of a large export."""
    exporting.write(export_id)


@job(queue="default", cron="40 * * * *", queueing_lock="console.sweep_exports", own_transactions=True)
def sweep_exports() -> int:
    """Remove exported files that were kept long enough; return how many."""
    return exporting.sweep(on=now())
