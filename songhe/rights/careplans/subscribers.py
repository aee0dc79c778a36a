"""What follows for care plans when something happens to an elder."""

from songhe.core.events.services import subscribe
from songhe.core.scope.services import Scope, use
from songhe.registers.elders.events import ElderGone, ElderMoved, EnteredInstitution
from songhe.rights.careplans import services


@subscribe(ElderGone, EnteredInstitution)
def end_plan(event: ElderGone | EnteredInstitution) -> None:
    """A plan of care at home ends with the day."""
    with use(Scope.system()):
        services.end(elder_id=event.elder_id, on=event.on, life_event_id=event.life_event_id)


@subscribe(ElderMoved)
def hand_over(event: ElderMoved) -> None:
    """A plan goes with the elder."""
    with use(Scope.system()):
        services.follow_move(elder_id=event.elder_id, area_id=event.to_area, on=event.on)
