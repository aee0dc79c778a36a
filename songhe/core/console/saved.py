"""Filters of a list that a person keeps under a name, for themselves or for their whole office."""

from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from songhe.core.accounts.models import User
from songhe.core.console.models import SavedFilter
from songhe.core.errors import Refused

MOST = 50


def filters_of(page: str) -> QuerySet[SavedFilter]:
    """Return a page's filters by name: whoever looks sees their own, and what colleagues of their office share."""
    return SavedFilter.objects.filter(page=page).select_related("user").order_by("name", "pk")


@transaction.atomic
def keep(*, user: User, page: str, name: str, query: str, is_shared: bool = False) -> SavedFilter:
    """Keep a list's address under a name; the person's own filter of that name is replaced.

    ``query`` is what the list's address says (``Listing.query``), in which no searched text ever is.

    Raises:
        Refused: no name, nothing narrowed, or too many kept already.
    """
    name = " ".join(name.split())
    if not name:
        raise Refused("请给这组条件起个名字。", field="name")
    if len(name) > 40:
        raise Refused("名字最多 40 个字。", field="name")
    if not query:
        raise Refused("还没有设筛选条件或排序，请先筛选再保存。", field="name")
    if len(query) > 2000:
        raise Refused("条件太多，不能保存，请减少一些。", field="name")
    mine = SavedFilter.objects.filter(user=user, page=page)
    if mine.exclude(name=name).count() >= MOST:
        raise Refused(f"每个列表最多保存 {MOST} 组条件，请先删去不用的。", field="name")
    saved, _made = mine.update_or_create(
        name=name, defaults={"query": query, "is_shared": is_shared}, create_defaults={
            "user": user, "page": page, "query": query, "is_shared": is_shared,
        },
    )  # fmt: skip
    return saved


@transaction.atomic
def forget(*, user: User, page: str, filter_id: UUID) -> None:
    """Remove one of the person's own filters; a colleague's is theirs to remove."""
    if not SavedFilter.objects.filter(pk=filter_id, user=user, page=page).delete()[0]:
        raise Refused("只能删除自己保存的筛选。")
