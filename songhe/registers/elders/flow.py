"""What becomes of the work that a life event left."""

from django.db import models

from songhe.core.calendar.services import WorkingDays
from songhe.core.flow.models import FlowModel, flow_field, step


class FollowUpState(models.TextChoices):
    OPEN = "open", "待办理"
    DONE = "done", "已办结"
    DROPPED = "dropped", "无需办理"
    VOID = "void", "事件已更正"


class FollowUpFlow(FlowModel):
    """Somebody settles it and says how, or says why nothing need be done."""

    start_label = "提出"
    state = flow_field(FollowUpState, default=FollowUpState.OPEN)

    class Meta:
        abstract = True

    @step(
        "办结",
        source=[FollowUpState.OPEN],
        target=FollowUpState.DONE,
        permission="elders.edit",
        deadline=WorkingDays(10),
        needs_reason=True,
    )
    def settle(self) -> None:
        """It was done; the reason says how."""

    @step(
        "无需办理",
        source=[FollowUpState.OPEN],
        target=FollowUpState.DROPPED,
        permission="elders.edit",
        deadline=WorkingDays(10),
        needs_reason=True,
    )
    def drop(self) -> None:
        """Nothing need be done, for a reason."""

    @step("撤销", source=[FollowUpState.OPEN], target=FollowUpState.VOID, permission="elders.retract")
    def void(self) -> None:
        """The event itself was a mistake."""


class LabelRuleState(models.TextChoices):
    DRAFT = "draft", "草稿"
    IN_FORCE = "in_force", "使用中"
    RETIRED = "retired", "已停用"


class LabelRuleFlow(FlowModel):
    """A rule is written and tried, used, and given up; what it says is changed only before it is used."""

    start_label = "起草"
    state = flow_field(LabelRuleState, default=LabelRuleState.DRAFT)

    class Meta:
        abstract = True

    @step("启用", source=[LabelRuleState.DRAFT], target=LabelRuleState.IN_FORCE, permission="elders.label")
    def enact(self) -> None:
        """Whoever the rule speaks of bears the label from today."""

    @step(
        "停用",
        source=[LabelRuleState.DRAFT, LabelRuleState.IN_FORCE],
        target=LabelRuleState.RETIRED,
        permission="elders.label",
        needs_reason=True,
    )
    def retire(self) -> None:
        """Nobody bears the label any more; who bore it when stays readable."""
