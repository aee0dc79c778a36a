"""Row-level security, written from each model's ``row_scope`` whenever migrations have run.

PostgreSQL applies only the policies of the role in force, and each kind of scope has its own role, so each plan holds
one plain condition that an index serves.
"""

from collections.abc import Iterator
from typing import Any

from django.apps import AppConfig, apps
from django.db import connections, models

from songhe.config.database import APP, SCOPE_ROLES
from songhe.core.scope.roles import KINDS, Kind, RowScope

# Not in a sub-select: the planner reads the setting's value and can tell a community from a city. Hidden behind one, it
# takes every range for half a percent of the table, and sorts a whole city where an index would do.
AREA_LO = "current_setting('songhe.area_lo', true)::bigint"
AREA_HI = "current_setting('songhe.area_hi', true)::bigint"
PROVIDER = "(SELECT nullif(current_setting('songhe.provider', true), '')::uuid)"
PERSONS = "((SELECT string_to_array(current_setting('songhe.persons', true), ',')::uuid[])::uuid[])"
ACCOUNT = "(SELECT nullif(current_setting('songhe.account', true), '')::uuid)"

# Libraries' tables. Sign-in needs these before anybody's scope is known; no person's scope reaches them.
IDENTITY = ("auth", "sessions", "account", "mfa", "axes")
# Every scope queues jobs; only workers, which sign in without a scope, take and finish them.
JOBS = {"procrastinate_jobs", "procrastinate_events"}
WORKERS = {"procrastinate_periodic_defers", "procrastinate_workers"}


class UndeclaredScope(Exception):
    """A model of ours says nothing of who may see its rows."""


def our_models() -> Iterator[tuple[type[models.Model], RowScope]]:
    """Yield every concrete model of Songhe with its scope; a history table has that of what it records."""
    for model in apps.get_models(include_auto_created=True):
        if not model.__module__.startswith("songhe.") or not model._meta.managed or model._meta.proxy:
            continue
        tracked = getattr(model, "pgh_tracked_model", None)
        scope = getattr(tracked or model, "row_scope", None)
        if scope is None:
            raise UndeclaredScope(f"{model._meta.label} 未声明 row_scope（谁能看到它的行）。")
        yield model, scope


def condition(model: type[models.Model], scope: RowScope, kind: Kind) -> str | None:
    """Return the SQL test of one kind of scope on a model's rows, or None where that kind sees no row."""
    if kind == "system":
        return "true"
    if kind in scope.hidden_from:
        return None
    if scope.own:
        return f"{_column(model, scope.own)} = {ACCOUNT}"
    if kind in ("area", "inspect") and scope.area_sql:
        return scope.area_sql.format(area=_area(model, scope), lo=AREA_LO, hi=AREA_HI)
    if kind == "provider" and scope.provider_sql:
        return scope.provider_sql.format(provider=PROVIDER)
    if kind == "person" and scope.person_sql:
        return scope.person_sql.format(persons=PERSONS)
    if kind in ("area", "inspect") and scope.area:
        return _area(model, scope)
    if kind == "provider" and scope.provider:
        return f"{_column(model, scope.provider)} = {PROVIDER}"
    if kind == "person" and scope.elder:
        return f"{_column(model, scope.elder)} = ANY {PERSONS}"
    # After the named columns: a kind that one of them bounds is bound by it.
    if scope.shared:
        return "true"
    if scope.via:
        return _via(model, scope.via)
    return None


def _area(model: type[models.Model], scope: RowScope) -> str:
    if scope.area is None:
        return "false"
    column = _column(model, scope.area)
    return f"({column} >= {AREA_LO} AND {column} < {AREA_HI})"


def _column(model: type[models.Model], name: str) -> str:
    field: Any = model._meta.get_field(name)
    return f'"{model._meta.db_table}"."{field.column}"'


def _via(model: type[models.Model], name: str) -> str:
    tracked = getattr(model, "pgh_tracked_model", model)
    parent: Any = tracked._meta.get_field(name).related_model
    return (
        f'EXISTS (SELECT 1 FROM "{parent._meta.db_table}" parent '  # noqa: S608
        f'WHERE parent."{parent._meta.pk.column}" = {_column(model, name)})'
    )


