"""An elder's record as it was on a day: what had been written down by then, and what counted that day."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.postgres.fields import DateRangeField
from django.db import models
from django.utils import timezone

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.journal.selectors import written
from songhe.core.records import Record
from songhe.core.validity import in_force
from songhe.registers.elders.hanging import Hanging
from songhe.registers.elders.merging import hangings
from songhe.registers.elders.models import Elder, LifeEvent, age_on

TOLD = (
    "name",
    "sex",
    "birth_date",
    "ethnicity",
    "area",
    "address",
    "registered_area",
    "registered_address",
    "living_situation",
    "ability_level",
    "ability_assessed_on",
    "state",
    "remarks",
)
MOST = 50


@dataclass(frozen=True)
class InForce:
    """Something that counted on the day; ``afterwards`` tells that it was only written down later."""

    noun: str
    obj: models.Model
    validity: Any
    afterwards: bool


@dataclass(frozen=True)
class Past:
    """A record on a day.

    ``recorded_at`` is when the particulars shown were written; ``too_early`` that nothing had been written by the day,
    so that the first that was is shown.
    """

    on: date
    age: int
    particulars: list[tuple[str, str]]
    recorded_at: datetime
    too_early: bool
    in_force: list[InForce]
    events: list[LifeEvent]


def past_of(elder: Elder, on: date, user: User) -> Past:
    """Return an elder's record as it was at the end of a day; only what the reader may see."""
    end = timezone.make_aware(datetime.combine(on + timedelta(days=1), time()))
    lines = Elder.pgh_event_model.objects.filter(pgh_obj_id=elder.pk)  # type: ignore[attr-defined]
    row = lines.filter(pgh_created_at__lt=end).order_by("-pgh_line").first()
    too_early = row is None
    row = row or lines.order_by("pgh_line").first()
    return Past(
        on=on,
        age=age_on(row.birth_date, on),
        particulars=_particulars(row),
        recorded_at=row.pgh_created_at,
        too_early=too_early,
        in_force=[found for hanging in _dated(user) for found in _in_force(hanging, elder, on, end)],
        events=list(elder.life_events.filter(on__lte=on).order_by("-on", "-id")[:10]),
    )


def _particulars(row: Any) -> list[tuple[str, str]]:
    areas = Area.objects.in_bulk({row.area_id, row.registered_area_id} - {None})
    found = []
    for name in TOLD:
        field = Elder._meta.get_field(name)
        value = getattr(row, field.attname)  # type: ignore[union-attr]
        text = areas[value].full_name if field.is_relation and value in areas else written(field, value)  # type: ignore[arg-type]
        found.append((str(field.verbose_name), text))  # type: ignore[union-attr]
    return found


def _dated(user: User) -> list[Hanging]:
    """Return the tables, of every room a person may see, whose rows hang on elders for a time."""
    return [
        hanging
        for hanging in hangings()
        if user.may(f"{hanging.model._meta.app_label}.view")
        and any(field.name == "validity" and isinstance(field, DateRangeField) for field in hanging.model._meta.fields)
    ]


def _in_force(hanging: Hanging, elder: Elder, on: date, end: datetime) -> list[InForce]:
    rows = hanging.model._default_manager.filter(in_force(on), **{hanging.attribute: elder.pk})
    return [
        InForce(
            str(hanging.model._meta.verbose_name),
            row,
            row.validity,  # type: ignore[attr-defined]
            isinstance(row, Record) and row.created_at >= end,
        )
        for row in rows[:MOST]
    ]
