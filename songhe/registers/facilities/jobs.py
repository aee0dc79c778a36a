"""The register's daily look at who moves in and out."""

from songhe.core.calendar.services import today
from songhe.core.events.services import job
from songhe.core.scope.services import Scope, use
from songhe.registers.facilities.models import BedStay
from songhe.registers.facilities.selectors import stays_turning
from songhe.registers.facilities.services import follow_stay


@job(queue="default", cron="25 0 * * *", queueing_lock="facilities.stays", own_transactions=True)
def follow_stays() -> int:
    """Bring elders' records in line with long stays that began or ended of late; return how many were looked at."""
    with use(Scope.system()):
        turning = list(stays_turning(today()).values_list("pk", flat=True))
    for pk in turning:
        with use(Scope.system()):
            follow_stay(bed_stay=BedStay.objects.select_related("bed__room__facility").get(pk=pk))
    return len(turning)
