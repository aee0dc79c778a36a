"""Around every request: what services refuse becomes a page with a sentence; what a person may not do is noted."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from songhe.core.accounts.middleware import RequestScopeMiddleware, View
from songhe.core.accounts.models import User
from songhe.core.accounts.returning import is_machine
from songhe.core.console.errors import problem
from songhe.core.console.notes import note_denied
from songhe.core.errors import Busy, Refused

# Scripts and styles come from this server only; charts and maps set styles on elements, maps work in a worker.
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; media-src 'self' blob:; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)


class PageMiddleware(RequestScopeMiddleware):
    """Run the view in one transaction under the person's scope; a refusal undoes it and is shown in words."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        super().__init__(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on and close the page to foreign scripts."""
        response = super().__call__(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("Permissions-Policy", "geolocation=(self), camera=(self), microphone=()")
        return response

    def process_view(
        self, request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Run the view; by the time a refusal is shown the transaction has been undone."""
        try:
            return super().process_view(request, view, args, kwargs)
        except Refused as error:
            return refused(request, error)
        except PermissionDenied as error:
            self._note(request, str(error))
            raise

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Show a refusal to people who are not signed in."""
        return refused(request, exception) if isinstance(exception, Refused) else None

    def _note(self, request: HttpRequest, reason: str) -> None:
        if isinstance(request.user, User):
            try:
                note_denied(user=request.user, request=request, reason=reason)
            except (DatabaseError, InterfaceError) as error:
                # The refusal stands even when it cannot be written down; the log has it.
                raise PermissionDenied(reason) from error


def refused(request: HttpRequest, error: Refused) -> HttpResponse:
    """Show why something was not done: 409, or 503 with a time to try again when somebody else holds the row."""
    busy = isinstance(error, Busy)
    if is_machine(request):
        return _told(error, busy=busy)
    context = {
        "code": 503 if busy else 409,
        "title": "请稍候再试" if busy else "没有办成",
        "message": error.message,
        "retry": busy,
    }
    part = bool(getattr(request, "htmx", False))
    response = render(request, "console/parts/refused.html" if part else "console/error.html", context)
    response.status_code = 409 if part else int(str(context["code"]))
    if busy:
        response["Retry-After"] = "3"
    return response


def _told(error: Refused, *, busy: bool) -> HttpResponse:
    """Tell another system: 422 where one thing that it sent is wrong."""
    if busy:
        answer = problem(503, "请稍候再试", error.message)
        answer["Retry-After"] = "3"
        return answer
    wrong = [{"where": error.field, "message": error.message}] if error.field else None
    return problem(422 if wrong else 409, "没有办成", error.message, errors=wrong)
