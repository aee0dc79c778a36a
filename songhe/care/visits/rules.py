"""The rules that doubt a visit: each is one question to the record, answered with a finding or with nothing.

Limits come from the place's parameters (``上门.*`` in ``parameters.csv``), dated and cited.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from songhe.care.visits.models import Doubt, Visit
from songhe.core.areas.distance import metres_between
from songhe.core.files.models import StoredFile


@dataclass(frozen=True)
class Limits:
    """How short, how far and how late a visit may be before a person looks at it."""

    shortest_percent: int
    farthest_metres: int
    latest_record: timedelta


Rule = Callable[[Visit, Limits], str | None]


def too_short(visit: Visit, limits: Limits) -> str | None:
    """Doubt a visit that lasted less than its share of the minutes ordered."""
    needed = visit.order.minutes * limits.shortest_percent // 100
    if visit.minutes is not None and visit.minutes < needed:
        return f"实际 {visit.minutes} 分钟，少于应服务 {visit.order.minutes} 分钟的 {limits.shortest_percent}%"
    return None


def too_far(visit: Visit, limits: Limits) -> str | None:
    """Doubt a check-in or check-out far from the elder's home, unless the door's code was read."""
    home = visit.elder
    if visit.check_in_proof == Visit.Proof.HOME_CODE or home.latitude is None or home.longitude is None:
        return None
    for label, latitude, longitude in (
        ("签到", visit.check_in_latitude, visit.check_in_longitude),
        ("签退", visit.check_out_latitude, visit.check_out_longitude),
    ):
        if latitude is None or longitude is None:
            return f"{label}没有定位"
        metres = metres_between(latitude, longitude, home.latitude, home.longitude)
        if metres > limits.farthest_metres:
            return f"{label}地点距住址 {metres:,.0f} 米，超过 {limits.farthest_metres} 米"
    return None


def overlapping(visit: Visit, limits: Limits) -> str | None:
    """Doubt a visit whose real hours overlap another visit of the same carer."""
    other = (
        Visit.objects.filter(
            staff_id=visit.staff_id, check_in_at__lt=visit.check_out_at, check_out_at__gt=visit.check_in_at
        )
        .exclude(pk=visit.pk)
        .select_related("order")
        .first()
    )
    return f"与订单 {other.order.number} 的服务时间重叠" if other else None


def back_filled(visit: Visit, limits: Limits) -> str | None:
    """Doubt a visit recorded by hand, or reaching the server long after it ended."""
    if visit.check_in_proof == Visit.Proof.MANUAL:
        return "手工补录，没有现场签到"
    if visit.recorded_at and visit.check_out_at and visit.recorded_at - visit.check_out_at > limits.latest_record:
        hours = (visit.recorded_at - visit.check_out_at).total_seconds() / 3600
        return f"服务结束 {hours:.0f} 小时后才上传"
    return None


def same_photo(visit: Visit, limits: Limits) -> str | None:
    """Doubt a photo that another visit shows too."""
    if visit.photo is None:
        return None
    twins = StoredFile.objects.filter(digest=visit.photo.digest).exclude(pk=visit.photo.pk)
    other = Visit.objects.filter(photo__in=twins).exclude(pk=visit.pk).select_related("order").first()
    return f"与订单 {other.order.number} 的照片相同" if other else None


RULES: dict[str, Rule] = {
    Doubt.Rule.TOO_SHORT: too_short,
    Doubt.Rule.TOO_FAR: too_far,
    Doubt.Rule.OVERLAPPING: overlapping,
    Doubt.Rule.BACK_FILLED: back_filled,
    Doubt.Rule.SAME_PHOTO: same_photo,
}


def findings(visit: Visit, limits: Limits) -> Iterator[tuple[str, str]]:
    """Yield (rule, finding) for each rule that doubts the visit."""
    for rule, ask in RULES.items():
        if (finding := ask(visit, limits)) is not None:
            yield rule, finding
