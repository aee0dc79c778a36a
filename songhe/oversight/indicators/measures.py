"""What can be counted: each measure is a question to the records of one area and period, and says where its rows are.

An indicator of a place is data (``indicators.csv``): a numerator and a denominator by name, a factor and a target.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from songhe.care.orders.models import Complaint, Order
from songhe.care.outreach.models import Charge
from songhe.care.outreach.selectors import in_month, seen_in
from songhe.care.visits.flow import VisitState
from songhe.care.visits.models import Doubt, Visit
from songhe.core.areas.models import Area
from songhe.core.validity import in_force
from songhe.registers.elders.models import Difficulty, Elder
from songhe.registers.facilities.models import Facility
from songhe.registers.providers.models import Provider
from songhe.registers.workforce.models import Staff
from songhe.rights.policy.models import Credit, Entitlement


@dataclass(frozen=True)
class Period:
    """A half-open range of days [first, next_first)."""

    first: date
    next_first: date


@dataclass(frozen=True)
class Measure:
    """Something counted or summed: ``rows`` gives the records behind the figure, ``of`` turns them into it.

    ``pages`` is the key of the console pages that list the rows, ``query`` their filter, where ``{first}`` and
    ``{last}`` stand for the period's days.
    """

    key: str
    name: str
    unit: str
    rows: Callable[[Area, Period], QuerySet[Any]]
    of: Callable[[QuerySet[Any]], int] = lambda rows: rows.count()
    pages: str = ""
    query: str = ""

    def filter_for(self, period: Period) -> str:
        """Return the query string that narrows the pages to the rows of a period."""
        return self.query.format(first=period.first, last=period.next_first - timedelta(days=1))

    def value(self, area: Area, period: Period) -> int:
        """Return the figure for an area's subtree and a period; money is in fen."""
        return self.of(self.rows(area, period))


def _within(area: Area, path: str = "area") -> Q:
    return Q(**{f"{path}_id__gte": area.code, f"{path}_id__lt": area.upper})


def _total(column: str) -> Callable[[QuerySet[Any]], int]:
    return lambda rows: rows.aggregate(total=Sum(column))["total"] or 0


def _active(area: Area, period: Period) -> QuerySet[Elder]:
    return Elder.objects.filter(_within(area), state=Elder.State.ACTIVE)


def _people(path: str) -> Callable[[QuerySet[Any]], int]:
    return lambda rows: rows.values(path).distinct().count()


def _between(column: str, period: Period) -> Q:
    # Moments, not their dates: those are what indexes hold.
    first, end = (timezone.make_aware(datetime.combine(day, time())) for day in (period.first, period.next_first))
    return Q(**{f"{column}__gte": first, f"{column}__lt": end})


def _to_see(area: Area, period: Period) -> QuerySet[Charge]:
    return in_month(period.first, period.next_first).filter(_within(area))


def _communities(area: Area, period: Period) -> QuerySet[Area]:
    return Area.objects.filter(
        code__gte=area.code, code__lt=area.upper, level=Area.Level.VILLAGE, kind="community", statistical_only=False
    )


