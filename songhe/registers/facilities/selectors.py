"""Reads on facilities: how each stands against the norms of its kind."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Q, QuerySet

from songhe.core.validity import in_force
from songhe.registers.facilities.models import Facility, Norm


@dataclass(frozen=True)
class Finding:
    """One norm and whether a facility keeps it; ``kept`` is None where the measure was never entered."""

    norm: Norm
    value: Decimal | None
    kept: bool | None


def norm_findings(facility: Facility, on: date) -> list[Finding]:
    """Return how a facility stands against each norm of its kind on a day."""
    found = []
    for norm in Norm.objects.filter(in_force(on), kind=facility.kind_id):
        value = getattr(facility, norm.measure, None)
        value = None if value is None else Decimal(value)
        found.append(Finding(norm, value, None if value is None else _kept(norm, value)))
    return found


def _kept(norm: Norm, value: Decimal) -> bool:
    return (norm.minimum is None or value >= norm.minimum) and (norm.maximum is None or value <= norm.maximum)


def search(queryset: QuerySet[Facility], text: str) -> QuerySet[Facility]:
    """Find facilities by part of the name or address."""
    return queryset.filter(Q(name__icontains=text.strip()) | Q(address__icontains=text.strip()))
