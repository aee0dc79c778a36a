"""Computing indicators for any area of the tree and any period."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from songhe.core.areas.models import Area
from songhe.core.calendar.services import now
from songhe.oversight.indicators.measures import MEASURES, Period
from songhe.oversight.indicators.models import Indicator, Reading
from songhe.oversight.indicators.services import take_readings

# Two turns of the job that counts anew: what is older was left lying, and is counted by whoever looks.
KEPT_FOR = timedelta(minutes=10)


@dataclass(frozen=True)
class Figure:
    """An indicator's value with the two counts it is made of; ``met`` is None where there is no target."""

    indicator: Indicator
    numerator: int
    denominator: int | None
    value: Decimal | None

    @property
    def met(self) -> bool | None:
        """Tell whether the target is reached."""
        if self.indicator.target is None or self.value is None:
            return None
        return self.value >= self.indicator.target


@dataclass(frozen=True)
class Readings:
    """Every measure of a division and a period, and the moment it was counted."""

    values: Mapping[str, int]
    taken_at: datetime


def readings(area: Area, period: Period) -> Readings:
    """Return what the measures came to within the last ten minutes, counting them now where nobody has.

    The caller answers for the person being in charge of the division.
    """
    found = _kept(area, period)
    if found is None:
        take_readings(area=area, period=period)
        found = _kept(area, period)
    assert found is not None, "counted readings are visible to whoever is in charge of the division"
    return found


def _kept(area: Area, period: Period) -> Readings | None:
    rows = Reading.objects.filter(
        area=area, first=period.first, next_first=period.next_first, taken_at__gt=now() - KEPT_FOR
    )
    kept = {row.measure: row for row in rows}
    if kept.keys() < MEASURES.keys():
        return None
    return Readings({key: row.value for key, row in kept.items()}, min(row.taken_at for row in kept.values()))


def figure(indicator: Indicator, counts: Mapping[str, int]) -> Figure:
    """Compute one indicator from counted measures; without a denominator it is the count itself."""
    numerator = counts[indicator.numerator]
    if not indicator.denominator:
        return Figure(indicator, numerator, None, Decimal(numerator))
    denominator = counts[indicator.denominator]
    if denominator == 0:
        return Figure(indicator, numerator, denominator, None)
    value = (Decimal(numerator) * indicator.factor / denominator).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return Figure(indicator, numerator, denominator, value)


def figures(counts: Mapping[str, int]) -> list[Figure]:
    """Compute every indicator of the place from counted measures."""
    return [figure(indicator, counts) for indicator in Indicator.objects.all()]
