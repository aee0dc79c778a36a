"""What the flow tells other rooms."""

from dataclasses import dataclass
from uuid import UUID

from songhe.core.events.base import Event


@dataclass(frozen=True)
class Stepped(Event):
    """An object took a step; ``source`` is empty for the step that made it. ``table`` is the object's table."""

    table: str
    object_id: UUID
    step: str
    source: str
    target: str
    user_id: UUID | None
    reason: str
