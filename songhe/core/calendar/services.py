"""The calendar's whole face: the clock and the working days."""

from songhe.core.calendar.clock import at, now, today
from songhe.core.calendar.working_days import (
    WorkingDays,
    add_working_days,
    is_working_day,
    month_of,
    months_after,
    working_days_between,
)

__all__ = [
    "WorkingDays",
    "add_working_days",
    "at",
    "is_working_day",
    "month_of",
    "months_after",
    "now",
    "today",
    "working_days_between",
]
