"""A batch's way: put together, paid by the bank, or called off."""

from django.db import models

from songhe.core.calendar.services import WorkingDays
from songhe.core.flow.models import FlowModel, flow_field, step


class BatchState(models.TextChoices):
    MADE = "made", "待付款"
    PAID = "paid", "已付款"
    CANCELLED = "cancelled", "已作废"


class BatchFlow(FlowModel):
    """Who approved a statement may not pay it; that is asked of each statement in the batch."""

    start_step, start_label = "make", "编制付款批次"

    state = flow_field(BatchState, default=BatchState.MADE)

    class Meta:
        abstract = True

    @step(
        "确认付款",
        source=[BatchState.MADE],
        target=BatchState.PAID,
        permission="payments.pay",
        deadline=WorkingDays(3),
    )
    def pay(self) -> None:
        """The bank has carried it out."""

    @step(
        "作废",
        source=[BatchState.MADE],
        target=BatchState.CANCELLED,
        permission="payments.pay",
        needs_reason=True,
    )
    def cancel(self) -> None:
        """Nothing of it was handed to the bank."""
