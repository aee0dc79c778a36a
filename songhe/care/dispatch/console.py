"""Dispatch in the console: buttons on the order's page, and the record of every choice."""

from typing import Any

from django.db.models import Model
from django.http import HttpRequest

from songhe.care.dispatch import services, views
from songhe.care.dispatch.forms import CarerForm, CarerWishForm, DayPlanForm, NearestForm, ProviderForm
from songhe.care.dispatch.models import Assignment, CarerWish, DayPlan, Notice, Swap
from songhe.care.dispatch.outcomes import outcomes_view
from songhe.care.dispatch.week_page import week_view
from songhe.care.orders.console import ELDER, OrderPages
from songhe.care.orders.flow import OrderState
from songhe.care.orders.models import Order
from songhe.core.console.pages import FACTS, TIMELINE, Action, Bulk, Column, Command, Pages, StepForm, View, pages
from songhe.core.console.views.access import person
from songhe.registers.elders.models import Elder


def _not_waiting(order: Order) -> str | None:
    if order.state in (OrderState.ASKED, OrderState.DISPATCHED):
        return None
    return f"状态是“{order.get_state_display()}”，不用再派。"


# An order's own room knows nothing of dispatch, which stands to its right.
OrderPages.steps = {
    **OrderPages.steps,
    "dispatch": StepForm(form=ProviderForm, run=services.to_provider, primary=True),
    "assign": StepForm(form=CarerForm, run=services.to_carer, primary=True),
    "release": StepForm(run=services.withdraw, warning="已安排的上门会取消，订单回到待派护理员。"),
}
OrderPages.hidden_steps = ["begin", "finish", "close", "reject"]
OrderPages.commands = [
    *OrderPages.commands,
    Command(
        "nearest",
        "紧急：就近派人",
        services.send_nearest,
        "dispatch.assign",
        form=NearestForm,
        icon="urgent",
        warning="系统马上派最先赶得到、会做又没有推辞的护理员；超时不确认就改派下一位。",
        only_if=lambda order: order.state in (OrderState.ASKED, OrderState.DISPATCHED),
    ),
]
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
class DayPlanPages(Pages):
    model, room, noun, menu, icon, order = DayPlan, "dispatch", "plan", "服务", "calendar-stats", 20
    title = "排单台"
    explain = "一家服务商一天的上门由谁去、几点去。可以并排做几份草案，比较后发布一份；发布后护理员在手机上看到。"
    empty = "还没有排单方案。点“新建方案”，系统把这一天的订单和班次放到一张图上。"
    create_label = "新建方案"
    columns = [
        "day",
        "number",
        "provider",
        "state",
        Column("served", "已安排", number=True, needs=("carers",)),
        "kind",
        "note",
        "made_by",
        "published_at",
    ]
    filters = ["day", "state", "provider"]
    select_related = ["provider", "area", "made_by"]
    form, create = DayPlanForm, services.make_plan
    permissions = {"create": "dispatch.assign"}
    hidden_steps = ["publish", "supersede"]
    detail_actions = [
        Action("打开排单台", lambda plan: DayPlanPages().url("desk", plan.pk), "layout-board-split", primary=True)
    ]
    tabs = [FACTS, TIMELINE]
    extra_actions = [
        Action("周计划", lambda: DayPlanPages().url("week"), "calendar-week", permission="dispatch.assign"),
        Action("成效", lambda: DayPlanPages().url("outcomes"), "chart-bar"),
    ]
    views = [
        View("outcomes/", "outcomes", outcomes_view),
        View("week/", "week", week_view, permission="dispatch.assign"),
        View("<uuid:pk>/desk/", "desk", views.desk),
        *(View(f"<uuid:pk>/{name}/", name, view) for name, view in views.ACTIONS.items()),
    ]

    @staticmethod
    def row_link(plan: DayPlan) -> str:
        """Lead to the page on which it is worked on."""
        return DayPlanPages().url("desk", plan.pk)

    def form_kwargs(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """Ask a provider's people for no provider."""
        return {"own": person(request).provider_id is not None}

    def after_save(self, obj: Model) -> str:
        """Lead to the page on which it is worked on."""
        return self.url("desk", obj.pk)


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


@pages
class NoticePages(Pages):
    model, room, noun, menu, icon, order = Notice, "dispatch", "notice", "服务", "bell-check", 22
    title = "派单应答"
    explain = "护理员收到派单后的应答：确认、不能去（写明原因）或超时未答。"
    empty = "还没有派单通知。方案发布或派给护理员后，这里记下谁已确认、谁不能去。"
    columns = [
        "start",
        Column("visit.elder.name", "老年人"),
        "area",
        "provider",
        "staff",
        "state",
        "reason",
        "urgent",
        "due_at",
        "answered_at",
    ]
    filters = ["state", "urgent", "provider", "start"]
    ordering = ["-id"]
    select_related = ["visit__elder", "visit__order", "area", "provider", "staff"]
    readonly = True


@pages
class SwapPages(Pages):
    model, room, noun, menu, icon, order = Swap, "dispatch", "swap", "服务", "arrows-exchange", 23
    explain = "护理员之间请人接替的上门：对方同意后立即生效。"
    empty = "还没有人换班。护理员在手机上打开一次上门，可以请同事接替。"
    columns = ["created_at", "area", "provider", "from_staff", "to_staff", "reason", "state", "answered_at"]
    filters = ["state", "provider"]
    select_related = ["visit__order", "area", "provider", "from_staff", "to_staff"]
    readonly = True


@pages
class CarerWishPages(Pages):
    model, room, noun, menu, icon, order = CarerWish, "dispatch", "wish", "服务", "user-heart", 24
    explain = "老人希望谁来、不要谁来，谁是固定护理员。派单和排单都照办；不要的永远不派。"
    empty = "还没有登记。老人说过希望谁来、不要谁来的，记在这里。"
    columns = [ELDER, "area", "provider", "kind", "staff", "sex", "reason", "ended_at"]
    filters = ["kind", "provider"]
    select_related = ["elder", "area", "provider", "staff"]
    under = {Elder: "elder"}
    form, create = CarerWishForm, services.note_wish
    permissions = {"create": "dispatch.assign"}
    commands = [
        Command(
            "end",
            "终止",
            services.end_wish,
            "dispatch.assign",
            icon="x",
            only_if=lambda wish: wish.ended_at is None,
        )
    ]
