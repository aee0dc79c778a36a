"""What is done about policies in the background: simulations, deciding anew, screening, the turn of the day."""

from datetime import date
from uuid import UUID

from songhe.core.areas.models import Area
from songhe.core.calendar.services import month_of, today
from songhe.core.errors import Refused
from songhe.core.events.services import job
from songhe.core.scope.services import Scope, use
from songhe.rights.policy import services
from songhe.rights.policy.models import CREDIT_FORMS, Credit, Policy, PolicyVersion, Simulation


@job(queue="default", own_transactions=True, retry=False)
def run_simulation(simulation_id: UUID) -> None:
    """Carry a simulation out; what goes wrong is written on it for the person who waits."""
    try:
        services.simulate(simulation_id=simulation_id)
    except Exception as error:
        with use(Scope.system()):
            Simulation.objects.filter(pk=simulation_id).update(stage="失败", failure=str(error)[:1000])
        raise


@job(queue="default", own_transactions=True, lock="policy.redecide")
def redecide(version_id: UUID, on: date) -> None:
    """Decide anew everybody decided under the version's policy before, each in a transaction of their own."""
    with use(Scope.system()):
        version = PolicyVersion.objects.select_related("policy", "document").get(pk=version_id)
        waiting = list(services.concerned(version, on).values_list("pk", flat=True))
    for elder_id in waiting:
        with use(Scope.system()):
            if not version.decisions.filter(elder=elder_id).exists():
                services.redecide_elder(elder_id=elder_id, version=version, on=on)


@job(queue="default", cron="10 0 * * *", queueing_lock="policy.turn_over")
def begin_day() -> None:
    """Supersede versions whose last day is over, and let those of today take effect."""
    services.turn_over(on=today())


# Three days running, in case nothing ran on the first; whoever becomes due later has the credit opened by a clerk.
@job(queue="default", cron="20 0 1-3 * *", queueing_lock="policy.turn_month", own_transactions=True)
def turn_month() -> None:
    """Close the credits of months that are over and open this month's, each month and each policy by itself.

    Raises:
        Refused: names the policies whose credits could not be opened; by then all others have been.
    """
    first, _next = month_of(today())
    with use(Scope.system()):
        over = sorted(set(Credit.objects.filter(month__lt=first, expired_on=None).values_list("month", flat=True)))
        policies = list(Policy.objects.filter(form__in=CREDIT_FORMS).order_by("id"))
    for month in over:
        with use(Scope.system()):
            services.close_month(month=month, on=today())
    refusals = []
    for policy in policies:
        try:
            with use(Scope.system()):
                services.open_month(month=first, policy=policy)
        except Refused as refusal:
            refusals.append(f"{policy.name}：{refusal.message}")
    if refusals:
        raise Refused("\n".join(refusals))


@job(queue="default", cron="40 1 * * *", queueing_lock="policy.screen")
def screen_region() -> int:
    """Screen every area that a policy is for."""
    areas = Area.objects.filter(pk__in=Policy.objects.values("area"))
    return sum(services.screen(area=area, on=today()) for area in areas)
