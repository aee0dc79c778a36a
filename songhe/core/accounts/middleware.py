"""Each request runs in one transaction, under the scope of the person who sent it."""

from collections.abc import Callable
from typing import Any

import pghistory
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from songhe.core.accounts.models import User
from songhe.core.scope.services import use

View = Callable[..., HttpResponseBase]


class RequestScopeMiddleware:
    """Run the view, and the rendering of its page, under the person's scope; an exception undoes all of it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on; the work is done around the view."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Run the view under the scope; nobody signed in means no scope, and so no row."""
        user = request.user
        if not isinstance(user, User) or not user.is_authenticated:
            return None
        if self._must_set_up_second_factor(request, user):
            return redirect("mfa_activate_totp")
        scope = user.scope()
        with pghistory.context(user=str(user.pk), name=user.display_name, role=user.role, path=request.path), use(scope):
            response = view(request, *args, **kwargs)
            if hasattr(response, "render") and callable(response.render):
                response.render()
        return response

    def _must_set_up_second_factor(self, request: HttpRequest, user: User) -> bool:
        if not (settings.STAFF_SECOND_FACTOR and user.needs_second_factor):
            return False
        if request.path.startswith("/accounts/"):
            return False
        from allauth.mfa.utils import is_mfa_enabled

        return not is_mfa_enabled(user)
