"""Events: delivered inside the transaction of the fact, or the fact does not happen."""

from dataclasses import dataclass

import pytest
from django.db import transaction

from songhe.core.areas.models import Area
from songhe.core.events import base
from songhe.core.events.base import Event, OutsideTransaction, publish, subscribe


@dataclass(frozen=True)
class Met(Event):
    name: str


@dataclass(frozen=True)
class MetAgain(Met):
    times: int


@pytest.fixture
def listeners(monkeypatch):
    monkeypatch.setattr(base, "_subscribers", {})


def test_subscribers_hear_in_order_and_of_subclasses_too(listeners, db):
    heard = []
    subscribe(Met)(lambda event: heard.append(("first", event.name)))
    subscribe(MetAgain)(lambda event: heard.append(("again", event.times)))
    publish(MetAgain("王秀英", 2))
    publish(Met("李国强"))
    assert heard == [("again", 2), ("first", "王秀英"), ("first", "李国强")]


def test_a_subscribers_refusal_undoes_the_fact(listeners, system):
    @subscribe(Met)
    def refuse(event: Met) -> None:
        raise ValueError(event.name)

    before = Area.objects.count()
    with pytest.raises(ValueError, match="王秀英"), transaction.atomic():
        Area.objects.create(code=990000000000, upper=1000000000000, name="x", full_name="x", level="province", kind="x")
        publish(Met("王秀英"))
    assert Area.objects.count() == before


def test_nothing_is_published_outside_a_transaction(listeners, transactional_db):
    with pytest.raises(OutsideTransaction):
        publish(Met("王秀英"))
