"""What every line of the journal has: its place in the one order of all changes."""

from django.db import models
from django.db.models import Func
from pghistory.models import Event as HistoryEvent


class NextLine(Func):
    """The next number of the journal's one sequence."""

    template = "nextval('journal_line')"
    output_field = models.BigIntegerField()

    def __init__(self) -> None:
        super().__init__()


class Event(HistoryEvent):
    """A row's state after one change, written by a trigger in the transaction of the change itself."""

    pgh_id = models.BigAutoField(primary_key=True)
    pgh_line = models.BigIntegerField("日志行号", db_default=NextLine(), unique=True, editable=False)

    class Meta:
        abstract = True
