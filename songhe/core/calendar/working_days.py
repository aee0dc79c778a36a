"""Working days: the State Council's holidays and make-up days, as ``chinesecalendar`` knows them."""

import logging
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, lru_cache

import chinese_calendar
from django.utils import timezone

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class WorkingDays:
    """A time limit in working days, for example ``WorkingDays(15)``."""

    days: int

    def after(self, start: date) -> date:
        """Return the last day of the limit that starts on the day after ``start``."""
        return add_working_days(start, self.days)

    def __str__(self) -> str:
        return f"{self.days} 个工作日"


def is_working_day(day: date) -> bool:
    """Tell whether offices work that day; years not yet announced count Monday to Friday."""
    if isinstance(day, datetime):
        day = timezone.localtime(day).date() if timezone.is_aware(day) else day.date()
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        _warn_unknown(day.year)
        return day.weekday() < 5


@cache
def _warn_unknown(year: int) -> None:
    logger.warning("工作日历没有 %s 年的放假安排，暂按周一至周五为工作日计算。", year)


@lru_cache(maxsize=4096)
def add_working_days(day: date, count: int) -> date:
    """Return the ``count``-th working day after ``day`` (before it, if negative); 0 gives ``day`` itself."""
    step = timedelta(days=1 if count >= 0 else -1)
    left = abs(count)
    while left:
        day += step
        if is_working_day(day):
            left -= 1
    return day


def working_days_between(start: date, end: date) -> int:
    """Return how many working days lie after ``start`` up to and including ``end``; negative if ``end`` is earlier."""
    if end < start:
        return -working_days_between(end, start)
    return sum(is_working_day(start + timedelta(days=offset)) for offset in range(1, (end - start).days + 1))


def month_of(day: date) -> tuple[date, date]:
    """Return the month that holds a day, as [first day, first day of the next month)."""
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)


def months_after(day: date, months: int) -> date:
    """Return the same day of the month so many months later, or that month's last day where it is shorter."""
    ahead = day.year * 12 + day.month - 1 + months
    year, month = divmod(ahead, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
