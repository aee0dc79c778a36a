"""Sealing the journal as it grows."""

from songhe.core.events.jobs import job
from songhe.core.journal import services


@job(cron="* * * * *", queueing_lock="journal.seal", lock="journal.seal", own_transactions=True, retry=False)
def seal() -> int:
    """Seal what was written since the last minute."""
    return services.seal()
