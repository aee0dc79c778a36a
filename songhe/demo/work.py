"""What waits in a demo region today, so that everybody who signs in finds something of theirs to do.

Made by the services that people use, a few days back or today; nothing is put into a state by hand.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property

from django.db.models import QuerySet
from django.utils import timezone

from songhe.care.dispatch import services as dispatch
from songhe.care.dispatch.selectors import rank_carers, rank_providers
from songhe.care.orders import services as orders
from songhe.care.orders.flow import OrderState
from songhe.care.orders.models import Order
from songhe.care.visits import services as visits
from songhe.care.visits.services import Presence
from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.calendar.services import at, months_after
from songhe.core.scope.services import Scope, use
from songhe.demo import rolls
from songhe.demo.region import Region
from songhe.registers.catalogue.models import Service, ServicePrice
from songhe.registers.elders.models import Elder
from songhe.registers.providers import services as providers
from songhe.registers.providers.models import Licence, Provider
from songhe.rights.assessment import services as assessments
from songhe.rights.assessment.flow import AssessmentState
from songhe.rights.assessment.models import Assessment
from songhe.rights.assessment.scales import DEFAULT, scale
from songhe.rights.careplans import services as careplans
from songhe.rights.careplans.services import Item
from songhe.rights.policy import services as policy
from songhe.rights.policy.models import Entitlement

EVERY_OTHER_DAY = (1, 3, 5)


def leave(region: Region) -> None:
    """Leave open work in the street of the demo's clerks."""
    street = region.users["street"].area
    assert street is not None
    with use(Scope.system()):
        here = _Here(region, street)
        # A place whose pack has no catalogue has nothing to order or to plan.
        served = (_orders, _doubts, _plans) if _short_services().exists() else ()
        for leave_some in (_assessments, *served, _admissions):
            leave_some(here)
        rolls.come_in(street=street, clerk=here.user("street"), now=here.day(1, 10))
        with at(_stamp(region.today, 6)):
            policy.screen(area=street, on=region.today)


@dataclass
class _Here:
    """The street the demo's clerks work in, and its elders: not yet assessed, and entitled."""

    region: Region
    street: Area

    def __post_init__(self) -> None:
        inside = Elder.objects.filter(
            area__gte=self.street.code, area__lt=self.street.upper, state=Elder.State.ACTIVE
        ).order_by("id")
        self.new: Iterator[Elder] = iter(list(inside.filter(assessments=None, difficulties=None)[:20]))
        entitled = Entitlement.objects.filter(validity__contains=self.region.today).values("elder")
        self.entitled: list[Elder] = list(inside.filter(pk__in=entitled)[:20])
        own = inside.filter(pk__in=entitled, area=self.user("community").area)
        # The community's own, so that its clerk has something to do too.
        self.planned: list[Elder] = list(dict.fromkeys([*own[:3], *self.entitled[8:]]))[:3]

    @cached_property
    def service(self) -> Service:
        """Return the service ordered here: publicly priced and needing no skill, if there is one."""
        short = _short_services()
        return (
            short.filter(skills__len=0, at_home=True, prices__payer=ServicePrice.Payer.PUBLIC).order_by("code").first()
        ) or short.order_by("code")[0]

    def user(self, name: str) -> User:
        """Return one of the demo's people."""
        return self.region.users[name]

    def day(self, ago: int, hour: int = 9) -> datetime:
        """Return an hour of a day so many days ago."""
        return _stamp(self.region.today - timedelta(days=ago), hour)


def _short_services() -> QuerySet[Service]:
    return Service.objects.filter(state=Service.State.OPEN, minutes__gt=0, minutes__lte=60, carers=1)


def _assessments(here: _Here) -> None:
    """Applications, some late; two for the assessors; one to look over, one to publish; and an objection."""
    for ago in (12, 2, 1):
        _applied(here, ago)
    for ago in (9, 3):
        _assigned(here, ago)
    _assessed(here, 6)
    reviewed = _assessed(here, 8)
    if reviewed is not None:
        with at(here.day(4)):
            assessments.accept(assessment_id=reviewed.pk, user=here.user("street"))
    published = (
        Assessment.objects.filter(elder__in=here.entitled, state=AssessmentState.PUBLISHED).order_by("id").first()
    )
    if published is not None:
        with at(here.day(2)):
            assessments.object_to(
                assessment_id=published.pk, user=here.user("community"), reason="家属认为洗澡一项评得偏高。"
            )


def _applied(here: _Here, ago: int) -> Assessment | None:
    elder = next(here.new, None)
    if elder is None:
        return None
    with at(here.day(ago)):
        return assessments.apply(elder_id=elder.pk, reason="first", applicant=elder.name, user=here.user("community"))


def _assigned(here: _Here, ago: int) -> Assessment | None:
    applied = _applied(here, ago)
    if applied is None:
        return None
    with at(here.day(ago - 1)):
        return assessments.assign(
            assessment_id=applied.pk,
            assessor_1=here.user("assessor1"),
            assessor_2=here.user("assessor2"),
            planned_at=here.day(-1, 10),
            user=here.user("street"),
        )


