"""The database's rows as they lie in their tables, for tests that something leaves no trace."""

from django.apps import apps
from django.db import connection


def rows_of_rooms(*, without: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """Return every row of every room's tables as JSON text, bytes and all, by table.

    Left out are a row's version (every write raises it), the journal's and flows' own lines, and the tables named.
    """
    found = {}
    for model in apps.get_models(include_auto_created=True):
        scope = getattr(model, "row_scope", None)
        # Tables that tests make for themselves are there in some runs only.
        if scope is None or scope.append_only or hasattr(model, "pgh_tracked_model") or not model._meta.managed:
            continue
        table = model._meta.db_table
        if table in without:
            continue
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT (to_jsonb(t) - 'version')::text FROM \"{table}\" t ORDER BY 1")  # noqa: S608
            found[table] = [text for (text,) in cursor.fetchall()]
    return found
