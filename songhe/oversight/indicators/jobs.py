"""Counting in the background what pages show."""

from songhe.core.events.services import job
from songhe.oversight.indicators import services


@job(queue="default", cron="*/5 * * * *", own_transactions=True, queueing_lock="indicators.renew_readings")
def renew_readings() -> int:
    """Count anew what screens show, every five minutes."""
    return services.renew_readings()
