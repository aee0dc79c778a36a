"""What the console keeps for one person is theirs in the database too: no SQL of another finds, changes or adds it."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from songhe.core.accounts.roles import Role
from songhe.core.calendar.services import now
from songhe.core.console import jobs
from songhe.core.console.models import Export, Preference, SavedFilter, SentForm
from songhe.core.scope.services import Scope, use

TABLES = {
    "console_preference": "page",
    "console_savedfilter": "name",
    "console_export": "reason",
    "console_sentform": "result",
}


def rows(sql, *params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def told(table):
    return rows(f"SELECT {TABLES[table]} FROM {table}")


@pytest.fixture
def people(make_user, other_street):
    provider = uuid4()
    return {
        "clerk": make_user("one"),
        "colleague": make_user("two"),
        "elsewhere": make_user("three", area=other_street),
        "leader": make_user("four", role=Role.LEADER),
        "manager": make_user("five", role=Role.PROVIDER_MANAGER, area=None, provider_id=provider),
        "partner": make_user("six", role=Role.PROVIDER_MANAGER, area=None, provider_id=provider),
        "family": make_user("seven", role=Role.FAMILY, area=None),
        "administrator": make_user("eight", role=Role.SYSTEM_ADMIN),
    }


def keeps(user, *, is_shared=False):
    """Have a person like a page, keep a filter, ask for an export and send a form, under their own scope."""
    with use(user.scope()):
        Preference.objects.create(user=user, page=user.username)
        SavedFilter.objects.create(user=user, page="p", name=user.username, query="?a=1", is_shared=is_shared)
        Export.objects.create(user=user, page="p", subject="s", reason=user.username, scope=repr(user.scope()))
        SentForm.objects.create(user=user, token=uuid4(), result=user.username)


@pytest.mark.parametrize("table", TABLES)
def test_each_sees_and_changes_their_own_only(people, table):
    for user in people.values():
        keeps(user)
    column = TABLES[table]
    for user in people.values():
        with use(user.scope()):
            assert told(table) == [(user.username,)]
            assert rows(f"SELECT count(*) FROM {table} WHERE true OR {column} = ''") == [(1,)]
            assert rows(f"UPDATE {table} SET {column} = {column}") == 1
            other = next(one for one in people.values() if one != user)
            with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
                rows(f"UPDATE {table} SET user_id = %s", other.pk)
            with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
                keeps_as(table, other)
    with use(Scope.system()):
        assert len(told(table)) == len(people)


def keeps_as(table, user):
    """Add a row in another's name, under the scope in force."""
    if table == "console_preference":
        Preference.objects.create(user=user, page="mine")
    elif table == "console_savedfilter":
        SavedFilter.objects.create(user=user, page="p", name="mine", query="?a=1")
    elif table == "console_export":
        Export.objects.create(user=user, page="p", subject="s", reason="mine", scope="")
    else:
        SentForm.objects.create(user=user, token=uuid4())


@pytest.mark.parametrize("table", TABLES)
def test_a_scope_in_which_nobody_looks_sees_none(people, street, table):
    keeps(people["clerk"], is_shared=True)
    for scope in (Scope.area(street.code, street.upper), Scope.of_provider(uuid4()), Scope.of_persons([])):
        with use(scope):
            assert told(table) == []


@pytest.mark.parametrize(
    ("keeper", "readers"), [("clerk", {"colleague", "leader"}), ("manager", {"partner"}), ("family", set())]
)
def test_what_is_shared_is_read_by_the_office_and_changed_by_its_keeper_alone(people, keeper, readers):
    keeps(people[keeper], is_shared=True)
    for name, user in people.items():
        if name == keeper:
            continue
        with use(user.scope()):
            assert told("console_savedfilter") == ([(people[keeper].username,)] if name in readers else [])
            assert rows("UPDATE console_savedfilter SET query = '?b=2'") == 0
            assert rows("DELETE FROM console_savedfilter") == 0
    with use(people[keeper].scope()):
        assert rows("UPDATE console_savedfilter SET query = '?b=2'") == 1
        assert rows("DELETE FROM console_savedfilter") == 1


def test_the_jobs_reach_everybodys(people, settings, tmp_path):
    settings.FILES_ROOT = tmp_path
    for name in ("clerk", "manager"):
        keeps(people[name])
    with use(Scope.system()):
        SentForm.objects.update(sent_at=now() - timedelta(days=3))
        Export.objects.update(asked_at=now() - timedelta(days=40))
    jobs.forget_sent_forms()
    jobs.sweep_exports()
    with use(Scope.system()):
        assert not SentForm.objects.exists() and not Export.objects.exists()
