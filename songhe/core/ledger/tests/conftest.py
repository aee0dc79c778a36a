"""A small treasury: a bank account, a pot, a budget line, and credits to open from it."""

from dataclasses import dataclass, field
from datetime import date
from types import SimpleNamespace
from uuid import UUID

import pytest

from songhe.core.areas.models import Area
from songhe.core.ids import uuid7
from songhe.core.ledger import audit, credits, services
from songhe.core.ledger.models import Account, AccountKind, EntryKind

DAY = date(2026, 3, 1)
AREA = 340802001001


@dataclass
class Thing:
    """Stands for a record of some room: a table, an id, whose it is."""

    table: str
    elder_id: UUID = field(default_factory=uuid7)
    area_id: int = AREA
    amount_fen: int = 20000
    pk: UUID = field(default_factory=uuid7)

    @property
    def _meta(self):
        return SimpleNamespace(db_table=self.table)


@dataclass
class Treasury:
    bank: Account
    pot: Account
    line: Account

    def credit(self, fen=20000):
        return credits.open_credit(self.line, Thing("policy_credit", amount_fen=fen), on=DAY, memo="开立额度")


def make_treasury(fen=1_000_000):
    Area.objects.get_or_create(
        code=AREA, defaults={"upper": AREA + 1, "name": "社区", "full_name": "社区", "level": "village", "kind": ""}
    )
    owner = Thing("funds_pot")
    bank = services.account(kind=AccountKind.BANK, owner=owner, name="中央资金专户")
    pot = services.account(kind=AccountKind.POT, owner=owner, name="中央资金", floor=0)
    line = services.account(
        kind=AccountKind.BUDGET, owner=Thing("funds_budgetline"), name="居家服务", fund=pot, floor=0, area=AREA
    )
    services.post(
        kind=EntryKind.RECEIVE, on=DAY, lines=[(bank, -fen), (pot, fen)], memo="到账", key=f"receive:{pot.pk}"
    )
    services.post(
        kind=EntryKind.APPROPRIATE, on=DAY, lines=[(pot, -fen), (line, fen)], memo="下达", key=f"give:{line.pk}"
    )
    return Treasury(bank, pot, line)


@pytest.fixture(autouse=True)
def own_checks_only(monkeypatch):
    """Leave out the checks of the rooms above, which compare the ledger with visits that these tests do not make."""
    own = [(name, function) for name, function in audit._checks if function.__module__ == audit.__name__]
    monkeypatch.setattr(audit, "_checks", own)


@pytest.fixture
def treasury(system):
    return make_treasury()


@pytest.fixture
def order():
    return Thing("orders_order")
