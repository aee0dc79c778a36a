"""Two dispatchers at once: one carer is never in two places, and only the database stands in the way."""

import psycopg
import pytest
from django.conf import settings
from django.db import connections

from songhe.care.dispatch import services
from songhe.care.dispatch.tests.conftest import MORNING
from songhe.care.dispatch.tests.round import Round
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
