"""A record's history in words, and notes of who looked at what."""

import pghistory
import pytest
from django.db import connection, transaction

from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.errors import Refused
from songhe.core.flow import services as flow
from songhe.core.journal import selectors, services
from songhe.core.journal.models import Access
from songhe.core.scope.services import Scope, use
from songhe.core.testing.paper import Paper


@pytest.fixture
def clerk(street):
    return User.objects.create(username="clerk", display_name="张敏", role=Role.OPERATOR, area=street)


@pytest.fixture
def paper(street, clerk):
    with pghistory.context(user=str(clerk.pk), name=clerk.display_name, role=clerk.role):
        return Paper.objects.create(subject="购置护理床", area=street, phone="13800001111")


def test_changes_are_told_in_words_newest_first(paper, clerk, street, other_street):
    with pghistory.context(user=str(clerk.pk), name=clerk.display_name, role=clerk.role):
        paper.area = other_street
        paper.phone = "13900002222"
        paper.save()
    with pghistory.context(user="", name="王芳", role=Role.FINANCE_CHECKER):
        flow.fire(paper, "check_it", user=None)
    checked, moved, made = selectors.history(paper)
    assert (made.what, made.who, made.role, made.changes) == ("建立申请单", "张敏", "12349坐席", [])
    assert [str(change) for change in moved.changes] == [f"区划：{street} → {other_street}", "电话：已修改"]
    assert (checked.who, [str(change) for change in checked.changes]) == ("王芳", ["状态：已提交 → 已审核"])
    assert "138" not in repr((checked, moved, made))


def test_raw_sql_is_told_too(paper):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE testing_paper SET subject = '换一张'")
    assert [str(change) for change in selectors.history(paper)[0].changes] == ["事由：购置护理床 → 换一张"]


def test_many_changes_of_many_records_take_few_queries(paper, street, other_street, django_assert_num_queries):
    others = [Paper.objects.create(subject=f"第 {n} 件", area=street) for n in range(10)]
    for other in others:
        other.area = other_street
        other.save()
    with django_assert_num_queries(2):
        lines = selectors.history(paper, others)
    assert len(lines) == 21


def test_a_cut_history_does_not_pretend_the_record_was_made_then(paper):
    for n in range(6):
        paper.subject = f"第 {n} 稿"
        paper.save()
    assert [line.act for line in selectors.history(paper, most=3)] == ["修改"] * 3


def test_history_is_not_rewritten(paper, street):
    for scope in (Scope.system(), Scope.area(street.code, street.upper)):
        for statement in ("UPDATE flow_paperevent SET subject = 'x'", "DELETE FROM flow_paperevent"):
            with use(scope), pytest.raises(Exception, match="permission denied"), transaction.atomic():
                connection.cursor().execute(statement)


def test_nobody_silences_the_journal(paper, street):
    """Not even with raw SQL that knows how triggers are ignored."""
    names = ",".join(trigger.get_pgid(Paper) for trigger in Paper._meta.triggers)
    with use(Scope.area(street.code, street.upper)), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pgtrigger.ignore', %s, true)", ["{" + names + "}"])
        cursor.execute("UPDATE testing_paper SET subject = '悄悄改'")
        cursor.execute("SELECT set_config('pgtrigger.ignore', '{}', true)")
    assert selectors.history(paper)[0].changes[0].after == "悄悄改"
    paper.refresh_from_db()
    assert paper.version == 2


def test_showing_a_number_needs_permission_and_a_reason_and_is_noted(paper, clerk, monkeypatch):
    monkeypatch.setattr(clerk, "may", lambda permission: permission == "flow.reveal")
    with pytest.raises(Refused, match="请填写") as refusal:
        services.reveal(user=clerk, obj=paper, field="phone", reason=" ")
    assert refusal.value.field == "reason"
    assert not Access.objects.exists()
    assert services.reveal(user=clerk, obj=paper, field="phone", reason="回访核实") == "13800001111"
    note = Access.objects.get()
    assert (note.act, note.user_name, note.reason, note.row_id) == ("reveal", "张敏", "回访核实", str(paper.pk))


def test_a_refused_look_is_noted_as_well(paper, clerk):
    with pytest.raises(Refused, match="本次尝试已登记"):
        services.reveal(user=clerk, obj=paper, field="phone", reason="好奇")
    assert Access.objects.get().act == Access.Act.DENIED


def test_who_looked_is_for_auditors(paper, clerk):
    services.note_access(user=clerk, act=Access.Act.EXPORT, table="testing_paper", rows=300, reason="季度报表")
    with pytest.raises(Refused):
        selectors.accesses(clerk)
    auditor = User.objects.create(username="auditor", display_name="审计", role=Role.AUDITOR, area=paper.area)
    assert selectors.accesses(auditor, of_user=clerk.pk).get().rows == 300
    with use(Scope.of_provider(paper.pk)), pytest.raises(Exception, match="permission denied"), transaction.atomic():
        Access.objects.count()
