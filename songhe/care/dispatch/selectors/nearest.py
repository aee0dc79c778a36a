"""Who could be at an elder's door first, as the day stands this minute."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from songhe.care.dispatch.planning import Day, days_of, read_day, rules_on, standing_of_records
from songhe.care.dispatch.routes import Person, Placed, Task, openings
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
    way: int
    familiar: bool

    def as_json(self) -> dict[str, Any]:
        """Return what is kept of the choice."""
        return {"staff_id": str(self.staff_id), "name": self.name, "start": self.start.isoformat(), "way": self.way}


def nearest(order: Order, *, without: Collection[UUID] = ()) -> list[Arrival]:
    """Return the able and allowed carers who can be there within the place's time, the first to arrive at the top.

    They still reach their next visit in time. ``without`` leaves out those who were asked already.
    """
    if order.provider_id is not None:
        providers = [order.provider_id]
    else:
        providers = [choice.provider_id for choice in rank_providers(order)]
    _rules, figures = rules_on(today())
    found = []
    for provider_id in providers:
        day = read_day(provider_id, today())
        task = _task(order, day, figures.get("紧急到达时限", WAIT))
        days = days_of(day, standing_of_records(day))
        for person in day.people.values():
            if UUID(person.id) in without:
                continue
            stops = [each for each in days.get(person.id, []) if each.task.id != task.id]
            starts = openings(task, person, stops, day.rules, since=day.since)
            if starts:
                found.append(_arrival(task, person, stops, starts[0], day))
    return sorted(found, key=lambda each: (each.start, each.way, str(each.staff_id)))


def _task(order: Order, day: Day, wait: int) -> Task:
    entry = day.entries.get(order.pk)
    if entry is not None:
        return replace(entry.task, earliest=day.since, latest=day.since + wait)
    return Task(
        id=str(order.pk),
        name=order.elder.name,
        minutes=order.minutes,
        earliest=day.since,
        latest=day.since + wait,
        latitude=order.elder.latitude,
        longitude=order.elder.longitude,
        skills=frozenset(order.service.skills),
    )


def _arrival(task: Task, person: Person, stops: list[Placed], start: int, day: Day) -> Arrival:
    last = max((each for each in stops if each.end <= start), key=lambda each: each.end, default=None)
    here = (last.task.latitude, last.task.longitude) if last else (person.latitude, person.longitude)
    return Arrival(
        staff_id=UUID(person.id),
        provider_id=day.provider_id,
        name=person.name,
        start=day.moment(start),
        way=day.rules.travel.minutes(*here, task.latitude, task.longitude, person.mode),
        familiar=person.id in task.familiar,
    )
