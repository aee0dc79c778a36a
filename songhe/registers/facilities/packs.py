"""The kinds of station and their norms."""

from datetime import date
from decimal import Decimal

from django.db.backends.postgresql.psycopg_any import DateRange

from songhe.packs.loader import Pack
from songhe.registers.facilities.models import FacilityKind, Norm


def load(pack: Pack) -> str:
    """Enter the kinds of station and, once, their norms."""
    kinds: dict[str, FacilityKind] = {}
    for row in pack.table("facility_kinds.csv"):
        kinds[row["code"]], _made = FacilityKind.objects.update_or_create(
            code=row["code"],
            defaults={
                "name": row["name"],
                "position": int(row["position"]),
                "station": row["station"] == "1",
            },
        )
    norms = pack.table("norms.csv")
    for row in norms:
        first = date.fromisoformat(row["valid_from"])
        if Norm.objects.filter(kind=kinds[row["kind"]], measure=row["measure"], validity__contains=first).exists():
            continue
        Norm.objects.create(
            kind=kinds[row["kind"]],
            measure=row["measure"],
            minimum=Decimal(row["minimum"]) if row["minimum"] else None,
            maximum=Decimal(row["maximum"]) if row["maximum"] else None,
            unit=row["unit"],
            validity=DateRange(first, None, "[)"),
            source=pack.document_text(row["document"]),
        )
    return f"设施类型 {len(kinds)} 种，标准 {len(norms)} 条"
