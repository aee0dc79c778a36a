"""What an elder or their family sees: what is due, who comes when, what was done."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from songhe.core.calendar.services import now
from songhe.core.console.views.access import person, signed_in
from songhe.faces.family import selectors


@signed_in
def home(request: HttpRequest) -> HttpResponse:
    """Show each elder the person acts for."""
    user = person(request)
    if not user.may("family.use"):
        raise PermissionDenied
    return render(request, "family/home.html", {"cared_for": selectors.cared_for(user), "now": now()})