def _assessed(here: _Here, ago: int) -> Assessment | None:
    assigned = _assigned(here, ago)
    if assigned is None:
        return None
    rules = scale(DEFAULT)
    answers = {item.code: max(0, item.most - number % 2) for number, item in enumerate(rules.items)}
    with at(here.day(ago - 2, 15)):
        return assessments.record(
            assessment_id=assigned.pk,
            user=here.user("assessor1"),
            answers=answers,
            circumstances={},
            informant=assigned.elder.name,
            informant_relation="本人",
        )


def _orders(here: _Here) -> None:
    """Orders nobody has yet, orders a provider has to give to a carer, and complaints to answer."""
    today = here.region.today
    for number, elder in enumerate(here.entitled[:5]):
        order = _order(here, elder, today + timedelta(days=1 + number % 2), 9 + number)
        if number >= 3:
            choices = rank_providers(order)
            own = next((each for each in choices if each.provider_id == here.user("provider").provider_id), None)
            if own is not None:
                with at(here.day(0, 7)):
                    dispatch.to_provider(
                        order_id=order.pk,
                        provider_id=own.provider_id,
                        user=here.user("operator"),
                        overrule_reason="" if own is choices[0] else "老人指定",
                    )
    served = Order.objects.filter(elder__in=here.entitled, state=OrderState.CLOSED).order_by("-wanted_from")
    for order, text in zip(served, ("护理员迟到半小时，没有事先说明。", "保洁后厨房没有打扫干净。"), strict=False):
        with at(here.day(1, 17)):
            orders.complain(order_id=order.pk, text=text)


def _order(here: _Here, elder: Elder, day: date, hour: int) -> Order:
    with at(_stamp(min(day - timedelta(days=1), here.region.today), 7)):
        return orders.place(
            elder_id=elder.pk,
            service_id=here.service.pk,
            wanted_from=_stamp(day, hour),
            wanted_to=_stamp(day, 18),
            source=Order.Source.CALL,
            user=here.user("operator"),
        )


def _doubts(here: _Here) -> None:
    """Visits of yesterday by the demo's carer that the rules doubt: without a place, and far too short."""
    carer, day = here.user("carer"), here.region.today - timedelta(days=1)
    if carer.provider_id is None or carer.staff_id is None:
        raise LookupError("演示账号 carer 不属于任何服务商。")
    for elder, hour in zip(here.entitled[5:] or here.entitled[-2:], (9, 13), strict=False):
        order = _order(here, elder, day, hour)
        with at(_stamp(day, 8)):
            choices = rank_providers(order)
            if not any(each.provider_id == carer.provider_id for each in choices):
                continue
            order = dispatch.to_provider(
                order_id=order.pk,
                provider_id=carer.provider_id,
                user=here.user("operator"),
                overrule_reason="" if choices[0].provider_id == carer.provider_id else "老人指定",
            )
            carers = rank_carers(order)
            free = next((each for each in carers if each.staff_id == carer.staff_id and each.able), None)
            if free is None or free.start is None:
                continue
            visit = dispatch.to_carer(
                order_id=order.pk,
                staff_id=free.staff_id,
                start=free.start,
                user=here.user("operator"),
                overrule_reason="" if free is carers[0] else "老人指定",
            )
        for moment, act in _short(free.start):
            with at(moment):
                act(visit_id=visit.pk, user=carer, presence=Presence(at=moment))
        with at(free.start + timedelta(minutes=20)):
            visits.examine(visit_id=visit.pk)


def _short(start: datetime) -> list[tuple[datetime, Callable[..., object]]]:
    return [(start, visits.check_in), (start + timedelta(minutes=12), visits.check_out)]


def _plans(here: _Here) -> None:
    """A care plan that is drawn up, one that the family has in hand, and one to be looked at again today."""
    today, adviser = here.region.today, here.user("adviser")
    for number, elder in enumerate(here.planned):
        first = today - timedelta(days=90 if number == 2 else -3)
        with at(_stamp(min(first, today), 10)):
            plan = careplans.draw_up(
                elder_id=elder.pk,
                adviser=adviser,
                goals="协助起居，居家整洁，每周有人上门看望。",
                first=first,
                last=months_after(first, 6),
                review_on=today if number == 2 else months_after(first, 3),
                items=[Item(service_id=here.service.pk, weekdays=EVERY_OTHER_DAY, at=time(15))],
            )
            if number == 1:
                careplans.propose(plan_id=plan.pk, user=adviser)
            elif number == 2:
                careplans.agree(plan_id=plan.pk, agreed_by="本人", user=adviser)


def _admissions(here: _Here) -> None:
    """A company that wants to be let in and has handed in its papers."""
    county = here.region.counties[0]
    with at(here.day(4)):
        provider = providers.register(
            name=f"{here.region.short_name}夕阳红养老服务有限公司",
            credit_code=here.region.credit_code(100),
            kind=Provider.Kind.COMPANY,
            area=county,
            contact="演示联系人",
            phone=here.region.phone(900_001),
        )
        providers.add_licence(
            provider=provider,
            kind=Licence.Kind.BUSINESS,
            number=provider.credit_code,
            issuer="示例登记机关",
            first=here.region.today - timedelta(days=700),
        )
        providers.apply_for_admission(
            provider=provider, area=county, services="日常保洁、助浴", user=here.user("county")
        )


def _stamp(day: date, hour: int) -> datetime:
    return timezone.make_aware(datetime.combine(day, time(hour)))
