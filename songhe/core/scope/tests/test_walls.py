"""Who sees which row: tried by ORM and by raw SQL, under each kind of scope, in the server's own sign-in."""

from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.db.models import Model
from django.db.utils import DatabaseError

from songhe.config.database import APP, OWNER, SCOPE_ROLES
from songhe.core.scope import policies
from songhe.core.scope.roles import RowScope
from songhe.core.scope.services import Scope, current, use
from songhe.core.testing.paper import Paper
from songhe.core.testing.tables import owner_connection


def rows(sql: str, *params: object) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


@pytest.fixture
def papers(street, other_street):
    """Two papers of different streets, providers and elders."""
    return [
        Paper.objects.create(subject=f"第 {n} 件", area=area, provider_id=uuid4(), elder_id=uuid4())
        for n, area in enumerate((street, other_street))
    ]


def scopes_of(paper: Paper) -> list[Scope]:
    return [
        Scope.area(paper.area.code, paper.area.upper),
        Scope.area(paper.area.code, paper.area.upper, read_only=True),
        Scope.of_provider(paper.provider_id),
        Scope.of_persons([paper.elder_id]),
    ]


@pytest.mark.parametrize("kind", range(4))
def test_each_kind_of_person_sees_their_own_rows_only(papers, kind):
    mine, _ = papers
    with use(scopes_of(mine)[kind]):
        assert list(Paper.objects.all()) == [mine]
        assert rows("SELECT subject FROM testing_paper") == [(mine.subject,)]
        assert rows("SELECT subject FROM testing_paper WHERE true OR 1 = 1") == [(mine.subject,)]
        # A condition that would speak of rows it is given must not be given another's.
        assert rows(
            "SELECT count(*) FROM testing_paper WHERE 1 / (CASE WHEN subject = %s THEN 1 ELSE 0 END) = 1", mine.subject
        ) == [(1,)]
        history = rows("SELECT DISTINCT pgh_obj_id FROM flow_paperevent")
        assert history == [(mine.pk,)]


@pytest.mark.parametrize("kind", range(4))
def test_no_one_changes_anothers_rows(papers, kind):
    mine, theirs = papers
    scope = scopes_of(mine)[kind]
    if scope.kind == "inspect":
        with use(scope), pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            Paper.objects.update(subject="改")
    else:
        with use(scope):
            assert Paper.objects.update(subject="改") == 1
            assert rows("UPDATE testing_paper SET subject = 'raw' WHERE id = %s RETURNING id", theirs.pk) == []
    theirs.refresh_from_db()
    assert theirs.subject == "第 1 件"


@pytest.mark.parametrize("kind", [0, 2, 3])
def test_no_one_puts_a_row_into_anothers_hands_or_takes_one(papers, kind):
    mine, theirs = papers
    scope = scopes_of(mine)[kind]
    away = {"area": theirs.area, "provider_id": theirs.provider_id, "elder_id": theirs.elder_id}
    with use(scope):
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            Paper.objects.create(subject="塞给别人", **away)
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            Paper.objects.filter(pk=mine.pk).update(**away)


def test_nobody_deletes_who_may_not(papers):
    for scope in scopes_of(papers[0]):
        with use(scope), pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            Paper.objects.filter(pk=papers[0].pk)._raw_delete("default")


def test_a_family_with_several_elders_and_one_with_none(papers):
    with use(Scope.of_persons([paper.elder_id for paper in papers])):
        assert Paper.objects.count() == 2
    with use(Scope.of_persons([])):
        assert Paper.objects.count() == 0


def test_without_a_scope_there_is_nothing(paper_table, transactional_db):
    for statement in (
        "SELECT * FROM testing_paper",
        "INSERT INTO testing_paper (id) VALUES (gen_random_uuid())",
        "SELECT * FROM flow_step",
        "UPDATE accounts_user SET role = 'leader'",
        "SELECT * FROM journal_access",
    ):
        with pytest.raises(DatabaseError, match="permission denied"):
            rows(statement)


def test_the_outer_scope_is_in_force_again(papers, street):
    outer = Scope.area(street.code, street.upper)
    with use(outer):
        with use(Scope.of_persons([papers[1].elder_id])):
            assert list(Paper.objects.all()) == [papers[1]]
            with use(Scope.system()):
                assert Paper.objects.count() == 2
            assert list(Paper.objects.all()) == [papers[1]]
        assert list(Paper.objects.all()) == [papers[0]]
        assert current() == outer


def test_an_exception_gives_the_outer_scope_back(papers, street):
    with use(Scope.area(street.code, street.upper)):
        with pytest.raises(ZeroDivisionError), use(Scope.system()):
            raise ZeroDivisionError
        assert rows("SELECT current_user") == [("songhe_area",)]
        with pytest.raises(DatabaseError), use(Scope.system()):
            rows("SELECT 1 / 0")
        assert rows("SELECT current_user") == [("songhe_area",)]
        assert list(Paper.objects.all()) == [papers[0]]


