"""Error pages: what happened, in Chinese, with a reference number that the log carries too."""

import logging
import secrets

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

logger = logging.getLogger(__name__)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say that the form is too old to accept, and that going back keeps what was typed."""
    return render(request, "console/error.html", {"code": 403, "title": "页面已过期"}, status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """Show an unforeseen error's reference number; the log line of the same number has the rest."""
    reference = secrets.token_hex(4).upper()
    logger.error("error %s at %s", reference, request.path, exc_info=True)
    return render(request, "console/error.html", {"code": 500, "title": "系统出错", "reference": reference}, status=500)
