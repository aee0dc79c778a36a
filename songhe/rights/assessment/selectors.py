"""Reads on assessments."""

from datetime import date
from uuid import UUID

from songhe.core.validity import in_force
from songhe.rights.assessment.flow import AssessmentState
from songhe.rights.assessment.models import Assessment
from songhe.rights.assessment.scales import scale


def assessment_in_force(elder_id: UUID, day: date) -> Assessment | None:
    """Return an elder's published assessment of a day, the newest if scales differ."""
    rows = Assessment.objects.filter(in_force(day), elder_id=elder_id, state=AssessmentState.PUBLISHED)
    return rows.order_by("-published_on", "-id").first()


def needs_help_with(assessment: Assessment) -> list[str]:
    """Return the names of the items that scored half or less of what they can, in the scale's order."""
    return [
        item.name
        for item in scale(assessment.scale).items
        if (score := assessment.answers.get(item.code)) is not None and score * 2 <= item.most
    ]
