"""What follows for carers when visits are planned, moved, begun or cancelled."""

from songhe.care.dispatch.models import Notice
from songhe.care.dispatch.services import answers
from songhe.care.visits.events import VisitPlanned, VisitsMoved, VisitsPlanned
from songhe.care.visits.models import Visit
from songhe.core.calendar.services import now
from songhe.core.events.services import subscribe
from songhe.core.flow.events import Stepped


@subscribe(VisitPlanned)
def tell_the_carer(event: VisitPlanned) -> None:
    """The carer is told of the visit and asked to answer."""
    answers.tell(visit_ids=[event.visit_id])


@subscribe(VisitsPlanned, VisitsMoved)
def tell_the_carers(event: VisitsPlanned | VisitsMoved) -> None:
    """Every carer concerned is told, the former ones' notices are withdrawn."""
    answers.tell(visit_ids=event.visit_ids)


@subscribe(Stepped)
def close_notices(event: Stepped) -> None:
    """Whoever is at the door has answered; of a cancelled visit nothing is asked any more."""
    if event.table != Visit._meta.db_table:
        return
    if event.step == "cancel":
        answers.withdraw(visit_ids=[event.object_id])
    elif event.step == "check_in":
        open_ones = Notice.objects.filter(visit_id=event.object_id, state__in=[Notice.State.SENT, Notice.State.EXPIRED])
        open_ones.update(state=Notice.State.ACKNOWLEDGED, answered_at=now())