_ALL = [
    Measure("elders", "在册老年人", "人", _active, pages="elders-elder", query="state=active"),
    Measure(
        "elders_in_difficulty",
        "困难老年人",
        "人",
        lambda area, period: Difficulty.objects.filter(_within(area), in_force(period.first)),
        of=_people("elder_id"),
        pages="elders-elder",
        query="difficulty=any",
    ),
    Measure(
        "elders_disabled",
        "中度及以上失能",
        "人",
        lambda area, period: _active(area, period).filter(ability_level__gte=2),
        pages="elders-elder",
        query="ability_level=2",
    ),
    Measure(
        "elders_alone",
        "独居老人",
        "人",
        lambda area, period: _active(area, period).filter(living_situation=Elder.Living.ALONE),
        pages="elders-elder",
        query="living_situation=alone",
    ),
    Measure(
        "elders_assessed",
        "已评估老年人",
        "人",
        lambda area, period: _active(area, period).filter(ability_level__isnull=False),
        pages="elders-elder",
    ),
    Measure(
        "entitled",
        "享受待遇人数",
        "人",
        lambda area, period: Entitlement.objects.filter(_within(area), in_force(period.first)),
        of=_people("elder_id"),
        pages="policy-entitlement",
        query="validity={first}",
    ),
    Measure(
        "credit_fen",
        "开立额度",
        "分",
        lambda area, period: Credit.objects.filter(_within(area), month__gte=period.first, month__lt=period.next_first),
        of=_total("amount_fen"),
        pages="policy-credit",
    ),
    Measure(
        "orders",
        "服务订单",
        "单",
        lambda area, period: Order.objects.filter(_within(area), _between("placed_at", period)),
        pages="orders-order",
        query="placed_at_min={first}&placed_at_max={last}",
    ),
    Measure(
        "visits_verified",
        "已核验服务",
        "人次",
        lambda area, period: Visit.objects.filter(
            _within(area), _between("verified_at", period), state=VisitState.VERIFIED
        ),
        pages="visits-visit",
        query="state=verified&verified_at_min={first}&verified_at_max={last}",
    ),
    Measure(
        "served",
        "接受服务的老人",
        "人",
        lambda area, period: Visit.objects.filter(
            _within(area), _between("verified_at", period), state=VisitState.VERIFIED
        ),
        of=_people("elder_id"),
        pages="visits-visit",
        query="state=verified&verified_at_min={first}&verified_at_max={last}",
    ),
    Measure(
        "spent_fen",
        "财政支付服务费",
        "分",
        lambda area, period: Visit.objects.filter(
            _within(area), _between("verified_at", period), state=VisitState.VERIFIED
        ),
        of=_total("credit_fen"),
        pages="visits-visit",
        query="state=verified&verified_at_min={first}&verified_at_max={last}",
    ),
    Measure(
        "doubts_open",
        "存疑待判",
        "件",
        lambda area, period: Doubt.objects.filter(_within(area), upheld__isnull=True),
        pages="visits-visit",
        query="state=doubtful",
    ),
    Measure(
        "complaints_open",
        "未答复投诉",
        "件",
        lambda area, period: Complaint.objects.filter(_within(area), state=Complaint.State.OPEN),
        pages="orders-complaint",
        query="state=open",
    ),
    Measure(
        "care_due",
        "须探访老人",
        "人",
        _to_see,
        of=_people("elder_id"),
        pages="outreach-charge",
    ),
    Measure(
        "care_seen",
        "已探访老人",
        "人",
        lambda area, period: seen_in(_to_see(area, period), period.first, period.next_first),
        of=_people("elder_id"),
        pages="outreach-call",
        query="state=done&done_on_min={first}&done_on_max={last}",
    ),
    Measure(
        "facilities",
        "养老服务设施",
        "处",
        lambda area, period: Facility.objects.filter(_within(area)),
        pages="facilities-facility",
    ),
    Measure("communities", "社区", "个", _communities, pages="areas-area"),
    Measure(
        "communities_with_facility",
        "有设施的社区",
        "个",
        lambda area, period: _communities(area, period).filter(
            code__in=Facility.objects.filter(_within(area)).values("area_id")
        ),
        pages="facilities-facility",
    ),
    Measure(
        "providers",
        "服务商",
        "家",
        lambda area, period: Provider.objects.filter(_within(area), state=Provider.State.ACTIVE),
        pages="providers-provider",
        query="state=active",
    ),
    Measure(
        "carers",
        "在岗护理员",
        "人",
        lambda area, period: Staff.objects.filter(_within(area), state=Staff.State.ACTIVE),
        pages="workforce-staff",
        query="state=active",
    ),
]

MEASURES: dict[str, Measure] = {measure.key: measure for measure in _ALL}
