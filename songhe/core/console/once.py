"""A form is accepted once: a second click, a resend or a browser's back button leads to the first one's result."""

from collections.abc import Callable
from uuid import UUID

from django.db import IntegrityError, transaction
from django.http import HttpRequest

from songhe.core.accounts.models import User
from songhe.core.console.models import SentForm

FIELD = "form_token"


def once(request: HttpRequest, user: User, act: Callable[[], str]) -> str:
    """Run ``act`` in a savepoint and return the address it gives; a token seen before returns the first one's address.

    Two requests with one token at the same moment wait for each other on the token's row. Whatever ``act`` raises
    undoes the token too, so that a refused form may be corrected and sent again.
    """
    token = _token(request)
    if token is None:
        with transaction.atomic():
            return act()
    with transaction.atomic():
        try:
            with transaction.atomic():
                sent = SentForm.objects.create(token=token, user=user)
        except IntegrityError:
            return SentForm.objects.values_list("result", flat=True).get(token=token, user=user)
        result = act()
        sent.result = result
        sent.save(update_fields=["result"])
        return result


def _token(request: HttpRequest) -> UUID | None:
    try:
        return UUID(request.POST.get(FIELD, ""))
    except ValueError:
        return None
