"""The chain finds what was altered, deleted or slipped in by somebody who may do anything in the database."""

import threading

import pytest
from django.db import connection

from songhe.core.flow import services as flow
from songhe.core.flow.models import Step
from songhe.core.journal import sealing, services
from songhe.core.journal.models import Seal
from songhe.core.scope.services import Scope, use
from songhe.core.testing.paper import Paper
from songhe.core.testing.streets import street_of_anqing
from songhe.core.testing.tables import owner_connection

EVENTS = "flow_paperevent"


@pytest.fixture
def journal(paper_table, transactional_db, monkeypatch):
    """Twelve papers, handed in and checked, in a journal of their own."""
    listed = sealing.tables
    monkeypatch.setattr(sealing, "tables", lambda: sorted([*listed(), paper_events()]))
    with use(Scope.system()):
        area = street_of_anqing()
        papers = [Paper.objects.create(subject=f"第 {n} 件", area=area) for n in range(12)]
        for paper in papers:
            flow.start(paper)
            flow.fire(paper, "check_it", user=None)
    return papers


def paper_events():
    model = Paper.pgh_event_model
    return EVENTS, ["pgh_line", *sorted(f.column for f in model._meta.concrete_fields if f.column != "pgh_line")]


def as_owner(*statements: str) -> None:
    """Do what somebody with the tables' owner's password could do: walls down, triggers off."""
    owner = owner_connection()
    try:
        with owner.cursor() as cursor:
            for table in (EVENTS, "flow_step", "journal_seal"):
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
                cursor.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
            for statement in statements:
                cursor.execute(statement)
                assert cursor.rowcount == 1
    finally:
        owner.close()


def nth_line(table: str, number: int) -> int:
    column = "line" if table == "flow_step" else "pgh_line"
    with use(Scope.system()), connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table} ORDER BY 1 OFFSET %s LIMIT 1", [number])
        return cursor.fetchone()[0]


def test_an_altered_and_a_deleted_row_are_named(journal):
    sealed = services.seal(batch=10)
    report = services.verify()
    assert report.sound, str(report)
    assert report.lines == sealed > 40
    assert report.seals > 4
    assert report.unsealed == 0

    altered, deleted = nth_line(EVENTS, 5), nth_line("flow_step", 3)
    as_owner(
        f"UPDATE {EVENTS} SET subject = '改过' WHERE pgh_line = {altered}",
        f"DELETE FROM flow_step WHERE line = {deleted}",
    )
    flaws = {(flaw.table, flaw.line, flaw.what) for flaw in services.verify().flaws}
    assert flaws == {(EVENTS, altered, "该行已被改动"), ("flow_step", deleted, "该行已被删除")}
    assert f"{EVENTS} 第 {altered} 行：该行已被改动" in str(services.verify())


def test_a_row_slipped_in_is_named(journal):
    services.seal()
    line = nth_line("flow_step", 2)
    as_owner(
        f"UPDATE flow_step SET line = line + 1000000 WHERE line = {line}",
    )
    services.seal()
    whats = {(flaw.line, flaw.what) for flaw in services.verify().flaws}
    assert whats == {(line, "该行已被删除")}
    as_owner(f"UPDATE flow_step SET line = {line} WHERE line = {line + 1000000}")
    assert not any(flaw.line == line for flaw in services.verify().flaws)


def test_a_changed_or_missing_seal_breaks_the_chain(journal):
    services.seal(batch=10)
    head = services.verify().head
    as_owner("UPDATE journal_seal SET digests = overlay(digests placing '\\x00' from 20) WHERE number = 2")
    assert any("第 2 次封存" in flaw.what for flaw in services.verify().flaws)
    as_owner("DELETE FROM journal_seal WHERE number = 2")
    assert any("第 2 次封存缺失" in flaw.what for flaw in services.verify().flaws)
    assert services.verify(head=head).head == head


def test_a_tail_cut_off_is_shown_by_a_head_kept_elsewhere(journal):
    services.seal(batch=1000)
    with use(Scope.system()):
        Paper.objects.first().delete()
    services.seal()
    head = services.verify().head
    assert services.verify(head=head).sound
    with use(Scope.system()):
        last = Seal.objects.order_by("-number").first()
    as_owner(f"DELETE FROM journal_seal WHERE number = {last.number}")
    assert services.verify().sound
    assert [flaw.what for flaw in services.verify(head=head).flaws] == [
        "此前留存的链尾摘要不在链中：链的末段被截去或改写"
    ]


def test_a_column_added_later_changes_nothing(journal):
    services.seal()
    owner = owner_connection()
    with owner.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {EVENTS} ADD COLUMN later text DEFAULT 'x'")
    owner.close()
    assert services.verify().sound


def test_sealing_waits_for_transactions_that_may_hold_lower_lines(journal):
    services.seal()
    written, seal_tried = threading.Event(), threading.Event()

    def slow_clerk() -> None:
        try:
            with use(Scope.system()):
                Paper.objects.filter(pk=journal[0].pk).update(subject="慢")
                written.set()
                seal_tried.wait(timeout=20)
        finally:
            connection.close()

    clerk = threading.Thread(target=slow_clerk)
    clerk.start()
    written.wait(timeout=10)
    with use(Scope.system()):
        Paper.objects.filter(pk=journal[1].pk).update(subject="快")
    assert services.seal(patience=0.3) == 0
    seal_tried.set()
    clerk.join()
    assert services.seal() == 2
    report = services.verify()
    assert report.sound, str(report)


def test_only_services_write_seals(journal):
    services.seal()
    with pytest.raises(Exception, match="permission denied"), use(Scope.area(0, 10**12)):
        Seal.objects.count()
    with pytest.raises(Exception, match="permission denied"), use(Scope.system()):
        Seal.objects.update(number=5)


def test_steps_belong_to_the_journal():
    assert "flow_step" in dict(sealing.tables())
    assert sealing.line_column(Step) == "line"
