"""Reads on settlement: how statements stand and what is on them."""

from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from songhe.money.settlement.models import Statement, StatementLine
from songhe.registers.elders.models import Elder

MOST_LINES = 50
"""How many lines a statement's page shows at once; the list of lines shows the rest."""

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
    lines: list[StatementLine] = list(rows[:most] if most else rows)
    names = dict(Elder.objects.filter(pk__in={line.elder_id for line in lines}).values_list("pk", "name"))
    for line in lines:
        line.elder_name = names.get(line.elder_id, "")
    return lines


def statements_with_totals() -> QuerySet[Statement]:
    """Return all statements with their sums."""
    return with_totals(Statement.objects.all())
