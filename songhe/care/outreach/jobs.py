"""The nightly look at who must be seen."""

from songhe.care.outreach import services
from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.events.services import job
from songhe.core.scope.services import Scope, use


@job(queue="default", cron="15 1 * * *", queueing_lock="outreach.refresh", own_transactions=True)
def refresh_charges() -> int:
    """Bring who must be seen in line with the roll, county by county; return how many came."""
    with use(Scope.system()):
        counties = list(Area.objects.filter(level=Area.Level.COUNTY).order_by("code"))
    came = 0
    for county in counties:
        with use(Scope.system()):
            came += services.refresh(area=county, on=today())[0]
    return came
