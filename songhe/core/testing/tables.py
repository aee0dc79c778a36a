"""Tables that exist in test databases only, with triggers and walls like any other."""

from typing import Any

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

from songhe.config.database import django_database
from songhe.core.journal.guard import STATEMENT
from songhe.core.scope.policies import table_statements


def owner_connection() -> BaseDatabaseWrapper:
    """Return a second connection to the test database, signed in as the tables' owner, who is above no wall but may
    take walls down."""
    connection = connections.create_connection("default")
    connection.settings_dict = {
        **connections["default"].settings_dict,
        **django_database(owner=True),
        "NAME": connections["default"].settings_dict["NAME"],
    }
    return connection


def ensure_tables(*kinds: type[models.Model]) -> None:
    """Create the tables of test models (``managed = False``) where they are missing, triggers and policies included."""
    connection = owner_connection()
    try:
        with connection.schema_editor() as editor:
            for model in kinds:
                for part in (getattr(model, "pgh_event_model", None), model):
                    if part is not None and part._meta.db_table not in connection.introspection.table_names():
                        _create(editor, part)
    finally:
        connection.close()


def _create(editor: Any, model: Any) -> None:
    editor.create_model(model)
    for trigger in model._meta.triggers:
        editor.execute(str(trigger.compile(model).install_sql), params=None)
    tracked: Any = getattr(model, "pgh_tracked_model", model)
    for statement in (*table_statements(model, tracked.row_scope), STATEMENT):
        editor.execute(statement, params=None)
