"""What happened to an elder, what each event closed or opened, and what it left for a person to do."""

from typing import ClassVar

import pghistory
from django.db import models
from django.db.models import Q

from songhe.core.areas.models import Area
from songhe.core.flow.models import state_check
from songhe.core.records import AppendOnly, Record
from songhe.core.scope.roles import RowScope
from songhe.registers.elders.flow import FollowUpFlow, FollowUpState
from songhe.registers.elders.models.people import Elder


class LifeEventKind(models.TextChoices):
    TURNED = "turned", "到龄"
    MOVED = "moved", "变更居住地"
    MOVED_AWAY = "moved_away", "迁出"
    RETURNED = "returned", "迁回"
    DIED = "died", "去世"
    CORRECTED = "corrected", "更正"
    LEVEL = "level", "能力等级变化"
    BEREAVED = "bereaved", "丧偶"
    HOSPITAL = "hospital", "住院"
    INSTITUTION = "institution", "入住机构"
    LEFT_INSTITUTION = "left_institution", "离开机构"
    MERGED = "merged", "合并档案"
    OTHER = "other", "其他"


@pghistory.track()
class LifeEvent(Record):
    """Something that happened to an elder and that the house must know of."""

    Kind = LifeEventKind

    row_scope: ClassVar = RowScope(via="elder", elder="elder", hidden_from=("provider",))

    elder = models.ForeignKey(Elder, models.CASCADE, related_name="life_events", verbose_name="老年人")
    kind = models.CharField("事件", max_length=20, choices=LifeEventKind.choices)
    on = models.DateField("日期")
    detail = models.CharField("说明", max_length=500, blank=True)
    source = models.CharField("信息来源", max_length=100, blank=True)
    retracted_by = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="retracts", verbose_name="由哪次更正撤销"
    )

    class Meta(Record.Meta):
        verbose_name = "大事记"
        verbose_name_plural = "大事记"
        ordering = ["-on", "-id"]
        indexes = [models.Index(fields=["elder", "-on"], name="life_event_of_elder")]
        constraints = [
            state_check(LifeEventKind, name="life_event_kind_known", field="kind"),
            models.UniqueConstraint(fields=["elder", "on"], condition=Q(kind="turned"), name="life_event_turned_once"),
        ]

    def __str__(self) -> str:
        return f"{self.on} {self.get_kind_display()}"


class Effect(AppendOnly):
    """One record that a life event closed or changed.

    ``before`` and ``after`` are the columns that differ, as they lay in the table, by which a mistaken event is taken
    back to the byte; both are empty where the record goes through states and is answered by another record instead.
    """

    row_scope: ClassVar = RowScope(via="event", writers=(), append_only=True, hidden_from=("provider",))

    event = models.ForeignKey(LifeEvent, models.PROTECT, related_name="effects", verbose_name="大事")
    table = models.CharField("表", max_length=63)
    row_id = models.UUIDField("记录编号")
    what = models.CharField("办理", max_length=200)
    amount_fen = models.BigIntegerField("金额（分）", null=True, blank=True)
    before = models.JSONField("变更前", default=dict, blank=True)
    after = models.JSONField("变更后", default=dict, blank=True)

    class Meta(AppendOnly.Meta):
        verbose_name = "大事所致变更"
        verbose_name_plural = "大事所致变更"
        ordering = ["line"]
        indexes = [models.Index(fields=["event", "table"], name="effect_of_event")]

    def __str__(self) -> str:
        return self.what


class FollowUpKind(models.TextChoices):
    TAKE_BACK = "take_back", "追回"
    CHECK = "check", "核对"
    ARRANGE = "arrange", "另行安排"


@pghistory.track()
class FollowUp(FollowUpFlow, Record):
    """Something that a life event left for a person to do: money to take back, facts to check, care to arrange."""

    Kind, State = FollowUpKind, FollowUpState
    state_tones: ClassVar = {"open": "orange", "done": "green", "dropped": "secondary", "void": "secondary"}
    row_scope: ClassVar = RowScope(area="area", hidden_from=("provider", "person"))

    event = models.ForeignKey(LifeEvent, models.PROTECT, related_name="follow_ups", verbose_name="大事")
    elder = models.ForeignKey(Elder, models.PROTECT, related_name="follow_ups", verbose_name="老年人")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="居住社区")
    kind = models.CharField("事项", max_length=12, choices=FollowUpKind.choices)
    what = models.CharField("内容", max_length=200)
    amount_fen = models.BigIntegerField("金额（分）", null=True, blank=True)
    table = models.CharField("表", max_length=63, blank=True, editable=False)
    row_id = models.UUIDField("记录编号", null=True, blank=True, editable=False)
    outcome = models.CharField("办理结果", max_length=300, blank=True)

    class Meta(Record.Meta):
        verbose_name = "善后事项"
        verbose_name_plural = "善后事项"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["area", "state"], name="follow_up_by_area"),
            models.Index(fields=["elder"], name="follow_up_of_elder"),
        ]
        constraints = [
            state_check(FollowUpState, name="follow_up_state_known"),
            state_check(FollowUpKind, name="follow_up_kind_known", field="kind"),
            models.CheckConstraint(
                condition=~Q(kind="take_back") | Q(amount_fen__isnull=True) | Q(amount_fen__gt=0),
                name="follow_up_takes_something_back",
            ),
            models.UniqueConstraint(
                fields=["event", "kind", "table", "row_id"],
                condition=Q(row_id__isnull=False),
                name="follow_up_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.elder}：{self.what}"
