"""Facilities in the console."""

from typing import Any

from songhe.core.accounts.models import User
from songhe.core.calendar.services import today
from songhe.core.console.pages import FACTS, TIMELINE, Pages, Tab, pages
from songhe.registers.facilities.models import Facility
from songhe.registers.facilities.selectors import norm_findings, search


def findings(facility: Facility, user: User) -> dict[str, Any]:
    """Give the tab the norms of the facility's kind."""
    return {"findings": norm_findings(facility, today())}


@pages
class FacilityPages(Pages):
    model, room, noun, menu, icon, order = Facility, "facilities", "facility", "档案", "building-community", 25
    explain = "六类养老服务设施：位置、面积、运营方、是否达标。"
    empty = "还没有设施。"
    columns = ["name", "kind", "area", "floor_area_m2", "state", "opened_on"]
    more_columns = ["address", "phone", "main_area_m2", "service_radius_m"]
    search, search_hint, search_everywhere = search, "名称或地址", True
    filters = ["kind", "state"]
    select_related = ["kind", "area"]
    totals = ["floor_area_m2"]
    tabs = [Tab("标准与运营", "facilities/_norms.html", findings), FACTS, TIMELINE]
    readonly = True
