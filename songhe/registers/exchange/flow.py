"""A finding's way from found to settled."""

from django.db import models

from songhe.core.calendar.services import WorkingDays
from songhe.core.errors import Refused
from songhe.core.flow.models import FlowModel, flow_field, step


class FindingState(models.TextChoices):
    OPEN = "open", "待核查"
    SETTLED = "settled", "已核查"
    CLEARED = "cleared", "自行消除"


class FindingFlow(FlowModel):
    """Somebody looks into a finding, or a later roll answers it."""

    state = flow_field(FindingState, default=FindingState.OPEN)
    start_label = "发现"
    outcome: str

    class Meta:
        abstract = True

    @step(
        "核查",
        source=[FindingState.OPEN],
        target=FindingState.SETTLED,
        permission="elders.edit",
        deadline=WorkingDays(20),
    )
    def settle(self) -> None:
        """Somebody found out what is behind it."""
        if not self.outcome:
            raise Refused("请选择核查结果。", field="outcome")

    @step("消除", source=[FindingState.OPEN], target=FindingState.CLEARED, permission="elders.import")
    def clear(self) -> None:
        """A later roll, or the register, no longer shows it."""


class DuplicateState(models.TextChoices):
    OPEN = "open", "待核对"
    MERGED = "merged", "已合并"
    APART = "apart", "不是同一人"


class DuplicateFlow(FlowModel):
    """Two records are compared by somebody, who merges them or finds two people."""

    state = flow_field(DuplicateState, default=DuplicateState.OPEN)
    start_label = "发现"

    class Meta:
        abstract = True

    @step(
        "合并",
        source=[DuplicateState.OPEN],
        target=DuplicateState.MERGED,
        permission="elders.edit",
        deadline=WorkingDays(20),
        needs_reason=True,
    )
    def merge(self) -> None:
        """It is one person."""

    @step(
        "不是同一人",
        source=[DuplicateState.OPEN],
        target=DuplicateState.APART,
        permission="elders.edit",
        deadline=WorkingDays(20),
        needs_reason=True,
    )
    def keep_apart(self) -> None:
        """They are two people."""

    @step(
        "重新核对",
        source=[DuplicateState.MERGED, DuplicateState.APART],
        target=DuplicateState.OPEN,
        permission="elders.edit",
    )
    def reopen(self) -> None:
        """The merging was taken back, or somebody looks again."""
