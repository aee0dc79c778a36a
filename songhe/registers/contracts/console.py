"""Contracts and their prices in the console."""

from datetime import date
from typing import Any

from django.core.files import File
from django.db.models import Q, QuerySet

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.console.pages import FACTS, TIMELINE, Column, Command, Pages, Tab, pages
from songhe.core.files.services import store
from songhe.registers.contracts import services
from songhe.registers.contracts.forms import ContractEditForm, ContractForm, EndForm, PriceForm, ShareForm
from songhe.registers.contracts.models import Contract
from songhe.registers.providers.models import Provider


def _search(queryset: QuerySet[Contract], text: str) -> QuerySet[Contract]:
    """Find contracts by number or name, or by the provider's name."""
    text = text.strip()
    return queryset.filter(Q(number=text) | Q(name__icontains=text) | Q(provider__name__icontains=text))


def _prices(contract: Contract, user: User) -> dict[str, Any]:
    return {"prices": contract.prices.select_related("service__category").order_by("service__code", "-validity")}


def _shares(contract: Contract, user: User) -> dict[str, Any]:
    return {"shares": contract.order_shares.select_related("category").order_by("category__code", "-validity")}


def _create(*, provider: Provider, area: Area, file: "File[bytes] | None", user: User, **fields: Any) -> Contract:
    document = None
    if file is not None:
        document = store(file, purpose="contract", area=area, provider=provider.pk, user=user)
    return services.sign(provider=provider, area=area, document=document, user=user, **fields)


def _end(*, contract: Contract, last: date, reason: str, version: int | None, user: User) -> None:
    services.end(contract=contract, last=last, reason=reason, version=version, user=user)


@pages
class ContractPages(Pages):
    model, room, noun, menu, icon, order = Contract, "contracts", "contract", "资金", "file-certificate", 30
    explain = "与服务商签订的合同、每项服务的结算价和派单份额；结算只认合同价。"
    empty = "还没有合同。没有合同价的服务不能结算。"
    columns = ["number", "name", "kind", "provider", "area", "validity", "signed_on"]
    more_columns = ["share_percent", "ended_reason"]
    facts = [
        *columns,
        "share_percent",
        Column("document", "合同文本"),
        "ended_reason",
    ]
    search, search_hint = _search, "合同编号、名称或服务商"
    filters = ["kind", "provider"]
    select_related = ["provider", "area", "document"]
    form, create = ContractForm, _create
    edit_form, update = ContractEditForm, services.amend
    tabs = [
        Tab("合同价格", "contracts/_prices.html", _prices),
        Tab("派单份额", "contracts/_shares.html", _shares),
        FACTS,
        TIMELINE,
    ]
    commands = [
        Command("price", "定价", services.set_price, "contracts.edit", form=PriceForm, icon="tag"),
        Command("share", "派单份额", services.set_share, "contracts.edit", form=ShareForm, icon="chart-pie"),
        Command(
            "end",
            "提前终止",
            _end,
            "contracts.edit",
            form=EndForm,
            needs_reason=True,
            icon="ban",
            warning="终止后，合同价格和派单份额同日失效，此后的服务不能按本合同结算。",
        ),
    ]
