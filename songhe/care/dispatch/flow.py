"""A day plan's way: a draft that is worked on, then published, and superseded by the next one published."""

from django.db import models

from songhe.core.flow.models import FlowModel, flow_field, step


class PlanState(models.TextChoices):
    DRAFT = "draft", "草案"
    PUBLISHED = "published", "已发布"
    SUPERSEDED = "superseded", "已被取代"
    DISCARDED = "discarded", "已放弃"


class PlanFlow(FlowModel):
    """Only a draft changes; what was published stays as it was published."""

    state = flow_field(PlanState, default=PlanState.DRAFT)

    start_label = "建立方案"

    class Meta:
        abstract = True

    @step("发布方案", source=[PlanState.DRAFT], target=PlanState.PUBLISHED, permission="dispatch.assign")
    def publish(self) -> None:
        """Its placements have become visits, all of them in one transaction."""

    @step("放弃草案", source=[PlanState.DRAFT], target=PlanState.DISCARDED, permission="dispatch.assign")
    def discard(self) -> None:
        """Nothing comes of it."""

    @step("被新方案取代", source=[PlanState.PUBLISHED], target=PlanState.SUPERSEDED, permission="dispatch.assign")
    def supersede(self) -> None:
        """Another plan of the same day was published after it."""
