"""The interface: for every declared list its rows, one record, and a masked number in full; and the search box.

Nothing is declared here that a room's ``console.py`` does not say already: whoever adds a page adds its interface.
"""

from collections.abc import Callable
from datetime import date
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, Throttled, ValidationError
from ninja.files import UploadedFile
from ninja.openapi.schema import OpenAPISchema
from ninja.params.functions import File, Form
from ninja.renderers import JSONRenderer
from pydantic import Field

from songhe.core.console.errors import problem
from songhe.core.console.listing import COUNT_BOUND
from songhe.core.console.pages import Pages
from songhe.core.console.registry import all_pages, autodiscover, pages_named
from songhe.core.console.views.access import demand, person, record
from songhe.core.console.views.search import found_everywhere
from songhe.core.journal.services import reveal
from songhe.faces.api import access, deliveries, describing, services
from songhe.faces.api.asking import Selection, Wrong, row_of, without_numbers
from songhe.faces.api.values import items_of

PURPOSE = "X-Purpose"


class Renderer(JSONRenderer):
    """Chinese as itself."""

    json_dumps_params = {"ensure_ascii": False}


class Interface(NinjaAPI):
    """Ninja's, with what the pages say added to its description."""

    def get_root_path(self, path_params: dict[str, Any]) -> str:
        """Return where it is mounted."""
        return reverse("api:v1:api-root")

    def get_openapi_schema(self, **where: Any) -> OpenAPISchema:
        """Return the description in the terms of OpenAPI 3.1."""
        return self._described

    @cached_property
    def _described(self) -> OpenAPISchema:
        schema = super().get_openapi_schema()
        describing.complete(schema, SERVED)
        return schema


api = Interface(
    title="松鹤数据接口",
    version="1",
    urls_namespace="v1",
    docs_url=None,
    description="与网页同一套名单、同一套权限和数据范围。用法见 docs/api.md。",
    auth=[access.Key(), access.Session()],
    throttle=access.Rate(),
    renderer=Renderer(),
)


autodiscover()
SERVED = tuple(all_pages())
"""The pages that other systems may read: all that rooms declare."""


# --- operations -------------------------------------------------------------------------------------------------


@api.get("/", operation_id="lists", url_name="lists", tags=["总览"], summary="本账号可以读取的名单")
def lists(request: HttpRequest) -> dict[str, Any]:
    user = person(request)
    readable = [pages for pages in SERVED if pages.may(user, "view")]
    return {
        "account": user.display_name,
        "role": user.get_role_display(),
        "area": str(user.area.code) if user.area else None,
        "lists": [{"list": f"{pages.room}/{pages.noun}", "label": pages.heading} for pages in readable],
    }


class Sought(Schema):
    q: str = Field(description="证件号、电话、姓名、住址等")


@api.get("/search", operation_id="search", url_name="search", tags=["总览"], summary="搜索所有名单")
def search(request: HttpRequest, q: str) -> dict[str, Any]:
    return _found(request, without_numbers(q))


@api.post("/search", operation_id="search-numbers", tags=["总览"], summary="按证件号、电话等搜索所有名单")
def search_numbers(request: HttpRequest, sought: Sought) -> dict[str, Any]:
    return _found(request, sought.q)


def _found(request: HttpRequest, text: str) -> dict[str, Any]:
    exact, nearby = found_everywhere(request, person(request), text.strip()[:100])
    return {"found": [_group(group) for group in exact], "nearby": [_group(group) for group in nearby]}


def _group(group: dict[str, Any]) -> dict[str, Any]:
    pages = group["pages"]
    rows = [{"id": str(obj.pk), "label": str(obj), "note": note} for obj, _url, note in group["lines"]]
    return {"list": f"{pages.room}/{pages.noun}", "label": pages.heading, "rows": rows, "more": group["more"]}


def rows_of(pages: Pages) -> Callable[..., Any]:
    def rows(request: HttpRequest) -> dict[str, Any]:
        user = person(request)
        demand(pages, user, "view")
        selection = Selection(pages, request, user)
        found, following = selection.run()
        answer: dict[str, Any] = {"rows": found, "next": following}
        if selection.own.cleaned_data["count"]:
            answer["count"] = min(selection.count, COUNT_BOUND)
            answer["count_is_exact"] = not selection.is_bounded
        if found:
            key, purpose = getattr(request, "api_key", None), _purpose(request, selection)
            services.take(user=user, key=key, pages=pages, purpose=purpose, rows=len(found))
        return answer

    return rows


def _purpose(request: HttpRequest, selection: Selection) -> str:
    """Return what rows are taken for: what the key was asked for, or what a session says before it goes on."""
    key = getattr(request, "api_key", None)
    if key is not None:
        return str(key.purpose)
    told = unquote(request.headers.get(PURPOSE, "")).strip()
    if selection.cursor and len(told) < 2:
        raise Wrong({PURPOSE: "翻页取数须在请求头写明用途（UTF-8，百分号编码）。"})
    return told or "网页会话查看"