def statements(existing: set[str]) -> Iterator[str]:
    """Yield the SQL that grants, forces row-level security and (re)writes the policies of every existing table.

    Migrating one room only leaves tables of others for later; their own migration brings them here.
    """
    roles = ", ".join(SCOPE_ROLES)
    yield f"GRANT USAGE ON SCHEMA public TO {APP}, {roles}"
    yield f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {APP}, {roles}"
    for table in sorted(_tables_of(IDENTITY) & existing):
        yield f'REVOKE ALL ON "{table}" FROM {APP}, {roles}'
        yield f'GRANT SELECT, INSERT, UPDATE, DELETE ON "{table}" TO {APP}, songhe_system'
    for table in sorted(_tables_of(("contenttypes",)) & existing):
        yield f'GRANT SELECT ON "{table}" TO {APP}, {roles}'
    for table in sorted((JOBS | WORKERS) & existing):
        yield f'REVOKE ALL ON "{table}" FROM {APP}, {roles}'
        yield f'GRANT SELECT, INSERT, UPDATE, DELETE ON "{table}" TO {APP}, songhe_system'
    for table in sorted(JOBS & existing):
        yield f'GRANT SELECT, INSERT ON "{table}" TO {roles}'
    for model, scope in our_models():
        if model._meta.db_table in existing:
            yield from table_statements(model, scope)


def library_tables() -> set[str]:
    """Return the tables of libraries: none of them holds an elder's row."""
    return _tables_of((*IDENTITY, "contenttypes", "procrastinate", "pghistory")) | JOBS | WORKERS


def _tables_of(labels: tuple[str, ...]) -> set[str]:
    return {
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label in labels and model._meta.managed and not model._meta.proxy
        if not model.__module__.startswith("songhe.")
    }


def table_statements(model: type[models.Model], scope: RowScope) -> Iterator[str]:
    """Yield the SQL for one table: grants, row-level security forced, a policy for each kind that sees anything."""
    table = model._meta.db_table
    history = hasattr(model, "pgh_tracked_model")
    tracked = getattr(model, "pgh_tracked_model", model)
    anteroom: tuple[str, ...] | None = getattr(tracked, "anteroom", None)
    yield f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY'
    yield f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY'
    yield f'REVOKE ALL ON "{table}" FROM {APP}, {", ".join(SCOPE_ROLES)}'
    if anteroom is not None:
        yield from _anteroom(table, anteroom, history=history)
    for kind in KINDS:
        role = f"songhe_{kind}"
        test = condition(model, scope, kind)
        if test is None:
            if history and (kind in scope.writers or kind in scope.reporters):
                yield f'GRANT INSERT ON "{table}" TO {role}'
                yield from _policy(table, role, "false", check="true")
            else:
                yield f'DROP POLICY IF EXISTS {role} ON "{table}"'
            continue
        yield f'GRANT {", ".join(sorted(_rights(scope, kind, history=history)))} ON "{table}" TO {role}'
        yield from _policy(table, role, test, check="true" if history else None)
        lent = scope.lent_sql if kind != "system" else None
        yield f'DROP POLICY IF EXISTS {role}_lent ON "{table}"'
        if lent:
            test = lent.format(account=ACCOUNT)
            yield f'CREATE POLICY {role}_lent ON "{table}" FOR SELECT TO {role} USING ({test})'


def _anteroom(table: str, columns: tuple[str, ...], *, history: bool) -> Iterator[str]:
    """Let sign-in read the rows and change the named columns; its changes are journalled but not read back."""
    if history:
        if columns:
            yield f'GRANT INSERT ON "{table}" TO {APP}'
            yield from _policy(table, APP, "false", check="true")
        return
    yield f'GRANT SELECT ON "{table}" TO {APP}'
    if columns:
        yield f'GRANT UPDATE ({", ".join(columns)}) ON "{table}" TO {APP}'
    yield from _policy(table, APP, "true")


def _rights(scope: RowScope, kind: Kind, *, history: bool) -> set[str]:
    rights = {"SELECT"}
    if kind == "system" or kind in scope.writers:
        rights |= {"INSERT"} if history or scope.append_only else {"INSERT", "UPDATE"}
    if kind in scope.reporters:
        rights |= {"INSERT"}
    if not history and not scope.append_only and (kind == "system" or kind in scope.deleters):
        rights |= {"DELETE"}
    return rights


def _policy(table: str, role: str, test: str, check: str | None = None) -> Iterator[str]:
    yield f'DROP POLICY IF EXISTS {role} ON "{table}"'
    with_check = f" WITH CHECK ({check})" if check else ""
    yield f'CREATE POLICY {role} ON "{table}" TO {role} USING ({test}){with_check}'


def sync_policies(app_config: AppConfig, using: str, **_: object) -> None:
    """Write every policy anew; runs after migrations, signed in as the owner."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for statement in statements(set(connection.introspection.table_names(cursor))):
            cursor.execute(statement)
