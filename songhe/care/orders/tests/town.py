"""Anqing as its pack leaves it, with an elder on a credit and a provider at the door."""

from datetime import datetime, time, timedelta

from django.utils import timezone

from songhe.care.orders import services as orders
from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.validity import from_day
from songhe.registers.catalogue.models import ProviderService, Service
from songhe.registers.elders.services import disclose, record_difficulty
from songhe.registers.elders.tests.people import elder
from songhe.registers.funds import services as funds
from songhe.registers.funds.models import BudgetLine
from songhe.registers.providers.models import Provider, ProviderArea
from songhe.registers.workforce.models import Staff
from songhe.rights.policy import services as policies
from songhe.rights.policy.models import Policy

COUNTIES = (340802000000, 340803000000)


class Town:
    """Call it under the system's scope."""

    def __init__(self):
        self.city = Area.objects.get(code=340800000000)
        self.here, self.there = (
            Area.objects.filter(parent__parent__code=county, level="village").order_by("code")[0] for county in COUNTIES
        )
        self.policy = Policy.objects.get(key="aq-safety-net-services")
        self.line = BudgetLine.objects.get(code="aq-2026-services-city")
        funds.receive(pot=self.line.pot, amount=10**8, on=today().replace(month=1, day=5), key="t-receive")
        funds.appropriate(line=self.line, fen=10**8, on=today().replace(month=1, day=5), key="t-give")
        self.service = Service.objects.get(name="日常保洁")
        self.provider = Provider.objects.create(
            name="松鹤居家", credit_code="91340800MA2TESTA19", kind="company", area=self.city
        )
        ProviderArea.objects.create(provider=self.provider, area=self.city, validity=from_day(today()))
        ProviderService.objects.create(
            provider=self.provider, service=self.service, price_fen=4000, validity=from_day(today())
        )
        self.staff = Staff.objects.create(provider=self.provider, area=self.here, name="护理员甲", sex="female")
        self.people = {
            role: User.objects.create(username=f"t-{role}", display_name=role, role=role, **where)
            for role, where in (
                (Role.COMMUNITY_CLERK, {"area": self.here}),
                (Role.STREET_CLERK, {"area": Area.objects.get(code=self.here.parent_id)}),
                (Role.COUNTY_CLERK, {"area": Area.objects.get(code=COUNTIES[0])}),
                (Role.PROVIDER_MANAGER, {"provider_id": self.provider.pk}),
                (Role.CARER, {"provider_id": self.provider.pk, "staff_id": self.staff.pk}),
            )
        }
        self.elders = 0

    def poor(self):
        """An elder on the minimum living allowance, with this month's credit open."""
        self.elders += 1
        person = elder(self.here, f"低保{self.elders}", order=2 * self.elders, registered_area=self.here)
        record_difficulty(elder_id=person.pk, kind="minimum_living", first=today() - timedelta(days=400))
        person.refresh_from_db()
        decision = policies.decide(elder_id=person.pk, policy=self.policy, on=today(), user=None)
        self.credit = policies.open_credit(entitlement=decision.entitlement, month=today())
        return person

    def order(self, person, *, hour=10, day=None, **more):
        """Ask for the cleaning at an hour of a day (today, unless told)."""
        wanted = timezone.make_aware(datetime.combine(day or today(), time(hour)))
        more.setdefault("user", None)
        return orders.place(elder_id=person.pk, service_id=self.service.pk, wanted_from=wanted, source="call", **more)

    def tell_provider(self, person):
        """Let the provider know the elder."""
        disclose(elder_id=person.pk, provider_id=self.provider.pk, purpose="提供上门服务", basis="测试")
