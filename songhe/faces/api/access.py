"""Who may ask, and how often; who they are was settled before (``middleware.py``, or a session)."""

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from ninja.errors import AuthenticationError
from ninja.security import HttpBearer, SessionAuth
from ninja.throttling import AuthRateThrottle
from ninja.utils import check_csrf


class Key(HttpBearer):
    """A key that opens, or why it does not."""

    openapi_description = "在“系统 → 接口密钥”申请的密钥"

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """Return what the throttle counts by."""
        key = getattr(request, "api_key", None)
        if key is None:
            raise AuthenticationError(message=getattr(request, "api_refusal", ""))
        return f"key {key.pk}"


class Session(SessionAuth):
    """A person signed in at the pages; what changes anything must come from one of them."""

    openapi_description = "已登录网页的浏览器会话"

    def _get_key(self, request: HttpRequest) -> str | None:
        if request.user.is_authenticated and check_csrf(request):
            raise PermissionDenied("会话请求须带 X-CSRFToken；其他系统请用密钥。")
        return request.COOKIES.get(self.param_name)

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        """Return what the throttle counts by."""
        return f"user {request.user.pk}" if request.user.is_authenticated else None


class Rate(AuthRateThrottle):
    """As many requests a minute as the installation allows a key or a person."""

    def __init__(self) -> None:
        super().__init__(settings.API_RATE)
