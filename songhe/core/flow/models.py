"""Objects that go through states, the steps taken on them, and the to-dos these open."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.flow.steps import StateField, StepInfo, flow_field, state_check, step
from songhe.core.records import AppendOnly, Record
from songhe.core.scope.roles import RowScope

__all__ = ["FlowModel", "StateField", "Step", "StepInfo", "Todo", "flow_field", "state_check", "step"]


class FlowModel(models.Model):
    """An object with a ``state`` that changes by declared steps only, through ``flow.services.fire``.

    ``start_step`` is the name under which the object's making counts when a later step ``excludes`` it.
    """

    state: Any
    get_state_display: Any
    start_step: ClassVar[str] = "start"
    start_label: ClassVar[str] = "建立"

    class Meta:
        abstract = True

    @classmethod
    def steps(cls) -> dict[str, StepInfo]:
        """Return the declared steps by name, in the order they were written."""
        found: dict[str, StepInfo] = {}
        for base in reversed(cls.__mro__):
            for name, member in vars(base).items():
                if isinstance(info := getattr(member, "step_info", None), StepInfo):
                    found[name] = info
        return found

    @classmethod
    def step_labels(cls) -> dict[str, str]:
        """Return every step's Chinese name by its own, the making of the object included."""
        return {cls.start_step: cls.start_label, **{name: info.label for name, info in cls.steps().items()}}

    def refresh_from_db(
        self, using: str | None = None, fields: Iterable[str] | None = None, from_queryset: Any = None
    ) -> None:
        """Read the row again, its state too."""
        self.__dict__["_reading"] = True
        try:
            super().refresh_from_db(using=using, fields=fields, from_queryset=from_queryset)
        finally:
            del self.__dict__["_reading"]


# Rows of objects that belong to no area, provider or elder (a policy, a norm) are the staff's common knowledge.
_STAFF = "({area} OR (area_id IS NULL AND provider_id IS NULL AND elder_id IS NULL))"


class Step(AppendOnly):
    """One step that somebody took on an object, and why; never changed."""

    row_scope: ClassVar = RowScope(
        area="area", area_sql=_STAFF, provider="provider_id", elder="elder_id", writers=(), append_only=True
    )

    object_table = models.CharField("对象表", max_length=63)
    object_id = models.UUIDField("对象编号")
    step = models.CharField("步骤", max_length=40)
    label = models.CharField("步骤名称", max_length=40)
    source = models.CharField("原状态", max_length=20, blank=True)
    target = models.CharField("新状态", max_length=20)
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="经办人")
    reason = models.CharField("理由", max_length=500, blank=True)
    area = models.ForeignKey(Area, models.PROTECT, null=True, related_name="+", verbose_name="区划")
    provider_id = models.UUIDField("服务商", null=True)
    elder_id = models.UUIDField("老年人", null=True)

    class Meta(AppendOnly.Meta):
        verbose_name = "流程步骤"
        verbose_name_plural = "流程步骤"
        ordering = ["created_at", "id"]
        indexes = [
            models.Index(fields=["object_table", "object_id"], name="step_of_object"),
            models.Index(fields=["area", "created_at"], name="step_by_area"),
        ]

    def __str__(self) -> str:
        return self.label


class TodoState(models.TextChoices):
    OPEN = "open", "待办"
    DONE = "done", "已办"


class Todo(Record):
    """Something an object waits for from whoever holds a permission; the object's next step closes it."""

    State = TodoState

    row_scope: ClassVar = RowScope(area="area", area_sql=_STAFF, provider="provider_id", elder="elder_id", writers=())

    object_table = models.CharField("对象表", max_length=63)
    object_id = models.UUIDField("对象编号")
    title = models.CharField("事项", max_length=200)
    permission = models.CharField("所需权限", max_length=60)
    steps = ArrayField(models.CharField(max_length=40), verbose_name="可办步骤")
    barred = ArrayField(models.UUIDField(), default=list, verbose_name="须回避的人")
    area = models.ForeignKey(Area, models.PROTECT, null=True, related_name="+", verbose_name="区划")
    provider_id = models.UUIDField("服务商", null=True)
    elder_id = models.UUIDField("老年人", null=True)
    due_on = models.DateField("办理期限")
    state = models.CharField("状态", max_length=10, choices=TodoState.choices, default=TodoState.OPEN)
    done_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="办理人")
    done_at = models.DateTimeField("办结时间", null=True)

    class Meta(Record.Meta):
        verbose_name = "待办事项"
        verbose_name_plural = "待办事项"
        ordering = ["due_on", "id"]
        indexes = [
            models.Index(fields=["permission", "due_on"], condition=Q(state="open"), name="todo_by_permission"),
            models.Index(fields=["area", "due_on"], condition=Q(state="open"), name="todo_by_area"),
            models.Index(fields=["provider_id", "due_on"], condition=Q(state="open"), name="todo_by_provider"),
            models.Index(fields=["due_on"], condition=Q(state="open"), name="todo_by_date"),
            models.Index(fields=["object_table", "object_id"], name="todo_of_object"),
        ]
        constraints = [
            state_check(TodoState, name="todo_state_known"),
            models.CheckConstraint(
                condition=Q(state="open", done_at__isnull=True) | Q(state="done", done_at__isnull=False),
                name="todo_done_has_time",
            ),
            models.UniqueConstraint(
                fields=["object_table", "object_id", "permission"], condition=Q(state="open"), name="todo_open_once"
            ),
        ]

    def __str__(self) -> str:
        return self.title
