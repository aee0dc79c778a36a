"""Error pages: what happened, in Chinese, with a reference number that the log carries too.

Other systems get the same words as ``application/problem+json`` (RFC 9457).
"""

import logging
import secrets
import sys
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from songhe.core.accounts.returning import is_machine
from songhe.core.console.context import PRODUCT

logger = logging.getLogger(__name__)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say that the form is too old to accept, and that going back keeps what was typed."""
    message = "您可能在另一个窗口重新登录过，或者页面打开太久。请返回上一页刷新后再提交，已填写的内容会保留。"
    return _page(request, 403, "页面已过期", message)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Say that the request could not be read."""
    return _page(request, 400, "请求有误", "系统没有看懂这个请求，请返回上一页重试。")


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Say what the person lacks, and that it was noted."""
    message = str(exception or "") or "您的角色不能打开这个页面。"
    return _page(request, 403, "没有权限", f"{message}如工作需要，请联系安全管理员。本次访问已登记。")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Say that there is nothing here for this person."""
    told = str(exception) if exception is not None and exception.args and isinstance(exception.args[0], str) else ""
    return _page(request, 404, "没有找到", told or "这个地址没有内容，可能已经移走，或者不在您的管辖范围内。")


def server_error(request: HttpRequest) -> HttpResponse:
    """Show an unforeseen error's reference number; the log line of the same number has the rest."""
    reference = secrets.token_hex(4).upper()
    logger.error("error %s at %s", reference, request.path, exc_info=True)
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return _database_away(request, reference)
    return _page(request, 500, "系统出错", "刚才的操作没有完成，数据没有改变。请稍后再试。", reference=reference)


def _database_away(request: HttpRequest, reference: str) -> HttpResponse:
    """Say that the database does not answer, on a page that asks it nothing: no menu, no name, no session."""
    message = "数据库正忙，或正在恢复。刚才的操作没有完成，数据没有改变，请返回上一页稍后再提交，已填写的内容会保留。"
    if is_machine(request):
        answer: HttpResponse = problem(503, "请稍候再试", message, reference=reference)
    else:
        context = {"product": PRODUCT, "code": 503, "title": "请稍候再试", "message": message, "reference": reference}
        answer = HttpResponse(render_to_string("console/error.html", context), status=503)
    answer["Retry-After"] = "3"
    return answer


def problem(status: int, title: str, detail: str, **more: Any) -> JsonResponse:
    """Tell another system what was wrong; ``more`` says where, empty values are left out."""
    body = {"status": status, "title": title, "detail": detail, **{key: value for key, value in more.items() if value}}
    return JsonResponse(
        body, status=status, content_type="application/problem+json", json_dumps_params={"ensure_ascii": False}
    )


def _page(request: HttpRequest, code: int, title: str, message: str, reference: str = "") -> HttpResponse:
    if is_machine(request):
        return problem(code, title, message, reference=reference)
    context = {"code": code, "title": title, "message": message, "reference": reference}
    return render(request, "console/error.html", context, status=code)
