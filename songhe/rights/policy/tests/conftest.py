import pytest

from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.registers.elders.services import record_difficulty, record_level
from songhe.registers.elders.tests.people import elder
from songhe.registers.funds import services as funds
from songhe.registers.funds.models import BudgetLine
from songhe.rights.policy.models import Policy


class Anqing:
    """Anqing with money on its budget lines, two policy officers, and as many elders as a test asks for."""

    def __init__(self):
        self.city = Area.objects.get(code=340800000000)
        self.community = Area.objects.filter(parent__parent__code=340802000000, level="village").order_by("code")[0]
        self.policy = Policy.objects.get(key="aq-safety-net-services")
        self.line = BudgetLine.objects.get(code="aq-2026-services-city")
        funds.receive(pot=self.line.pot, amount=10**8, on=today().replace(month=1, day=5), key="t-receive")
        funds.appropriate(line=self.line, fen=10**8, on=today().replace(month=1, day=5), key="t-give")
        self.drafter, self.approver = (
            User.objects.create(username=f"t-{name}", display_name=name, role=Role.POLICY_OFFICER, area=self.city)
            for name in ("起草", "批准")
        )
        self.made = 0

    def poor(self, kind="minimum_living", level=None):
        self.made += 1
        person = elder(self.community, f"困难{self.made}", order=2 * self.made, registered_area=self.community)
        if kind:
            record_difficulty(elder_id=person.pk, kind=kind, first=today().replace(year=today().year - 1))
        if level is not None:
            record_level(elder_id=person.pk, level=level, on=today().replace(year=today().year - 1))
        person.refresh_from_db()
        return person


@pytest.fixture
def anqing_city(system):
    return Anqing()
