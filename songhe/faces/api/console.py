"""Keys and takings in the console, and the interface's place in the menu."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from songhe.core.accounts.models import User
from songhe.core.console.pages import TIMELINE, Column, Command, Pages, badge, menu_link, pages
from songhe.core.console.views.access import person
from songhe.faces.api import services
from songhe.faces.api.forms import KeyForm
from songhe.faces.api.models import ApiKey, Standing, Taking

OVERSEE = "api.oversee"
TONES = {Standing.OPEN: "green", Standing.UNISSUED: "azure"}

menu_link("系统", "接口说明", "api:home", permission="api.view", icon="api", order=32)


def _standing(key: ApiKey) -> str:
    return badge(key.standing.label, TONES.get(key.standing, "secondary"))


def _shown(key: ApiKey) -> str:
    return f"{services.MARK}…{key.tail}" if key.tail else "—"


class _Own(Pages):
    """One's own rows; everybody's for whoever oversees the interface."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows, user = super().get_queryset(request), person(request)
        return rows if user.may(OVERSEE) else rows.filter(user=user)


@pages
class KeyPages(_Own):
    model, room, noun, menu, icon, order = ApiKey, "api", "key", "系统", "key", 30
    title = "接口密钥"
    explain = "其他系统凭密钥读取数据：能办什么、看到哪些人，与申请人本人完全一样；账号停用，密钥立即失效。"
    empty = "还没有密钥。一个对接系统申请一个，写明用途和期限。"
    create_label, submit_label = "申请密钥", "申请"
    columns = [
        "name",
        "user",
        "purpose",
        Column("standing", "状态", render=_standing),
        "last_day",
        "last_used_at",
    ]
    more_columns = [Column("tail", "密钥", render=_shown), "created_at", "revoked_at", "revoked_by"]
    filters = ["last_day", "user"]
    select_related = ["user", "revoked_by"]
    facts = [
        "user",
        "purpose",
        Column("standing", "状态", render=_standing),
        Column("tail", "密钥", render=_shown),
        "last_day",
        "last_used_at",
        "revoked_at",
        "revoked_by",
    ]
    form, create = KeyForm, services.make
    permissions = {"create": "api.make"}
    exportable = False
    tabs = [TIMELINE]
    commands = [
        Command(
            "issue",
            "生成密钥",
            services.issue,
            "api.make",
            icon="key",
            warning="密钥只显示这一次，请直接交给对接系统保存；原有密钥立即失效。密钥等于您本人的登录，请勿发在群里。",
            only_if=lambda key: key.standing in (Standing.OPEN, Standing.UNISSUED),
            result_label="新的密钥",
        ),
        Command(
            "revoke",
            "停用",
            services.revoke,
            "api.revoke",
            icon="ban",
            warning="停用后立即不能取数，不能恢复。",
            only_if=lambda key: key.revoked_at is None,
        ),
    ]

    def subtitle(self, obj: Model) -> str:
        return f"{obj.user} · {obj.user.get_role_display()}" if isinstance(obj, ApiKey) else ""

    def notices(self, obj: Model, user: User) -> Iterable[tuple[str, str]]:
        if isinstance(obj, ApiKey) and obj.standing is Standing.UNISSUED:
            yield "info", "还没有密钥，请由账号本人点“生成密钥”。"


def _list(taking: Taking) -> str:
    return taking.pages.heading if taking.pages else taking.page


@pages
class TakingPages(_Own):
    model, room, noun, menu, icon, order = Taking, "api", "taking", "系统", "download", 31
    title = "接口取数"
    explain = "谁用哪个密钥、每天从哪个名单取了多少行、为什么；次日记入“查阅与导出登记”。"
    empty = "还没有系统取过数。"
    columns = ["day", "user", "key", Column("page", "名单", render=_list), "rows", "requests", "purpose"]
    more_columns = ["noted_at"]
    filters = ["day", "user"]
    select_related = ["user", "key"]
    under = {ApiKey: "key"}
    readonly, exportable = True, False
    facts = columns
    tabs = []
    permissions = {"view": "api.view"}
