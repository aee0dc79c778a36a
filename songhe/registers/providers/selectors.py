"""Reads on providers: what is in force, what runs out, what speaks against them."""

from datetime import date, timedelta
from typing import Any

from django.db.models import DateField, DurationField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast

from songhe.core.validity import in_force
from songhe.registers.providers.models import CreditRecord, Licence, Provider


def search(queryset: QuerySet[Provider], text: str) -> QuerySet[Provider]:
    """Find providers by part of the name or brand, or by credit code."""
    text = text.strip()
    return queryset.filter(Q(name__icontains=text) | Q(brand__name__icontains=text) | Q(credit_code=text.upper()))


def is_blacklisted(provider: Provider, on: date) -> bool:
    """Tell whether a provider is on the blacklist on a day."""
    return provider.credit_records.filter(in_force(on), kind=CreditRecord.Kind.BLACKLISTED).exists()


def licences_on(provider: Provider, on: date) -> QuerySet[Licence]:
    """Return a provider's licences in force on a day."""
    return provider.licences.filter(in_force(on))


def renewed() -> Exists:
    """Return the condition that a licence of the same kind lasts longer: nobody need be reminded of this one."""
    later = Licence.objects.filter(provider=OuterRef("provider"), kind=OuterRef("kind")).exclude(pk=OuterRef("pk"))
    return Exists(
        later.filter(Q(validity__endswith__gt=OuterRef("validity__endswith")) | Q(validity__endswith__isnull=True))
    )


def running_out(on: date, *, rows: QuerySet[Licence] | None = None) -> QuerySet[Licence]:
    """Return the licences that have run out or will within their reminder's days, and were not renewed."""
    base = Licence.objects.all() if rows is None else rows
    days: Any = ExpressionWrapper(F("remind_days") * Value(timedelta(days=1)), output_field=DurationField())
    return (
        base.filter(validity__endswith__isnull=False)
        .annotate(remind_from=Cast(F("validity__endswith") - days, DateField()))
        .filter(~renewed(), remind_from__lte=on)
        .exclude(provider__state=Provider.State.ENDED)
    )
