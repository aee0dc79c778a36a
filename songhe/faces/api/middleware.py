"""Whoever shows a key is its account for this request: the same scope, permissions and journal as at the pages."""

from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse

from songhe.core.accounts.returning import is_machine
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
            response.headers.setdefault("Cache-Control", "no-store")
        return response
