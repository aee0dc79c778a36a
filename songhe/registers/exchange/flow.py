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