def one_of(pages: Pages) -> Callable[..., Any]:
    items = items_of(pages, [*pages.all_columns, *pages.fact_columns])

    def one(request: HttpRequest, pk: str) -> dict[str, Any]:
        demand(pages, person(request), "view")
        return row_of(record(request, pages, pk), items)

    return one


class Question(Schema):
    field: str = Field(description="哪一项号码")
    reason: str = Field(description="理由，逐次登记")


def number_of(pages: Pages) -> Callable[..., Any]:
    def number(request: HttpRequest, pk: str, question: Question) -> dict[str, Any]:
        user = person(request)
        demand(pages, user, "reveal")
        obj = record(request, pages, pk)
        if question.field not in pages.revealable():
            raise Wrong({"field": f"没有这一项；可以写：{'、'.join(pages.revealable())}。"})
        return {"value": reveal(user=user, obj=obj, field=question.field, reason=question.reason)}

    return number


def offer(pages: Pages) -> None:
    """Add a list's operations."""
    address = f"/{pages.room}/{pages.noun}"
    kit: list[tuple[str, str, Callable[..., Any], str, str]] = [
        ("GET", "", rows_of(pages), "list", pages.heading),
        ("GET", "/{pk}", one_of(pages), "get", f"一条{pages.thing}"),
    ]
    if pages.revealable():
        kit.append(("POST", "/{pk}/reveal", number_of(pages), "reveal", f"{pages.thing}：写明理由，查看完整号码"))
    for method, path, view, name, summary in kit:
        api.api_operation(
            [method],
            address + path,
            operation_id=f"{pages.key}-{name}",
            url_name=f"{pages.key}-{name}",
            summary=summary,
            tags=[pages.heading],
        )(view)


for _pages in SERVED:
    offer(_pages)


# --- rolls handed in --------------------------------------------------------------------------------------------

SOURCE, ROLL = pages_named("exchange-source"), pages_named("elders-import")


@api.post(
    "/exchange/source/{pk}/deliveries",
    operation_id="deliver",
    url_name="deliver",
    tags=["报送名册"],
    summary="报送一份名册，随即核对；导入由人在页面上决定",
)
def deliver(
    request: HttpRequest,
    pk: str,
    file: UploadedFile = File(description="名册文件：xlsx、xls、csv"),
    as_of: date | None = Form(None, description="名册日期，不写为今天"),
) -> dict[str, Any]:
    user = person(request)
    demand(ROLL, user, "create")
    source = record(request, SOURCE, pk)
    return deliveries.standing(deliveries.hand_in(source=source, file=file, as_of=as_of, user=user))


@api.get(
    "/exchange/source/{pk}/deliveries/{roll}",
    operation_id="delivery",
    url_name="delivery",
    tags=["报送名册"],
    summary="一份名册核对和导入的情况，有问题的行",
)
def delivery(request: HttpRequest, pk: str, roll: str) -> dict[str, Any]:
    demand(ROLL, person(request), "view")
    batch = record(request, ROLL, roll)
    if str(batch.source_id) != pk:
        raise Http404("这个来源没有这份名册。")
    return deliveries.standing(batch)


# --- what is told when something is wrong -----------------------------------------------------------------------

_TOLD = {
    "missing": "必填。",
    "string_type": "须是文字。",
    "json_invalid": "正文不是 JSON。",
}


@api.exception_handler(Wrong)
def wrong(request: HttpRequest, error: Wrong) -> HttpResponse:
    errors = [{"where": name, "message": message} for name, message in error.errors.items()]
    first = errors[0]
    return problem(422, "参数有误", f"{first['where']}：{first['message']}", errors=errors)


@api.exception_handler(ValidationError)
def unreadable(request: HttpRequest, error: ValidationError) -> HttpResponse:
    return wrong(request, Wrong({str(each["loc"][-1]): _TOLD.get(each["type"], "写法不对。") for each in error.errors}))


@api.exception_handler(AuthenticationError)
def stranger(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    reason = getattr(request, "api_refusal", "请在请求头写 Authorization: Bearer <密钥>，密钥在“系统 → 接口密钥”申请。")
    answer = problem(401, "没有登录", reason)
    answer["WWW-Authenticate"] = "Bearer"
    return answer


@api.exception_handler(Throttled)
def hasty(request: HttpRequest, error: Throttled) -> HttpResponse:
    return problem(429, "请求太频繁", f"请在 {error.wait or 60:.0f} 秒后再试，或一次多取几行（limit）。")


@api.exception_handler(HttpError)
def unreadable_body(request: HttpRequest, error: HttpError) -> HttpResponse:
    return problem(error.status_code, "请求有误", "系统没有看懂这个请求，请核对接口说明。")


# What pages tell is told here by the same hands, once the transaction has been undone.
@api.exception_handler(Http404)
@api.exception_handler(PermissionDenied)
@api.exception_handler(Exception)
def elsewhere(request: HttpRequest, error: Exception) -> HttpResponse:
    raise error
