"""What follows for assessments when something happens to an elder."""

from songhe.core.events.services import subscribe
from songhe.core.scope.services import Scope, use
from songhe.registers.elders.events import ElderMoved
from songhe.rights.assessment import services


@subscribe(ElderMoved)
def hand_over(event: ElderMoved) -> None:
    """What is under way or in force goes with the elder."""
    with use(Scope.system()):
        services.follow_move(elder_id=event.elder_id, area_id=event.to_area, on=event.on)
