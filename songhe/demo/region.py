"""What has been made of a demo region so far, as its next steps need it."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import UUID

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.calendar.services import month_of
from songhe.demo.geo import Community
from songhe.registers.providers.models import Provider
from songhe.registers.workforce.models import Staff


@dataclass
class Region:
    """A demo region on its way."""

    random: Random
    demo: dict[str, Any]
    today: date
    counties: list[Area] = field(default_factory=list)
    communities: dict[int, Community] = field(default_factory=dict)
    providers: list[Provider] = field(default_factory=list)
    staff: dict[UUID, list[Staff]] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    difficult: list[UUID] = field(default_factory=list)

    def months(self) -> list[date]:
        """Return the first days of the months the region has lived with Songhe, the present one last."""
        first, _next = month_of(self.today)
        found = [first]
        for _ in range(self.demo["months_of_orders"]):
            found.append(month_of(found[-1] - timedelta(days=1))[0])
        return sorted(found)
