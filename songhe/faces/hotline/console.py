"""The hotline's desk in the menu, and its calls in the console."""

from songhe.core.console.pages import Column, Pages, menu_link, pages
from songhe.faces.hotline.models import Call

menu_link("服务", "12349坐席", "hotline:home", permission="hotline.use", icon="headset", order=5)


@pages
class CallPages(Pages):
    model, room, noun, menu, icon = Call, "hotline", "call", "服务", "phone-call"
    explain = "12349 的每一通来电和结果。"
    empty = "还没有来电。"
    columns = ["started_at", "phone", Column("elder.name", "老年人"), "area", "operator", "outcome", "order", "note"]
    filters = ["outcome", "started_at"]
    select_related = ["elder", "area", "operator", "order"]
    readonly = True
    permissions = {"view": "hotline.use"}
