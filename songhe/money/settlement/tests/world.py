"""A small city where elders have credits, a provider has contracts and visits have been verified."""

from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from itertools import count

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone

from songhe.care.orders.models import Order
from songhe.care.visits.models import Visit
from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.areas.models import Area
from songhe.core.calendar.services import at
from songhe.core.ledger import credits
from songhe.core.scope.services import use
from songhe.core.validity import from_day
from songhe.registers.catalogue.models import Category, Service
from songhe.registers.contracts import services as contracts
from songhe.registers.elders.tests.people import elder
from songhe.registers.funds import services as funds
from songhe.registers.providers.models import Provider
from songhe.registers.workforce.models import Staff
from songhe.rights.policy.models import Credit, Decision, Document, Entitlement, Policy, PolicyVersion

CITY, COUNTY, COMMUNITY = 340800000000, 340802000000, 340802097001
MONTH = date(2026, 3, 1)
NEXT = date(2026, 4, 1)
CODES = ("91340800MA2TESTA19", "91340800MA2TESTB0X", "91340800MA2TESTC07")


def _area(code, upper, name, level):
    return Area.objects.get_or_create(
        code=code, defaults={"upper": upper, "name": name, "full_name": name, "level": level, "kind": level}
    )[0]


class World:
    """Call it under the system's scope; everything is made by the services of the rooms where they matter."""

    def __init__(self, *, price_fen=5000, contract_fen=5000):
        self.numbers = count(1)
        self.city = _area(CITY, CITY + 10**8, "松市", "city")
        self.county = _area(COUNTY, COUNTY + 10**6, "松江区", "county")
        self.community = _area(COMMUNITY, COMMUNITY + 1, "松东社区", "village")
        self.price_fen = price_fen
        self.pot = funds.open_pot(
            code="t-pot",
            name="市级资金",
            source="city",
            amount=10**10,
            purposes=["居家服务"],
            document="通知",
            area=self.city,
            first=date(2026, 1, 1),
        )
        self.line = funds.open_line(
            code="t-line",
            name="居家服务预算",
            pot=self.pot,
            year=2026,
            purpose="居家服务",
            area=self.city,
            planned_fen=10**9,
            first=date(2026, 1, 1),
            last=date(2026, 12, 31),
        )
        funds.receive(pot=self.pot, amount=10**9, on=MONTH, key="t-receive")
        funds.appropriate(line=self.line, fen=10**9, on=MONTH, key="t-give")
        category = Category.objects.create(code="t-cat", name="测试类")
        self.service = Service.objects.create(code="t-s", category=category, name="助浴", unit="time", minutes=60)
        self.provider, self.staff = self.new_provider("松鹤居家", CODES[0])
        self.contract = self.sign(self.provider, "T-1", contract_fen)
        self.version = self._policy()
        self.people = {
            "clerk": self._person("t-clerk", Role.COUNTY_CLERK),
            "checker": self._person("t-checker", Role.FINANCE_CHECKER),
            "approver": self._person("t-approver", Role.FINANCE_APPROVER),
            "cashier": self._person("t-cashier", Role.CASHIER),
            "manager": self._person("t-manager", Role.PROVIDER_MANAGER, provider_id=self.provider.pk),
        }

    def _person(self, name, role, **more):
        area = None if role == Role.PROVIDER_MANAGER else self.county
        return User.objects.create(username=name, display_name=name, role=role, area=area, **more)

    def new_provider(self, name, code):
        provider = Provider.objects.create(name=name, credit_code=code, kind="company", area=self.city)
        staff = Staff.objects.create(provider=provider, area=self.community, name=f"{name}护理员", sex="female")
        return provider, staff

    def sign(self, provider, number, price_fen, area=None):
        contract = contracts.sign(
            number=number,
            name=f"合同{number}",
            provider=provider,
            area=area or self.county,
            signed_on=date(2026, 1, 1),
            first=date(2026, 1, 1),
            last=date(2026, 12, 31),
        )
        contracts.set_price(contract=contract, service=self.service, price_fen=price_fen)
        return contract

    def _policy(self):
        document = Document.objects.create(key="t-doc", title="办法", mark="unverified")
        policy = Policy.objects.create(key="t-policy", name="居家服务", area=self.city, budget_purpose="居家服务")
        return PolicyVersion.objects.create(
            policy=policy,
            number=1,
            validity=from_day(date(2026, 1, 1)),
            state=PolicyVersion.State.IN_FORCE,
            document=document,
            model_xml="<x/>",
            digest="x",
        )

    def new_credit(self, fen=20000):
        number = next(self.numbers)
        person = elder(self.community, f"测试{number}", order=2 * number)
        decision = Decision(
            elder=person,
            area=self.community,
            policy_version=self.version,
            decided_on=MONTH,
            entitled=True,
            monthly_fen=fen,
            reason="符合",
            facts={},
            trace={},
            explanation="",
        )
        decision.save(force_insert=True)
        entitlement = Entitlement.objects.create(
            elder=person,
            area=self.community,
            policy=self.version.policy,
            decision=decision,
            monthly_fen=fen,
            validity=from_day(MONTH),
        )
        credit = Credit(
            entitlement=entitlement,
            elder=person,
            area=self.community,
            month=MONTH,
            amount_fen=fen,
            budget_line=self.line,
        )
        credit.account = credits.open_credit(self.line.account, credit, on=MONTH, memo="开立额度")
        credit.save(force_insert=True)
        return credit

    def visit(self, credit, day=2, *, credit_fen=None, verified_on=None, provider=None, staff=None, hour=8):
        """Have an order of a credit served and verified on a day of March."""
        fen = self.price_fen if credit_fen is None else credit_fen
        provider, staff = provider or self.provider, staff or self.staff
        start = timezone.make_aware(datetime.combine(MONTH.replace(day=day), time(hour)))
        end = start + timedelta(hours=1)
        verified = timezone.make_aware(datetime.combine(verified_on or MONTH.replace(day=day), time(20)))
        order = Order(
            number=f"T{next(self.numbers):06d}",
            elder_id=credit.elder_id,
            area=self.community,
            service=self.service,
            source="call",
            placed_at=start,
            wanted_from=start,
            wanted_to=end,
            minutes=60,
            provider=provider,
            price_fen=self.price_fen,
            credit_fen=fen,
            own_fen=self.price_fen - fen,
            credit=credit if fen else None,
            state="closed",
        )
        order.save(force_insert=True)
        if fen:
            credits.reserve(credit.account, fen, source=order, key=f"hold:{order.pk}", on=MONTH)
            credits.settle_order(order, provider_id=provider.pk, on=MONTH)
        visit = Visit(
            order=order,
            elder_id=credit.elder_id,
            area=self.community,
            provider=provider,
            staff=staff,
            service=self.service,
            planned=DateTimeTZRange(start, end, "[)"),
            check_in_at=start,
            check_out_at=end,
            minutes=60,
            price_fen=order.price_fen,
            credit_fen=order.credit_fen,
            own_fen=order.own_fen,
            verified_at=verified,
            state="verified",
        )
        visit.save(force_insert=True)
        return visit

    @contextmanager
    def acting(self, name, on=NEXT):
        """Do something as one of the people, under their own scope, on a day."""
        with at(on), use(self.people[name].scope()):
            yield self.people[name]
