"""What happens at settlement that other rooms must know of."""

from dataclasses import dataclass
from uuid import UUID

from songhe.core.events.base import Event


@dataclass(frozen=True)
class StatementApproved(Event):
    """A statement's sums are payable."""

    statement_id: UUID
