"""The skills services ask for."""

from songhe.packs.loader import Pack
from songhe.registers.workforce.models import Skill


def load(pack: Pack) -> str:
    """Enter the pack's skills."""
    rows = pack.table("skills.csv")
    for row in rows:
        Skill.objects.update_or_create(
            code=row["code"], defaults={"name": row["name"], "needs_certificate": row["needs_certificate"] == "1"}
        )
    return f"技能 {len(rows)} 种"
