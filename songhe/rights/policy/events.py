"""What happens to entitlements that other rooms must know of."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from songhe.core.events.services import Event


@dataclass(frozen=True)
class Entitled(Event):
    """An elder is due a benefit from a day on."""

    entitlement_id: UUID


@dataclass(frozen=True)
class EntitlementEnded(Event):
    """An elder is no longer due a benefit after a day."""

    entitlement_id: UUID
    last_day: date
