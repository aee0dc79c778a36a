"""Reads on facilities: how each stands against the norms of its kind, who runs it, which beds are free."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, Subquery

from songhe.core.validity import in_force
from songhe.registers.elders.models import Elder
from songhe.registers.facilities.measures import MEASURES
from songhe.registers.facilities.models import Bed, BedStay, Facility, Norm, Operation


@dataclass(frozen=True)
class Finding:
    """One norm and whether a facility keeps it; ``kept`` is None where what it measures was never entered."""

    norm: Norm
    value: Decimal | None
    kept: bool | None

    @property
    def label(self) -> str:
        """What is measured."""
        known = MEASURES.get(self.norm.measure)
        return known.label if known is not None else self.norm.measure

    @property
    def bounds(self) -> str:
        """What the norm asks."""
        low, high = self.norm.minimum, self.norm.maximum
        if low is not None and high is not None:
            return f"{plain(low)}–{plain(high)} {self.norm.unit}"
        return f"不低于 {plain(low)} {self.norm.unit}" if low is not None else f"不高于 {plain(high)} {self.norm.unit}"

    @property
    def said(self) -> str:
        """What the facility has."""
        return f"{plain(self.value)} {self.norm.unit}" if self.value is not None else "未登记"

    @property
    def verdict(self) -> str:
        """Whether it is enough, in words."""
        return {True: "达标", False: "不达标", None: "缺数据"}[self.kept]


def plain(number: Decimal | None) -> str:
    """Write a number with at most two decimals, without trailing zeros."""
    return "—" if number is None else f"{number.quantize(Decimal('0.01')):f}".rstrip("0").rstrip(".")


def norm_findings(facility: Facility, on: date) -> list[Finding]:
    """Return how a facility stands against each norm of its kind on a day."""
    found = []
    for norm in Norm.objects.filter(in_force(on), kind=facility.kind_id).order_by("measure"):
        measure = MEASURES.get(norm.measure)
        value = measure.take(facility, on) if measure is not None else None
        found.append(Finding(norm, value, None if value is None else _kept(norm, value)))
    return found


def standing(facility: Facility, on: date) -> str:
    """Say whether a facility keeps all norms of its kind: 达标, 不达标, 缺数据, or nothing where there are none."""
    kept = [finding.kept for finding in norm_findings(facility, on)]
    if not kept:
        return ""
    return "不达标" if False in kept else "缺数据" if None in kept else "达标"


def _kept(norm: Norm, value: Decimal) -> bool:
    return (norm.minimum is None or value >= norm.minimum) and (norm.maximum is None or value <= norm.maximum)


def with_operator(on: date, rows: QuerySet[Facility] | None = None) -> QuerySet[Facility]:
    """Return facilities with who runs them on a day as ``operating`` (a list of at most one)."""
    running = Operation.objects.filter(in_force(on)).select_related("provider__brand")
    base = Facility.objects.all() if rows is None else rows
    return base.prefetch_related(Prefetch("operations", queryset=running, to_attr="operating"))


def beds_on(on: date, rows: QuerySet[Bed] | None = None) -> QuerySet[Bed]:
    """Return the beds there are on a day, each with whether it is ``taken``."""
    base = Bed.objects.all() if rows is None else rows
    return base.filter(in_force(on)).annotate(taken=Exists(BedStay.objects.filter(in_force(on), bed=OuterRef("pk"))))


def with_elder() -> QuerySet[BedStay]:
    """Return stays with the elder's name as ``elder_name``, empty for whom the reader may not know."""
    names = Elder.objects.filter(pk=OuterRef("elder_id")).values("name")[:1]
    return BedStay.objects.annotate(elder_name=Subquery(names))


def search(queryset: QuerySet[Facility], text: str) -> QuerySet[Facility]:
    """Find facilities by part of the name or address."""
    return queryset.filter(Q(name__icontains=text.strip()) | Q(address__icontains=text.strip()))


def stays_turning(on: date, days: int = 30) -> QuerySet[BedStay]:
    """Return the long stays that began or ended within some days before a day, the day counted."""
    of_late = (on - timedelta(days=days), on)
    return BedStay.objects.filter(
        Q(validity__startswith__range=of_late) | Q(validity__endswith__range=of_late), kind=BedStay.Kind.LONG
    ).order_by("validity")
