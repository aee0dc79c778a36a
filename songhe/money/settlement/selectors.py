"""Reads on settlement: which visits are due, how statements stand, whether lines are what was sealed."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from songhe.care.visits.flow import VisitState
from songhe.core.calendar.services import month_of
from songhe.core.scope.services import Scope, use
from songhe.money.settlement.models import Statement, StatementLine
from songhe.registers.elders.models import Elder

MOST_LINES = 500
"""How many lines a statement's page shows at once; the list of lines shows the rest."""


class DueVisit(NamedTuple):
    """A verified visit that is on no statement yet, with the contract price of its day (None if none names one)."""

    visit_id: UUID
    order_id: UUID
    elder_id: UUID
    area_id: int
    provider_id: UUID
    service_id: UUID
    staff_id: UUID
    served_on: date
    verified_at: datetime
    minutes: int
    price_fen: int
    credit_fen: int
    own_fen: int
    fund_id: UUID
    contract_price_fen: int | None
    contract_id: UUID | None
    contract_price_id: UUID | None
    contract_area_id: int | None


_DUE = """
    FROM visits_visit v
    WHERE v.provider_id = {provider} AND v.state = %(verified)s AND v.verified_at < %(until)s AND v.credit_fen > 0
      AND NOT EXISTS (SELECT 1 FROM settlement_statementline l WHERE l.visit_id = v.id AND l.voided_at IS NULL)
"""

# The narrowest contract that reaches the visit's community on its day gives the price.
_PRICED = """
    SELECT v.id, v.order_id, v.elder_id, v.area_id, v.provider_id, v.service_id, v.staff_id,
           (v.check_in_at AT TIME ZONE %(zone)s)::date, v.verified_at, v.minutes, v.price_fen, v.credit_fen, v.own_fen,
           a.fund_id, price.price_fen, price.contract_id, price.id, price.area_id
    FROM (SELECT v.* {due}) v
    JOIN orders_order o ON o.id = v.order_id
    JOIN policy_credit c ON c.id = o.credit_id
    JOIN ledger_account a ON a.id = c.account_id
    LEFT JOIN LATERAL (
        SELECT p.id, p.contract_id, p.price_fen, p.area_id
        FROM contracts_contractprice p JOIN areas_area reach ON reach.code = p.area_id
        WHERE p.provider_id = v.provider_id AND p.service_id = v.service_id
          AND p.validity @> (v.check_in_at AT TIME ZONE %(zone)s)::date
          AND reach.code <= v.area_id AND v.area_id < reach.upper
        ORDER BY reach.code DESC, reach.upper, p.id LIMIT 1
    ) price ON true
"""


_UNPRICED = """
    SELECT p.name, s.name, count(*)
    FROM (SELECT v.* {due}) v
    JOIN providers_provider p ON p.id = v.provider_id
    JOIN catalogue_service s ON s.id = v.service_id
    WHERE NOT EXISTS (
        SELECT 1 FROM contracts_contractprice c JOIN areas_area reach ON reach.code = c.area_id
        WHERE c.provider_id = v.provider_id AND c.service_id = v.service_id
          AND c.validity @> (v.check_in_at AT TIME ZONE %(zone)s)::date
          AND reach.code <= v.area_id AND v.area_id < reach.upper
    )
    GROUP BY p.name, s.name ORDER BY count(*) DESC, p.name, s.name LIMIT %(most)s
"""


def _parameters(month: date, provider_id: UUID | None = None) -> dict[str, Any]:
    _first, next_first = month_of(month)
    return {
        "provider": provider_id,
        "verified": VisitState.VERIFIED,
        "until": timezone.make_aware(datetime.combine(next_first, time())),
        "zone": settings.TIME_ZONE,
    }


@contextmanager
def verified_visits(month: date, provider_id: UUID, *, at_a_time: int) -> Iterator[Iterator[list[DueVisit]]]:
    """Open the provider's visits verified by the end of a month and on no statement, in lists of a bounded size."""
    with connection.chunked_cursor() as cursor:
        due = _DUE.format(provider="%(provider)s")
        cursor.execute(_PRICED.format(due=due), _parameters(month, provider_id))

        def lists() -> Iterator[list[DueVisit]]:
            while rows := cursor.fetchmany(at_a_time):
                yield [DueVisit._make(row) for row in rows]

        yield lists()


def providers_due(month: date) -> list[UUID]:
    """Return the providers with visits verified by the end of a month that are on no statement."""
    sql = "SELECT p.id FROM providers_provider p WHERE EXISTS (SELECT 1 {due}) ORDER BY p.id"
    with connection.cursor() as cursor:
        cursor.execute(sql.format(due=_DUE.format(provider="p.id")), _parameters(month))
        return [provider_id for (provider_id,) in cursor.fetchall()]


_COUNTED = Q(lines__voided_at__isnull=True)


def with_totals(statements: QuerySet[Statement]) -> QuerySet[Statement]:
    """Annotate statements with what their lines sum to: ``visits``, ``credit_fen``, ``payable_fen``, ``own_fen``."""
    return statements.annotate(
        visits=Count("lines", filter=_COUNTED),
        credit_fen=Coalesce(Sum("lines__credit_fen", filter=_COUNTED), 0),
        payable_fen=Coalesce(Sum("lines__payable_fen", filter=_COUNTED), 0),
        own_fen=Coalesce(Sum("lines__own_fen", filter=_COUNTED), 0),
        disputes=Count("lines", filter=Q(lines__disputed_at__isnull=False, lines__answered_at__isnull=True)),
    )


def payable_by_fund(statement: Statement) -> dict[UUID, tuple[int, int]]:
    """Return by budget account what a statement's lines took from credits and what of it is payable, in fen."""
    rows = (
        statement.lines.filter(voided_at__isnull=True)
        .order_by("fund_id")
        .values_list("fund_id")
        .annotate(credit=Sum("credit_fen"), payable=Sum("payable_fen"))
    )
    return {fund: (credit, payable) for fund, credit, payable in rows}


def lines_of(statement: Statement, *, most: int | None = None) -> list[StatementLine]:
    """Return a statement's lines with what their list shows, contested ones first.

    ``elder_name`` is empty where the reader may no longer see the elder (a provider whose service has ended).
    """
    rows = (
        statement.lines.select_related("area", "visit__service", "visit__staff", "answered_by")
        .annotate(contested=Q(disputed_at__isnull=False))
        .order_by("-contested", "served_on", "id")
    )
    lines = list(rows[:most] if most else rows)
    names = dict(Elder.objects.filter(pk__in={line.elder_id for line in lines}).values_list("pk", "name"))
    for line in lines:
        line.elder_name = names.get(line.elder_id, "")
    return lines


def unpriced(month: date, *, most: int = 50) -> list[tuple[str, str, int]]:
    """Return the verified visits up to a month that no contract prices: provider, service, how many."""
    due = _DUE.format(provider="v.provider_id")
    with use(Scope.system()), connection.cursor() as cursor:
        cursor.execute(_UNPRICED.format(due=due), {**_parameters(month), "most": most})
        return cursor.fetchall()


def statements_with_totals() -> QuerySet[Statement]:
    """Return all statements with their sums."""
    return with_totals(Statement.objects.all())
