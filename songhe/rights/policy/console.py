"""Policies, decisions, entitlements and credits in the console."""

from datetime import date
from typing import Any

from django import forms
from django.db.models import QuerySet

from songhe.core.accounts.models import User
from songhe.core.calendar.services import today
from songhe.core.console.fields import DayInput, Lookup
from songhe.core.console.pages import FACTS, TIMELINE, Column, Pages, Tab, pages
from songhe.core.ledger.selectors import balances
from songhe.registers.elders.models import Elder
from songhe.registers.elders.selectors import search_elders
from songhe.rights.policy import services
from songhe.rights.policy.models import Credit, Decision, Document, Entitlement, Policy, PolicyVersion

ELDER = Column("elder.name", "老年人", order_by="elder__name_pinyin")


def of_elder(queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Find rows by the elder they concern."""
    return queryset.filter(elder__in=search_elders(Elder.objects.all(), text))


class DecideForm(forms.Form):
    """Which policy is decided for whom, as of which day."""

    elder_id = forms.ModelChoiceField(Elder.objects.all(), label="老年人", widget=Lookup("elders-elder"))
    policy = forms.ModelChoiceField(Policy.objects.all(), label="政策")
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
    tabs = [Tab("为什么", "policy/_why.html"), FACTS]


@pages
class EntitlementPages(Pages):
    model, room, noun, menu, icon, order = Entitlement, "policy", "entitlement", "评估与待遇", "heart-handshake", 30
    explain = "正在享受和曾经享受的待遇。"
    empty = "还没有人享受待遇。"
    columns = [ELDER, "area", "policy", "monthly_fen", "validity", "ended_reason"]
    search, search_hint = of_elder, "姓名、拼音或身份证号"
    filters = ["policy"]
    ordering = ["-id"]
    select_related = ["elder", "area", "policy"]
    under = {Elder: "elder"}
    totals = ["monthly_fen"]
    readonly = True


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
    columns = ["month", ELDER, "area", ("entitlement.policy", "政策"), "amount_fen", "expired_on"]
    search, search_hint = of_elder, "姓名、拼音或身份证号"
    filters = ["month", "entitlement__policy"]
    ordering = ["-month", "-id"]
    select_related = ["elder", "area", "entitlement__policy", "account"]
    under = {Elder: "elder"}
    totals = ["amount_fen"]
    readonly = True
    tabs = [Tab("余额与订单", "policy/_credit.html", of_credit), TIMELINE]


@pages
class PolicyPages(Pages):
    model, room, noun, menu, icon, order = PolicyVersion, "policy", "version", "评估与待遇", "scale", 60
    title = "政策版本"
    explain = "每项政策在每段时间的规则、参数和依据文件。"
    empty = "还没有政策。用 songhe pack load 载入本地政策包。"
    columns = ["policy", "number", "validity", "state", "document"]
    filters = ["policy", "state"]
    ordering = ["policy", "-number"]
    select_related = ["policy", "document"]
    readonly = True
    tabs = [Tab("参数", "policy/_parameters.html"), TIMELINE]


@pages
class DocumentPages(Pages):
    model, room, noun, menu, icon, order = Document, "policy", "document", "评估与待遇", "books", 70
    explain = "规则和标准所依据的文件，标明是否核对过原文。"
    empty = "还没有文件。"
    columns = ["title", "number", "issuer", "issued_on", "mark"]
    filters = ["mark", "issuer"]
    search = staticmethod(lambda queryset, text: queryset.filter(title__icontains=text.strip()))
    search_hint = "标题"
    readonly = True
