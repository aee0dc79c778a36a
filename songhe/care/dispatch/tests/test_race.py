"""Two dispatchers at once: one carer is never in two places, and only the database stands in the way."""

import threading

import psycopg
import pytest
from django.conf import settings
from django.db import connections

from songhe.care.dispatch import services
from songhe.care.dispatch.services import steady
from songhe.care.dispatch.tests.conftest import MORNING
from songhe.care.dispatch.tests.round import Round
from songhe.care.dispatch.weekly import steady_of
from songhe.care.visits import services as visits
from songhe.care.visits.models import Visit
from songhe.config.database import server
from songhe.core.calendar.services import at
from songhe.core.errors import Refused
from songhe.core.scope.services import Scope, use
from songhe.core.testing.races import together


@pytest.fixture
def two_orders(transactional_db):
    """Two orders of one hour, and two drafts that both give the first carer one of them."""
    with at(MORNING), use(Scope.system()):
        round_ = Round(carers=2)
        found = [round_.given(hour=9), round_.given(hour=9, step=(1, 0))]
        round_.drafts = []
        for order in found:
            plan = round_.plan()
            services.move(
                plan_id=plan.pk, order_id=order.pk, staff_id=round_.carers[0].pk, start=540, user=round_.manager
            )
            round_.drafts.append(plan)
        round_.found = found
    return round_


def publishing(round_, plan):
    def act():
        with at(MORNING), use(round_.manager.scope()):
            return services.publish(plan_id=plan.pk, user=round_.manager)

    return act


def planning(round_, order):
    def act():
        with at(MORNING), use(Scope.system()):
            return visits.plan(order=order, staff=round_.carers[0], start=order.wanted_from, user=None)

    return act


def first_carers_visits(round_):
    with use(Scope.system()):
        return Visit.objects.filter(staff=round_.carers[0]).count()


def test_two_drafts_published_at_once_book_the_carer_once(two_orders):
    results = together(*(publishing(two_orders, plan) for plan in two_orders.drafts))
    assert sum(isinstance(result, services.Published) for result in results) == 1, results
    assert sum(isinstance(result, Refused) for result in results) == 1, results
    assert first_carers_visits(two_orders) == 1


def test_a_published_draft_and_a_single_dispatch_at_once_book_the_carer_once(two_orders):
    results = together(publishing(two_orders, two_orders.drafts[0]), planning(two_orders, two_orders.found[1]))
    assert sum(isinstance(result, Refused) for result in results) == 1, results
    assert first_carers_visits(two_orders) == 1


def test_without_the_exclusion_the_carer_would_be_in_two_places(two_orders):
    """The control: the race is there, and only the database's exclusion stands in its way."""
    with psycopg.connect(server().conninfo(dbname=settings.DATABASES["default"]["NAME"]), autocommit=True) as owner:
        owner.execute("ALTER TABLE visits_visit DROP CONSTRAINT visit_one_at_a_time_a_carer")
    connections.close_all()
    results = together(*(planning(two_orders, order) for order in two_orders.found))
    assert not any(isinstance(result, Exception) for result in results), results
    assert first_carers_visits(two_orders) == 2


@pytest.fixture
def two_proposals(transactional_db):
    """Two carers, each of whom one dispatcher has proposed for the same elder."""
    with at(MORNING), use(Scope.system()):
        round_ = Round(carers=2)
        elder = round_.poor()
        round_.given(person=elder)
        round_.elder = elder
    return round_


def adopting(round_, carer):
    def act():
        with at(MORNING), use(round_.manager.scope()):
            return services.adopt_steady(
                provider_id=round_.provider.pk, chosen={round_.elder.pk: frozenset([carer.pk])}, as_of=None
            )

    return act


def steady_carers(round_):
    with use(Scope.system()):
        return steady_of(round_.provider.pk)[round_.elder.pk]


def test_of_two_proposals_adopted_at_once_one_holds_and_the_other_is_told(two_proposals):
    results = together(*(adopting(two_proposals, carer) for carer in two_proposals.carers))
    (winner,) = (number for number, result in enumerate(results) if isinstance(result, steady.Adopted))
    (refused,) = (result for result in results if isinstance(result, Refused))
    assert "有人改过" in refused.message
    assert steady_carers(two_proposals) == {str(two_proposals.carers[winner].pk)}


def test_without_the_lock_the_elder_would_get_both_carers(two_proposals, monkeypatch):
    """The control: each of the two has looked before either has written."""
    looked = threading.Barrier(2)
    look = steady.steady_as_of

    def look_together(provider_id):
        found = look(provider_id)
        if found is None and not looked.broken:
            looked.wait(timeout=10)
        return found

    monkeypatch.setattr(steady, "lock_key", lambda key: None)
    monkeypatch.setattr(steady, "steady_as_of", look_together)
    results = together(*(adopting(two_proposals, carer) for carer in two_proposals.carers))
    assert all(isinstance(result, steady.Adopted) for result in results), results
    assert steady_carers(two_proposals) == {str(carer.pk) for carer in two_proposals.carers}
