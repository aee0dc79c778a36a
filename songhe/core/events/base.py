"""Facts that other rooms act on: typed, and delivered inside the transaction of the fact itself."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from django.db import connection


@dataclass(frozen=True)
class Event:
    """A fact that has just been written; subclasses carry ids and plain values, never model instances."""


E = TypeVar("E", bound=Event)
F = TypeVar("F", bound=Event)
G = TypeVar("G", bound=Event)
Subscriber = Callable[[Any], None]

_subscribers: dict[type[Event], list[Subscriber]] = {}


class OutsideTransaction(Exception):
    """An event was published where no transaction holds the fact and its consequences together."""


@overload
def subscribe(kind: type[E], /) -> Callable[[Callable[[E], None]], Callable[[E], None]]: ...
@overload
def subscribe(kind: type[E], other: type[F], /) -> Callable[[Callable[[E | F], None]], Callable[[E | F], None]]: ...
@overload
def subscribe(
    kind: type[E], other: type[F], another: type[G], /
) -> Callable[[Callable[[E | F | G], None]], Callable[[E | F | G], None]]: ...


def subscribe(*kinds: type[Event]) -> Callable[[Subscriber], Subscriber]:
    """Call the decorated function, in the publisher's transaction, for every event of these kinds."""

    def register(function: Subscriber) -> Subscriber:
        for kind in kinds:
            listeners = _subscribers.setdefault(kind, [])
            if function not in listeners:
                listeners.append(function)
        return function

    return register


def subscribers_of(kind: type[Event]) -> list[Subscriber]:
    """Return what is called for one kind of event, in order; a subscriber to a base class hears its subclasses."""
    return [function for base in kind.__mro__ for function in _subscribers.get(base, [])]


def publish(event: Event) -> None:
    """Tell every subscriber now; an exception in one of them undoes the fact too.

    Raises OutsideTransaction where no transaction is open.
    """
    if not connection.in_atomic_block:
        raise OutsideTransaction(type(event).__name__)
    for function in subscribers_of(type(event)):
        function(event)
