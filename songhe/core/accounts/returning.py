"""Leading people to sign in, and back to where they were; other systems are told instead."""

from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect

HOME = "/"
# Here other systems ask: nobody reads pages there, or can be led anywhere.
MACHINES = "/api/v1/"


def is_part(request: HttpRequest) -> bool:
    """Tell whether htmx asks for a part of a page."""
    htmx = getattr(request, "htmx", None)
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request  # type: ignore[union-attr]


def is_machine(request: HttpRequest) -> bool:
    """Tell whether another system asks."""
    return request.path.startswith(MACHINES)


def to_sign_in(request: HttpRequest) -> HttpResponseBase:
    """Lead to signing in and back to the page the person saw: after a form was sent, to the page that held it."""
    if is_part(request):
        seen = request.htmx.current_url_abs_path or HOME  # type: ignore[attr-defined]
        return HttpResponseClientRedirect(redirect_to_login(seen).url)
    return redirect_to_login(request.get_full_path() if request.method in ("GET", "HEAD") else _sent_from(request))


def _sent_from(request: HttpRequest) -> str:
    """Return the page of ours that a form was sent from; an address that takes forms only shows no page."""
    page = request.headers.get("Referer", "")
    here = {request.get_host()}
    if not page or not url_has_allowed_host_and_scheme(page, allowed_hosts=here, require_https=request.is_secure()):
        return HOME
    parts = urlsplit(page)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
