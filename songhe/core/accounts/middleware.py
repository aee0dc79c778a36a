"""Each request runs in one transaction, under the scope of the person who sent it."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pghistory
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.auth.middleware import get_user
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from songhe.core.accounts.models import User
from songhe.core.accounts.returning import is_machine, to_sign_in
from songhe.core.calendar.services import now
from songhe.core.scope.services import use

View = Callable[..., HttpResponseBase]

# Signing in and out, passwords and second factors: done by the anteroom, which reaches no elder's row.
ANTEROOM = "/accounts/"
LAST_SEEN = "last_seen"
# How exactly idling is measured, in seconds; spares a write on every request.
COARSE = 60


class RequestScopeMiddleware:
    """Run the view, and the rendering of its page, under the person's scope; an exception undoes all of it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on; outside the anteroom the work is done around the view."""
        # Itself, not Django's stand-in for it: a page asks it some hundreds of times what it may show.
        request.user = get_user(request) if isinstance(request.user, SimpleLazyObject) else request.user
        with _known(request):
            return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Run the view under the scope; nobody signed in means no scope, and so no row."""
        user = request.user
        if not isinstance(user, User) or not user.is_authenticated:
            return None
        if self._idled(request):
            logout(request)
            if is_machine(request):
                return None
            messages.info(request, "您已较长时间没有操作，为保护老年人信息已自动退出，请重新登录。")
            return to_sign_in(request)
        if request.path.startswith(ANTEROOM):
            # Left to Django, so that the sign-in library's own middleware sees its exceptions.
            return None
        if detour := self._detour(user):
            if is_machine(request):
                raise PermissionDenied("这个账号还要先在网页上登录一次，设置两步验证或更改初始密码。")
            return redirect(detour)
        with use(user.scope()):
            response = view(request, *args, **kwargs)
            if hasattr(response, "render") and callable(response.render):
                response.render()
        return response

    def _idled(self, request: HttpRequest) -> bool:
        if SESSION_KEY not in request.session:
            # Known by a key, which has its own day to end.
            return False
        seen, moment = request.session.get(LAST_SEEN), int(now().timestamp())
        if seen is not None and moment - seen > settings.SESSION_IDLE_SECONDS:
            return True
        if seen is None or moment - seen > COARSE:
            request.session[LAST_SEEN] = moment
        return False

    def _detour(self, user: User) -> str | None:
        """Return where the person must go first: to set up a second factor, or to change a password given to them."""
        if settings.STAFF_SECOND_FACTOR and user.needs_second_factor and not is_mfa_enabled(user):
            return reverse("mfa_activate_totp")
        if user.must_change_password:
            return reverse("account_change_password")
        return None


def _known(request: HttpRequest) -> AbstractContextManager[Any]:
    """Have the journal note who is at work; before anybody has signed in, nobody is."""
    user = request.user
    if not isinstance(user, User):
        return nullcontext()
    return pghistory.context(user=str(user.pk), name=user.display_name, role=user.role, path=request.path)
