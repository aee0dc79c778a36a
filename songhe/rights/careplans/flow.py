"""A care plan's way: drawn up, put to the elder and family, agreed, reviewed, and replaced or ended."""

from datetime import date
from typing import Any

from django.db import models

from songhe.core.calendar.services import WorkingDays
from songhe.core.errors import Refused
from songhe.core.flow.models import FlowModel, flow_field, step


class PlanState(models.TextChoices):
    DRAFT = "draft", "拟定中"
    PROPOSED = "proposed", "待确认"
    AGREED = "agreed", "执行中"
    REPLACED = "replaced", "已修订"
    ENDED = "ended", "已终止"
    DROPPED = "dropped", "已作废"


NOT_AGREED = [PlanState.DRAFT, PlanState.PROPOSED]


def _next_review(plan: Any) -> date | None:
    day: date | None = plan.review_on
    return day


class PlanFlow(FlowModel):
    """What an elder agreed to is not altered: a revision is a plan of its own, which replaces the former."""

    start_label = "拟定"
    state = flow_field(PlanState, default=PlanState.DRAFT)

    class Meta:
        abstract = True

    @step(
        "送老人和家属确认",
        source=[PlanState.DRAFT],
        target=PlanState.PROPOSED,
        permission="careplans.edit",
        deadline=WorkingDays(5),
    )
    def propose(self) -> None:
        """The plan is whole and goes to the elder and family."""
        self._has_items()

    @step(
        "确认同意",
        source=NOT_AGREED,
        target=PlanState.AGREED,
        permission="careplans.edit",
        deadline=WorkingDays(10),
    )
    def agree(self) -> None:
        """The elder or who speaks for them agrees; services begin."""
        self._has_items()

    @step(
        "退回修改",
        source=[PlanState.PROPOSED],
        target=PlanState.DRAFT,
        permission="careplans.edit",
        needs_reason=True,
    )
    def decline(self) -> None:
        """The elder or family wishes it otherwise."""

    @step(
        "复核",
        source=[PlanState.AGREED],
        target=PlanState.AGREED,
        permission="careplans.edit",
        deadline=_next_review,
        needs_reason=True,
    )
    def review(self) -> None:
        """Somebody looked at how it goes; the plan stays, and the next review has its day."""

    @step("由新计划接替", source=[PlanState.AGREED], target=PlanState.REPLACED, permission="careplans.edit")
    def replace(self) -> None:
        """A revision was agreed."""

    @step(
        "终止计划",
        source=[PlanState.AGREED],
        target=PlanState.ENDED,
        permission="careplans.edit",
        needs_reason=True,
    )
    def end(self) -> None:
        """The services end."""

    @step("作废", source=NOT_AGREED, target=PlanState.DROPPED, permission="careplans.edit", needs_reason=True)
    def drop(self) -> None:
        """Nothing came of it."""

    def _has_items(self) -> None:
        if not self.items.exists():  # type: ignore[attr-defined]
            raise Refused("照护计划至少要有一项服务，请先添加服务。", field="items")
