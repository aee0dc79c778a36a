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
    area: Area
    counties: list[Area] = field(default_factory=list)
    communities: dict[int, Community] = field(default_factory=dict)
    providers: list[Provider] = field(default_factory=list)
    staff: dict[UUID, list[Staff]] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    difficult: list[UUID] = field(default_factory=list)

    @property
    def short_name(self) -> str:
        """Return what the place is called in names of companies: 安庆 for 安庆市."""
        return self.area.name.removesuffix("市")

    def phone(self, number: int) -> str:
        """Return an office's telephone number of the place, given to nobody."""
        return f"{self.demo['dialling_code']}-5{number:06d}"

    def credit_code(self, number: int) -> str:
        """Return a company's unified social credit code of the place: right in its check digit, given to nobody."""
        from stdnum.cn import uscc

        body = f"91{str(self.area.code)[:6]}MA9DEM{number:03d}"
        return body + str(uscc.calc_check_digit(body))

    def months(self) -> list[date]:
        """Return the first days of the months the region has lived with Songhe, the present one last."""
        first, _next = month_of(self.today)
        found = [first]
        for _ in range(self.demo["months_of_orders"]):
            found.append(month_of(found[-1] - timedelta(days=1))[0])
        return sorted(found)
