"""Orders, standing orders and complaints in the console."""

from django.db.models import Q, QuerySet

from songhe.care.orders import services
from songhe.care.orders.forms import AnswerForm, OrderForm, StandingForm
from songhe.care.orders.models import Complaint, Order, StandingOrder
from songhe.core.console.pages import FACTS, TIMELINE, Column, Pages, StepForm, Tab, pages
from songhe.registers.elders.models import Elder
from songhe.registers.elders.selectors import search_elders
from songhe.rights.careplans.models import CarePlan

ELDER = Column("elder.name", "老年人", order_by="elder__name_pinyin")


def search(queryset: QuerySet[Order], text: str) -> QuerySet[Order]:
    """Find orders by their number, or by the elder."""
    return queryset.filter(Q(number=text.strip()) | Q(elder__in=search_elders(Elder.objects.all(), text)))


@pages
class OrderPages(Pages):
    model, room, noun, menu, icon = Order, "orders", "order", "服务", "shopping-cart"
    explain = "每一单服务：谁要、何时、谁来、额度付多少、自付多少。"
    empty = "还没有订单。老人来电、社区代办或周期订单都会出现在这里。"
    columns = ["number", ELDER, "area", "service", "wanted_from", "provider", "state", "price_fen", "credit_fen"]
    more_columns = ["own_fen", "source", "placed_at", "placed_by", "urgent"]
    search, search_hint, search_everywhere = search, "订单号、姓名、拼音、电话或身份证号", True
    filters = ["state", "source", "service__category", "provider", "urgent", "placed_at"]
    select_related = ["elder", "area", "service", "provider", "placed_by"]
    under = {Elder: "elder"}
    totals = ["price_fen", "credit_fen", "own_fen"]
    facts = ["number", ELDER, "area", "service", "wanted_from", "minutes", "provider", "price_fen", "credit_fen"]
    form, create = OrderForm, services.place
    permissions = {"create": "orders.place"}
    steps = {"cancel": StepForm(run=services.cancel, warning="取消后占用的额度立即退回。")}
    hidden_steps = ["dispatch", "assign", "release", "begin", "finish", "close", "reject"]
    tabs = [FACTS, Tab("上门与派单", "orders/_visits.html"), TIMELINE]


@pages
class StandingOrderPages(Pages):
    model, room, noun, menu, icon = StandingOrder, "orders", "standing", "服务", "repeat"
    explain = "按星期重复的订单，系统提前一周生成每天的订单。"
    empty = "还没有周期订单。照护计划经老人确认后会自动建立。"
    columns = [ELDER, "area", "service", "weekday_names", "at", "validity", "made_until", "held_up"]
    filters = ["service__category"]
    select_related = ["elder", "area", "service"]
    under = {Elder: "elder", CarePlan: "care_plan"}
    form, create = StandingForm, services.repeat
    permissions = {"create": "orders.place"}


@pages
class ComplaintPages(Pages):
    model, room, noun, menu, icon = Complaint, "orders", "complaint", "监管", "message-report"
    explain = "对服务的投诉，逐件答复。"
    empty = "没有投诉。"
    columns = ["created_at", ELDER, "area", "provider", "text", "state", "answered_at"]
    filters = ["state", "provider"]
    ordering = ["state", "-id"]
    select_related = ["elder", "area", "provider", "order"]
    under = {Elder: "elder", Order: "order"}
    edit_form, form, update = AnswerForm, AnswerForm, services.answer_complaint
    permissions = {"edit": "orders.answer"}
