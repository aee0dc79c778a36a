"""What happens to assessments that other rooms must know of."""

from dataclasses import dataclass
from uuid import UUID

from songhe.core.events.services import Event


@dataclass(frozen=True)
class AssessmentPublished(Event):
    """A level is in force for an elder."""

    assessment_id: UUID
    elder_id: UUID
    level: int
