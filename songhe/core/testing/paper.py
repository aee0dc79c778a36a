"""A paper that is handed in, checked and approved: the smallest object with everything a record can have."""

from typing import Any, ClassVar

import pghistory
from django.db import models

from songhe.core.areas.models import Area
from songhe.core.calendar.services import WorkingDays
from songhe.core.crypto.fields import SealedField
from songhe.core.errors import Refused
from songhe.core.flow.models import FlowModel, flow_field, state_check, step
from songhe.core.records import Record
from songhe.core.scope.roles import RowScope


class PaperState(models.TextChoices):
    HANDED_IN = "handed_in", "已提交"
    CHECKED = "checked", "已审核"
    APPROVED = "approved", "已审批"
    REFUSED = "refused", "不予批准"


class PaperFlow(FlowModel):
    subject: Any
    state = flow_field(PaperState, default=PaperState.HANDED_IN)

    start_step = "hand_in"
    start_label = "提交"

    class Meta:
        abstract = True

    @step(
        "审核",
        source=[PaperState.HANDED_IN],
        target=PaperState.CHECKED,
        permission="settlement.check",
        deadline=WorkingDays(3),
        excludes=["hand_in"],
    )
    def check_it(self) -> None:
        if not self.subject:
            raise Refused("请填写事由。", field="subject")

    @step(
        "审批",
        source=[PaperState.CHECKED],
        target=PaperState.APPROVED,
        permission="settlement.approve",
        deadline=WorkingDays(5),
        excludes=["hand_in", "check_it"],
    )
    def approve(self, *, subject: str | None = None) -> None:
        self.subject = subject or self.subject

    @step(
        "退回",
        source=[PaperState.HANDED_IN, PaperState.CHECKED],
        target=PaperState.REFUSED,
        permission="settlement.check",
        needs_reason=True,
    )
    def refuse(self) -> None:
        pass


@pghistory.track()
class Paper(Record, PaperFlow):
    row_scope: ClassVar = RowScope(
        area="area", provider="provider_id", elder="elder_id", writers=("area", "provider", "person")
    )

    subject = models.CharField("事由", max_length=100, blank=True)
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="区划")
    provider_id = models.UUIDField("服务商", null=True)
    elder_id = models.UUIDField("老年人", null=True)
    phone = SealedField("电话", mask=(3, 4), index="phone_index")
    phone_index = models.BinaryField(null=True, editable=False)

    class Meta(Record.Meta):
        app_label = "flow"
        db_table = "testing_paper"
        managed = False
        verbose_name = "申请单"
        constraints = [state_check(PaperState, name="testing_paper_state_known")]

    def __str__(self) -> str:
        return self.subject


# Made by the test fixture, not by a migration; history must have been set up before this is said.
Paper.pgh_event_model._meta.managed = False  # type: ignore[attr-defined]
