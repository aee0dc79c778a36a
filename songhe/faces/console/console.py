"""The core's own pages: divisions, accounts, the journal; the core's rooms lie below the kit."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from songhe.core.accounts.models import User
from songhe.core.accounts.selectors import search_users
from songhe.core.accounts.services import (
    create_user,
    deactivate,
    reactivate,
    reset_password,
    reset_second_factor,
    set_role,
)
from songhe.core.areas.models import Area
from songhe.core.console.pages import TIMELINE, Action, Column, Command, Pages, Tab, View, pages
from songhe.core.console.views.access import person
from songhe.core.journal.models import Access
from songhe.faces.console.forms import AccountForm, PlaceForm


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
    own = person(request).area_id
    if parent.isdecimal():
        top = top.filter(parent_id=int(parent))
    else:
        top = top.filter(pk=own) if own else top.filter(parent__isnull=True)
    template = "console/areas/branch.html" if parent else "console/areas/tree.html"
    return render(request, template, {"pages": pages, "areas": top, "leaf": Area.Level.VILLAGE})


@pages
class AreaPages(Pages):
    model, room, noun, menu, icon, order = Area, "areas", "area", "目录和区划", "map-pin", 90
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


def _open(*, by: User, provider: Any = None, **data: Any) -> User:
    return create_user(by=by, provider_id=provider.pk if provider else None, **data)


def _place(*, account: User, by: User, version: int | None, provider: Any = None, **data: Any) -> User:
    return set_role(by=by, user=account, version=version, provider_id=provider.pk if provider else None, **data)


def _password(*, account: User, by: User) -> str:
    return reset_password(by=by, user=account)


def _second_factor(*, account: User, by: User) -> None:
    reset_second_factor(by=by, user=account)


def _close(*, account: User, by: User, version: int | None) -> None:
    deactivate(by=by, user=account, version=version)


def _reopen(*, account: User, by: User, version: int | None) -> None:
    reactivate(by=by, user=account, version=version)


@pages
class AccountPages(Pages):
    model, room, noun, menu, icon, order = User, "accounts", "account", "系统", "users", 10
    title, explain = "账号", "账号由安全管理员开通；角色决定能办什么，区划或服务商决定能看到哪些人。"
    columns = ["display_name", "username", "role", Column("area.full_name", "负责区划"), "is_active", "last_login"]
    more_columns = ["email", "is_demo", "created_at"]
    search, search_hint = search_users, "姓名或登录名"
    filters = ["role", "area", "is_active"]
    ordering = ["username"]
    select_related = ["area"]
    form, edit_form, create, update = AccountForm, PlaceForm, _open, _place
    facts = ["username", "role", Column("area.full_name", "负责区划"), "email", "is_active", "last_login", "created_at"]
    commands = [
        Command(
            "password",
            "生成新密码",
            _password,
            "accounts.edit",
            warning="原密码立即失效；新密码只显示一次，本人首次登录后须更改。",
            icon="key",
            result_label="新的初始密码",
        ),
        Command(
            "second-factor",
            "解除两步验证",
            _second_factor,
            "accounts.edit",
            warning="用于手机丢失。本人下次登录时须重新设置。",
            icon="device-mobile-off",
        ),
        Command(
            "close",
            "停用",
            _close,
            "accounts.edit",
            warning="停用后立即不能登录，已登录的也会退出。",
            icon="user-off",
            only_if=lambda account: account.is_active,
        ),
        Command(
            "reopen",
            "重新启用",
            _reopen,
            "accounts.edit",
            icon="user-check",
            only_if=lambda account: not account.is_active,
        ),
    ]
    tabs = [TIMELINE]

    def initial(self, request: HttpRequest, obj: Model | None) -> dict[str, Any]:
        return {"provider": getattr(obj, "provider_id", None)} if obj is not None else {}

    def editable(self, obj: Model, user: User) -> bool:
        return super().editable(obj, user) and obj.pk != user.pk

    def subtitle(self, obj: Model) -> str:
        return f"{getattr(obj, 'get_role_display', str)()} · {getattr(obj, 'username', '')}"

    def notices(self, obj: Model, user: User) -> Iterable[tuple[str, str]]:
        if not getattr(obj, "is_active", True):
            yield "warning", "这个账号已停用，不能登录。"
        elif isinstance(obj, User) and not obj.has_usable_password():
            yield "info", "这个账号还没有密码，请点“生成新密码”并当面告知本人。"


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
