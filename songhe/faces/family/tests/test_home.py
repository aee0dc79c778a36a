"""What a family sees of their elder: what is due, who comes when, what was done; and nothing of anybody else."""

import pytest
from django.db import ProgrammingError, connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from songhe.care.dispatch import services as dispatch
from songhe.care.visits import services as visits
from songhe.core.accounts.models import Acting, User
from songhe.core.accounts.roles import Role
from songhe.core.scope.services import Scope, use
from songhe.faces.family import selectors
from songhe.registers.elders.tests.people import elder
from songhe.registers.workforce.models import Staff
from tests.people import Person

HOME = "family:home"


@pytest.fixture
def family(town):
    """Give a daughter who acts for nobody yet."""
    User.objects.create(username="t-family", display_name="女儿", role=Role.FAMILY)
    return Person("t-family")


def acts_for(family, person):
    return Acting.objects.create(user=family.user, elder_id=person.pk, relation="子女")


def test_a_family_sees_what_is_left_of_the_month_and_who_comes_when(town, family):
    person = town.poor()
    acts_for(family, person)
    order = town.order(person)
    town.tell_provider(person)
    dispatch.to_provider(order_id=order.pk, provider_id=town.provider.pk, user=town.people[Role.COUNTY_CLERK])
    page = family.opens(reverse("start"))
    assert f"{person.name}</h1>" in page and person.area.full_name in page
    assert "<strong>160.00</strong> 元可用" in page and "本月共 200.00 元" in page
    assert town.provider.name in page and "已派服务商" in page and "10:00" in page
    assert "还没有上门服务" in page


def test_a_family_knows_the_name_of_who_comes_to_the_door_and_nothing_more_of_them(town, family):
    person = town.poor()
    acts_for(family, person)
    order = town.order(person)
    town.tell_provider(person)
    dispatch.to_provider(order_id=order.pk, provider_id=town.provider.pk, user=town.people[Role.COUNTY_CLERK])
    order.refresh_from_db()
    visits.plan(order=order, staff=town.staff, start=order.wanted_from, user=None)
    assert "护理员 护理员甲 上门" in family.opens(reverse(HOME))
    with pytest.raises(ProgrammingError, match="permission denied"), use(Scope.of_persons([person.pk])):
        Staff.objects.exists()
    with use(Scope.of_persons([person.pk])):
        [cared] = selectors.cared_for(family.user)
    assert [coming.carer for coming in cared.coming] == ["护理员甲"]


def test_somebody_without_a_credit_is_told_what_to_do(town, family):
    acts_for(family, elder(town.here, "无额度", order=90))
    page = family.opens(reverse(HOME))
    assert "本月没有服务额度" in page and "没有已下单的服务" in page and 'href="tel:12349"' in page


def test_whoever_acts_for_nobody_is_told_how_to(family):
    assert "还没有可以代办的老人" in family.opens(reverse(HOME))


def test_nobody_sees_another_familys_elder(town, family):
    own, other = town.poor(), town.poor()
    acting = acts_for(family, own)
    page = family.opens(reverse(HOME))
    assert own.name in page and other.name not in page
    acting.ended_on = acting.created_at.date()
    acting.save()
    assert own.name not in family.opens(reverse(HOME))


def test_others_are_shown_out_and_a_family_is_led_home(town, family):
    clerk = Person(town.people[Role.STREET_CLERK].username)
    clerk.opens(reverse(HOME), status=403)
    assert family.client.get(reverse("console:home")).headers["Location"] == reverse(HOME)


def test_an_elder_with_much_takes_no_more_queries(town, family):
    person = town.poor()
    acts_for(family, person)
    counts = []
    for hours in (range(8, 9), range(9, 14)):
        for hour in hours:
            town.order(person, hour=hour)
        with use(Scope.of_persons([person.pk])), CaptureQueriesContext(connection) as asked:
            [cared] = selectors.cared_for(family.user)
        counts.append((len(cared.coming), len(asked)))
    (one, few), (six, many) = counts
    assert (one, six) == (1, 6) and few == many
