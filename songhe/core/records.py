"""What every record of Songhe has: an id made before it is stored, and a version that each change raises."""

from typing import ClassVar

import pgtrigger
from django.db import models

from songhe.core.ids import uuid7
from songhe.core.journal.base import NextLine
from songhe.core.scope.roles import RowScope


class Record(models.Model):
    """A row with a time-ordered id and a version; the version lets two clerks' edits of one record be told apart."""

    row_scope: ClassVar[RowScope]

    id = models.UUIDField("编号", primary_key=True, default=uuid7, editable=False)
    version = models.PositiveIntegerField("版本", default=1, editable=False)
    created_at = models.DateTimeField("建立时间", auto_now_add=True)

    class Meta:
        abstract = True
        triggers = [
            pgtrigger.Trigger(
                name="raise_version",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func="NEW.version = OLD.version + 1; RETURN NEW;",
            )
        ]


class AppendOnly(models.Model):
    """A row that is never changed or removed; a mistake is answered by another row.

    ``line`` is its place in the journal's one order, so that the journal's chain covers it.
    """

    row_scope: ClassVar[RowScope]

    id = models.UUIDField("编号", primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField("建立时间", auto_now_add=True)
    line = models.BigIntegerField("日志行号", db_default=NextLine(), unique=True, editable=False)

    class Meta:
        abstract = True
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]
