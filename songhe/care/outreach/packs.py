"""Taking from a place's pack who must be seen how often (``outreach.csv``)."""

from songhe.care.outreach.models import Frequency, Period
from songhe.core.errors import Refused
from songhe.packs.loader import Pack, PackError
from songhe.registers.elders.labelling.facts import read


def load(pack: Pack) -> str:
    """Enter the rules; those no longer in the pack are out of use.

    Raises:
        PackError: a condition cannot be read or a period is unknown.
    """
    kept = []
    for row in pack.table("outreach.csv"):
        try:
            read(row["condition"])
        except Refused as refused:
            raise PackError(f"outreach.csv“{row['name']}”：{refused.message}") from refused
        if row["period"] not in Period.values:
            raise PackError(f"outreach.csv“{row['name']}”：不认识周期“{row['period']}”。")
        rule, _made = Frequency.objects.update_or_create(
            code=row["code"],
            defaults={
                "name": row["name"],
                "condition": row["condition"],
                "period": row["period"],
                "document": pack.document_text(row["document"]) if row["document"] else "",
                "mark": row["mark"],
                "active": True,
            },
        )
        kept.append(rule.pk)
    Frequency.objects.exclude(pk__in=kept).update(active=False)
    return f"探访频次 {len(kept)} 条"
