"""What elders are due: decisions, entitlements, credits, adjustments, findings, and the whole right of one elder."""

from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from songhe.core.accounts.models import User
from songhe.core.calendar.services import month_of, today
from songhe.core.console.fields import DayInput, Lookup
from songhe.core.console.pages import (
    FACTS,
    TIMELINE,
    Action,
    Bulk,
    Column,
    Command,
    Pages,
    StepForm,
    Tab,
    View,
    pages,
)
from songhe.core.console.views.access import led_to, person
from songhe.core.ledger.selectors import balances
from songhe.registers.elders.labelling.selectors import label_filter
from songhe.registers.elders.models import Elder
from songhe.registers.elders.selectors import search_elders, within_scope
from songhe.rights.policy import services
from songhe.rights.policy.console.reasons import reasons
from songhe.rights.policy.models import Adjustment, Credit, Decision, Entitlement, Finding, Policy
from songhe.rights.policy.papers import rights_pdf
from songhe.rights.policy.selectors import rights_of

ELDER = Column("elder.name", "老年人", order_by="elder__name_pinyin")


def of_elder(queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Find rows by the elder they concern."""
    return queryset.filter(elder__in=search_elders(Elder.objects.all(), text))


class DecideForm(forms.Form):
    """Which policy is decided for whom, as of which day."""

    elder_id = forms.ModelChoiceField(Elder.objects.all(), label="老年人", widget=Lookup("elders-elder"))
    policy = forms.ModelChoiceField(Policy.objects.filter(subject="elder"), label="政策")
    on = forms.DateField(label="认定日期", widget=DayInput(), initial=today)

    def clean_elder_id(self) -> object:
        """Give the service the elder's id."""
        return self.cleaned_data["elder_id"].pk

    def clean_on(self) -> date:
        """Decisions are not dated ahead: the facts of that day are not known."""
        on: date = self.cleaned_data["on"]
        if on > today():
            raise forms.ValidationError("认定日期不能晚于今天。")
        return on


def rights_view(request: HttpRequest, *, pages: Pages, elder_id: str) -> HttpResponse:
    """Show all that an elder is due: since when and why, what is not due, and what is missing for it."""
    elder = Elder.objects.filter(pk=elder_id).select_related("area").first()
    if elder is None:
        raise Http404("没有找到这位老人，或者不在您的管辖范围内。")
    on = today()
    rights = rights_of(elder, on)
    context = {
        "pages": pages,
        "elder": elder,
        "on": on,
        "due": [right for right in rights if right.due],
        "likely": [right for right in rights if not right.due and right.likely],
        "others": [right for right in rights if not right.due and not right.likely],
        "may_decide": person(request).may("policy.decide"),
    }
    return render(request, "policy/rights.html", context)


def paper_view(request: HttpRequest, *, pages: Pages, elder_id: str) -> HttpResponse:
    """Hand over the same on paper."""
    elder = Elder.objects.filter(pk=elder_id).select_related("area").first()
    if elder is None:
        raise Http404("没有找到这位老人，或者不在您的管辖范围内。")
    paper = rights_pdf(elder, rights_of(elder, today()), today())
    return HttpResponse(paper, content_type="application/pdf")


@require_POST
def decide_view(request: HttpRequest, *, pages: Pages, elder_id: UUID, policy_id: UUID) -> HttpResponse:
    """Decide one policy for an elder from the page of their rights."""
    policy = Policy.objects.filter(pk=policy_id).first()
    if policy is None or not Elder.objects.filter(pk=elder_id).exists():
        raise Http404("没有找到。")
    decision = services.decide(elder_id=elder_id, policy=policy, on=today(), user=person(request))
    messages.success(request, f"已认定：{decision.reason}")
    return led_to(request, pages.url("rights", elder_id))


@pages
class DecisionPages(Pages):
    model, room, noun, menu, icon, order = Decision, "policy", "decision", "评估与待遇", "gavel", 20
    explain = "每次认定用的事实、政策版本和推理过程，永久保存，不可更改。"
    empty = "还没有认定。评估公示或困难类别变化后，系统会提示可认定的老人。"
    columns = ["decided_on", ELDER, "area", ("policy_version.policy", "政策"), "entitled", "monthly_fen", "reason"]
    more_columns = ["decided_by"]
    search, search_hint = of_elder, "姓名、拼音或身份证号"
    filters = ["entitled", "policy_version__policy", "decided_on"]
    ordering = ["-decided_on", "-id"]
    select_related = ["elder", "area", "policy_version__policy", "decided_by"]
    under = {Elder: "elder"}
    form, create = DecideForm, services.decide
    permissions = {"create": "policy.decide"}
    tabs = [Tab("为什么", "policy/_why.html", reasons), FACTS]
    views = [
        View("of/<uuid:elder_id>/", "rights", rights_view),
        View("of/<uuid:elder_id>/paper/", "paper", paper_view),
        View("of/<uuid:elder_id>/<uuid:policy_id>/", "decide", decide_view, "policy.decide"),
    ]
    detail_actions = [
        Action(
            "老人的全部待遇", lambda row: reverse("console:policy-decision-rights", args=[row.elder_id]), "list-check"
        )
    ]


def open_this_month(*, entitlement: Entitlement) -> None:
    """Open the present month's credit of someone found entitled after the month had begun."""
    services.open_credit(entitlement=entitlement, month=today())


def _lacks_credit(entitlement: Entitlement) -> bool:
    month, _next = month_of(today())
    return (
        entitlement.policy.opens_credit
        and today() in entitlement.validity
        and not entitlement.credits.filter(month=month).exists()
    )


@pages
class EntitlementPages(Pages):
    model, room, noun, menu, icon, order = Entitlement, "policy", "entitlement", "评估与待遇", "heart-handshake", 30
    explain = "正在享受和曾经享受的待遇。"
    empty = "还没有人享受待遇。"
    columns = [ELDER, "area", "policy", "monthly_fen", "validity", "ended_reason"]
    search, search_hint = of_elder, "姓名、拼音或身份证号"
    filters = ["policy", "validity"]
    ordering = ["-id"]
    select_related = ["elder", "area", "policy"]
    under = {Elder: "elder"}
    totals = ["monthly_fen"]
    readonly = True
    commands = [
        Command("open-credit", "开立本月额度", open_this_month, "policy.decide", icon="wallet", only_if=_lacks_credit)
    ]


def of_credit(credit: Credit, user: User) -> dict[str, Any]:
    """Give the tab what the ledger says of a credit, and the orders that draw on it."""
    held = list(credit.account.parts.all())
    sums = balances([credit.account, *held])
    free, reserved = sums[credit.account_id], sum(sums[account.pk] for account in held)
    return {
        "free": free,
        "reserved": reserved,
        "spent": credit.amount_fen - free - reserved if credit.expired_on is None else None,
        "orders": credit.orders.select_related("service", "provider").order_by("-id"),
    }


@pages
class CreditPages(Pages):
    model, room, noun, menu, icon, order = Credit, "policy", "credit", "评估与待遇", "wallet", 40
    explain = "每位老人每个月的服务额度；余额由总账分录实时求和。"
    empty = "本月还没有开立额度。"
    columns = ["month", ELDER, "area", ("entitlement.policy", "政策"), "amount_fen", "share_percent", "expired_on"]
    search, search_hint = of_elder, "姓名、拼音或身份证号"
    filters = ["month", "entitlement__policy"]
    ordering = ["-month", "-id"]
    select_related = ["elder", "area", "entitlement__policy", "account"]
    under = {Elder: "elder"}
    totals = ["amount_fen"]
    readonly = True
    tabs = [Tab("余额与订单", "policy/_credit.html", of_credit), TIMELINE]


@pages
class AdjustmentPages(Pages):
    model, room, noun, menu, icon, order = Adjustment, "policy", "adjustment", "评估与待遇", "arrows-exchange", 45
    under = {Elder: "elder"}
    explain = "政策追溯施行后，每位老人每个月应补发或追回的差额；由经办人决定是否入账。"
    empty = "没有需要补发或追回的月份。"
    columns = [ELDER, "area", "policy", "month", "was_fen", "now_fen", Column("difference_fen", "差额"), "state"]
    search, search_hint = of_elder, "姓名、拼音或身份证号"
    filters = ["state", "policy", "month"]
    select_related = ["elder", "area", "policy"]
    readonly = True
    steps = {
        "book": StepForm(run=services.book, warning="入账后在总账中产生更正分录，不能删除。", primary=True),
    }
    bulk = [Bulk("book", "入账", "policy.adjust", run=services.book, check=lambda row: _not_open(row, "proposed"))]
    tabs = [FACTS, TIMELINE]


def _not_open(row: Adjustment | Finding, state: str) -> str | None:
    return None if row.state == state else f"已是“{row.get_state_display()}”"


@require_POST
def screen_view(request: HttpRequest, *, pages: Pages) -> HttpResponse:
    """Screen the person's own area now."""
    user = person(request)
    if user.area is None:
        raise Http404("您的账号没有负责的区划。")
    found = services.screen(area=user.area, on=today())
    messages.success(request, f"筛查完成，新发现 {found} 条线索。")
    return led_to(request, pages.url())


@pages
class FindingPages(Pages):
    model, room, noun, menu, icon, order = Finding, "policy", "finding", "评估与待遇", "user-search", 15
    title = "政策找人"
    under = {Elder: "elder"}
    explain = "按档案看很可能符合条件、却没有享受待遇的老人。每天自动筛查，逐条核实后认定。"
    empty = "没有线索：按现有档案，符合条件的老人都已享受。"
    columns = [ELDER, "area", "policy", "monthly_fen", "reason", "found_on", "state"]
    search, search_hint = of_elder, "姓名、拼音或身份证号"
    filters = ["state", "policy", "area", "found_on", ("label", label_filter("elder_id"))]
    ordering = ["state", "-found_on", "-id"]
    select_related = ["elder", "area", "policy"]
    totals = ["monthly_fen"]
    readonly = True
    list_template = "policy/findings.html"
    hidden_steps = ["close"]
    steps = {"settle": StepForm(run=services.settle_finding, primary=True)}
    bulk = [
        Bulk("settle", "认定", "policy.decide", run=services.settle_finding, check=lambda row: _not_open(row, "open"))
    ]
    views = [View("screen/", "screen", screen_view, "policy.decide")]
    detail_actions = [
        Action(
            "老人的全部待遇", lambda row: reverse("console:policy-decision-rights", args=[row.elder_id]), "list-check"
        )
    ]

    @staticmethod
    def queryset() -> QuerySet[Finding]:
        """Return the findings in scope."""
        return within_scope(Finding.objects.all())
