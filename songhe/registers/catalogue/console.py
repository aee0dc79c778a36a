"""The catalogue in the console: the tree, services, guided and published prices, what schemes pay."""

from typing import Any, ClassVar

from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest

from songhe.core.accounts.models import User
from songhe.core.calendar.services import today
from songhe.core.console.display import yuan
from songhe.core.console.pages import (
    FACTS,
    TIMELINE,
    Column,
    Command,
    Pages,
    SheetColumn,
    SheetImport,
    Tab,
    badge,
    pages,
)
from songhe.core.console.views.access import person
from songhe.registers.catalogue import forms, services
from songhe.registers.catalogue.models import Category, Cover, ProviderService, Service, ServicePrice
from songhe.registers.catalogue.selectors import offers_on, search, with_guide
from songhe.registers.providers.models import Provider
from songhe.registers.workforce.models import Skill

EDIT = "catalogue.edit"
PUBLISH = "catalogue.publish"

PRICE_LIST = SheetImport(
    [
        SheetColumn("code", "服务代码", ("代码", "项目代码", "服务项目"), required=True, example="A01"),
        SheetColumn("payer", "付费方", required=True, example="政府购买"),
        SheetColumn("price", "指导价", ("指导价（元）", "价格", "单价"), required=True, example="15.00"),
        SheetColumn("ceiling", "最高限价", ("最高限价（元）", "限价")),
        SheetColumn("first", "起始日期", ("生效日期", "执行日期"), example="2026-01-01"),
        SheetColumn("source", "依据", ("文号",)),
    ],
    services.take_in_price,
    explain="按服务代码和付费方识别；与现行价格不同的，自起始日期换用新价，原价格在前一天终止。",
)
OFFER_LIST = SheetImport(
    [
        SheetColumn("code", "服务代码", ("代码", "项目代码", "服务项目"), required=True, example="A01"),
        SheetColumn("price", "公布价", ("公布价（元）", "价格", "单价"), required=True, example="16.00"),
        SheetColumn("first", "起始日期", ("生效日期", "执行日期"), example="2026-01-01"),
        SheetColumn("provider", "服务商", ("单位", "公司")),
    ],
    services.take_in_offer,
    explain="公布价不得高于最高限价；服务商管理员导入的一律是本单位的价格。",
    permission=PUBLISH,
)


def _what(service: Service, user: User) -> dict[str, Any]:
    names = dict(Skill.objects.filter(code__in=service.skills).values_list("code", "name"))
    return {"skills": [names.get(code, code) for code in service.skills]}


@pages
class CategoryPages(Pages):
    model, room, noun, menu, icon, order = Category, "catalogue", "category", "目录和区划", "category", 42
    title, explain = "服务类别", "服务项目的分类树；最上面一层是政策所说的大类。"
    columns = ["name", "code", "parent", "position", Column("service_count", "服务项目数", number=True)]
    filters = ["parent"]
    ordering = ["position", "code"]
    select_related = ["parent"]
    form, create = forms.CategoryForm, services.add_category
    edit_form, update = forms.CategoryEditForm, services.amend_category

    @staticmethod
    def queryset() -> QuerySet[Category]:
        """Return the branches with how many services each holds."""
        return Category.objects.annotate(service_count=Count("services"))

    @staticmethod
    def search(queryset: QuerySet[Category], text: str) -> QuerySet[Category]:
        """Find branches by part of the name."""
        return queryset.filter(name__icontains=text.strip())


@pages
class ServicePages(Pages):
    model, room, noun, menu, icon, order = Service, "catalogue", "service", "目录和区划", "list-details", 40
    explain = "可以预订的服务：时长、技能、步骤、指导价、谁付钱。"
    empty = "还没有服务项目。用 songhe pack load 载入本地政策包，或点“新建服务项目”。"
    columns = ["code", "name", "category", "unit", "minutes", "carers", "standard", "state"]
    more_columns = ["at_home", "area", "source"]
    search, search_hint, search_everywhere = search, "代码或名称", True
    filters = ["category", "standard", "at_home", "unit", "state"]
    select_related = ["category", "area"]
    under: ClassVar = {Category: "category"}
    tabs = [Tab("怎样做", "catalogue/_what.html", _what), FACTS, TIMELINE]
    form, create = forms.ServiceForm, services.add_service
    edit_form, update = forms.ServiceEditForm, services.amend
    commands = [
        Command("retire", "停用", services.retire, EDIT, needs_reason=True, icon="ban",
                warning="停用后不能再预订；已下的订单继续。", only_if=lambda row: row.state == Service.State.OPEN),
        Command("reopen", "恢复", services.reopen, EDIT, icon="rotate",
                only_if=lambda row: row.state == Service.State.RETIRED),
    ]  # fmt: skip


