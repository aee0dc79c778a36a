"""The people of a scenario at their pages: signing in, opening, filling in, pressing."""

import re
from html import unescape
from typing import Any

from django.http import HttpResponse
from django.test import Client

from songhe.core.accounts.models import User

_HIDDEN = re.compile(r'<input[^>]*type="hidden"[^>]*>')
_NAME = re.compile(r'name="([^"]*)"')
_VALUE = re.compile(r'value="([^"]*)"')


class Person:
    """One demo account at a browser."""

    def __init__(self, username: str) -> None:
        self.user = User.objects.get(username=username)
        self.client = Client()
        self.client.force_login(self.user, backend="django.contrib.auth.backends.ModelBackend")

    def opens(self, url: str, status: int = 200) -> str:
        """Open a page and return its text."""
        answer = self.client.get(url, follow=True)
        assert answer.status_code == status, f"{url}: {answer.status_code}\n{_reason(answer)}"
        return answer.content.decode() if not answer.streaming else ""

    def sends(self, url: str, **data: Any) -> str:
        """Send a form as the page holds it, hidden fields and all; the page must take it. Return where it led."""
        answer = self.presses(url, **data)
        led_to = answer.headers.get("Location") or answer.headers.get("HX-Redirect", "")
        assert led_to, f"{url} 没有接受（{answer.status_code}）：{_reason(answer)}"
        return str(led_to)

    def presses(self, url: str, **data: Any) -> HttpResponse:
        """Send a form and return the answer, whatever it is."""
        page = self.client.get(url).content.decode()
        hidden = {}
        for field in _HIDDEN.findall(page):
            name, value = _NAME.search(field), _VALUE.search(field)
            if name and name.group(1) != "csrfmiddlewaretoken":
                hidden[name.group(1)] = unescape(value.group(1)) if value else ""
        return self.client.post(url, {**hidden, **data})


def _reason(answer: HttpResponse) -> str:
    text = answer.content.decode()
    found = re.findall(r'class="[^"]*(?:invalid-feedback|alert-danger|text-danger)[^"]*"[^>]*>(.*?)</', text, re.DOTALL)
    return " | ".join(re.sub(r"<[^>]+>|\s+", " ", each).strip() for each in found) or text[-800:]
