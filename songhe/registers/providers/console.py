"""Providers in the console: chains, providers, where they serve, licences, credit and admission."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, ClassVar

import django_filters
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from songhe.core.accounts.models import User
from songhe.core.calendar.services import today
from songhe.core.console.pages import FACTS, TIMELINE, Column, Command, Pages, StepForm, pages
from songhe.core.console.views.access import person
from songhe.core.validity import last_day
from songhe.registers.providers import forms, services
from songhe.registers.providers.models import Admission, Brand, CreditRecord, Licence, Provider, ProviderArea
from songhe.registers.providers.selectors import is_blacklisted, running_out, search

EDIT = "providers.edit"
# What a provider's own manager may enter of it.
OWN = "providers.report"


def dates(obj: Any) -> dict[str, Any]:
    """Return a dated record's first and last day, for its form."""
    return {"first": obj.validity.lower, "last": last_day(obj.validity)} if obj is not None else {}


def own_provider(request: HttpRequest) -> dict[str, Any]:
    """Start a form of a provider's manager with their own organisation."""
    pk = person(request).provider_id
    return {"provider": pk} if pk else {}


@pages
class BrandPages(Pages):
    model, room, noun, menu, icon, order = Brand, "providers", "brand", "机构和人员", "building-arch", 22
    explain = "以同一品牌运营多家服务商或站点的连锁。"
    empty = "还没有连锁品牌。"
    columns = ["name", "website", Column("providers", "服务商")]
    prefetch_related = ["providers"]
    form, create, update = forms.BrandForm, services.found_brand, services.amend_brand


@pages
class ProviderPages(Pages):
    model, room, noun, menu, icon, order = Provider, "providers", "provider", "机构和人员", "building-store", 20
    explain = "为老人提供服务的企业、社会组织和机构；准入后才能接单。"
    empty = "还没有服务商。点“新建服务商”登记，再为它提交准入申请。"
    columns = ["name", "brand", "kind", "area", "contact", "phone", "quality_score", "state"]
    more_columns = ["credit_code", "address"]
    facts = ["credit_code", "kind", "brand", "area", "address", "contact", "phone", "quality_score", "state"]
    search, search_hint, search_everywhere = search, "名称、品牌或统一社会信用代码", True
    filters = ["kind", "state", "brand", "area"]
    select_related = ["brand", "area"]
    under: ClassVar = {Brand: "brand"}
    tabs = [FACTS, TIMELINE]
    form, create, update = forms.ProviderForm, services.register, services.amend
    commands = [
        Command("suspend", "暂停", services.suspend, EDIT, needs_reason=True, icon="player-pause",
                warning="暂停后不再派单，已派的订单继续。", only_if=lambda row: row.state == Provider.State.ACTIVE),
        Command("resume", "恢复", services.resume, EDIT, needs_reason=True, icon="player-play",
                only_if=lambda row: row.state == Provider.State.SUSPENDED),
        Command("end", "登记退出", services.end, EDIT, forms.EndForm, needs_reason=True, icon="door-exit",
                warning="退出后服务区域同日终止，不再派单。", only_if=lambda row: row.state != Provider.State.ENDED),
    ]  # fmt: skip

    def editable(self, obj: Model, user: User) -> bool:
        """Close the records of those who left."""
        return isinstance(obj, Provider) and obj.state != Provider.State.ENDED and self.may(user, "edit")

    def notices(self, obj: Model, user: User) -> Iterable[tuple[str, str]]:
        """Point out a blacklisting, and licences that run out."""
        assert isinstance(obj, Provider)
        if is_blacklisted(obj, today()):
            yield "danger", "在黑名单期内，不能接单，也不能申请准入。"
        for licence in running_out(today(), rows=obj.licences.all()):
            yield "warning", f"{licence.get_kind_display()}（{licence.number}）{expiry(licence)}，请督促换证。"


def expiry(licence: Licence) -> str:
    """Say when a licence runs out."""
    end = last_day(licence.validity)
    if end is None:
        return "长期有效"
    days = (end - today()).days
    return f"{end} 到期，还有 {days} 天" if days >= 0 else f"已于 {end} 过期"


