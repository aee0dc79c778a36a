"""Rows that hold for a time: the column, its constraints and its question, the same in every room.

``validity`` is a half-open range of dates in Asia/Shanghai: the first day counts, the last bound does not; no upper
bound means until further notice.
"""

from datetime import date, timedelta
from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import Q


def validity_field(verbose_name: str = "有效期", **options: Any) -> DateRangeField:
    """Return the column that holds from when to when a row counts."""
    return DateRangeField(verbose_name, **options)


def has_days(name: str, *, during: str = "validity") -> models.CheckConstraint:
    """Return the CHECK that the range has a first day and is not empty."""
    return models.CheckConstraint(
        condition=Q(**{f"{during}__isempty": False, f"{during}__startswith__isnull": False}),
        name=name,
        violation_error_message="起始日期必填，且结束日期须晚于起始日期。",
    )


def no_overlap(
    name: str, *fields: str, message: str, during: str = "validity", condition: Q | None = None
) -> ExclusionConstraint:
    """Return the EXCLUDE that no two rows with equal ``fields`` hold at the same time; ``message`` is for people."""
    return ExclusionConstraint(
        name=name,
        expressions=[*((field, RangeOperators.EQUAL) for field in fields), (during, RangeOperators.OVERLAPS)],
        condition=condition,
        violation_error_message=message,
    )


def in_force(on: date, *, through: str = "", during: str = "validity") -> Q:
    """Return the condition that a row, or the one reached ``through`` a relation, counts on a day."""
    path = f"{through}__{during}" if through else during
    return Q(**{f"{path}__contains": on})


def lasts_past(day: date, *, during: str = "validity") -> Q:
    """Return the condition that a row still counts after a day; one without a last day does."""
    beyond = Q(**{f"{during}__endswith__gt": day + timedelta(days=1)})
    return beyond | Q(**{f"{during}__endswith__isnull": True})


def from_day(first: date, last: date | None = None) -> DateRange:
    """Return the range from a first day to a last day, both counted; without a last day it stays open."""
    return DateRange(first, last + timedelta(days=1) if last else None, "[)")


def last_day(validity: DateRange) -> date | None:
    """Return the last day that counts, or None where the range is open."""
    return validity.upper - timedelta(days=1) if validity.upper else None
