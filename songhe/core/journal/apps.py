from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate, pre_migrate


class Room(AppConfig):
    name = "songhe.core.journal"
    label = "journal"
    verbose_name = "审计日志"

    def ready(self) -> None:
        pre_migrate.connect(_make_sequences, sender=self, dispatch_uid="songhe.journal.sequence")
        post_migrate.connect(_guard_triggers, sender=self, dispatch_uid="songhe.journal.guard")


def _make_sequences(using: str, **_: object) -> None:
    """Make the sequences that rooms' tables refer to: the journal's lines and the numbers people read out."""
    with connections[using].cursor() as cursor:
        cursor.execute("CREATE SEQUENCE IF NOT EXISTS journal_line")
        cursor.execute("CREATE SEQUENCE IF NOT EXISTS document_number")


def _guard_triggers(using: str, **_: object) -> None:
    """Take back the function that lets triggers be ignored; every migration of a trigger writes pgtrigger's anew."""
    from songhe.core.journal.guard import STATEMENT

    with connections[using].cursor() as cursor:
        cursor.execute(STATEMENT)
