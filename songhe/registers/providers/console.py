"""Providers in the console."""

from django.db.models import Q, QuerySet

from songhe.core.console.pages import FACTS, TIMELINE, Pages, Tab, pages
from songhe.registers.providers.models import Provider


def search(queryset: QuerySet[Provider], text: str) -> QuerySet[Provider]:
    """Find providers by part of the name or by credit code."""
    return queryset.filter(Q(name__icontains=text.strip()) | Q(credit_code=text.strip().upper()))


@pages
class ProviderPages(Pages):
    model, room, noun, menu, icon, order = Provider, "providers", "provider", "档案", "building-store", 20
    explain = "为老人提供服务的企业、社会组织和机构。"
    empty = "还没有服务商。"
    columns = ["name", "brand", "kind", "area", "contact", "phone", "quality_score", "state"]
    more_columns = ["credit_code", "address"]
    search, search_hint, search_everywhere = search, "名称或统一社会信用代码", True
    filters = ["kind", "state", "brand"]
    select_related = ["brand", "area"]
    tabs = [Tab("服务区域与证照", "providers/_scope.html"), FACTS, TIMELINE]
    readonly = True
