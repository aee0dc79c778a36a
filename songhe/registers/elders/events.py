"""What the elders' room tells other rooms."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from songhe.core.events.base import Event


@dataclass(frozen=True)
class ElderRegistered(Event):
    """A person was entered in the roll."""

    elder_id: UUID


@dataclass(frozen=True)
class ElderMoved(Event):
    """An elder lives in another community of the region from a day on."""

    elder_id: UUID
    from_area: int
    to_area: int
    on: date


@dataclass(frozen=True)
class ElderMovedAway(Event):
    """An elder left the region; what they are due here ends."""

    elder_id: UUID
    on: date


@dataclass(frozen=True)
class ElderReturned(Event):
    """An elder taken off the roll is on it again: came back, or the death was noted by mistake."""

    elder_id: UUID
    on: date


@dataclass(frozen=True)
class ElderDied(Event):
    """An elder died on a day; what they were due ends with it."""

    elder_id: UUID
    on: date


@dataclass(frozen=True)
class DifficultyChanged(Event):
    """A kind of difficulty was recorded for an elder or came to its end."""

    elder_id: UUID
    kind: str


@dataclass(frozen=True)
class ConsentWithdrawn(Event):
    """An elder no longer agrees to something (``purpose`` is a ``ConsentPurpose``)."""

    elder_id: UUID
    purpose: str


@dataclass(frozen=True)
class RollApplied(Event):
    """A roll was written to the register."""

    batch_id: UUID


@dataclass(frozen=True)
class RollUndone(Event):
    """A roll's writing was taken back."""

    batch_id: UUID


@dataclass(frozen=True)
class EldersMerged(Event):
    """One record of a person was taken into another; what could hang on the other now does."""

    kept_id: UUID
    dropped_id: UUID


@dataclass(frozen=True)
class EldersParted(Event):
    """A merging was taken back."""

    kept_id: UUID
    dropped_id: UUID
