"""How premises become a facility: entered, approved, built or rebuilt, accepted, handed over."""

from typing import Any

from django.db import models

from songhe.core.calendar.services import WorkingDays
from songhe.core.errors import Refused
from songhe.core.flow.models import FlowModel, flow_field, step


class PremisesState(models.TextChoices):
    ENTERED = "entered", "已登记"
    APPROVED = "approved", "已核定"
    BUILT = "built", "已建成"
    ACCEPTED = "accepted", "验收合格"
    HANDED_OVER = "handed_over", "已移交"
    DROPPED = "dropped", "不采用"


class PremisesFlow(FlowModel):
    """Who entered premises may not approve them; who says that they are built may not accept them."""

    planned_m2: Any
    built_m2: Any
    shortfall_m2: Any
    facility_id: Any
    start_label = "登记"
    state = flow_field(PremisesState, default=PremisesState.ENTERED)

    class Meta:
        abstract = True

    @step(
        "核定",
        source=[PremisesState.ENTERED],
        target=PremisesState.APPROVED,
        permission="facilities.approve",
        deadline=WorkingDays(20),
        excludes=["start"],
    )
    def approve(self) -> None:
        """They are to become a facility: what of them, of which kind, and how much the rules ask for."""
        if self.planned_m2 is None:
            raise Refused("请填写核定面积。", field="planned_m2")

    @step("登记建成", source=[PremisesState.APPROVED], target=PremisesState.BUILT, permission="facilities.enter")
    def build(self) -> None:
        """They stand, or are rebuilt."""
        if self.built_m2 is None:
            raise Refused("请填写建成面积。", field="built_m2")

    @step(
        "验收合格",
        source=[PremisesState.BUILT],
        target=PremisesState.ACCEPTED,
        permission="facilities.approve",
        deadline=WorkingDays(10),
        excludes=["build"],
        needs_reason=True,
    )
    def accept(self) -> None:
        """They are as approved and as the rules ask."""
        if self.shortfall_m2:
            raise Refused(f"建成面积比应有面积少 {self.shortfall_m2} 平方米，不能验收，请退回整改。")

    @step(
        "退回整改",
        source=[PremisesState.BUILT],
        target=PremisesState.APPROVED,
        permission="facilities.approve",
        needs_reason=True,
    )
    def send_back(self) -> None:
        """They are not as approved."""

    @step("移交", source=[PremisesState.ACCEPTED], target=PremisesState.HANDED_OVER, permission="facilities.edit")
    def hand_over(self) -> None:
        """The civil affairs office takes them over, and they are a facility."""
        if self.facility_id is None:
            raise Refused("请选择移交后的设施。", field="facility")

    @step(
        "不采用",
        source=[PremisesState.ENTERED, PremisesState.APPROVED],
        target=PremisesState.DROPPED,
        permission="facilities.approve",
        needs_reason=True,
    )
    def drop(self) -> None:
        """They do not serve."""
