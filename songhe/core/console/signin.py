"""Signing in to the demonstration with one click; a real region has no such door."""

from itertools import groupby
from uuid import UUID

from django.conf import settings
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.scope.services import Scope, use

SHOWN_PER_ROLE = 3
_ORDER = {role: number for number, role in enumerate(Role.values)}


def demo_accounts() -> list[tuple[str, list[User]]]:
    """Return the demonstration's accounts by role, a few of each; none outside the demonstration."""
    if not settings.DEMO:
        return []
    # Nobody has a scope before signing in, and the names of their divisions lie behind one.
    with use(Scope.system()):
        users = list(User.objects.filter(is_demo=True, is_active=True).select_related("area"))
    rows = sorted(users, key=lambda user: (_ORDER.get(user.role, 99), user.username))
    groups = groupby(rows, key=lambda user: user.role)
    return [(str(Role(role).label), list(members)[:SHOWN_PER_ROLE]) for role, members in groups]


@require_POST
def demo_sign_in(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Sign in as one of the demonstration's people; 404 anywhere else and for anybody else."""
    if not settings.DEMO:
        raise Http404("这里不是演示环境。")
    user = get_object_or_404(User, pk=pk, is_demo=True, is_active=True)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return redirect(target if safe else settings.LOGIN_REDIRECT_URL)
