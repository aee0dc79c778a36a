"""Reads on funds: which line pays, at which rate, and how money stands against budget."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from songhe.core.areas.models import Area
from songhe.core.ledger.models import Account, AccountKind, EntryKind, Posting
from songhe.core.ledger.selectors import balances
from songhe.core.scope.services import Scope, use
from songhe.core.validity import in_force
from songhe.registers.funds.models import BudgetLine, Pot, Rate


@dataclass(frozen=True)
class LineStatus:
    """How one budget line stands, in fen.

    ``given`` came from the pot; ``committed`` is promised in credits, held, earned or approved; ``paid`` left the bank
    in the period; ``free`` is still on the line.
    """

    line: BudgetLine
    planned: int
    given: int
    committed: int
    paid: int
    free: int

    @property
    def spent_percent(self) -> int:
        """What is paid as a share of what was planned, in whole per cent."""
        return round(self.paid * 100 / self.planned)


def rate_on(currency: str, on: date) -> Rate | None:
    """Return a currency's rate on a day, or None."""
    return Rate.objects.filter(in_force(on), currency=currency).first()


def budget_line_for(*, purpose: str, area: Area | int, on: date) -> BudgetLine | None:
    """Return the line that pays for a purpose in a division on a day, or None.

    Lines of the division itself come before those of the divisions above it; among equals the one placed first that
    still holds money.
    """
    code = area.code if isinstance(area, Area) else area
    with use(Scope.system()):
        lines = list(
            BudgetLine.objects.filter(in_force(on), purpose=purpose, area__code__lte=code, area__upper__gt=code)
            .select_related("account", "pot", "area")
            .order_by("-area__code", "area__upper", "position", "code")
        )
        have = balances(line.account_id for line in lines)
    return next((line for line in lines if have[line.account_id] > 0), lines[0] if lines else None)


def received_by(pot: Pot) -> int:
    """Return what has come in for a pot, in its minor unit."""
    return _sum(Posting.objects.filter(account_id=pot.account_id, entry__kind=EntryKind.RECEIVE))


def planned_of(pot: Pot) -> int:
    """Return what is planned on all of a pot's budget lines, in fen."""
    return pot.lines.aggregate(total=Sum("planned_fen"))["total"] or 0


def appropriated_to(line: BudgetLine) -> int:
    """Return what a line was given from its pot, less what was taken back, in fen."""
    return _sum(Posting.objects.filter(account_id=line.account_id, entry__kind=EntryKind.APPROPRIATE))


def lines_of(area: Area | int, first: date, last: date) -> QuerySet[BudgetLine]:
    """Return the lines in use between two days in a division, those of the divisions below it and above it."""
    here = area if isinstance(area, Area) else Area.objects.get(code=area)
    return (
        BudgetLine.objects.filter(validity__overlap=(first, last))
        .filter(
            Q(area__code__gte=here.code, area__code__lt=here.upper)
            | Q(area__code__lte=here.code, area__upper__gte=here.upper)
        )
        .select_related("pot", "area")
    )


def money_against_budget(area: Area | int, first: date, last: date) -> list[LineStatus]:
    """Return how each budget line in use between two days (both counted) stands; ``paid`` is that of the period."""
    return status_of(lines_of(area, first, last), first=first, last=last)


def status_of(lines: Iterable[BudgetLine], *, first: date | None = None, last: date | None = None) -> list[LineStatus]:
    """Return how budget lines stand, in a fixed number of queries that do not grow with orders."""
    chosen = list(lines)
    accounts = [line.account_id for line in chosen]
    with use(Scope.system()):
        free = balances(accounts)
        given = _by_account(Posting.objects.filter(account_id__in=accounts, entry__kind=EntryKind.APPROPRIATE))
        ever = _paid(accounts)
        within = _paid(accounts, first, last) if first or last else ever
    return [
        LineStatus(
            line=line,
            planned=line.planned_fen,
            given=given.get(line.account_id, 0),
            # What was given is free, paid, or somewhere between: the ledger sums to zero.
            committed=given.get(line.account_id, 0) - free[line.account_id] - ever.get(line.account_id, 0),
            paid=within.get(line.account_id, 0),
            free=free[line.account_id],
        )
        for line in chosen
    ]


def commitments_of(line: BudgetLine) -> dict[str, int]:
    """Return what a line's money is promised for, by kind of account, in fen; it reads every posting."""
    with use(Scope.system()):
        parts = Account.objects.filter(Q(fund=line.account_id) | Q(fund__fund=line.account_id))
        rows = (
            Posting.objects.filter(account__in=parts)
            .order_by()
            .values_list("account__kind")
            .annotate(total=Sum("amount"))
        )
        return {kind: int(total) for kind, total in rows if total}


def _paid(accounts: list[UUID], first: date | None = None, last: date | None = None) -> dict[UUID, int]:
    rows = Posting.objects.filter(account__fund__in=accounts, account__kind=AccountKind.PAYABLE).filter(
        Q(entry__kind=EntryKind.PAY) | Q(entry__corrects__kind=EntryKind.PAY)
    )
    if first:
        rows = rows.filter(entry__on__gte=first)
    if last:
        rows = rows.filter(entry__on__lte=last)
    totals = rows.order_by().values_list("account__fund").annotate(total=Sum(-F("amount")))
    return {fund: int(total) for fund, total in totals}


def _by_account(rows: QuerySet[Posting]) -> dict[UUID, int]:
    return {pk: int(total) for pk, total in rows.order_by().values_list("account_id").annotate(total=Sum("amount"))}


def _sum(rows: QuerySet[Posting]) -> int:
    with use(Scope.system()):
        return int(rows.aggregate(total=Sum("amount"))["total"] or 0)


def pots_with_money() -> QuerySet[Pot]:
    """Return pots with what came in (``received``) and what is not yet given out (``balance``), in their minor unit."""
    return Pot.objects.annotate(
        received=Coalesce(
            Sum("account__postings__amount", filter=Q(account__postings__entry__kind=EntryKind.RECEIVE)), 0
        ),
        balance=Coalesce(Sum("account__postings__amount"), 0),
    )


def lines_with_money() -> QuerySet[BudgetLine]:
    """Return budget lines with what they were given (``given_fen``) and what is still free (``free_fen``)."""
    given = Q(account__postings__entry__kind=EntryKind.APPROPRIATE)
    return BudgetLine.objects.annotate(
        given_fen=Coalesce(Sum("account__postings__amount", filter=given), 0),
        free_fen=Coalesce(Sum("account__postings__amount"), 0),
    )
