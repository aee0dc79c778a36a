"""The room's background jobs."""

from uuid import UUID

from songhe.core.areas.models import Area
from songhe.core.events.services import job
from songhe.registers.exchange import duplicates, services


@job(queue="imports")
def compare_roll(*, source_id: UUID, batch_id: UUID) -> None:
    """Compare a large roll just applied with the register and the others."""
    services.compare(source_id=source_id, batch_id=batch_id)


@job(cron="40 4 1 * *", queue="imports", queueing_lock="exchange.compare_all")
def compare_every_month() -> None:
    """Compare all rolls on the first of the month: people turn eighty without a roll coming in."""
    services.compare_all()


@job(cron="10 2 * * 0", queue="imports", queueing_lock="exchange.find_duplicates")
def find_duplicates_every_week() -> None:
    """Look for double records on Sundays, county by county."""
    for area in Area.objects.filter(level=Area.Level.COUNTY):
        duplicates.find(area=area)
