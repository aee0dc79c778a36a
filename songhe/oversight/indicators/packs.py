"""The place's indicators."""

from decimal import Decimal

from songhe.oversight.indicators.measures import MEASURES
from songhe.oversight.indicators.models import Indicator
from songhe.packs.loader import Pack, PackError


def load(pack: Pack) -> str:
    """Enter the pack's indicators.

    Raises:
        PackError: an indicator is made of a measure that does not exist.
    """
    rows = pack.table("indicators.csv")
    for position, row in enumerate(rows):
        for column in ("numerator", "denominator"):
            if row[column] and row[column] not in MEASURES:
                raise PackError(f"指标“{row['name']}”的 {column}“{row[column]}”不存在。可用：{'、'.join(MEASURES)}。")
        Indicator.objects.update_or_create(
            code=row["code"],
            defaults={
                "name": row["name"],
                "definition": row["definition"],
                "numerator": row["numerator"],
                "denominator": row["denominator"],
                "factor": int(row["factor"]),
                "unit": row["unit"],
                "target": Decimal(row["target"]) if row["target"] else None,
                "document": pack.document_text(row["document"]),
                "requirement": row["requirement"],
                "position": position,
            },
        )
    return f"指标 {len(rows)} 项"