def test_nothing_of_a_scope_is_left_after_its_transaction(transactional_db):
    with use(Scope.of_provider(uuid4())):
        assert rows("SELECT current_user") == [("songhe_provider",)]
    assert current() is None
    assert rows("SELECT current_user, coalesce(current_setting('songhe.provider', true), '')") == [(APP, "")]


def test_every_table_of_ours_has_its_walls(system):
    tables = {
        name: (security, forced, policies)
        for name, security, forced, policies in rows(
            "SELECT relname, relrowsecurity, relforcerowsecurity, "
            "(SELECT count(*) FROM pg_policy WHERE polrelid = c.oid) FROM pg_class c "
            "WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
        )
    }
    ours = {model._meta.db_table for model, _ in policies.our_models()} & set(tables)
    assert len(ours) >= 10
    for name in ours:
        security, forced, count = tables[name]
        assert security and forced and count >= 1, name
    libraries = policies.library_tables() | {"django_migrations"}
    assert set(tables) - ours - libraries - {"testing_paper", "flow_paperevent"} == set()


def test_the_server_owns_nothing_and_is_above_no_wall(db):
    assert rows("SELECT session_user") == [(APP,)]
    for table in ("pg_class WHERE relowner", "pg_proc WHERE proowner", "pg_namespace WHERE nspowner"):
        assert rows(f"SELECT count(*) FROM {table} = %s::regrole", APP) == [(0,)]
    roles = rows(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND (rolsuper OR rolbypassrls OR rolcreaterole)",
        [APP, OWNER, *SCOPE_ROLES],
    )
    assert roles == []
    with pytest.raises(DatabaseError, match=r"permission denied|must be owner"), transaction.atomic():
        rows("ALTER TABLE flow_step DISABLE ROW LEVEL SECURITY")


def test_what_is_journalled_elsewhere_is_not_reached_by_libraries_roles(system):
    granted = rows(
        "SELECT table_name FROM information_schema.role_table_grants WHERE grantee = ANY(%s) "
        "AND table_name LIKE ANY (ARRAY['django_session', 'mfa%%', 'account_%%', 'axes%%', 'auth%%'])",
        ["songhe_area", "songhe_inspect", "songhe_provider", "songhe_person"],
    )
    assert granted == []


def test_control_without_the_policy_rows_leak(paper_table, transactional_db):
    """With the wall taken down in a scratch copy, the very same query gives another street's row away."""
    owner = owner_connection()
    with owner.cursor() as cursor:
        cursor.execute("SET ROLE songhe_system")
        cursor.execute(
            "INSERT INTO areas_area (code, upper, name, full_name, level, kind, statistical_only) "
            "VALUES (990102003000, 990102004000, 'x', 'x', 'township', 'street', false)"
        )
        cursor.execute(
            "INSERT INTO testing_paper (id, version, created_at, state, subject, area_id) "
            "VALUES (gen_random_uuid(), 1, now(), 'handed_in', '邻街', 990102003000)"
        )
        cursor.execute("RESET ROLE")
    with use(Scope.area(340802001000, 340802002000)):
        assert Paper.objects.count() == 0
    with owner.cursor() as cursor:
        cursor.execute("ALTER TABLE testing_paper DISABLE ROW LEVEL SECURITY")
    owner.close()
    with use(Scope.area(340802001000, 340802002000)):
        assert [paper.subject for paper in Paper.objects.all()] == ["邻街"]


def test_a_model_must_say_who_sees_its_rows(monkeypatch):
    monkeypatch.delattr(Paper, "row_scope")
    monkeypatch.setattr(policies.apps, "get_models", lambda **_: [Paper])
    monkeypatch.setattr(Paper._meta, "managed", True)
    with pytest.raises(policies.UndeclaredScope, match="Paper"):
        list(policies.our_models())


@pytest.mark.parametrize("kind", ["area", "inspect", "provider", "person"])
def test_a_model_that_names_no_column_is_seen_by_nobody(kind):
    class Blind(Model):  # noqa: DJ008
        class Meta:
            app_label = "flow"
            managed = False

    try:
        assert policies.condition(Blind, RowScope(), kind) is None
        assert policies.condition(Blind, RowScope(), "system") == "true"
    finally:
        del Blind._meta.apps.all_models["flow"]["blind"]
        Blind._meta.apps.clear_cache()


def test_a_lists_plan_uses_the_range(papers, street):
    with use(Scope.area(street.code, street.upper)), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT * FROM flow_todo WHERE state = 'open' ORDER BY due_on LIMIT 50")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Seq Scan" not in plan
