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
    life_event_id: UUID


@dataclass(frozen=True)
class ElderGone(Event):
    """An elder is off the roll from a day on; every room ends what is under way for them."""

    elder_id: UUID
    on: date
    life_event_id: UUID


@dataclass(frozen=True)
class ElderMovedAway(ElderGone):
    """An elder left the region."""


@dataclass(frozen=True)
class ElderDied(ElderGone):
    """An elder died."""


@dataclass(frozen=True)
class ElderReturned(Event):
    """An elder taken off the roll is on it again.

    ``retracted_id`` is the life event that was noted by mistake and is taken back, None for one who came back.
    """

    elder_id: UUID
    on: date
    life_event_id: UUID
    retracted_id: UUID | None = None


@dataclass(frozen=True)
class OffTheRoll(Event):
    """Every room has ended what was under way for an elder who died or left; what money is still held is free now."""

    elder_id: UUID
    on: date
    life_event_id: UUID


@dataclass(frozen=True)
class FactsChanged(Event):
    """Something happened to an elder by which other benefits may be due from a day on."""

    elder_id: UUID
    on: date
    life_event_id: UUID


@dataclass(frozen=True)
class ElderTurned(FactsChanged):
    """An elder came to a round age."""

    age: int


@dataclass(frozen=True)
class LevelChanged(FactsChanged):
    """The published ability level of an elder is another one (0–4, None where none is in force)."""

    level: int | None


@dataclass(frozen=True)
class ElderBereaved(FactsChanged):
    """An elder's husband or wife died."""


@dataclass(frozen=True)
class EnteredInstitution(FactsChanged):
    """An elder lives in an institution from a day on; care at home ends."""


@dataclass(frozen=True)
class LeftInstitution(FactsChanged):
    """An elder lives at home again from a day on."""


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
    on: date
    life_event_id: UUID


@dataclass(frozen=True)
class EldersParted(Event):
    """A merging was taken back, and with it what its event (``retracted_id``, None for an old one) had closed."""

    kept_id: UUID
    dropped_id: UUID
    on: date
    life_event_id: UUID
    retracted_id: UUID | None
