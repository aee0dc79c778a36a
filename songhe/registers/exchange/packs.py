"""Taking from a place's pack which rolls nobody can be on at once (``exclusions.csv``)."""

from songhe.core.errors import Refused
from songhe.packs.loader import Pack
from songhe.registers.elders.models import DifficultyKind, Subject
from songhe.registers.exchange.models import Exclusion

KNOWN = {*DifficultyKind.values, Subject.BENEFIT.value, Subject.DEATH.value}


def load(pack: Pack) -> str:
    """Enter the rules and take out those no longer in the pack."""
    kept = []
    for row in pack.table("exclusions.csv"):
        one, other = sorted((row["one"], row["other"]))
        if not {one, other} <= KNOWN:
            raise Refused(f"exclusions.csv：不认识“{one}”或“{other}”。")
        rule, _made = Exclusion.objects.update_or_create(
            one=one,
            other=other,
            defaults={
                "why": row["why"],
                "document": pack.document_text(row["document"]) if row["document"] else "",
                "mark": row["mark"],
            },
        )
        kept.append(rule.pk)
    Exclusion.objects.exclude(pk__in=kept).delete()
    return f"互斥规则 {len(kept)} 条"
