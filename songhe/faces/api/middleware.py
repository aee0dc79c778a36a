"""Whoever shows a key is its account for this request: the same scope, permissions and journal as at the pages."""

from collections.abc import Callable
from http import HTTPStatus

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse

from songhe.core.accounts.returning import is_machine
from songhe.core.console.errors import problem
from songhe.core.errors import Refused
from songhe.faces.api import services


class KeyMiddleware:
    """Set the request's user from ``Authorization: Bearer <key>``; a session sent along with it does not count."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on with the key's account, or nobody, and why the key was refused."""
        scheme, _space, text = request.headers.get("Authorization", "").partition(" ")
        if is_machine(request) and scheme.lower() == "bearer":
            request.user = AnonymousUser()
            try:
                request.api_key = services.admit(text.strip())  # type: ignore[attr-defined]
            except Refused as refused:
                request.api_refusal = refused.message  # type: ignore[attr-defined]
            else:
                request.user = request.api_key.user  # type: ignore[attr-defined]
        response = self.get_response(request)
        if is_machine(request):
            if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
                allowed = response.headers["Allow"]
                response = problem(response.status_code, "方法不对", f"这个地址只接受 {allowed}。")
                response["Allow"] = allowed
            response.headers.setdefault("Cache-Control", "no-store")
        return response
