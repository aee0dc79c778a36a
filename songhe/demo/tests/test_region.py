"""A built region obeys every rule that real records obey, and its walls stand."""

import re
from dataclasses import replace
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from beancount import loader
from django.db import IntegrityError, connection
from django.db.models import F, Sum
from stdnum.cn import uscc

from songhe.care.orders.models import Order
from songhe.care.visits.models import Doubt, Visit
from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.errors import Refused
from songhe.core.flow.models import Todo
from songhe.core.ids import uuid7
from songhe.core.journal import services as journal
from songhe.core.ledger.audit import verify
from songhe.core.ledger.beancount import export_beancount
from songhe.core.ledger.models import Account, AccountKind, Posting
from songhe.core.scope.services import Scope, use
from songhe.demo import build as building
from songhe.demo.bulk import copy_rows, loading
from songhe.packs.loader import load_pack
from songhe.registers.elders.models import Difficulty, Elder, ImportBatch
from songhe.registers.elders.services import register
from songhe.registers.exchange.models import Duplicate, Finding
from songhe.registers.providers.models import Provider
from songhe.rights.policy.models import Credit, Decision

# What a table's walls are made of, as PostgreSQL keeps them: constraints, indexes, triggers, row-level security.
WALLS = """
    SELECT 'constraint', conrelid::regclass::text, conname::text, pg_get_constraintdef(oid), convalidated::text
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'index', tablename::text, indexname::text, indexdef, '' FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname::text, pg_get_triggerdef(oid), tgenabled::text
    FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'security', relname::text, '', relrowsecurity::text, relforcerowsecurity::text
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
"""


def walls() -> set[tuple[str, ...]]:
    """Return every wall, but for casts and brackets, which PostgreSQL writes otherwise once it has read them back."""
    with connection.cursor() as cursor:
        cursor.execute(WALLS)
        return {tuple(re.sub(r"::[a-z ]+|[\[\]() ]", "", part) for part in wall) for wall in cursor.fetchall()}


def difficulty(elder: Elder, **changed: object) -> tuple[object, ...]:
    row = {"id": uuid7(), "elder_id": elder.pk, "area_id": elder.area_id, "kind": "low_income", **changed}
    return tuple(row.values())


COLUMNS = ("id", "elder_id", "area_id", "kind")
FIXED = {"evidence": "示例", "source": "示例", "validity": "[2026-01-01,)", "end_reason": ""}


@pytest.fixture
def one_elder(owner: None) -> Elder:
    with use(Scope.system()):
        community = Area.objects.filter(level=Area.Level.VILLAGE, statistical_only=False).order_by("code")[0]
        return register(name="王秀英", sex="female", birth_date=date(1950, 1, 1), id_kind="none", area=community)


@pytest.fixture
def walls_of_an_empty_one(transactional_db: None) -> set[tuple[str, ...]]:
    return walls()


def test_a_built_region_has_every_wall_of_an_empty_one(
    walls_of_an_empty_one: set[tuple[str, ...]], anqing: None
) -> None:
    assert walls() == walls_of_an_empty_one


def test_ledger_and_beancount_accept_it(anqing: None, tmp_path: Path) -> None:
    path = tmp_path / "ledger.beancount"
    with use(Scope.system()):
        report = verify()
        export_beancount(path)
    assert report.ok, str(report)
    _entries, errors, _options = loader.load_file(str(path), log_errors=StringIO())
    assert errors == []


def test_the_journal_holds_a_line_of_every_row_and_verifies(anqing: None) -> None:
    with use(Scope.system()):
        for model in (Elder, Difficulty, Order, Visit, Credit):
            noted = model.pgh_event_model.objects.filter(pgh_label="insert").values("pgh_obj_id").distinct().count()
            assert noted == model.objects.count() > 0, model
        journal.seal()
        report = journal.verify()
    assert report.sound, str(report)
    assert report.lines > 0
    assert report.unsealed == 0