def by_expiry(rows: QuerySet[Licence], _name: str, value: str) -> QuerySet[Licence]:
    """Keep the licences that ran out, or will within so many days, and were not renewed."""
    if value == "remind":
        return running_out(today(), rows=rows)
    return running_out(today() + timedelta(days=int(value)), rows=rows).filter(
        validity__endswith__lte=today() + timedelta(days=int(value) + 1)
    )


@pages
class ProviderAreaPages(Pages):
    model, room, noun, title, tab_label = ProviderArea, "providers", "area", "服务区域", "服务区域"
    columns = ["provider", Column("area.full_name", "服务区划"), "validity"]
    filters = ["area", "validity"]
    select_related = ["provider", "area"]
    under: ClassVar = {Provider: "provider"}
    form, create = forms.AreaForm, services.add_area
    commands = [Command("end", "终止", services.end_area, EDIT, forms.EndForm, icon="ban")]


@pages
class LicencePages(Pages):
    model, room, noun, menu, icon, order = Licence, "providers", "licence", "机构和人员", "license", 23
    title, tab_label = "证照", "证照"
    explain = "服务商的营业执照、备案和许可；到期前按各证设定的天数提醒，换证另登一条。"
    empty = "还没有登记证照。"
    columns = ["provider", "kind", "number", "issuer", "validity", Column("expiry", "到期情况", render=expiry)]
    more_columns = ["remind_days", "document"]
    filters = [
        "kind",
        ("expiring", django_filters.ChoiceFilter(
            label="到期", method=by_expiry, empty_label="全部",
            choices=[("remind", "已到提醒期"), ("0", "已过期"), ("30", "30 天内"), ("90", "90 天内")])),
    ]  # fmt: skip
    ordering = ["provider__name", "kind", "-validity"]
    select_related = ["provider", "document"]
    under: ClassVar = {Provider: "provider"}
    form, create = forms.LicenceForm, services.add_licence
    edit_form, update = forms.LicenceEditForm, services.amend_licence
    permissions = {"edit": OWN, "create": OWN}

    def initial(self, request: HttpRequest, obj: Model | None) -> dict[str, Any]:
        """Fill in the dates, or a manager's own organisation."""
        return dates(obj) if obj is not None else own_provider(request)

    @staticmethod
    def row_tone(row: Licence) -> str | None:
        """Mark what has run out."""
        end = last_day(row.validity)
        return "red" if end is not None and end < today() else None


@pages
class CreditPages(Pages):
    model, room, noun, menu, icon, order = CreditRecord, "providers", "credit-record", "机构和人员", "award", 24
    title, tab_label = "信用记录", "信用"
    explain = "表彰、警示、处罚和黑名单；列入黑名单即暂停接单。"
    empty = "还没有信用记录。"
    columns = [
        "provider",
        Column("kind", tones={"commended": "green", "warned": "yellow", "penalised": "orange", "blacklisted": "red"}),
        "fact", "issuer", "reference", "validity",
    ]  # fmt: skip
    more_columns = ["end_reason"]
    filters = ["kind", "validity"]
    select_related = ["provider"]
    under: ClassVar = {Provider: "provider"}
    form, create = forms.CreditForm, services.note_credit
    commands = [
        Command("end", "提前移出", services.end_credit, EDIT, forms.EndForm, needs_reason=True, icon="arrow-back-up")
    ]


@pages
class AdmissionPages(Pages):
    model, room, noun, menu, icon, order = Admission, "providers", "admission", "机构和人员", "clipboard-check", 21
    title, tab_label = "准入申请", "准入"
    explain = "服务商申请在一个区划提供服务：一人审核材料，另一人准予准入。"
    empty = "还没有准入申请。"
    columns = ["provider", Column("area.full_name", "申请服务区划"), "services", "applied_on", "valid_until", "state"]
    filters = ["state", "area"]
    select_related = ["provider", "area"]
    under: ClassVar = {Provider: "provider"}
    form, create = forms.AdmissionForm, services.apply_for_admission
    steps = {
        "check_papers": StepForm(run=services.check_papers),
        "admit": StepForm(forms.AdmitForm, services.admit, primary=True),
    }
