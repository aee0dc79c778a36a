"""Reads on the ledger: what accounts hold and what happened to them."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet, Sum

from songhe.core.ledger.models import Account, Entry, Posting
from songhe.core.scope.services import Scope, use

AccountRef = Account | UUID


def account_id(account: AccountRef) -> UUID:
    """Return an account's id, given the account or its id."""
    return account.pk if isinstance(account, Account) else account


def balance(account: AccountRef) -> int:
    """Return one account's balance in its minor unit."""
    return balances([account])[account_id(account)]


def balances(accounts: Iterable[AccountRef]) -> dict[UUID, int]:
    """Return the balance of each account by its id, in one query; whoever holds the account may know its balance."""
    ids = [account_id(account) for account in accounts]
    with use(Scope.system()):
        rows = Posting.objects.filter(account_id__in=ids).order_by().values("account_id").annotate(total=Sum("amount"))
        found = {row["account_id"]: int(row["total"]) for row in rows}
    return {pk: found.get(pk, 0) for pk in ids}


def held_by(source_id: UUID, kind: str) -> dict[UUID, int]:
    """Return what one business object has on each account of a kind, by account id; accounts at zero are left out."""
    with use(Scope.system()):
        rows = (
            Posting.objects.filter(entry__source_id=source_id, account__kind=kind)
            .order_by("account_id")
            .values("account_id")
            .annotate(total=Sum("amount"))
        )
        return {row["account_id"]: int(row["total"]) for row in rows if row["total"]}


def entries_of(account: AccountRef) -> QuerySet[Posting]:
    """Return an account's lines with their entries, newest first."""
    return (
        Posting.objects.filter(account_id=account_id(account))
        .select_related("entry", "entry__user")
        .order_by("-entry__on", "-id")
    )


def entries_from(source_id: UUID) -> QuerySet[Entry]:
    """Return the entries behind one business object with their lines, oldest first."""
    return Entry.objects.filter(source_id=source_id).prefetch_related("postings__account").order_by("id")
