"""What every page's frame shows: the menu and what waits for the person; worked out only if the page draws a frame."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from songhe.core.accounts.models import User
from songhe.core.console.menu import menu_html
from songhe.core.flow.services import overdue, todos
from songhe.core.scope.services import current

PRODUCT = "松鹤"
BADGE = 99


def page_frame(request: HttpRequest) -> dict[str, Any]:
    """Give templates the product's name, the menu and the number of to-dos."""
    user = getattr(request, "user", None)
    frame: dict[str, Any] = {"product": PRODUCT, "demo": settings.DEMO}
    if isinstance(user, User):
        frame["menu"] = lambda: menu_html(user, request.path)
        frame["waiting"] = SimpleLazyObject(lambda: _waiting(user))
    return frame


def _waiting(user: User) -> dict[str, Any]:
    """Count to-dos no further than a badge can show; an error page outside any scope counts none."""
    if current() is None:
        return {"count": 0, "text": "", "overdue": False}
    count = todos(user).order_by()[: BADGE + 1].count()
    late = bool(count) and overdue(user).order_by().exists()
    return {"count": count, "text": f"{BADGE}+" if count > BADGE else str(count), "overdue": late}
