"""One clock for the whole house; tests and the demonstration may set it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, time

from django.utils import timezone

_clock: ContextVar[datetime | None] = ContextVar("songhe_clock", default=None)


def now() -> datetime:
    """Return the present moment, aware, in local time (Asia/Shanghai)."""
    here, moment = timezone.get_default_timezone(), _clock.get()
    return datetime.now(here) if moment is None else moment.astimezone(here)


def today() -> date:
    """Return the present local date."""
    return now().date()


@contextmanager
def at(moment: datetime | date) -> Iterator[datetime]:
    """Set the clock for a block (tests and the demonstration); a date means its noon, and time stands still."""
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time(12))
    if timezone.is_naive(moment):
        moment = timezone.make_aware(moment)
    token = _clock.set(moment)
    try:
        yield moment
    finally:
        _clock.reset(token)
