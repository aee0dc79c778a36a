"""What is done about visits in the background."""

from uuid import UUID

from songhe.care.visits import services
from songhe.care.visits.flow import VisitState
from songhe.care.visits.models import Visit
from songhe.core.events.services import job


@job(queue="visits")
def examine_visit(visit_id: UUID) -> None:
    """Have the rules look at a finished visit; one looked at already is left."""
    if Visit.objects.filter(pk=visit_id, state=VisitState.FINISHED).exists():
        services.examine(visit_id=visit_id)
