"""Noting in the journal what left the system, and what was refused."""

from django.http import HttpRequest

from songhe.core.accounts.models import User
from songhe.core.console.pages import Pages
from songhe.core.journal.models import Access
from songhe.core.journal.services import note_access


def note_export(*, user: User, pages: Pages, rows: int, reason: str, subject: str) -> None:
    """Note that a person took rows out, how many and why; in the transaction of the export itself."""
    table = pages.model._meta.db_table
    note_access(user=user, act=Access.Act.EXPORT, table=table, rows=rows, reason=reason, subject=subject)


def note_denied(*, user: User, request: HttpRequest, reason: str) -> None:
    """Note that a person was refused a page; the address without its query, which may hold what was filtered by."""
    note_access(
        user=user,
        act=Access.Act.DENIED,
        table="",
        rows=0,
        reason=reason or "没有权限",
        subject=request.path,
    )
