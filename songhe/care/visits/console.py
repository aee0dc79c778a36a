"""Visits and what is doubted about them, in the console."""

from typing import Any

import segno
from django import forms
from django.db.models import Q, QuerySet

from songhe.care.visits import services
from songhe.care.visits.models import Visit
from songhe.care.visits.selectors import home_code_of
from songhe.core.accounts.models import User
from songhe.core.console.pages import FACTS, TIMELINE, Column, Command, Pages, StepForm, Tab, pages
from songhe.registers.elders.console import ElderPages
from songhe.registers.elders.models import Elder
from songhe.registers.elders.selectors import search_elders


class NoForm(forms.Form):
    """Nothing but the reason that the step itself asks for."""


def search(queryset: QuerySet[Visit], text: str) -> QuerySet[Visit]:
    """Find visits by their order's number, or by the elder."""
    return queryset.filter(Q(order__number=text.strip()) | Q(elder__in=search_elders(Elder.objects.all(), text)))


@pages
class VisitPages(Pages):
    model, room, noun, menu, icon = Visit, "visits", "visit", "服务", "walk"
    explain = "每次上门的时间、地点、凭证和核验结果；存疑的由人判定。"
    empty = "还没有上门。订单派给护理员后会出现在这里。"
    columns = [
        Column("planned", "计划时间", render=lambda visit: f"{visit.planned.lower.astimezone():%m-%d %H:%M}"),
        Column("elder.name", "老年人", order_by="elder__name_pinyin"),
        "area",
        "service",
        "staff",
        "provider",
        "minutes",
        "state",
        "credit_fen",
    ]
    more_columns = [
        ("order.number", "订单号"),
        "check_in_at",
        "check_out_at",
        "check_in_proof",
        "verified_at",
        "own_fen",
    ]
    search, search_hint = search, "订单号、姓名、拼音或身份证号"
    filters = ["state", "provider", "doubts__rule", "verified_at"]
    select_related = ["elder", "area", "service", "staff", "provider", "order"]
    under = {Elder: "elder"}
    totals = ["price_fen", "credit_fen", "own_fen"]
    readonly = True
    steps = {
        "uphold": StepForm(run=services.judge_valid, primary=True),
        "reject": StepForm(run=services.judge_invalid, warning="不予认可后，占用的额度退回老人。"),
    }
    hidden_steps = ["check_in", "check_out", "verify", "doubt", "cancel"]
    tabs = [Tab("凭证与存疑", "visits/_proof.html"), FACTS, TIMELINE]


def of_home(elder: Elder, user: User) -> dict[str, Any]:
    """Give the tab the code to be printed for the elder's door."""
    code = home_code_of(elder.pk)
    return {"code": code, "picture": segno.make(code.token, error="m").svg_data_uri(scale=6) if code else ""}


def give_home_code(*, elder: Elder) -> None:
    """Give the elder's door a new code."""
    services.give_home_code(elder_id=elder.pk)


# The elders' room knows nothing of visits.
ElderPages.add_tab(Tab("家门二维码", "visits/_home_code.html", of_home, permission="visits.view"))
ElderPages.add_command(
    Command(
        "home-code",
        "发放家门二维码",
        give_home_code,
        "elders.edit",
        icon="qrcode",
        warning="发放新码后，原来贴在门上的二维码作废，请当场更换。",
        only_if=lambda elder: elder.state == Elder.State.ACTIVE,
    )
)
