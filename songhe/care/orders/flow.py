"""An order's way from asked to closed."""

from datetime import date
from typing import Any
from uuid import UUID

from django.db import models
from django.utils import timezone

from songhe.core.calendar.services import WorkingDays, add_working_days, today
from songhe.core.errors import Refused
from songhe.core.flow.models import FlowModel, flow_field, step


class OrderState(models.TextChoices):
    ASKED = "asked", "已下单"
    DISPATCHED = "dispatched", "已派服务商"
    ASSIGNED = "assigned", "已派护理员"
    IN_SERVICE = "in_service", "服务中"
    SERVED = "served", "待核验"
    CLOSED = "closed", "已完成"
    CANCELLED = "cancelled", "已取消"


OPEN = [OrderState.ASKED, OrderState.DISPATCHED, OrderState.ASSIGNED, OrderState.IN_SERVICE, OrderState.SERVED]

NOT_BEGUN = [OrderState.ASKED, OrderState.DISPATCHED, OrderState.ASSIGNED]


def _provider_due(order: Any) -> date | None:
    return _given_by(order) if order.state == OrderState.ASKED else None


def _carer_due(order: Any) -> date | None:
    # A carer can be exchanged for another; that is nothing to be done by a day.
    return _given_by(order) if order.state != OrderState.ASSIGNED else None


def _given_by(order: Any) -> date:
    """Return the working day before the visit, or the next one from today where that is later."""
    return max(add_working_days(today(), 1), add_working_days(timezone.localtime(order.wanted_from).date(), -1))


class OrderFlow(FlowModel):
    """Steps of an order; visits move it on from assigned to closed."""

    provider_id: UUID | None
    state = flow_field(OrderState, default=OrderState.ASKED)

    class Meta:
        abstract = True

    @step(
        "派给服务商",
        source=[OrderState.ASKED, OrderState.DISPATCHED],
        target=OrderState.DISPATCHED,
        permission="dispatch.assign",
        deadline=_provider_due,
    )
    def dispatch(self) -> None:
        """A provider takes the order."""
        if self.provider_id is None:
            raise Refused("请选择服务商。", field="provider")

    @step(
        "派给护理员",
        source=[OrderState.ASKED, OrderState.DISPATCHED, OrderState.ASSIGNED],
        target=OrderState.ASSIGNED,
        permission="dispatch.assign",
        deadline=_carer_due,
    )
    def assign(self) -> None:
        """A carer and a time are fixed; the visit is planned."""
        if self.provider_id is None:
            raise Refused("请先选择服务商。", field="provider")

    @step(
        "撤回派工",
        source=[OrderState.ASSIGNED],
        target=OrderState.DISPATCHED,
        permission="dispatch.assign",
        needs_reason=True,
    )
    def release(self) -> None:
        """Nobody goes for the time being: the provider has to find another carer."""

    @step(
        "开始服务",
        source=[OrderState.ASSIGNED],
        target=OrderState.IN_SERVICE,
        permission="visits.carry_out",
    )
    def begin(self) -> None:
        """The carer has checked in."""

    @step(
        "结束服务",
        source=[OrderState.IN_SERVICE],
        target=OrderState.SERVED,
        permission="visits.carry_out",
    )
    def finish(self) -> None:
        """The carer has checked out."""

    @step(
        "核验通过",
        source=[OrderState.SERVED],
        target=OrderState.CLOSED,
        permission="visits.verify",
        deadline=WorkingDays(3),
        excludes=["begin", "finish"],
    )
    def close(self) -> None:
        """The visit was verified and its price posted."""

    @step(
        "核验不通过",
        source=[OrderState.SERVED],
        target=OrderState.CANCELLED,
        permission="visits.verify",
        excludes=["begin", "finish"],
        needs_reason=True,
    )
    def reject(self) -> None:
        """The visit does not count; what was held is given back."""

    @step(
        "取消订单",
        source=[OrderState.ASKED, OrderState.DISPATCHED, OrderState.ASSIGNED],
        target=OrderState.CANCELLED,
        permission="orders.cancel",
        needs_reason=True,
    )
    def cancel(self) -> None:
        """Nobody comes; what was held is given back."""
