"""The walls around elders: another street's, another provider's and another family's rows do not exist."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.db import ProgrammingError, transaction

from songhe.core.calendar.services import at, today
from songhe.core.scope.services import Scope, use
from songhe.registers.elders import services
from songhe.registers.elders.models import (
    Consent,
    Contact,
    Difficulty,
    Disclosure,
    Elder,
    Guardian,
    LifeEvent,
    Residence,
)
from songhe.registers.elders.tests.people import elder

CHILDREN = (Contact, Guardian, Difficulty, Residence, Consent, Disclosure, LifeEvent)
PROVIDER, OTHER_PROVIDER = uuid4(), uuid4()


@pytest.fixture
def near_and_far(places):
    """An elder of each street, each with everything that can hang on one."""
    made = []
    for place, order, provider in (("east", 12, PROVIDER), ("far", 14, OTHER_PROVIDER)):
        with at(date(2025, 1, 1)):
            one = elder(places[place], order=order)
        services.move(elder_id=one.pk, area=places[place], address="新楼", on=date(2025, 2, 1))
        services.link_contact(elder_id=one.pk, name="李明", relation="儿子", phone="13900000001")
        services.appoint_guardian(elder_id=one.pk, kind="legal", name="李明", relation="儿子", first=date(2024, 1, 1))
        services.record_difficulty(elder_id=one.pk, kind="low_income", first=date(2024, 1, 1))
        services.give_consent(elder_id=one.pk, purpose="care", channel="paper", text_version="1", given_by="本人")
        services.disclose(elder_id=one.pk, provider_id=provider, purpose="上门服务", basis="订单")
        made.append(one)
    return made


def owners(model):
    return set(model.objects.values_list("elder_id", flat=True))


def test_a_street_sees_its_own_elders_and_what_hangs_on_them(places, near_and_far):
    near, _far = near_and_far
    with use(Scope.area(places["street"].code, places["street"].upper)):
        assert [e.pk for e in Elder.objects.all()] == [near.pk]
        assert all(owners(model) == {near.pk} for model in CHILDREN)


def test_history_has_the_same_walls(places, near_and_far):
    near, _far = near_and_far
    with use(Scope.area(places["street"].code, places["street"].upper)):
        for model in (Elder, *CHILDREN):
            history = model.pgh_event_model.objects.all()
            ids = set(history.values_list("id" if model is Elder else "elder_id", flat=True))
            assert ids == {near.pk}, model
    with use(Scope.of_provider(PROVIDER)):
        assert set(Elder.pgh_event_model.objects.values_list("id", flat=True)) == {near.pk}


def test_a_provider_sees_whom_it_was_told_of_and_no_difficulties_or_consents(near_and_far):
    near, _far = near_and_far
    with use(Scope.of_provider(PROVIDER)):
        assert [e.pk for e in Elder.objects.all()] == [near.pk]
        assert owners(Contact) == {near.pk} == owners(Disclosure)
        for model in (Difficulty, Consent, Guardian, Residence, LifeEvent):
            with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                owners(model)
    with use(Scope.of_provider(uuid4())):
        assert not Elder.objects.exists()


def test_a_provider_sees_no_more_once_disclosure_has_ended(near_and_far):
    near, _far = near_and_far
    row = Disclosure.objects.get(elder=near)
    Disclosure.objects.filter(pk=row.pk).update(since=today() - timedelta(days=9), until=today() - timedelta(days=1))
    with use(Scope.of_provider(PROVIDER)):
        assert not Elder.objects.exists()
        assert not Contact.objects.exists()


def test_a_family_sees_its_own_elder(near_and_far):
    near, _far = near_and_far
    with use(Scope.of_persons([near.pk])):
        assert [e.pk for e in Elder.objects.all()] == [near.pk]
        assert all(owners(model) == {near.pk} for model in CHILDREN)


@pytest.mark.parametrize(
    "scope", [Scope.of_provider(PROVIDER), Scope.area(0, 0), Scope.area(0, 9 * 10**11, read_only=True)]
)
def test_who_may_not_write_cannot(near_and_far, scope):
    near, _far = near_and_far
    with use(scope):
        try:
            with transaction.atomic():
                changed = Elder.objects.filter(pk=near.pk).update(remarks="x")
        except ProgrammingError:
            changed = 0
    assert changed == 0


def test_a_clerk_cannot_put_an_elder_into_another_street_by_hand(places, near_and_far):
    near, _far = near_and_far
    hand = Elder.objects.filter(pk=near.pk)
    with (
        use(Scope.area(places["street"].code, places["street"].upper)),
        pytest.raises(ProgrammingError, match="row-level security"),
        transaction.atomic(),
    ):
        hand.update(area_id=places["far"].pk)
