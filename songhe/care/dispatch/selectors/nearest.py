"""Who could be at an elder's door first, as the day stands this minute."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from songhe.care.dispatch.models import Notice
from songhe.care.dispatch.planning import Day, days_of, read_day, rules_on, standing_of_records, task_of
from songhe.care.dispatch.routes import Person, Placed, Task, expected, openings
from songhe.care.dispatch.selectors.providers import rank_providers
from songhe.care.orders.models import Order
from songhe.core.calendar.services import today

# Where the place says nothing: how long an emergency may wait, in minutes.
WAIT = 60


@dataclass(frozen=True)
class Arrival:
    """A carer who can go at once: when they are there, how long the way is, from where they come."""

    staff_id: UUID
    provider_id: UUID
    name: str
    start: datetime
    minutes: int
    way: int
    wished: bool
    familiar: bool

    def __str__(self) -> str:
        liked = "，老人希望其上门" if self.wished else "，老人熟悉" if self.familiar else ""
        clock = f"{timezone.localtime(self.start):%H:%M}"
        return f"{self.name} 预计 {self.minutes} 分钟到（{clock}，路上 {self.way} 分钟{liked}）"

    def as_json(self) -> dict[str, Any]:
        """Return what is kept of the choice."""
        return {"staff_id": str(self.staff_id), "name": self.name, "start": self.start.isoformat(), "way": self.way}


def nearest(order: Order, *, without: Collection[UUID] = ()) -> list[Arrival]:
    """Return the able and allowed carers who can be there within the place's time, the first to arrive at the top.

    They still reach their next visit in time; who is in a visit leaves when it is expected to end. Of two who arrive
    together the one wished for comes first, then the one known. ``without`` leaves out those who were asked already.
    """
    if order.provider_id is not None:
        providers = [order.provider_id]
    else:
        providers = [choice.provider_id for choice in rank_providers(order)]
    _rules, figures = rules_on(today())
    found = []
    for provider_id in providers:
        day = read_day(provider_id, today())
        latest = day.since + figures.get("紧急到达时限", WAIT)
        task = replace(task_of(order, day), earliest=day.since, latest=latest)
        days = days_of(day, standing_of_records(day))
        for person in day.people.values():
            if UUID(person.id) in without:
                continue
            others = [each for each in days.get(person.id, []) if each.task.id != task.id]
            stops = expected(person, others, day.rules)
            starts = openings(task, person, stops, day.rules, since=day.since)
            if starts:
                found.append(_arrival(task, person, stops, starts[0], day))
    return sorted(found, key=_place)


def asked_already(order: Order) -> set[UUID]:
    """Return who declined or did not answer for an order."""
    said = [Notice.State.DECLINED, Notice.State.EXPIRED]
    return set(Notice.objects.filter(visit__order=order, state__in=said).values_list("staff_id", flat=True))


def _place(each: Arrival) -> tuple[Any, ...]:
    return each.start, not each.wished, not each.familiar, each.way, str(each.staff_id)


def _arrival(task: Task, person: Person, stops: list[Placed], start: int, day: Day) -> Arrival:
    last = max((each for each in stops if each.end <= start), key=lambda each: each.end, default=None)
    here = (last.task.latitude, last.task.longitude) if last else (person.latitude, person.longitude)
    return Arrival(
        staff_id=UUID(person.id),
        provider_id=day.provider_id,
        name=person.name,
        start=day.moment(start),
        minutes=start - day.since,
        way=day.rules.travel.minutes(*here, task.latitude, task.longitude, person.mode),
        wished=person.id in task.wished,
        familiar=person.id in task.familiar,
    )
