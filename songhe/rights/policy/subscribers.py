"""What follows for entitlements when something happens to an elder."""

from songhe.core.calendar.services import today
from songhe.core.events.services import subscribe
from songhe.core.scope.services import Scope, use
from songhe.core.validity import in_force
from songhe.registers.elders.events import ElderDied, ElderMoved, ElderMovedAway
from songhe.rights.policy import services
from songhe.rights.policy.models import Entitlement


@subscribe(ElderDied)
def end_at_death(event: ElderDied) -> None:
    """End every entitlement on the day of death."""
    for entitlement in Entitlement.objects.filter(in_force(today()), elder_id=event.elder_id):
        services.end(entitlement=entitlement, last_day=event.on, reason="老人去世")


@subscribe(ElderMovedAway)
def end_at_moving(event: ElderMovedAway) -> None:
    """End every entitlement when the elder moves out of the region."""
    for entitlement in Entitlement.objects.filter(in_force(today()), elder_id=event.elder_id):
        services.end(entitlement=entitlement, last_day=event.on, reason="迁出本地")


@subscribe(ElderMoved)
def follow_the_elder(event: ElderMoved) -> None:
    """What the elder is due goes to the new community; where the policy does not reach, it ends."""
    with use(Scope.system()):
        services.follow_move(elder_id=event.elder_id, area_id=event.to_area, on=event.on)
