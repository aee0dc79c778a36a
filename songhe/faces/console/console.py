"""The core's own pages: divisions, accounts, the journal; the core's rooms lie below the kit."""

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.accounts.services import amend_account, open_account, reset_password
from songhe.core.areas.models import Area
from songhe.core.console.once import once
from songhe.core.console.pages import TIMELINE, Action, Column, Pages, Tab, View, pages
from songhe.core.console.views.access import led_to, person, record
from songhe.core.errors import Refused
from songhe.core.ids import uuid7
from songhe.core.journal.models import Access
from songhe.faces.console.forms import AccountAmendForm, AccountForm, PasswordForm


def search_areas(rows: QuerySet[Area], text: str) -> QuerySet[Area]:
    """Find divisions by part of their full name, or by the beginning of their code."""
    if text.isdecimal():
        low = int(text.ljust(12, "0")[:12])
        return rows.filter(code__gte=low, code__lt=low + 10 ** max(0, 12 - len(text)))
    for word in text.split():
        rows = rows.filter(full_name__icontains=word)
    return rows


def _children(area: Area, _user: User) -> dict[str, Any]:
    return {"children": area.children.order_by("code")}


def area_tree(request: HttpRequest, *, pages: Pages) -> HttpResponse:
    """Show the tree of divisions; a branch is fetched when it is opened."""
    parent = request.GET.get("parent", "")
    top = Area.objects.order_by("code")
    top = top.filter(parent_id=int(parent)) if parent.isdecimal() else top.filter(parent__isnull=True)
    template = "console/areas/branch.html" if parent else "console/areas/tree.html"
    return render(request, template, {"pages": pages, "areas": top, "leaf": Area.Level.VILLAGE})


@pages
class AreaPages(Pages):
    model, room, noun, menu, icon, order = Area, "areas", "area", "档案", "map-pin", 90
    explain = "省、市、县、乡、村五级统计用区划代码；数据权限按它划分。"
    columns = ["name", Column("code", "区划代码", render=lambda area: f"{area.code}"), "full_name", "level", "kind"]
    more_columns = ["statistical_only", "parent"]
    search, search_hint = search_areas, "名称或代码"
    filters = ["level", "kind", "parent", "statistical_only"]
    ordering = ["code"]
    facts = [Column("code", "区划代码", render=lambda area: f"{area.code}"), "full_name", "level", "kind", "parent"]
    tabs = [Tab("下级区划", "console/areas/children.html", _children)]
    extra_actions = [Action("按树形浏览", lambda: AreaPages().url("tree"), "sitemap")]
    views = [View("tree/", "tree", area_tree)]
    select_related = ["parent"]
    readonly, exportable = True, True
    permissions = {"export": "areas.view"}

    def subtitle(self, obj: Model) -> str:
        return str(getattr(obj, "full_name", ""))


def search_users(rows: QuerySet[User], text: str) -> QuerySet[User]:
    """Find accounts by sign-in name or person's name."""
    return rows.filter(Q(username__icontains=text) | Q(display_name__icontains=text))


def _open(*, user: User, provider: Any = None, **data: Any) -> User:
    return open_account(user=user, provider_id=provider.pk if provider else None, **data)


def _amend(*, account: User, user: User, provider: Any = None, **data: Any) -> User:
    return amend_account(account=account, user=user, provider_id=provider.pk if provider else None, **data)


def give_password(request: HttpRequest, *, pages: Pages, pk: str) -> HttpResponse:
    """Give an account a new first password; its second factor must be set up anew."""
    user = person(request)
    account = record(request, pages, pk)
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:

            def act() -> str:
                reset_password(account=account, user=user, password=form.cleaned_data["password"])
                return pages.url("detail", account.pk)

            url = once(request, user, act)
        except Refused as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, "密码已重置，两步验证须本人重新设置。")
            return led_to(request, url)
    token = request.POST.get("form_token") or uuid7()
    context = {"pages": pages, "object": account, "form": form, "form_token": token}
    status = 422 if request.method == "POST" else 200
    return render(request, "console/accounts/password.html", context, status=status)


@pages
class AccountPages(Pages):
    model, room, noun, menu, icon, order = User, "accounts", "account", "系统", "users", 10
    title, explain = "账号", "账号由安全管理员开通；角色决定能办什么，区划或服务商决定能看到哪些人。"
    columns = ["display_name", "username", "role", "area.full_name", "is_active", "last_login"]
    more_columns = ["email", "is_demo", "created_at"]
    search, search_hint = search_users, "姓名或登录名"
    filters = ["role", "area", "is_active"]
    ordering = ["username"]
    select_related = ["area"]
    form, edit_form, create, update = AccountForm, AccountAmendForm, _open, _amend
    facts = ["username", "role", "area.full_name", "email", "is_active", "last_login", "created_at"]
    detail_actions = [
        Action("重置密码", lambda account: AccountPages().url("password", account.pk), "key", "accounts.edit")
    ]
    views = [View("<uuid:pk>/password/", "password", give_password, "edit")]
    tabs = [TIMELINE]

    def initial(self, request: HttpRequest, obj: Model | None) -> dict[str, Any]:
        return {"provider": getattr(obj, "provider_id", None)} if obj is not None else {}

    def subtitle(self, obj: Model) -> str:
        return f"{getattr(obj, 'get_role_display', str)()} · {getattr(obj, 'username', '')}"

    def notices(self, obj: Model, user: User) -> Iterable[tuple[str, str]]:
        if not getattr(obj, "is_active", True):
            yield "warning", "这个账号已停用，不能登录。"
        if getattr(obj, "role", "") in (Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN):
            yield "info", "三员之一：系统、安全、审计管理员互相制约，都看不到老人的个人信息。"


def check_journal(request: HttpRequest, *, pages: Pages) -> HttpResponse:
    """Verify the journal's chain when asked, and show every flaw."""
    from songhe.core.journal.services import verify

    report = verify(head=request.POST.get("head", "").strip()) if request.method == "POST" else None
    return render(request, "console/journal/verify.html", {"pages": pages, "report": report})


@pages
class AccessPages(Pages):
    model, room, noun, menu, icon, order = Access, "journal", "access", "系统", "eye-check", 20
    title = "查阅与导出登记"
    explain = "谁查看了完整号码、导出了数据，或被拒绝访问；只增不改。"
    empty = "还没有人查看完整号码或导出数据。"
    columns = [
        "created_at",
        "user_name",
        Column("act", tones={"reveal": "azure", "export": "purple", "denied": "red"}),
        "subject",
        "rows",
        "reason",
    ]
    more_columns = ["table", "row_id"]
    search, search_hint = (
        lambda rows, text: rows.filter(Q(user_name__icontains=text) | Q(subject__icontains=text)),
        "姓名或对象",
    )
    filters = ["act", "created_at"]
    ordering = ["-created_at"]
    facts = ["created_at", "user_name", "act", "subject", "table", "row_id", "rows", "reason"]
    tabs = []
    extra_actions = [Action("核验日志", lambda: AccessPages().url("verify"), "shield-check", "journal.verify")]
    views = [View("verify/", "verify", check_journal, "verify")]
    readonly = True
