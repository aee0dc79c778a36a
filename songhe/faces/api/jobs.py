"""What the interface does by the clock."""

from songhe.core.console.registry import autodiscover
from songhe.core.events.services import job
from songhe.faces.api import services


@job(queue="default", cron="20 0 * * *", queueing_lock="api.note_takings")
def note_takings() -> int:
    """Note in the journal what was taken yesterday; return how many lines."""
    autodiscover()
    return services.note_takings()
