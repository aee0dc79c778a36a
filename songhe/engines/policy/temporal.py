"""FEEL's dates, times and durations (DMN 1.5, clauses 10.3.2.3.5 to 10.3.2.3.8) over Python's own.

A date is a ``date``, a date and time a ``datetime``, a time a ``time``, a days-and-time duration a ``timedelta``; a
years-and-months duration, which Python lacks, is ``Months``.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Value = Any

_DURATION = re.compile(
    r"(?P<sign>-?)P(?=.)(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_ZONED = re.compile(r"(?P<clock>[^@]+)@(?P<zone>[\w/+-]+)")
_TIME = re.compile(r"\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d(?::\d\d)?)?")
_MICROSECONDS = 1_000_000
_MONTHS_IN_YEAR = 12
_SECONDS_IN_DAY = 86_400
# In microseconds; what no duration of Python's holds is null.
_LONGEST = Decimal(86_400 * 1_000_000) * 999_999_999


@dataclass(frozen=True, order=True)
class Months:
    """A years-and-months duration, in months."""

    count: int

    def __neg__(self) -> Months:
        return Months(-self.count)

    def __abs__(self) -> Months:
        return Months(abs(self.count))

    def __str__(self) -> str:
        years, months = divmod(abs(self.count), _MONTHS_IN_YEAR)
        sign = "-" if self.count < 0 else ""
        return sign + "P" + (f"{years}Y" if years else "") + (f"{months}M" if months or not years else "")


def to_date(value: Value) -> date | None:
    """Return the date that a text says or a moment falls on; None where there is none."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def to_time(value: Value) -> time | None:
    """Return the time of day that a text says (``08:30:00``, ``08:30:00+08:00``, ``08:30:00@Asia/Shanghai``)."""
    if isinstance(value, datetime):
        return value.timetz()
    if isinstance(value, time):
        return value
    if isinstance(value, date):
        return time(tzinfo=timezone(timedelta(0)))
    if not isinstance(value, str):
        return None
    clock, zone = _zone(value)
    if not _TIME.fullmatch(clock):
        return None
    try:
        found = time.fromisoformat(clock)
    except ValueError:
        return None
    return found.replace(tzinfo=zone) if zone else found


def to_moment(value: Value, clock: Value = None) -> datetime | None:
    """Return the date and time that a text says, or that a date and a time make together."""
    if clock is not None:
        if isinstance(clock, str):
            moment = to_moment(value)
            return moment.astimezone(ZoneInfo(clock)) if moment and moment.tzinfo else None
        day = to_date(value) if isinstance(value, date) else None
        return datetime.combine(day, clock) if day and isinstance(clock, time) else None
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    if not isinstance(value, str):
        return None
    day_text, _, clock_text = value.partition("T")
    if not clock_text:
        return to_moment(to_date(value))
    found_day, found_clock = to_date(day_text), to_time(clock_text)
    return datetime.combine(found_day, found_clock) if found_day and found_clock else None


def to_duration(value: Value) -> timedelta | Months | None:
    """Return the duration that a text says: ``P1Y6M`` or ``P2DT3H``; years and days do not mix."""
    if isinstance(value, timedelta | Months):
        return value
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    parts = {name: Decimal(part) for name, part in found.groupdict(default="0").items() if name != "sign"}
    sign = -1 if found["sign"] else 1
    by_months = found["years"] or found["months"]
    by_days = any(found[name] for name in ("days", "hours", "minutes", "seconds"))
    if by_months and by_days:
        return None
    if by_months:
        return Months(sign * int(parts["years"] * _MONTHS_IN_YEAR + parts["months"]))
    try:
        return sign * timedelta(
            days=int(parts["days"]),
            hours=int(parts["hours"]),
            minutes=int(parts["minutes"]),
            microseconds=int(parts["seconds"] * _MICROSECONDS),
        )
    except OverflowError:
        return None


def make_date(*arguments: Value) -> date | None:
    """Return a date from a text, a moment, or year, month and day."""
    return date(*map(_whole, arguments)) if len(arguments) == 3 else to_date(*arguments)


