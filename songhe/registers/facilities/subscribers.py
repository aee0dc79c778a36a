"""What follows for beds when something happens to the elder who has one."""

from songhe.core.events.services import subscribe
from songhe.core.scope.services import Scope, use
from songhe.registers.elders.events import ElderGone
from songhe.registers.facilities import services


@subscribe(ElderGone)
def free_the_bed(event: ElderGone) -> None:
    """Whoever died or left needs the bed no more from that day on."""
    with use(Scope.system()):
        services.end_stays(elder_id=event.elder_id, on=event.on, life_event_id=event.life_event_id)
