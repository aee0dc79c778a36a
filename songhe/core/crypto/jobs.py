"""Resealing after a change of keys."""

from songhe.core.crypto import services
from songhe.core.events.jobs import job


@job(cron="37 2 * * *", lock="crypto.reseal", queueing_lock="crypto.reseal", own_transactions=True)
def reseal_all() -> int:
    """Seal everything with the key in use; nightly too, for what was written back under the old key meanwhile."""
    return sum(services.reseal(column).resealed for column in services.sealed_columns())
