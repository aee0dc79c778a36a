"""Taking a place's funds from its pack: pots (``funds.csv``), budget lines (``budget.csv``) and rates (``rates.csv``).

Amounts are in minor units; ``valid_to`` is the last day that counts. A pack says what was granted and planned; money
comes in and is given out by people, in the ledger.
"""

from datetime import date, timedelta
from decimal import Decimal
from itertools import zip_longest

from songhe.core.areas.models import Area
from songhe.core.validity import from_day
from songhe.packs.loader import Pack
from songhe.registers.funds.models import BudgetLine, Pot, Rate
from songhe.registers.funds.services import amend_pot, open_line, open_pot


def load(pack: Pack) -> str:
    """Enter what is new, amend what changed, and say so; loading twice changes nothing."""
    areas = Area.objects.in_bulk([int(row["area"]) for file in ("funds.csv", "budget.csv") for row in pack.table(file)])
    pots = [_pot(row, pack, areas) for row in pack.table("funds.csv")]
    lines = [_line(row, areas) for row in pack.table("budget.csv")]
    rates = _rates(pack)
    return f"资金来源 {len(pots)} 个，预算项目 {len(lines)} 个，汇率 {rates} 条"


def _pot(row: dict[str, str], pack: Pack, areas: dict[int, Area]) -> Pot:
    name, amount, purposes = row["name"], int(row["amount"]), row["purposes"].split("|")
    document = pack.document_text(row["document"])
    existing = Pot.objects.filter(code=row["code"]).first()
    if existing is None:
        return open_pot(
            code=row["code"],
            name=name,
            source=row["source"],
            currency=row["currency"],
            amount=amount,
            purposes=purposes,
            document=document,
            area=areas[int(row["area"])],
            first=date.fromisoformat(row["valid_from"]),
            last=_day(row["valid_to"]),
        )
    if (existing.name, existing.amount, existing.purposes, existing.document) != (name, amount, purposes, document):
        return amend_pot(pot=existing, name=name, amount=amount, purposes=purposes, document=document)
    return existing


def _line(row: dict[str, str], areas: dict[int, Area]) -> BudgetLine:
    existing = BudgetLine.objects.filter(code=row["code"]).first()
    if existing is not None:
        return existing
    return open_line(
        code=row["code"],
        name=row["name"],
        pot=Pot.objects.get(code=row["pot"]),
        year=int(row["year"]),
        purpose=row["purpose"],
        area=areas[int(row["area"])],
        planned_fen=int(row["planned_fen"]),
        position=int(row["position"] or 0),
        first=date.fromisoformat(row["valid_from"]),
        last=date.fromisoformat(row["valid_to"]),
    )


def _rates(pack: Pack) -> int:
    rows = sorted(pack.table("rates.csv"), key=lambda row: (row["currency"], row["valid_from"]))
    for row, following in zip_longest(rows, rows[1:]):
        first, last = date.fromisoformat(row["valid_from"]), _day(row["valid_to"])
        if following is not None and following["currency"] == row["currency"]:
            # A rate ends where the next begins, whatever its own row says.
            last = date.fromisoformat(following["valid_from"]) - timedelta(days=1)
        if not Rate.objects.filter(currency=row["currency"], validity__startswith=first).exists():
            Rate.objects.create(
                currency=row["currency"],
                yuan=Decimal(row["yuan"]),
                validity=from_day(first, last),
                source=pack.document_text(row["document"]) or "示例汇率",
            )
    return len(rows)


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
