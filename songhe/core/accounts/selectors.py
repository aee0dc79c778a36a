"""Reading accounts."""

from datetime import timedelta
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from songhe.core.accounts.models import Acting, User
from songhe.core.calendar.services import now


def search_users(users: QuerySet[User], text: str) -> QuerySet[User]:
    """Narrow accounts to those whose name or sign-in name contains the text."""
    return users.filter(Q(username__icontains=text) | Q(display_name__icontains=text))


def stale_users(days: int = 90) -> QuerySet[User]:
    """Return open accounts nobody has signed in with for so many days: to be closed (GB/T 22239-2019, 8.1.4.2 c)."""
    since = now() - timedelta(days=days)
    return (
        User.objects.filter(is_active=True).annotate(seen=Coalesce("last_login", "created_at")).filter(seen__lt=since)
    )


def actings_for(elder_id: UUID) -> QuerySet[Acting]:
    """Return who may act for an elder today."""
    return Acting.objects.filter(elder_id=elder_id, ended_on__isnull=True).select_related("user")