def make_time(*arguments: Value) -> time | None:
    """Return a time from a text, a moment, or hour, minute, second and offset."""
    if len(arguments) == 1:
        return to_time(arguments[0])
    hour, minute, second, *offset = arguments
    if len(offset) > 1 or (offset and not isinstance(offset[0], timedelta | None)):
        return None
    rest, zone = second % 1, timezone(offset[0]) if offset and offset[0] is not None else None
    return time(_whole(hour), _whole(minute), _whole(second - rest), int(rest * _MICROSECONDS), tzinfo=zone)


def make_moment(*arguments: Value) -> datetime | None:
    """Return a moment from a text, a date and a time, or its six parts with an offset or a zone's name."""
    if len(arguments) < 6:
        return to_moment(*arguments)
    day, clock = make_date(*arguments[:3]), make_time(*arguments[3:6])
    zone: tzinfo | None = None
    if len(arguments) > 6 and arguments[6] is not None:
        zone = timezone(arguments[6]) if isinstance(arguments[6], timedelta) else ZoneInfo(arguments[6])
    return datetime.combine(day, clock, zone) if day and clock else None


def _whole(number: Value) -> int:
    """Return a whole number; ValueError for any other value."""
    if not isinstance(number, Decimal) or number != number.to_integral_value():
        raise ValueError(number)
    return int(number)


def from_text(text: str) -> Value:
    """Return what an at-literal (``@"2026-01-01"``) says; None for what is neither date, time nor duration."""
    for read in (to_date, to_duration, to_time, to_moment):
        if (found := read(text)) is not None:
            return found
    return None


def months_between(start: Value, end: Value) -> Months | None:
    """Return the whole months from one date to another; negative backwards."""
    first, last = to_date(start), to_date(end)
    if first is None or last is None:
        return None
    if last < first:
        backwards = months_between(last, first)
        return Months(-backwards.count) if backwards else None
    count = (last.year - first.year) * _MONTHS_IN_YEAR + last.month - first.month
    return Months(count - 1 if last.day < first.day else count)


def add_months(day: date, count: int) -> date | None:
    """Return a date or moment so many months later, on the month's last day where it has no such day."""
    year, month = divmod(day.year * _MONTHS_IN_YEAR + day.month - 1 + count, _MONTHS_IN_YEAR)
    if not 1 <= year <= 9999:
        return None
    return day.replace(year=year, month=month + 1, day=min(day.day, monthrange(year, month + 1)[1]))


def add(left: Value, right: Value) -> Value:
    """Return the sum of a date, time or duration and a duration; None where there is none."""
    try:
        match left, right:
            case (Months(), Months()):
                return Months(left.count + right.count)
            case (timedelta(), timedelta()):
                return left + right
            case (date(), Months()):
                return add_months(left, right.count)
            case (datetime(), timedelta()):
                return left + right
            case (date(), timedelta()):
                return to_date(datetime.combine(left, time()) + right)
            case (time(), timedelta()):
                return (datetime.combine(date(2000, 1, 1), left) + right).timetz()
            case (Months() | timedelta(), date() | time()):
                return add(right, left)
    except OverflowError:
        return None
    return None


def subtract(left: Value, right: Value) -> Value:
    """Return the difference: two moments give a duration, a moment and a duration a moment."""
    if isinstance(right, timedelta):
        return add(left, -right)
    if isinstance(right, Months):
        return add(left, Months(-right.count))
    if isinstance(left, date) and isinstance(right, date):
        first, last = to_moment(left), to_moment(right)
        # A date is midnight, in UTC where the other has a zone (DMN 1.5, 10.3.2.3.5).
        if first is not None and last is not None and not isinstance(left, datetime) and last.tzinfo:
            first = first.replace(tzinfo=UTC)
        if first is not None and last is not None and not isinstance(right, datetime) and first.tzinfo:
            last = last.replace(tzinfo=UTC)
        if first is not None and last is not None and (first.tzinfo is None) == (last.tzinfo is None):
            return first - last
    if isinstance(left, time) and isinstance(right, time) and (left.tzinfo is None) == (right.tzinfo is None):
        day = date(2000, 1, 1)
        return datetime.combine(day, left) - datetime.combine(day, right)
    return None


