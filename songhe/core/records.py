"""What every record of Songhe has: an id made before it is stored, and a version that each change raises."""

from collections.abc import Collection
from typing import Any, ClassVar, Self

import pgtrigger
from django.db import models
from django.db.models.base import ModelState

from songhe.core.ids import uuid7
from songhe.core.journal.base import NextLine
from songhe.core.scope.roles import RowScope


class Stored(models.Model):
    """A row that is read as it is stored."""

    class Meta:
        abstract = True

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any], **_mode: Any) -> Self:
        """Make the object of a row that was read; what only a new object needs (defaults, signals) is left out.

        Lists and exports read objects by the hundred thousand, and setting them attribute by attribute takes longer
        than fetching them.
        """
        row = cls.__new__(cls)
        state = row._state = ModelState()
        state.adding, state.db = False, db
        row.__dict__.update(zip(field_names, values, strict=True))
        return row


class Record(Stored):
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


class AppendOnly(Stored):
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
