"""What happens at visits that other rooms must know of."""

from dataclasses import dataclass
from uuid import UUID

from songhe.core.events.base import Event


@dataclass(frozen=True)
class VisitPlanned(Event):
    """A carer is to visit an elder at a time."""

    visit_id: UUID


@dataclass(frozen=True)
class VisitsPlanned(Event):
    """Carers are to make these visits, planned together."""

    visit_ids: tuple[UUID, ...]


@dataclass(frozen=True)
class VisitsMoved(Event):
    """These planned visits are other carers', or at other times."""

    visit_ids: tuple[UUID, ...]


@dataclass(frozen=True)
class VisitFinished(Event):
    """A carer has checked out."""

    visit_id: UUID


@dataclass(frozen=True)
class VisitVerified(Event):
    """A visit counts; its price is posted."""

    visit_id: UUID