def scale(operator: str, left: Value, right: Value) -> Value:
    """Return a duration times or divided by a number, or by a duration of its kind."""
    if operator == "*" and isinstance(left, Decimal):
        left, right = right, left
    if isinstance(left, timedelta | Months) and isinstance(right, Decimal) and (operator == "*" or right):
        amount = Decimal(left.count) if isinstance(left, Months) else seconds(left) * _MICROSECONDS
        scaled = amount * right if operator == "*" else amount / right
        if abs(scaled) > _LONGEST:
            return None
        return Months(int(scaled)) if isinstance(left, Months) else timedelta(microseconds=int(scaled))
    if operator == "/" and isinstance(left, Months) and isinstance(right, Months) and right.count:
        return Decimal(left.count) / Decimal(right.count)
    if operator == "/" and isinstance(left, timedelta) and isinstance(right, timedelta) and right:
        return seconds(left) / seconds(right)
    return None


def seconds(length: timedelta) -> Decimal:
    """Return a days-and-time duration in seconds."""
    return Decimal(length.days * _SECONDS_IN_DAY + length.seconds) + Decimal(length.microseconds) / 1_000_000


def member(value: Value, name: str) -> Value:
    """Return a property of a date, time or duration by FEEL's name; None where it has none."""
    if isinstance(value, Months):
        years, months = divmod(abs(value.count), _MONTHS_IN_YEAR)
        sign = -1 if value.count < 0 else 1
        return {"years": Decimal(sign * years), "months": Decimal(sign * months)}.get(name)
    if isinstance(value, timedelta):
        return _part_of(value, name)
    if isinstance(value, date) and name in ("year", "month", "day"):
        return Decimal(getattr(value, name))
    if isinstance(value, date) and name == "weekday":
        return Decimal(value.isoweekday())
    if isinstance(value, datetime | time):
        if name in ("hour", "minute", "second"):
            return Decimal(getattr(value, name))
        if name == "time offset":
            return value.utcoffset()
        if name == "timezone":
            return value.tzinfo.key if isinstance(value.tzinfo, ZoneInfo) else None
    return None


def written(value: date | time | timedelta | Months) -> str:
    """Return a date, time or duration as FEEL's ``string`` writes it."""
    if isinstance(value, timedelta):
        return _duration_text(value)
    if isinstance(value, datetime):
        return f"{value.date().isoformat()}T{_clock_text(value.timetz())}"
    if isinstance(value, time):
        return _clock_text(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def _zone(text: str) -> tuple[str, tzinfo | None]:
    found = _ZONED.fullmatch(text)
    if found is None:
        return text, None
    try:
        return found["clock"], ZoneInfo(found["zone"])
    except (ZoneInfoNotFoundError, ValueError):
        return text, None


def _clock_text(clock: time) -> str:
    written = clock.replace(tzinfo=None).isoformat()
    written = written.rstrip("0") if clock.microsecond else written
    if isinstance(clock.tzinfo, ZoneInfo):
        return f"{written}@{clock.tzinfo.key}"
    return written + clock.isoformat()[len(clock.replace(tzinfo=None).isoformat()) :].replace("+00:00", "Z")


def _split(length: timedelta) -> tuple[int, int, int, int, Decimal]:
    whole = seconds(abs(length))
    days, rest = divmod(whole, _SECONDS_IN_DAY)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    return (-1 if length < timedelta(0) else 1), int(days), int(hours), int(minutes), rest


def _part_of(length: timedelta, name: str) -> Decimal | None:
    sign, days, hours, minutes, rest = _split(length)
    found = {"days": Decimal(days), "hours": Decimal(hours), "minutes": Decimal(minutes), "seconds": rest}.get(name)
    return None if found is None else sign * found


def _duration_text(length: timedelta) -> str:
    sign, days, hours, minutes, rest = _split(length)
    clock = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
    clock += f"{rest.normalize():f}S" if rest else ""
    text = (f"{days}D" if days else "") + (f"T{clock}" if clock else "")
    return ("-" if sign < 0 else "") + "P" + (text or "T0S")
