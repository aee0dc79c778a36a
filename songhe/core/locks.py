"""Locks taken for what becomes scarcer, in one order, with a time-out and a sentence for people."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import OperationalError, connection, models
from psycopg import errors

from songhe.core.errors import Busy, Changed

M = TypeVar("M", bound=models.Model)


@contextmanager
def patience(milliseconds: int = 3000) -> Iterator[None]:
    """Wait at most this long for any lock in the block; past it raise Busy, which rolls the action back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{milliseconds}ms"])
    try:
        yield
    except OperationalError as error:
        if isinstance(error.__cause__, errors.LockNotAvailable | errors.DeadlockDetected):
            raise Busy from error
        raise


def lock_key(key: str) -> None:
    """Let one transaction at a time go on with a key of the caller's choosing; held until the transaction ends.

    For what is to happen once and has no row yet to lock; the key begins with what it is about ("order:…").
    """
    with patience(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])


def locked(queryset: models.QuerySet[M], *, version: int | None = None) -> M:
    """Return the queryset's one row, locked until the transaction ends; Changed if its version is not the one read."""
    with patience():
        row = queryset.select_for_update(of=("self",)).get()
    if version is not None and version != getattr(row, "version", None):
        raise Changed
    return row
