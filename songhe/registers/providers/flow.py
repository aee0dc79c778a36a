"""A provider's way in: applied, papers checked, admitted or refused; who checked may not admit."""

from typing import Any, ClassVar

from django.db import models

from songhe.core.calendar.services import WorkingDays
from songhe.core.flow.models import FlowModel, flow_field, step


class AdmissionState(models.TextChoices):
    APPLIED = "applied", "已申请"
    CHECKED = "checked", "材料已审"
    ADMITTED = "admitted", "已准入"
    REFUSED = "refused", "不予准入"
    WITHDRAWN = "withdrawn", "已撤回"


class AdmissionFlow(FlowModel):
    """The steps of an application; what admission brings about is ``services.admit``'s."""

    state: Any = flow_field(AdmissionState, default=AdmissionState.APPLIED)
    start_step, start_label = "apply", "申请准入"
    state_tones: ClassVar = {"applied": "azure", "checked": "yellow", "admitted": "green", "refused": "red"}

    class Meta:
        abstract = True

    @step(
        "材料审核通过",
        source=[AdmissionState.APPLIED],
        target=AdmissionState.CHECKED,
        permission="providers.check",
        deadline=WorkingDays(5),
    )
    def check_papers(self) -> None:
        """The papers are whole; ``services.check_papers`` looks at the licences."""

    @step(
        "准予准入",
        source=[AdmissionState.CHECKED],
        target=AdmissionState.ADMITTED,
        permission="providers.admit",
        deadline=WorkingDays(10),
        excludes=["check_papers"],
    )
    def admit(self) -> None:
        """Admitted; ``services.admit`` gives the division and makes the provider active."""

    @step(
        "不予准入",
        source=[AdmissionState.APPLIED, AdmissionState.CHECKED],
        target=AdmissionState.REFUSED,
        permission="providers.check",
        needs_reason=True,
    )
    def refuse(self) -> None:
        """Refused, for a reason the provider is told."""

    @step(
        "撤回申请",
        source=[AdmissionState.APPLIED, AdmissionState.CHECKED],
        target=AdmissionState.WITHDRAWN,
        permission="providers.edit",
        needs_reason=True,
    )
    def withdraw(self) -> None:
        """The provider thought better of it."""
