"""Two records of one person brought together, and what is needed to take them apart again."""

from typing import ClassVar

import pghistory
from django.db import models
from django.db.models import F, Q

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.records import Record
from songhe.core.scope.roles import RowScope
from songhe.registers.elders.models.life import LifeEvent
from songhe.registers.elders.models.people import Elder


@pghistory.track()
class Merge(Record):
    """That one elder's record was taken into another's.

    ``moved`` lists, by table, the rows that hang on ``kept`` since; ``left`` the rows that could not (both had the
    same), each with its table, id and why; ``before`` and ``after`` are the columns of ``kept`` that were filled, as
    stored (sealed ones sealed), so that taking apart restores them to the byte. ``event`` tells of the merging in the
    life of ``kept``: on it hangs what every room did because of it.
    """

    row_scope: ClassVar = RowScope(area="area", deleters=())

    kept = models.ForeignKey(Elder, models.PROTECT, related_name="+", verbose_name="保留的档案")
    dropped = models.ForeignKey(Elder, models.PROTECT, related_name="+", verbose_name="并入的档案")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="居住社区")
    reason = models.CharField("理由", max_length=300)
    moved = models.JSONField("转移的记录", default=dict, blank=True)
    left = models.JSONField("未能转移的记录", default=list, blank=True)
    before = models.JSONField("补入前", default=dict, blank=True)
    after = models.JSONField("补入后", default=dict, blank=True)
    event = models.ForeignKey(
        LifeEvent, models.PROTECT, null=True, blank=True, editable=False, related_name="+", verbose_name="大事记"
    )
    former_state = models.CharField("并入前状态", max_length=20)
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="合并人")
    undone_at = models.DateTimeField("拆开时间", null=True, blank=True)
    undone_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="拆开人")

    class Meta(Record.Meta):
        verbose_name = "档案合并"
        verbose_name_plural = "档案合并"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["dropped"],
                condition=Q(undone_at__isnull=True),
                name="merge_dropped_once",
                violation_error_message="这份档案已并入他档。",
            ),
            models.CheckConstraint(condition=~Q(kept=F("dropped")), name="merge_of_two"),
        ]

    def __str__(self) -> str:
        return f"{self.dropped}并入{self.kept}"
