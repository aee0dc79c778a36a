"""What follows for orders when plans are agreed and elders die or move."""

from songhe.care.orders import services
from songhe.core.events.services import subscribe
from songhe.core.scope.services import Scope, use
from songhe.core.validity import last_day
from songhe.registers.elders.events import ElderDied, ElderGone, ElderMoved, ElderReturned, EnteredInstitution
from songhe.rights.careplans.models import CarePlan
from songhe.rights.careplans.services import PlanAgreed, PlanEnded


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
            care_plan=plan,
        )


@subscribe(PlanEnded)
def end_what_the_plan_asked_for(event: PlanEnded) -> None:
    """A plan that was revised or ended asks for nothing any more."""
    with use(Scope.system()):
        services.end_plan(care_plan_id=event.plan_id, on=event.on, reason=event.reason)


@subscribe(ElderGone)
def cancel_what_has_not_begun(event: ElderGone) -> None:
    """Nobody comes any more: open orders are cancelled, standing ones end."""
    reason = "老人去世" if isinstance(event, ElderDied) else "迁出本地"
    with use(Scope.system()):
        services.call_off(elder_id=event.elder_id, on=event.on, reason=reason, life_event_id=event.life_event_id)


@subscribe(EnteredInstitution)
def nobody_comes_home(event: EnteredInstitution) -> None:
    """Care at home ends; what is not given at home goes on."""
    with use(Scope.system()):
        services.call_off(
            elder_id=event.elder_id,
            on=event.on,
            reason="入住机构",
            life_event_id=event.life_event_id,
            only_at_home=True,
        )


@subscribe(ElderReturned)
def ask_anew_what_was_called_off(event: ElderReturned) -> None:
    """Orders that a mistaken death or leaving cancelled, and whose time has not passed, are asked for again."""
    if event.retracted_id is not None:
        with use(Scope.system()):
            services.ask_again(retracted_id=event.retracted_id, life_event_id=event.life_event_id)


@subscribe(ElderMoved)
def ask_anew_where_they_live(event: ElderMoved) -> None:
    """What was asked for goes with the elder."""
    with use(Scope.system()):
        services.follow_move(elder_id=event.elder_id, area_id=event.to_area, life_event_id=event.life_event_id)
