"""What follows for visits of care when something happens to an elder."""

from songhe.care.outreach import services
from songhe.core.events.services import subscribe
from songhe.core.scope.services import Scope, use
from songhe.registers.elders.events import ElderDied, ElderGone, ElderMoved


@subscribe(ElderGone)
def nobody_to_see(event: ElderGone) -> None:
    """Who died or left is seen no more."""
    reason = "老人去世" if isinstance(event, ElderDied) else "迁出本地"
    with use(Scope.system()):
        services.end(elder_id=event.elder_id, on=event.on, reason=reason, life_event_id=event.life_event_id)


@subscribe(ElderMoved)
def hand_over(event: ElderMoved) -> None:
    """The new community's visitors see them from now on."""
    with use(Scope.system()):
        services.follow_move(elder_id=event.elder_id, area_id=event.to_area)
