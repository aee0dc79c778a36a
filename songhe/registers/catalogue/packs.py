"""The place's services and guided prices."""

from datetime import date

from django.db.backends.postgresql.psycopg_any import DateRange

from songhe.packs.loader import Pack
from songhe.registers.catalogue.models import Category, Service, ServicePrice


def load(pack: Pack) -> str:
    """Enter the pack's categories (rows without a unit), services and prices; prices stay once entered."""
    rows = pack.table("catalogue.csv")
    categories: dict[str, Category] = {}
    services: dict[str, Service] = {}
    for position, row in enumerate(row for row in rows if not row["unit"]):
        categories[row["code"]], _made = Category.objects.update_or_create(
            code=row["code"],
            defaults={"name": row["name"], "parent": categories.get(row["parent"]), "position": position},
        )
    for row in (row for row in rows if row["unit"]):
        services[row["code"]], _made = Service.objects.update_or_create(
            code=row["code"],
            defaults={
                "name": row["name"],
                "category": categories[row["parent"]],
                "unit": row["unit"],
                "minutes": int(row["minutes"]),
                "carers": int(row["carers"]),
                "skills": [skill for skill in row["skills"].split("|") if skill],
                "description": row["description"],
                "steps": [step for step in (row.get("steps") or "").split("|") if step],
                "standard": (row.get("standard") or "1") == "1",
                "at_home": (row.get("at_home") or "1") == "1",
                "source": pack.document_text(row["document"]),
            },
        )
        for payer, column in ((ServicePrice.Payer.PUBLIC, "public_fen"), (ServicePrice.Payer.SELF, "self_fen")):
            _price(services[row["code"]], payer, row, column, pack)
    return f"服务类别 {len(categories)} 个，服务项目 {len(services)} 项"


def _price(service: Service, payer: str, row: dict[str, str], column: str, pack: Pack) -> None:
    if not row[column] or service.prices.filter(payer=payer).exists():
        return
    ServicePrice.objects.create(
        service=service,
        payer=payer,
        price_fen=int(row[column]),
        ceiling_fen=int(row["ceiling_fen"]) if row.get("ceiling_fen") else None,
        validity=DateRange(date.fromisoformat(row["valid_from"]), None, "[)"),
        source=pack.document_text(row["document"]),
    )
