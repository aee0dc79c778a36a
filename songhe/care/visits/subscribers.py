"""What follows for visits when something happens to orders, and what follows at once when a visit ends."""

from songhe.care.orders.events import OrderCancelled
from songhe.care.visits import services
from songhe.care.visits.events import VisitFinished
from songhe.care.visits.flow import VisitState
from songhe.care.visits.jobs import examine_visit
from songhe.care.visits.models import Visit
from songhe.core.events.services import defer, subscribe
from songhe.core.scope.services import Scope, use
from songhe.registers.elders.events import ElderDied, ElderMoved


@subscribe(OrderCancelled)
def cancel_planned_visits(event: OrderCancelled) -> None:
    """Nobody goes to an order that was cancelled."""
    with use(Scope.system()):
        for visit in Visit.objects.filter(order_id=event.order_id, state=VisitState.PLANNED):
            services.cancel(visit_id=visit.pk, user=None, reason=event.reason)


@subscribe(VisitFinished)
def have_it_examined(event: VisitFinished) -> None:
    """Queue the rules' look at the visit."""
    defer(examine_visit, visit_id=event.visit_id)


@subscribe(ElderDied)
def question_what_came_after(event: ElderDied) -> None:
    """What was served, by the records, after the day of death is to be looked into and taken back."""
    with use(Scope.system()):
        services.question_after_death(elder_id=event.elder_id, on=event.on, life_event_id=event.life_event_id)


@subscribe(ElderMoved)
def give_the_new_door_a_code(event: ElderMoved) -> None:
    """The code at the old door proves nothing any more."""
    with use(Scope.system()):
        services.follow_move(elder_id=event.elder_id, life_event_id=event.life_event_id)
