"""How a visit of care and a problem found on it go on."""

from datetime import date
from typing import Any

from django.db import models

from songhe.core.calendar.services import WorkingDays, today
from songhe.core.errors import Refused
from songhe.core.flow.models import FlowModel, flow_field, step


class CallState(models.TextChoices):
    PLANNED = "planned", "待探访"
    DONE = "done", "已探访"
    CANCELLED = "cancelled", "已取消"


def _planned_on(call: "CallFlow") -> date | None:
    return call.planned_on or today()  # type: ignore[attr-defined]


class CallFlow(FlowModel):
    """A visit is planned and held, or called off for a reason."""

    result: Any
    done_on: Any
    start_label = "安排"
    state = flow_field(CallState, default=CallState.PLANNED)

    class Meta:
        abstract = True

    @step(
        "登记探访",
        source=[CallState.PLANNED],
        target=CallState.DONE,
        permission="outreach.visit",
        deadline=_planned_on,
    )
    def hold(self) -> None:
        """Somebody was there, or called, and says how it is."""
        if not self.result or self.done_on is None:
            raise Refused("请选择探访结果。", field="result")

    @step(
        "取消",
        source=[CallState.PLANNED],
        target=CallState.CANCELLED,
        permission="outreach.visit",
        needs_reason=True,
    )
    def cancel(self) -> None:
        """Nobody goes."""


class ProblemState(models.TextChoices):
    OPEN = "open", "待处理"
    REFERRED = "referred", "已上报"
    SETTLED = "settled", "已解决"


def _due(problem: "ProblemFlow") -> date | None:
    return problem.due_on  # type: ignore[attr-defined, no-any-return]


class ProblemFlow(FlowModel):
    """A problem is solved where it was found, or passed up; it stays open until somebody says how it ended."""

    start_label = "发现"
    state = flow_field(ProblemState, default=ProblemState.OPEN)

    class Meta:
        abstract = True

    @step(
        "解决",
        source=[ProblemState.OPEN],
        target=ProblemState.SETTLED,
        permission="outreach.visit",
        deadline=_due,
        needs_reason=True,
    )
    def settle(self) -> None:
        """It is solved; the reason says how."""

    @step(
        "上报街道",
        source=[ProblemState.OPEN],
        target=ProblemState.REFERRED,
        permission="outreach.visit",
        deadline=_due,
        needs_reason=True,
    )
    def refer(self) -> None:
        """The community cannot solve it alone."""

    @step(
        "办结上报",
        source=[ProblemState.REFERRED],
        target=ProblemState.SETTLED,
        permission="outreach.handle",
        deadline=WorkingDays(5),
        needs_reason=True,
    )
    def close(self) -> None:
        """The street solved it; the reason says how."""
