"""What follows for orders when plans are agreed and elders die or move."""

from songhe.care.orders import services
from songhe.care.orders.flow import NOT_BEGUN
from songhe.care.orders.models import Order
from songhe.core.events.services import subscribe
from songhe.core.scope.services import Scope, use
from songhe.core.validity import last_day
from songhe.registers.elders.events import ElderDied, ElderMoved, ElderMovedAway
from songhe.rights.careplans.models import CarePlan
from songhe.rights.careplans.services import PlanAgreed


@subscribe(PlanAgreed)
def repeat_plan_items(event: PlanAgreed) -> None:
    """Each item of an agreed plan becomes a standing order."""
    plan = CarePlan.objects.prefetch_related("items").get(pk=event.plan_id)
    for item in plan.items.all():
        services.repeat(
            elder_id=plan.elder_id,
            service_id=item.service_id,
            weekdays=item.weekdays,
            at=item.at,
            first=plan.validity.lower,
            last=last_day(plan.validity),
        )


@subscribe(ElderDied, ElderMovedAway)
def cancel_what_has_not_begun(event: ElderDied | ElderMovedAway) -> None:
    """Nobody comes any more: open orders are cancelled, standing ones end."""
    reason = "老人去世" if isinstance(event, ElderDied) else "迁出本地"
    with use(Scope.system()):
        for order in Order.objects.filter(elder_id=event.elder_id, state__in=NOT_BEGUN):
            services.cancel(order_id=order.pk, user=None, reason=reason)
        services.end_standing(elder_id=event.elder_id, on=event.on, reason=reason)


@subscribe(ElderMoved)
def ask_anew_where_they_live(event: ElderMoved) -> None:
    """What was asked for goes with the elder."""
    with use(Scope.system()):
        services.follow_move(elder_id=event.elder_id, area_id=event.to_area)
