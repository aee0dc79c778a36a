"""Pots, budget lines and rates in the console, and the ledger beneath them."""

from typing import Any, cast

from django.db.models import Model, Q, QuerySet

from songhe.core.accounts.models import User
from songhe.core.console.pages import FACTS, TIMELINE, Column, Command, Pages, Tab, pages
from songhe.core.ledger.models import Account, Currency, Entry
from songhe.core.ledger.money import written
from songhe.core.ledger.selectors import balance, entries_of
from songhe.registers.funds import services
from songhe.registers.funds.forms import (
    ConversionForm,
    LineForm,
    MoneyForm,
    PotEditForm,
    PotForm,
    RateForm,
    ReceiptForm,
)
from songhe.registers.funds.models import BudgetLine, Pot, Rate
from songhe.registers.funds.selectors import commitments_of, lines_with_money, pots_with_money, status_of

MOST_ENTRIES = 200
"""How many of an account's latest entries a tab shows; the list of entries shows the rest."""


def _named(queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Find by name or code."""
    return queryset.filter(Q(name__icontains=text.strip()) | Q(code__icontains=text.strip()))


def _pot_entries(pot: Pot, user: User) -> dict[str, Any]:
    return {"postings": entries_of(pot.account_id)[:MOST_ENTRIES], "currency": pot.currency}


def _pot_lines(pot: Pot, user: User) -> dict[str, Any]:
    return {"statuses": status_of(pot.lines.select_related("area"))}


def _line_entries(line: BudgetLine, user: User) -> dict[str, Any]:
    return {"postings": entries_of(line.account_id)[:MOST_ENTRIES], "currency": Currency.CNY}


def _line_status(line: BudgetLine, user: User) -> dict[str, Any]:
    kinds = dict(Account._meta.get_field("kind").flatchoices)
    return {
        "status": status_of([line])[0],
        "commitments": [(kinds[kind], fen) for kind, fen in commitments_of(line).items()],
    }


@pages
class PotPages(Pages):
    model, room, noun, menu, icon, order = Pot, "funds", "pot", "资金", "building-bank", 10
    explain = "每一笔养老资金从哪里来、能用在哪里、到账多少、还剩多少。"
    empty = "还没有登记资金来源。"
    queryset = pots_with_money
    columns = [
        "name",
        "source",
        Column("amount", "核定总额", render=lambda pot: written(pot.amount, pot.currency)),
        Column(
            "received",
            "已到账",
            render=lambda pot: written(pot.received, pot.currency),
            order_by="received",
            number=True,
        ),
        Column(
            "balance", "未下达", render=lambda pot: written(pot.balance, pot.currency), order_by="balance", number=True
        ),
        Column("purposes", "限定用途"),
        "area",
    ]
    more_columns = ["code", "document", "validity"]
    facts = [*columns, "document", "validity"]
    search, search_hint = _named, "名称或代码"
    filters = ["source", "currency"]
    select_related = ["area"]
    form, create = PotForm, services.open_pot
    edit_form, update = PotEditForm, services.amend_pot
    tabs = [
        Tab("预算项目", "funds/_lines.html", _pot_lines),
        Tab("收支明细", "funds/_entries.html", _pot_entries),
        TIMELINE,
    ]
    commands = [
        Command("receive", "登记到账", services.receive, "funds.edit", form=ReceiptForm, icon="cash"),
        Command(
            "convert",
            "结汇",
            services.convert,
            "funds.edit",
            form=ConversionForm,
            icon="exchange",
            only_if=lambda pot: pot.currency != Currency.CNY,
        ),
    ]


@pages
class BudgetLinePages(Pages):
    model, room, noun, menu, icon, order = BudgetLine, "funds", "line", "资金", "list-check", 20
    explain = "每个预算项目：预算多少、下达多少、还剩多少可用。"
    empty = "还没有预算项目。先登记资金来源，再安排预算。"
    queryset = lines_with_money
    columns = ["name", "pot", "year", "purpose", "area", "planned_fen", ("given_fen", "已下达"), ("free_fen", "可用")]
    more_columns = ["code", "position", "validity"]
    facts = [*columns, "validity"]
    search, search_hint = _named, "名称或代码"
    filters = ["year", "purpose", "pot"]
    select_related = ["pot", "area"]
    form, create = LineForm, services.open_line
    tabs = [
        Tab("执行情况", "funds/_status.html", _line_status),
        Tab("收支明细", "funds/_entries.html", _line_entries),
        TIMELINE,
    ]
    commands = [
        Command("appropriate", "下达", services.appropriate, "funds.edit", form=MoneyForm, icon="arrow-down-right"),
        Command(
            "take-back",
            "收回",
            services.take_back,
            "funds.edit",
            form=MoneyForm,
            needs_reason=True,
            icon="arrow-up-left",
        ),
    ]


@pages
class RatePages(Pages):
    model, room, noun, menu, icon, order = Rate, "funds", "rate", "资金", "exchange", 60
    explain = "外币资金按结汇当日的汇率折合人民币。"
    empty = "还没有登记汇率。"
    columns = ["currency", "yuan", "validity", "source"]
    filters = ["currency"]
    form, create = RateForm, services.set_rate


def _search_entries(queryset: QuerySet[Entry], text: str) -> QuerySet[Entry]:
    """Find entries by their memo or their whole key."""
    return queryset.filter(Q(memo__icontains=text.strip()) | Q(key=text.strip()))


def _entry_lines(entry: Entry, user: User) -> dict[str, Any]:
    return {
        "postings": entry.postings.select_related("account").order_by("amount"),
        "corrections": entry.corrections.all(),
    }


@pages
class EntryPages(Pages):
    model, room, noun, menu, icon, order = Entry, "ledger", "entry", "资金", "book", 70
    explain = "总账的每一笔分录。入账后不能修改，错了另作更正。"
    empty = "总账还没有分录。"
    columns = ["on", "kind", "memo", "user", "created_at"]
    more_columns = ["key"]
    facts = ["on", "kind", "memo", "user", "created_at", "key", "corrects"]
    search, search_hint = _search_entries, "摘要或防重键"
    filters = ["kind"]
    select_related = ["user"]
    readonly = True
    tabs = [Tab("分录行", "funds/_entry.html", _entry_lines)]


def _account_entries(account: Account, user: User) -> dict[str, Any]:
    return {"postings": entries_of(account)[:MOST_ENTRIES], "currency": account.currency}


@pages
class AccountPages(Pages):
    model, room, noun, menu, icon, order = Account, "ledger", "account", "资金", "wallet", 80
    explain = "总账的账户。余额都是分录累加得来，没有单独存放的余额。"
    empty = "总账还没有账户。"
    columns = ["name", "kind", "currency", "area", "closed_on"]
    facts = ["name", "kind", "currency", "area", "floor", "fund", "closed_on"]
    filters = ["kind", "currency"]
    search, search_hint = lambda rows, text: rows.filter(name__icontains=text.strip()), "账户名称"
    select_related = ["area"]
    readonly = True
    tabs = [Tab("分录", "funds/_entries.html", _account_entries), FACTS]

    def subtitle(self, obj: Model) -> str:
        """Say the balance; a bank account's is negative, being money held."""
        account = cast(Account, obj)
        return f"余额 {written(balance(account), account.currency)}"
