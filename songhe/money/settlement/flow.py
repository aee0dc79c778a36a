"""A statement's way: drawn, sent, agreed by the provider, checked by one, approved by another, paid by a third."""

from django.db import models

from songhe.core.calendar.services import WorkingDays
from songhe.core.errors import Refused
from songhe.core.flow.models import FlowModel, flow_field, step


class StatementState(models.TextChoices):
    DRAWN = "drawn", "待发送"
    SENT = "sent", "待服务商确认"
    DISPUTED = "disputed", "有异议"
    CONFIRMED = "confirmed", "待审核"
    CHECKED = "checked", "待审批"
    APPROVED = "approved", "待支付"
    PAID = "paid", "已支付"


class StatementFlow(FlowModel):
    """Who drew or checked a statement may not approve it, who approved it may not pay it."""

    start_step, start_label = "draw", "生成结算单"

    state = flow_field(StatementState, default=StatementState.DRAWN)

    class Meta:
        abstract = True

    def open_disputes(self) -> int:
        """Return how many disputed lines nobody has answered; the model knows its lines."""
        raise NotImplementedError

    @step(
        "发送服务商",
        source=[StatementState.DRAWN],
        target=StatementState.SENT,
        permission="settlement.draw",
        deadline=WorkingDays(3),
    )
    def send(self) -> None:
        """The provider is asked to look at it."""

    @step(
        "确认无误",
        source=[StatementState.SENT],
        target=StatementState.CONFIRMED,
        permission="settlement.confirm",
        deadline=WorkingDays(5),
    )
    def confirm(self) -> None:
        """The provider agrees to every line."""

    @step(
        "提出异议",
        source=[StatementState.SENT],
        target=StatementState.DISPUTED,
        permission="settlement.confirm",
        needs_reason=True,
    )
    def dispute(self) -> None:
        """The provider contests some lines."""

    @step(
        "异议处理完毕",
        source=[StatementState.DISPUTED],
        target=StatementState.CONFIRMED,
        permission="settlement.draw",
        deadline=WorkingDays(5),
    )
    def resolve(self) -> None:
        """Every contested line was kept or taken out."""
        if left := self.open_disputes():
            raise Refused(f"还有 {left} 条有异议的明细没有处理。")

    @step(
        "审核通过",
        source=[StatementState.CONFIRMED],
        target=StatementState.CHECKED,
        permission="settlement.check",
        deadline=WorkingDays(5),
        excludes=["draw", "resolve"],
    )
    def review(self) -> None:
        """The facts were looked at."""

    @step(
        "退回重审",
        source=[StatementState.CHECKED],
        target=StatementState.CONFIRMED,
        permission="settlement.approve",
        needs_reason=True,
    )
    def send_back(self) -> None:
        """The approver wants it checked again."""

    @step(
        "审批通过",
        source=[StatementState.CHECKED],
        target=StatementState.APPROVED,
        permission="settlement.approve",
        deadline=WorkingDays(5),
        excludes=["draw", "resolve", "review"],
    )
    def approve(self) -> None:
        """What was earned becomes payable."""

    @step(
        "支付完成",
        source=[StatementState.APPROVED],
        target=StatementState.PAID,
        permission="payments.pay",
        deadline=WorkingDays(10),
        excludes=["review", "approve"],
    )
    def pay(self) -> None:
        """All of it left the bank."""

    @step(
        "付款退回",
        source=[StatementState.PAID],
        target=StatementState.APPROVED,
        permission="payments.pay",
        needs_reason=True,
    )
    def unpay(self) -> None:
        """The bank gave some of it back; it is payable again."""
