"""What follows for rights when something happens to an elder."""

from songhe.core.events.services import subscribe
from songhe.core.scope.services import Scope, use
from songhe.registers.elders.events import (
    ElderDied,
    ElderGone,
    ElderMoved,
    ElderReturned,
    EldersMerged,
    EldersParted,
    FactsChanged,
    OffTheRoll,
)
from songhe.rights.policy import services


@subscribe(ElderGone)
def end_what_was_due(event: ElderGone) -> None:
    """End every entitlement on the day of death or of leaving the region."""
    reason = "老人去世" if isinstance(event, ElderDied) else "迁出本地"
    with use(Scope.system()):
        services.end_rights(elder_id=event.elder_id, on=event.on, reason=reason, life_event_id=event.life_event_id)


@subscribe(OffTheRoll)
def give_back_what_is_left(event: OffTheRoll) -> None:
    """Close the credits once orders have given back what they held."""
    with use(Scope.system()):
        services.give_back_credits(elder_id=event.elder_id, life_event_id=event.life_event_id)


@subscribe(ElderReturned)
def open_again(event: ElderReturned) -> None:
    """Fill the credits again that a mistaken death or leaving closed."""
    if event.retracted_id is not None:
        with use(Scope.system()):
            services.reopen_credits(
                elder_id=event.elder_id,
                retracted_id=event.retracted_id,
                life_event_id=event.life_event_id,
                reason="原登记有误",
            )


@subscribe(FactsChanged)
def see_what_is_due_now(event: FactsChanged) -> None:
    """Ask the law anew."""
    with use(Scope.system()):
        services.look_again(elder_id=event.elder_id, on=event.on, life_event_id=event.life_event_id)


@subscribe(ElderMoved)
def follow_the_elder(event: ElderMoved) -> None:
    """What the elder is due goes to the new community; where the policy does not reach, it ends."""
    with use(Scope.system()):
        services.follow_move(
            elder_id=event.elder_id, area_id=event.to_area, on=event.on, life_event_id=event.life_event_id
        )


@subscribe(EldersMerged)
def due_once(event: EldersMerged) -> None:
    """One person is due one credit a month; what was given on both records is taken back or listed."""
    with use(Scope.system()):
        services.join_rights(
            kept_id=event.kept_id, dropped_id=event.dropped_id, on=event.on, life_event_id=event.life_event_id
        )


@subscribe(EldersParted)
def due_to_each(event: EldersParted) -> None:
    """Two people are due each their own again."""
    with use(Scope.system()):
        services.part_rights(
            kept_id=event.kept_id,
            dropped_id=event.dropped_id,
            on=event.on,
            life_event_id=event.life_event_id,
            retracted_id=event.retracted_id,
        )
