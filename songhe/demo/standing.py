"""What repeats in a demo region: elders who are visited on the same weekdays each week, by standing order.

They began on the Monday of last week; since then the orders of each day are made a week ahead, as they always are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any
from uuid import UUID

from django.utils import timezone

from songhe.care.orders.jobs import AHEAD
from songhe.care.orders.models import StandingOrder
from songhe.core.calendar.services import month_of
from songhe.core.ids import uuid7
from songhe.demo.bulk import copy_rows
from songhe.demo.region import Region
from songhe.registers.catalogue.models import Service

# Of those entitled, one in so many is visited several times a week; no provider has more of them than carers.
ONE_IN = 4
# Dice of its own: all else is drawn as it would be if nothing repeated.
SEED = 20260302
# Quarter-hour starts of the six visits a carer can make in a day, with the way between them.
SLOTS = (time(8, 15), time(9, 45), time(11, 15), time(13, 15), time(14, 45), time(16, 15))

_STANDING = (
    "id", "elder_id", "area_id", "service_id", "provider_id", "weekdays", "at", "validity", "made_until",
)  # fmt: skip


@dataclass(frozen=True)
class Repeated:
    """One standing order."""

    id: UUID
    elder: UUID
    area: int
    provider: UUID
    service: Service
    weekdays: list[int]
    at: time


def repeated(region: Region, homes: Sequence[tuple[UUID, int, UUID]], services: Sequence[Service]) -> list[Repeated]:
    """Return the standing orders of some of these homes (elder, area, provider): what the place's demo repeats."""
    named = region.demo.get("repeated", {})
    kinds = [(service, days) for service in services for days in named.get(service.code, ())]
    of: dict[UUID, list[tuple[UUID, int]]] = {}
    for elder, area, provider in homes:
        of.setdefault(provider, []).append((elder, area))
    random = Random(SEED)
    return [
        Repeated(uuid7(), elder, area, provider, *random.choice(kinds), random.choice(SLOTS))
        for provider, known in of.items()
        for elder, area in known[::ONE_IN][: len(region.staff[provider]) if kinds else 0]
    ]


def began(today: date) -> date:
    """Return the day from which the demo's standing orders hold."""
    return today - timedelta(days=today.weekday() + 7)


def made_until(today: date) -> date:
    """Return the day up to which their orders are made: a week ahead, but not into a month without credits yet."""
    _first, next_first = month_of(today)
    return min(today + AHEAD, next_first - timedelta(days=1))


def days(each: Repeated, month: date, today: date) -> Iterator[tuple[datetime, datetime]]:
    """Yield when a standing order's visits of a month are wanted, and when each was ordered."""
    first, next_first = month_of(month)
    day, last = max(first, began(today)), min(next_first - timedelta(days=1), made_until(today))
    set_up = began(today) - timedelta(days=3)
    while day <= last:
        if day.isoweekday() in each.weekdays:
            yield _stamp(day, each.at), max(_stamp(day - AHEAD, time(0, 50)), _stamp(set_up, time(10)))
        day += timedelta(days=1)


def copy(rows: Sequence[Repeated], today: date) -> None:
    """Copy standing orders into their table, which is open for filling."""
    values: Iterator[tuple[Any, ...]] = (
        (
            each.id, each.elder, each.area, each.service.pk, each.provider, each.weekdays, each.at,
            f"[{began(today)},)", made_until(today),
        )
        for each in rows
    )  # fmt: skip
    copy_rows(StandingOrder, _STANDING, values)


def _stamp(day: date, moment: time) -> datetime:
    return timezone.make_aware(datetime.combine(day, moment))
