"""Tidying the folder of files."""

import time

from songhe.core.events.jobs import job
from songhe.core.files import services

DAY = 24 * 3600


@job(cron="17 3 * * *", queueing_lock="files.sweep")
def sweep() -> int:
    """Remove files left behind by transactions undone more than a day ago."""
    return services.sweep(older_than=time.time() - DAY)
