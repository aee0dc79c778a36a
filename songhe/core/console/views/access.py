"""Who may come to a page, and finding the record it is about."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from songhe.core.accounts.models import User
from songhe.core.accounts.returning import is_part, to_sign_in
from songhe.core.console.pages import Pages

PageView = Callable[..., HttpResponseBase]


def person(request: HttpRequest) -> User:
    """Return the person signed in."""
    user = request.user
    if not isinstance(user, User):
        raise PermissionDenied("请先登录。")
    return user


def signed_in(view: PageView) -> PageView:
    """Let only signed-in people in; the others are led to signing in and back."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return to_sign_in(request)
        return view(request, *args, **kwargs)

    return guarded


def guarded(pages: Pages, view: PageView, verb: str) -> PageView:
    """Return a view for signed-in people who hold the pages' permission for a verb; it gets the pages as ``pages``."""

    @signed_in
    @wraps(view)
    def inner(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        demand(pages, person(request), verb)
        return view(request, pages=pages, **kwargs)

    return inner


def demand_permission(user: User, permission: str, what: str) -> None:
    """Raise PermissionDenied, with a sentence, unless the person holds a permission for what has no declared pages."""
    if not user.may(permission):
        raise PermissionDenied(f"“{what}”需要 {permission} 权限，您的角色是{user.get_role_display()}。")


def demand(pages: Pages, user: User, verb: str) -> None:
    """Raise PermissionDenied, with a sentence, unless the person may do this on these pages."""
    if not pages.may(user, verb):
        raise PermissionDenied(
            f"“{pages.heading}”需要 {pages.permission(verb)} 权限，您的角色是{user.get_role_display()}。"
        )


def record(request: HttpRequest, pages: Pages, pk: str) -> Any:
    """Return the record of a page, or 404: a row outside the person's scope does not exist for them."""
    rows = pages.get_object_queryset(request)
    try:
        found: Model | None = rows.filter(pk=pk).first()
    except (ValidationError, ValueError):
        found = None
    if found is None:
        raise Http404(f"没有找到这条{pages.thing}记录，或者它不在您的管辖范围内。")
    return found


def led_to(request: HttpRequest, url: str) -> HttpResponse:
    """Lead to an address after something was done, from a page or from a part of it."""
    if is_part(request):
        return HttpResponseClientRedirect(url)
    response = HttpResponse(status=303)
    response["Location"] = url
    return response


def home_url() -> str:
    """Return the address of the console's home."""
    return reverse("console:home")
