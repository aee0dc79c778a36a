"""Staff in the console."""

from songhe.core.console.pages import FACTS, TIMELINE, Pages, Tab, pages
from songhe.registers.workforce.models import Staff
from songhe.registers.workforce.selectors import search


@pages
class StaffPages(Pages):
    model, room, noun, menu, icon, order = Staff, "workforce", "staff", "档案", "users", 30
    explain = "上门服务的人：技能、证书、班次。"
    empty = "还没有从业人员。"
    columns = ["name", "sex", "provider", "area", "phone", "transport", "state"]
    more_columns = ["dialect", "joined_on"]
    search, search_hint = search, "姓名、电话或身份证号"
    filters = ["provider", "state", "sex"]
    select_related = ["provider", "area"]
    tabs = [Tab("技能与证书", "workforce/_skills.html"), FACTS, TIMELINE]
    readonly = True
