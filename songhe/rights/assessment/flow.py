"""An assessment's way: applied, assigned, assessed, reviewed, published; an objection opens another."""

from uuid import UUID

from django.db import models

from songhe.core.calendar.services import WorkingDays
from songhe.core.errors import Refused
from songhe.core.flow.models import FlowModel, flow_field, step


class AssessmentState(models.TextChoices):
    APPLIED = "applied", "已申请"
    ASSIGNED = "assigned", "已指派"
    ASSESSED = "assessed", "已评估"
    REVIEWED = "reviewed", "已复核"
    PUBLISHED = "published", "已公示生效"
    OBJECTED = "objected", "有异议"
    WITHDRAWN = "withdrawn", "已撤回"


UNDER_WAY = [
    AssessmentState.APPLIED,
    AssessmentState.ASSIGNED,
    AssessmentState.ASSESSED,
    AssessmentState.REVIEWED,
    AssessmentState.OBJECTED,
]


class AssessmentFlow(FlowModel):
    """Who assessed may not review; who reviewed may not publish."""

    # The fields of the assessment that its steps ask for.
    assessor_1_id: UUID | None
    assessor_2_id: UUID | None
    level: "models.PositiveSmallIntegerField[int | None, int | None]"

    state = flow_field(AssessmentState, default=AssessmentState.APPLIED)

    class Meta:
        abstract = True

    @step(
        "指派评估员",
        source=[AssessmentState.APPLIED, AssessmentState.ASSIGNED],
        target=AssessmentState.ASSIGNED,
        permission="assessment.assign",
        deadline=WorkingDays(5),
    )
    def assign(self) -> None:
        """Two assessors who are not the same person take the assessment."""
        if not (self.assessor_1_id and self.assessor_2_id) or self.assessor_1_id == self.assessor_2_id:
            raise Refused("需要两名不同的评估员共同评估。", field="assessor_2")

    @step(
        "提交评估",
        source=[AssessmentState.ASSIGNED],
        target=AssessmentState.ASSESSED,
        permission="assessment.assess",
        deadline=WorkingDays(10),
    )
    def assess(self) -> None:
        """The result is there, signed by both assessors and the informant."""
        if self.level is None:
            raise Refused("还有评估项目没有填写，不能提交。")

    @step(
        "复核通过",
        source=[AssessmentState.ASSESSED],
        target=AssessmentState.REVIEWED,
        permission="assessment.accept",
        deadline=WorkingDays(5),
        excludes=["assess"],
    )
    def accept(self) -> None:
        """Somebody who did not assess agrees with the result."""

    @step(
        "退回重评",
        source=[AssessmentState.ASSESSED, AssessmentState.OBJECTED],
        target=AssessmentState.ASSIGNED,
        permission="assessment.accept",
        excludes=["assess"],
        needs_reason=True,
    )
    def send_back(self) -> None:
        """The result does not stand; it is assessed again."""

    @step(
        "公示生效",
        source=[AssessmentState.REVIEWED],
        target=AssessmentState.PUBLISHED,
        permission="assessment.publish",
        deadline=WorkingDays(5),
        excludes=["assess"],
    )
    def publish(self) -> None:
        """The level is in force from today."""

    @step(
        "登记异议",
        source=[AssessmentState.PUBLISHED],
        target=AssessmentState.OBJECTED,
        permission="assessment.apply",
        needs_reason=True,
    )
    def object_to(self) -> None:
        """The elder or family does not agree."""

    @step(
        "维持原结论",
        source=[AssessmentState.OBJECTED],
        target=AssessmentState.PUBLISHED,
        permission="assessment.publish",
        deadline=WorkingDays(10),
        excludes=["assess"],
        needs_reason=True,
    )
    def uphold(self) -> None:
        """The objection was looked into and the level stays."""

    @step(
        "撤回申请",
        source=[AssessmentState.APPLIED, AssessmentState.ASSIGNED],
        target=AssessmentState.WITHDRAWN,
        permission="assessment.apply",
        needs_reason=True,
    )
    def withdraw(self) -> None:
        """The elder no longer wishes it."""
