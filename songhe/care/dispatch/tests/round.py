"""A provider with three carers and elders a few streets apart, for the tests of dispatch."""

from datetime import datetime, time, timedelta

from django.utils import timezone

from songhe.care.dispatch import services
from songhe.care.dispatch.models import DayPlan
from songhe.care.orders.tests.town import Town
from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.calendar.services import today
from songhe.core.flow import services as flow
from songhe.core.validity import from_day
from songhe.engines.dispatch.solver import Budget
from songhe.registers.elders.models import Elder
from songhe.registers.workforce.models import Shift, Skill, Staff, StaffSkill

# About 700 m of street north, and as much east, for one step.
STEP = 0.005
NEAR = (30.54, 117.05)


class Round(Town):
    """Call it under the system's scope."""

    def __init__(self, carers=3):
        super().__init__()
        self.manager = self.people[Role.PROVIDER_MANAGER]
        self.carers = [self.staff, *(self.hired(f"护理员{name}") for name in "乙丙丁戊"[: carers - 1])]
        for number, carer in enumerate(self.carers):
            carer.latitude, carer.longitude = NEAR[0] + STEP * number, NEAR[1]
            carer.save()
            self.on_duty(carer)
            self.skilled(carer, "clean")

    def hired(self, name):
        return Staff.objects.create(provider=self.provider, area=self.here, name=name, sex="female")

    def on_duty(self, carer, start=8, end=18, day=None):
        day = day or today()
        Shift.objects.create(staff=carer, during=(self.moment(start, day=day), self.moment(end, day=day)))

    def skilled(self, carer, code):
        skill = Skill.objects.get(code=code)
        StaffSkill.objects.create(staff=carer, skill=skill, validity=from_day(today() - timedelta(days=9)))

    def moment(self, hour, minute=0, day=None):
        return timezone.make_aware(datetime.combine(day or today(), time(hour, minute)))

    def given(self, hour=10, step=(0, 0), person=None, **more):
        """An order at an hour that the provider has taken, of an elder so many steps from the middle."""
        person = person or self.poor()
        Elder.objects.filter(pk=person.pk).update(latitude=NEAR[0] + STEP * step[0], longitude=NEAR[1] + STEP * step[1])
        order = self.order(person, hour=hour, **more)
        order.provider = self.provider
        order.save()
        self.tell_provider(person)
        return flow.fire(order, "dispatch", user=None)

    def plan(self, kind=DayPlan.Kind.ADD, day=None):
        return services.make_plan(provider=self.provider, day=day or today(), kind=kind, user=self.manager)

    def plan_of(self, carer, *hours):
        """Publish a plan in which a carer goes to an elder at the middle at each hour."""
        orders = [self.given(hour=hour) for hour in hours]
        plan = self.plan()
        for order, hour in zip(orders, hours, strict=True):
            services.move(plan_id=plan.pk, order_id=order.pk, staff_id=carer.pk, start=hour * 60, user=self.manager)
        services.publish(plan_id=plan.pk, user=self.manager)
        return orders

    def compute(self, plan, moves=2000):
        run = services.ask_run(plan_id=plan.pk, user=self.manager)
        services.run(run_id=run.pk, budget=Budget(moves=moves))
        run.refresh_from_db()
        plan.refresh_from_db()
        return run

    def manager_of_another(self):
        other = type(self.provider).objects.create(
            name="别家", credit_code="91340800MA2TESTB24", kind="company", area=self.city
        )
        return User.objects.create(
            username="t-other", display_name="别家经理", role=Role.PROVIDER_MANAGER, provider_id=other.pk
        )
