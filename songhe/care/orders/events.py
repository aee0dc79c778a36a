"""What happens to orders that other rooms must know of."""

from dataclasses import dataclass
from uuid import UUID

from songhe.core.events.base import Event


@dataclass(frozen=True)
class OrderPlaced(Event):
    """An order was asked for and its credit held."""

    order_id: UUID


@dataclass(frozen=True)
class OrderCancelled(Event):
    """An order will not be served; what was held is given back."""

    order_id: UUID
    reason: str


@dataclass(frozen=True)
class ComplaintMade(Event):
    """Somebody complained of an order."""

    complaint_id: UUID
