"""Counting measures and keeping what they came to, so that a page of a million people need not count them."""

from songhe.core.areas.models import Area
from songhe.core.calendar.services import month_of, now, today
from songhe.core.scope.services import Scope, use
from songhe.oversight.indicators.measures import MEASURES, Period
from songhe.oversight.indicators.models import Reading


def this_month() -> Period:
    """Return the month under way."""
    return Period(*month_of(today()))


def take_readings(*, area: Area, period: Period) -> None:
    """Count every measure of a division and a period, and keep it in place of what was kept before.

    Counted as the system sees the rows: a division's reading is the same whoever asks for it, and only those in charge
    of the division read it.
    """
    with use(Scope.system()):
        moment = now()
        taken = [
            Reading(
                area=area,
                measure=key,
                first=period.first,
                next_first=period.next_first,
                value=measure.value(area, period),
                taken_at=moment,
            )
            for key, measure in MEASURES.items()
        ]
        Reading.objects.bulk_create(
            taken,
            update_conflicts=True,
            unique_fields=["area", "first", "next_first", "measure"],
            update_fields=["value", "taken_at"],
        )


def renew_readings() -> int:
    """Count the present month anew for every division that was ever looked at; return how many those are.

    Readings of months that are over go: nothing kept may stand against what was recorded later.
    """
    period = this_month()
    with use(Scope.system()):
        areas = list(Area.objects.filter(pk__in=Reading.objects.values("area_id")))
    for area in areas:
        take_readings(area=area, period=period)
    with use(Scope.system()):
        Reading.objects.filter(next_first__lte=period.first).delete()
    return len(areas)
