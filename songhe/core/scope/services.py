"""Taking a scope for a transaction: the only way to any row of Songhe.

``with use(Scope.area_of(code)): …`` opens a transaction (or joins the open one), takes the database role of that kind
of scope and sets its values; PostgreSQL then decides what is seen. Leaving the block gives the former scope back.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from uuid import UUID

from django.db import connection, transaction

from songhe.core.scope.roles import Kind


@dataclass(frozen=True)
class Scope:
    """What one person or job may see: a kind, and the area range, provider or elders that bound it.

    ``account`` is who looks, where somebody does: some rows are a person's own.
    """

    kind: Kind
    area_lo: int = 0
    area_hi: int = 0
    provider: UUID | None = None
    persons: tuple[UUID, ...] = field(default=())
    # Not shown: an export keeps this text to tell whether its owner still sees the same rows.
    account: UUID | None = field(default=None, repr=False)

    @classmethod
    def system(cls) -> "Scope":
        """Return the scope of set-up and background jobs: every row."""
        return cls("system")

    @classmethod
    def area(cls, lo: int, hi: int, *, read_only: bool = False) -> "Scope":
        """Return the scope of staff responsible for the half-open range of division codes [lo, hi)."""
        return cls("inspect" if read_only else "area", area_lo=lo, area_hi=hi)

    @classmethod
    def of_provider(cls, provider: UUID) -> "Scope":
        """Return the scope of one provider's people."""
        return cls("provider", provider=provider)

    @classmethod
    def of_persons(cls, persons: Iterable[UUID]) -> "Scope":
        """Return the scope of an elder or family: the elders they may act for."""
        return cls("person", persons=tuple(persons))

    def seen_by(self, account: UUID) -> "Scope":
        """Return the same scope with who looks: it also reaches what is the account's own."""
        return replace(self, account=account)

    @property
    def role(self) -> str:
        """The database role that carries this kind of scope."""
        return f"songhe_{self.kind}"


_current: ContextVar[Scope | None] = ContextVar("songhe_scope", default=None)

_TAKE = """
SELECT set_config('role', %s, true), set_config('songhe.area_lo', %s, true), set_config('songhe.area_hi', %s, true),
       set_config('songhe.provider', %s, true), set_config('songhe.persons', %s, true),
       set_config('songhe.account', %s, true)
"""


def current() -> Scope | None:
    """Return the scope in force in this thread, if any."""
    return _current.get()


@contextmanager
def use(scope: Scope) -> Iterator[Scope]:
    """Run a block in one transaction under a scope; the outer scope is in force again after it."""
    before = _current.get()
    token = _current.set(scope)
    try:
        with transaction.atomic():
            _take(scope)
            yield scope
            # A rollback gives the former scope back by itself: settings are local to the transaction or savepoint.
            if not connection.needs_rollback:
                _take(before)
    finally:
        _current.reset(token)


def _take(scope: Scope | None) -> None:
    values: list[str]
    if scope is None:
        values = ["none", "0", "0", "", "", ""]
    else:
        persons = ",".join(str(person) for person in scope.persons)
        provider, account = str(scope.provider or ""), str(scope.account or "")
        values = [scope.role, str(scope.area_lo), str(scope.area_hi), provider, persons, account]
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, values)