def test_the_rows_obey_what_services_would_have_held(anqing: None) -> None:
    with use(Scope.system()):
        # What an order takes of a credit was held of that credit and, once verified, is earned; nobody overdrew.
        for credit in Credit.objects.annotate(used=Sum("orders__credit_fen")):
            assert (credit.used or 0) <= credit.amount_fen
        held = Posting.objects.filter(account__kind=AccountKind.RESERVED).aggregate(total=Sum("amount"))["total"]
        still_open = Order.objects.exclude(state="closed").aggregate(total=Sum("credit_fen"))["total"]
        assert (held or 0) == (still_open or 0)
        assert not Visit.objects.exclude(elder_id=F("order__elder_id")).exists()
        assert not Visit.objects.exclude(provider_id=F("staff__provider_id")).exists()
        for visit in Visit.objects.select_related("service", "staff").prefetch_related("staff__skills__skill"):
            assert set(visit.service.skills) <= {each.skill.code for each in visit.staff.skills.all()}
        # Who is entitled was decided so, on facts of the day.
        assert not Decision.objects.filter(entitled=False, entitlement__isnull=False).exists()
        assert Account.objects.filter(kind=AccountKind.CREDIT, closed_on__isnull=False).exists()


def test_something_waits_on_every_desk(anqing: None) -> None:
    with use(Scope.system()):
        asked = set(Todo.objects.filter(state="open").values_list("permission", flat=True))
        applied = {batch.applied_at is not None for batch in ImportBatch.objects.all()}
        pairs = Duplicate.objects.filter(state="open").count()
        missing = Finding.objects.filter(state="open", kind="vanished").count()
        doubts = Doubt.objects.exists()
    assert asked >= {
        "assessment.assign", "assessment.assess", "assessment.accept", "assessment.publish", "dispatch.assign",
        "settlement.confirm", "settlement.check", "settlement.approve", "payments.pay", "providers.check",
        "careplans.edit", "elders.edit",
    }  # fmt: skip
    assert applied == {False, True}, "一份名册已导入，一份待核对"
    assert (pairs, missing, doubts) == (2, 1, True)


def test_filling_in_bulk_lets_no_row_break_a_rule(owner: None, one_elder: Elder) -> None:
    before = walls()
    nobody = difficulty(one_elder, elder_id=uuid7())
    twice = [difficulty(one_elder), difficulty(one_elder)]
    unknown = difficulty(one_elder, kind="bad_luck")
    for rows in ([nobody], twice, [unknown]):
        with pytest.raises(IntegrityError), loading(Difficulty):
            copy_rows(Difficulty, COLUMNS, rows, **FIXED)
        assert walls() == before
        with use(Scope.system()):
            assert not Difficulty.objects.exists()


def test_filling_in_bulk_writes_the_journal_and_closes_the_tables_again(owner: None, one_elder: Elder) -> None:
    before = walls()
    with loading(Difficulty):
        assert copy_rows(Difficulty, COLUMNS, [difficulty(one_elder)], **FIXED) == 1
    assert walls() == before
    # The owner of the tables sees no row without a scope, as before.
    assert not Difficulty.objects.exists()
    with use(Scope.system()):
        row = Difficulty.objects.get()
        noted = Difficulty.pgh_event_model.objects.get()
        assert (noted.pgh_obj_id, noted.pgh_label, noted.kind, noted.version) == (row.pk, "insert", "low_income", 1)


@pytest.mark.parametrize("place", ["wuhan"], indirect=True)
def test_a_place_without_a_catalogue_has_all_but_orders(
    place: str, owner: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = load_pack(place)
    small = replace(pack, demo={**pack.demo, "counties": [420103000000], "stations": 6})
    monkeypatch.setattr(building, "load_pack", lambda name: {place: small}[name])
    with use(Scope.system()):
        # The demo brings its own people.
        User.objects.all().delete()
    building.build(pack=place, elders=120, progress=lambda line: None)
    with use(Scope.system()):
        assert {elder.area_id // 10**6 for elder in Elder.objects.all()} == {420103}
        provider = Provider.objects.order_by("credit_code")[0]
        assert (provider.name, provider.phone) == ("武汉江城颐养养老服务有限公司", "027-5000000")
        assert uscc.is_valid(provider.credit_code)
        assert provider.credit_code.startswith("91420100")
        decided = Decision.objects.filter(policy_version__policy__key="wh-care-subsidy", entitled=True)
        assert decided.exists()
        assert Credit.objects.exists()
        assert not Order.objects.exists()
        assert Todo.objects.filter(state="open", permission="assessment.assign").exists()
        assert verify().ok


def test_a_pack_without_margins_is_refused_by_name(db: None) -> None:
    with pytest.raises(Refused, match="yuxi"):
        building.build(pack="yuxi")
