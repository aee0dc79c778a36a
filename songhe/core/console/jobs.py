"""What the console cleans up by the clock."""

from datetime import timedelta

from songhe.core.calendar.services import now
from songhe.core.console.models import SentForm
from songhe.core.events.jobs import job


@job(queue="default", cron="17 3 * * *", queueing_lock="console.forget_sent_forms")
def forget_sent_forms() -> int:
    """Forget the tokens of forms sent more than two days ago; return how many."""
    return SentForm.objects.filter(sent_at__lt=now() - timedelta(days=2)).delete()[0]
