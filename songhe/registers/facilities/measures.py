"""What a norm may measure of a facility, each from the facts at a day; None where a fact it takes was never entered."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from songhe.core.validity import in_force
from songhe.registers.facilities.models import Bed, Facility


@dataclass(frozen=True)
class Measure:
    """A measure's Chinese name and how it is taken of a facility on a day."""

    label: str
    take: Callable[[Facility, date], Decimal | None]


def _number(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)


def _beds(facility: Facility, on: date) -> Decimal | None:
    count = Bed.objects.filter(in_force(on), room__facility=facility).count()
    return Decimal(count) if count else None


def _room_area(facility: Facility, on: date) -> Decimal | None:
    return _number(facility.rooms.aggregate(whole=Sum("area_m2"))["whole"])


def _main_area(facility: Facility, on: date) -> Decimal | None:
    if facility.main_area_m2 is not None:
        return _number(facility.main_area_m2)
    return _number(facility.spaces.filter(main=True).aggregate(whole=Sum("area_m2"))["whole"])


def _floor_area(facility: Facility, on: date) -> Decimal | None:
    return _number(facility.floor_area_m2)


Take = Callable[[Facility, date], Decimal | None]


def _ratio(above: Take, below: Take, times: int = 1) -> Take:
    def take(facility: Facility, on: date) -> Decimal | None:
        one, other = above(facility, on), below(facility, on)
        return None if one is None or not other else (one * times / other).quantize(Decimal("0.0001"))

    return take


MEASURES = {
    "floor_area_m2": Measure("建筑面积", _floor_area),
    "main_area_m2": Measure("主要功能用房面积", _main_area),
    "main_share": Measure("主要功能用房占比", _ratio(_main_area, _floor_area, 100)),
    "room_share": Measure("居室面积占比", _ratio(_room_area, _floor_area, 100)),
    "service_radius_m": Measure("服务半径", lambda facility, on: _number(facility.service_radius_m)),
    "beds": Measure("床位数", _beds),
    "floor_area_per_bed_m2": Measure("床均建筑面积", _ratio(_floor_area, _beds)),
    "room_area_per_bed_m2": Measure("床均居室面积", _ratio(_room_area, _beds)),
}
