"""A visit's way: planned, started, finished, then verified, or doubted and judged by a person."""

from django.db import models

from songhe.core.calendar.services import WorkingDays
from songhe.core.flow.models import FlowModel, flow_field, step


class VisitState(models.TextChoices):
    PLANNED = "planned", "待上门"
    STARTED = "started", "服务中"
    FINISHED = "finished", "待核验"
    DOUBTFUL = "doubtful", "存疑待判"
    VERIFIED = "verified", "已核验"
    REJECTED = "rejected", "不予认可"
    CANCELLED = "cancelled", "已取消"


class VisitFlow(FlowModel):
    """Who carried a visit out may not verify it."""

    state = flow_field(VisitState, default=VisitState.PLANNED)

    class Meta:
        abstract = True

    @step("签到", source=[VisitState.PLANNED], target=VisitState.STARTED, permission="visits.carry_out")
    def check_in(self) -> None:
        """The carer is there."""

    @step("签退", source=[VisitState.STARTED], target=VisitState.FINISHED, permission="visits.carry_out")
    def check_out(self) -> None:
        """The carer leaves."""

    @step(
        "核验通过",
        source=[VisitState.FINISHED],
        target=VisitState.VERIFIED,
        permission="visits.verify",
        deadline=WorkingDays(3),
        excludes=["check_in", "check_out"],
    )
    def verify(self) -> None:
        """No rule doubts it, or somebody judged the doubts unfounded."""

    @step("标记存疑", source=[VisitState.FINISHED], target=VisitState.DOUBTFUL, permission="visits.verify")
    def doubt(self) -> None:
        """At least one rule doubts it; a person judges."""

    @step(
        "判定属实",
        source=[VisitState.DOUBTFUL],
        target=VisitState.VERIFIED,
        permission="visits.judge",
        deadline=WorkingDays(3),
        excludes=["check_in", "check_out"],
        needs_reason=True,
    )
    def uphold(self) -> None:
        """A person looked into the doubts and the visit counts."""

    @step(
        "判定不予认可",
        source=[VisitState.DOUBTFUL, VisitState.FINISHED],
        target=VisitState.REJECTED,
        permission="visits.judge",
        excludes=["check_in", "check_out"],
        needs_reason=True,
    )
    def reject(self) -> None:
        """The visit does not count."""

    @step(
        "取消上门",
        source=[VisitState.PLANNED],
        target=VisitState.CANCELLED,
        permission="dispatch.assign",
        needs_reason=True,
    )
    def cancel(self) -> None:
        """Nobody goes."""
