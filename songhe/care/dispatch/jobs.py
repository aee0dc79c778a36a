"""What dispatch does in the background: computing plans, and asking who has not answered in time."""

from uuid import UUID

from songhe.care.dispatch import services
from songhe.care.dispatch.models import Notice
from songhe.care.dispatch.services import running
from songhe.core.calendar.services import now
from songhe.core.errors import Refused
from songhe.core.events.services import job
from songhe.core.scope.services import Scope, use


@job(queue="default", own_transactions=True)
def run_plan(run_id: UUID) -> None:
    """Compute a draft; what goes wrong is written on the run for the person who waits."""
    try:
        services.run(run_id=run_id)
    except Exception as error:
        running.fail(run_id=run_id, why=str(error) or type(error).__name__)
        raise


@job(queue="default", cron="* * * * *", queueing_lock="dispatch.expire_notices", own_transactions=True)
def expire_notices() -> None:
    """Close what was not answered in time, each by itself; urgent orders go to the next nearest.

    Raises:
        Refused: names what stood in the way of some; by then all others have been seen to.
    """
    with use(Scope.system()):
        due = Notice.objects.filter(state=Notice.State.SENT, due_at__lte=now()).order_by("-urgent", "due_at")
        waiting = list(due.values_list("pk", flat=True)[:500])
    troubles = []
    for notice_id in waiting:
        try:
            with use(Scope.system()):
                services.expire(notice_id=notice_id)
        except Refused as refused:
            troubles.append(refused.message)
    if troubles:
        raise Refused("\n".join(troubles))
