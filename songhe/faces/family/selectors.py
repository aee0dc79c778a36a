"""What a family sees of an elder."""

from dataclasses import dataclass

from songhe.care.orders.flow import NOT_BEGUN, OrderState
from songhe.care.orders.models import Order
from songhe.care.visits.flow import VisitState
from songhe.care.visits.models import Visit
from songhe.core.accounts.models import Acting, User
from songhe.core.calendar.services import month_of, today
from songhe.core.ledger.services import balances
from songhe.registers.elders.models import Elder
from songhe.registers.workforce.selectors import names_of_carers
from songhe.rights.careplans.flow import PlanState
from songhe.rights.careplans.models import CarePlan
from songhe.rights.policy.models import Credit, Entitlement
from songhe.rights.policy.selectors import credits_for, entitlements_on

SHOWN = 10
DONE = [VisitState.FINISHED, VisitState.DOUBTFUL, VisitState.VERIFIED]


@dataclass(frozen=True)
class Coming:
    """An order still to be served, and when who comes if that is fixed."""

    order: Order
    visit: Visit | None
    carer: str


@dataclass(frozen=True)
class Done:
    """A visit that was paid, and by whom."""

    visit: Visit
    carer: str


@dataclass(frozen=True)
class CaredFor:
    """An elder as their family needs them; ``credits`` are this month's, each with what is left of it in fen."""

    elder: Elder
    relation: str
    entitlements: list[Entitlement]
    credits: list[tuple[Credit, int]]
    coming: list[Coming]
    done: list[Done]
    plan: CarePlan | None


def cared_for(user: User) -> list[CaredFor]:
    """Return the elders a person acts for today, as the person may see them."""
    relations = dict(Acting.objects.filter(user=user, ended_on__isnull=True).values_list("elder_id", "relation"))
    elders = Elder.objects.filter(pk__in=relations).select_related("area").order_by("id")
    return [_cared_for(elder, relations[elder.pk]) for elder in elders]


def _cared_for(elder: Elder, relation: str) -> CaredFor:
    first, _next = month_of(today())
    credits = credits_for(elder_id=elder.pk, month=first)
    left = balances([credit.account_id for credit in credits])
    # A family does not see a provider's staff, so visits are not joined to them: the join would hide the visit.
    visits = Visit.objects.filter(elder=elder).select_related("service", "provider")
    done = list(visits.filter(state__in=DONE).order_by("-check_in_at")[:SHOWN])
    coming = _coming(elder)
    names = names_of_carers(visit.staff_id for visit in [*done, *(visit for _, visit in coming if visit)])
    return CaredFor(
        elder=elder,
        relation=relation,
        entitlements=list(entitlements_on(elder.pk, today())),
        credits=[(credit, left[credit.account_id]) for credit in credits],
        coming=[Coming(order, visit, names[visit.staff_id] if visit else "") for order, visit in coming],
        done=[Done(visit, names[visit.staff_id]) for visit in done],
        plan=CarePlan.objects.filter(elder=elder, state=PlanState.AGREED, validity__contains=today())
        .prefetch_related("items__service")
        .first(),
    )


def _coming(elder: Elder) -> list[tuple[Order, Visit | None]]:
    orders = list(
        Order.objects.filter(elder=elder, state__in=[*NOT_BEGUN, OrderState.IN_SERVICE])
        .select_related("service", "provider")
        .order_by("wanted_from")[:SHOWN]
    )
    planned = {
        visit.order_id: visit
        for visit in Visit.objects.filter(order__in=orders, state__in=[VisitState.PLANNED, VisitState.STARTED])
    }
    return [(order, planned.get(order.pk)) for order in orders]
