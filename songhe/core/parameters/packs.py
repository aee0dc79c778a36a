"""The place's figures."""

from datetime import date
from decimal import Decimal

from django.db.backends.postgresql.psycopg_any import DateRange

from songhe.core.parameters.models import Parameter
from songhe.packs.loader import Pack


def load(pack: Pack) -> str:
    """Enter the pack's figures; a figure already there for the same first day takes the pack's value."""
    rows = pack.parameters()
    known = {(each.name, each.validity.lower): each for each in Parameter.objects.all()}
    for row in rows:
        first = date.fromisoformat(row["valid_from"])
        last = date.fromisoformat(row["valid_to"]) if row["valid_to"] else None
        parameter = known.get((row["name"], first)) or Parameter(name=row["name"])
        parameter.value, parameter.unit = Decimal(row["value"]), row["unit"]
        parameter.validity = DateRange(first, last, "[)")
        parameter.document, parameter.clause = pack.document_text(row["document"]), row["clause"]
        parameter.mark = row["mark"]
        parameter.save()
    return f"政策参数 {len(rows)} 项"