@pages
class ServicePricePages(Pages):
    model, room, noun, menu, icon, order = ServicePrice, "catalogue", "price", "目录和区划", "tag", 41
    tab_label, create_label = "指导价", "定价"
    explain = "每项服务在每段时间的指导价和最高限价；同一付费方的期间不能重叠。"
    empty = "还没有价格。"
    columns = ["service", "payer", "price_fen", "ceiling_fen", "validity", "source"]
    filters = ["payer", "service__category", "validity"]
    ordering = ["service__code", "payer", "-validity"]
    select_related = ["service"]
    under: ClassVar = {Service: "service"}
    form, create = forms.PriceForm, services.set_price
    sheet = PRICE_LIST
    commands = [Command("end", "终止", services.end_price, EDIT, forms.EndForm, icon="ban")]

    @staticmethod
    def search(queryset: QuerySet[ServicePrice], text: str) -> QuerySet[ServicePrice]:
        """Find prices by the service's code or name."""
        return queryset.filter(service__in=search(Service.objects.all(), text))


@pages
class CoverPages(Pages):
    model, room, noun, menu, icon, order = Cover, "catalogue", "cover", "目录和区划", "receipt-refund", 44
    tab_label = "政策支付"
    explain = "哪项政策为哪项服务支付几成、每单位最高多少。"
    empty = "还没有登记政策支付。"
    columns = ["service", "scheme", "percent", "ceiling_fen", "validity", "source"]
    filters = ["service__category", "scheme", "validity"]
    select_related = ["service"]
    under: ClassVar = {Service: "service"}
    form, create = forms.CoverForm, services.set_cover
    commands = [Command("end", "终止", services.end_cover, EDIT, forms.EndForm, icon="ban")]


def against_guide(offer: ProviderService) -> str:
    """Say how a published price stands against the guided one."""
    guided = getattr(offer, "guided_fen", None)
    if guided is None:
        return badge("没有指导价", "orange")
    more = offer.price_fen - guided
    return badge("与指导价相同", "green") if not more else badge(f"{'高' if more > 0 else '低'} {yuan(abs(more))} 元",
                                                            "yellow" if more > 0 else "azure")  # fmt: skip


@pages
class OfferPages(Pages):
    model, room, noun, menu, icon, order = ProviderService, "catalogue", "offer", "目录和区划", "businessplan", 43
    title, tab_label, create_label = "公布价格", "公布价格", "公布价格"
    explain = "各服务商今天公布的价格，对照指导价；不得高于最高限价。"
    empty = "还没有服务商公布价格。"
    columns = [
        "service", "provider", "price_fen", Column("guided_fen", "指导价（元）"),
        Column("against_guide", "对照", render=against_guide), "validity",
    ]  # fmt: skip
    filters = ["provider", "service__category"]
    ordering = ["service__code", "price_fen"]
    select_related = ["service", "provider"]
    under: ClassVar = {Service: "service", Provider: "provider"}
    form, create = forms.OfferForm, services.publish_price
    sheet = OFFER_LIST
    permissions = {"create": PUBLISH}
    commands = [Command("end", "停止提供", services.withdraw_offer, PUBLISH, forms.EndForm, icon="ban")]

    @staticmethod
    def queryset() -> QuerySet[ProviderService]:
        """Return what is published today."""
        return offers_on(today())

    def get_object_queryset(self, request: HttpRequest) -> QuerySet[ProviderService]:
        """Return past and coming prices too."""
        return with_guide(today()).select_related(*self.select_related)

    def form_kwargs(self, request: HttpRequest, obj: Model | None) -> dict[str, Any]:
        """Tell the form who publishes."""
        return {"user": person(request)}

    @staticmethod
    def search(queryset: QuerySet[ProviderService], text: str) -> QuerySet[ProviderService]:
        """Find prices by service or provider."""
        return queryset.filter(service__in=search(Service.objects.all(), text)) | queryset.filter(
            provider__name__icontains=text.strip()
        )
