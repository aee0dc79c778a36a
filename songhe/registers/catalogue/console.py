"""The catalogue in the console."""

from songhe.core.console.pages import FACTS, TIMELINE, Pages, Tab, pages
from songhe.registers.catalogue.models import Service, ServicePrice
from songhe.registers.catalogue.selectors import search


@pages
class ServicePages(Pages):
    model, room, noun, menu, icon, order = Service, "catalogue", "service", "档案", "list-details", 40
    explain = "可以预订的服务：时长、技能、指导价。"
    empty = "还没有服务项目。用 songhe pack load 载入本地政策包。"
    columns = ["code", "name", "category", "unit", "minutes", "carers", "state"]
    more_columns = ["standard", "at_home", "source"]
    search, search_hint = search, "代码或名称"
    filters = ["category", "unit", "state"]
    select_related = ["category"]
    tabs = [Tab("价格", "catalogue/_prices.html"), FACTS, TIMELINE]
    readonly = True


@pages
class ServicePricePages(Pages):
    model, room, noun, menu, icon, order = ServicePrice, "catalogue", "price", "档案", "tag", 41
    explain = "每项服务在每段时间的指导价；同一付费方的期间不能重叠。"
    empty = "还没有价格。"
    columns = ["service", "payer", "price_fen", "ceiling_fen", "validity", "source"]
    filters = ["payer", "service__category"]
    ordering = ["service__code", "payer"]
    select_related = ["service"]
    readonly = True
