"""A version's way into force, what follows from it for months already opened, and the work of screening."""

from django.db import models

from songhe.core.calendar.services import WorkingDays
from songhe.core.flow.models import FlowModel, flow_field, step


class VersionState(models.TextChoices):
    DRAFT = "draft", "草案"
    SIMULATED = "simulated", "已测算"
    REVIEWED = "reviewed", "已复核"
    IN_FORCE = "in_force", "现行"
    SUPERSEDED = "superseded", "已被替代"
    WITHDRAWN = "withdrawn", "已作废"


OWN_WORK = ["start", "edit", "simulate"]


class VersionFlow(FlowModel):
    """Who drafted, edited or simulated a version may neither review it nor put it in force."""

    start_label = "起草"
    state = flow_field(VersionState, default=VersionState.DRAFT)

    class Meta:
        abstract = True

    @step("修改", source=[VersionState.DRAFT], target=None, permission="policy.edit")
    def edit(self) -> None:
        """The model, its figures or its examples are changed; the step notes by whom."""

    @step("提交复核", source=[VersionState.DRAFT], target=VersionState.SIMULATED, permission="policy.edit")
    def simulate(self) -> None:
        """The draft is sound, says of its examples what it should, and its cost is known."""

    @step(
        "复核通过",
        source=[VersionState.SIMULATED],
        target=VersionState.REVIEWED,
        permission="policy.review",
        deadline=WorkingDays(3),
        excludes=OWN_WORK,
    )
    def review(self) -> None:
        """Somebody else has read the rule, its examples and its cost."""

    @step(
        "批准施行",
        source=[VersionState.REVIEWED],
        target=VersionState.IN_FORCE,
        permission="policy.enact",
        deadline=WorkingDays(3),
        excludes=OWN_WORK,
    )
    def enact(self) -> None:
        """The rule is law from the first day of its validity."""

    @step(
        "退回修改",
        source=[VersionState.SIMULATED, VersionState.REVIEWED],
        target=VersionState.DRAFT,
        permission="policy.edit",
        needs_reason=True,
    )
    def send_back(self) -> None:
        """The draft may be edited again; what was agreed before counts no more."""

    @step("作废草案", source=[VersionState.DRAFT], target=VersionState.WITHDRAWN, permission="policy.edit")
    def withdraw(self) -> None:
        """The draft is given up; it stays readable."""

    @step("被替代", source=[VersionState.IN_FORCE], target=VersionState.SUPERSEDED, permission="policy.supersede")
    def supersede(self) -> None:
        """The version's last day is over."""


class AdjustmentState(models.TextChoices):
    PROPOSED = "proposed", "待处理"
    BOOKED = "booked", "已入账"
    DISMISSED = "dismissed", "不予处理"


class AdjustmentFlow(FlowModel):
    """A person decides what becomes of each month that a retroactive decision changed."""

    start_label = "提出"
    state = flow_field(AdjustmentState, default=AdjustmentState.PROPOSED)

    class Meta:
        abstract = True

    @step(
        "入账",
        source=[AdjustmentState.PROPOSED],
        target=AdjustmentState.BOOKED,
        permission="policy.adjust",
        deadline=WorkingDays(10),
        excludes=["start"],
    )
    def book(self) -> None:
        """The difference is paid or taken back by a correcting entry."""

    @step(
        "不予处理",
        source=[AdjustmentState.PROPOSED],
        target=AdjustmentState.DISMISSED,
        permission="policy.adjust",
        needs_reason=True,
    )
    def dismiss(self) -> None:
        """The month stays as it was, for a reason."""


class FindingState(models.TextChoices):
    OPEN = "open", "待核实"
    DECIDED = "decided", "已认定"
    DISMISSED = "dismissed", "不属实"
    GONE = "gone", "已不符合"


class FindingFlow(FlowModel):
    """A clerk looks into each finding: it is decided, or put away for a reason; screening again may close it."""

    start_label = "筛查发现"
    state = flow_field(FindingState, default=FindingState.OPEN)

    class Meta:
        abstract = True

    @step("认定", source=[FindingState.OPEN], target=FindingState.DECIDED, permission="policy.decide")
    def settle(self) -> None:
        """The elder's right was decided."""

    @step(
        "不属实",
        source=[FindingState.OPEN],
        target=FindingState.DISMISSED,
        permission="policy.decide",
        needs_reason=True,
    )
    def dismiss(self) -> None:
        """The roll is wrong or the elder does not want it."""

    @step("已不符合", source=[FindingState.OPEN], target=FindingState.GONE, permission="policy.screen")
    def close(self) -> None:
        """Screening again found that the elder is due nothing, or gets it by now."""
