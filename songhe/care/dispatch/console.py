"""Dispatch in the console: buttons on the order's page, and the record of every choice."""

from songhe.care.dispatch import services
from songhe.care.dispatch.forms import CarerForm, ProviderForm
from songhe.care.dispatch.models import Assignment
from songhe.care.orders.console import OrderPages
from songhe.care.orders.flow import OrderState
from songhe.care.orders.models import Order
from songhe.core.console.pages import Bulk, Column, Pages, StepForm, pages


def _not_waiting(order: Order) -> str | None:
    if order.state in (OrderState.ASKED, OrderState.DISPATCHED):
        return None
    return f"状态是“{order.get_state_display()}”，不用再派。"


# An order's own room knows nothing of dispatch, which stands to its right.
OrderPages.steps = {
    **OrderPages.steps,
    "dispatch": StepForm(form=ProviderForm, run=services.to_provider, primary=True),
    "assign": StepForm(form=CarerForm, run=services.to_carer, primary=True),
}
OrderPages.hidden_steps = ["begin", "finish", "close", "reject"]
OrderPages.bulk = [
    *OrderPages.bulk,
    Bulk(
        "dispatch",
        "按建议派单",
        permission="dispatch.assign",
        run=services.dispatch,
        check=_not_waiting,
        icon="route",
        warning="每单派给排在第一位的服务商和护理员；派不了的会说明原因，其余照派。",
    ),
]


@pages
class AssignmentPages(Pages):
    model, room, noun, menu, icon = Assignment, "dispatch", "assignment", "服务", "route"
    explain = "每次派单时的候选、排序和改派理由，不可更改。"
    empty = "还没有派单。"
    columns = [
        "created_at",
        "order",
        "area",
        "provider",
        "staff",
        Column("suggested", "采用建议"),
        "overrule_reason",
        "assigned_by",
    ]
    filters = ["suggested", "provider"]
    ordering = ["-id"]
    select_related = ["order", "area", "provider", "staff", "assigned_by"]
    readonly = True
    tabs = []
