"""Drawing statements, contesting, checking and approving them: every write on settlement."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from songhe.core.accounts.models import User
from songhe.core.calendar.services import month_of, now, today
from songhe.core.errors import Busy, Refused
from songhe.core.events.services import publish
from songhe.core.flow import services as flow
from songhe.core.ledger import credits
from songhe.core.ledger import services as ledger
from songhe.core.ledger.models import EntryKind
from songhe.core.locks import locked
from songhe.core.numbers import next_number
from songhe.core.scope.services import Scope, use
from songhe.money.settlement.drawing import broken_seals, draw_lines, providers_due
from songhe.money.settlement.events import StatementApproved
from songhe.money.settlement.flow import StatementState
from songhe.money.settlement.models import Statement, StatementLine
from songhe.money.settlement.selectors import payable_by_fund


@dataclass
class Drawn:
    """What drawing a month did: statements touched, visits put on them, visits without a contract price."""

    statements: int = 0
    visits: int = 0
    unpriced: int = 0

    def __add__(self, other: "Drawn") -> "Drawn":
        return Drawn(self.statements + other.statements, self.visits + other.visits, self.unpriced + other.unpriced)

    def __str__(self) -> str:
        text = f"生成或补充结算单 {self.statements} 份，计入服务 {self.visits:,} 次"
        return f"{text}；另有 {self.unpriced:,} 次没有合同价，未计入" if self.unpriced else text


def draw(*, month: date, provider_id: UUID | None = None, user: User | None = None, at_once: int = 1) -> Drawn:
    """Put all visits verified by the end of a month on statements, each provider's in a transaction of its own.

    Drawing again adds what was verified since; visits of a statement already sent wait for the next month. Cut short
    between two providers it leaves whole statements, and drawing again goes on. So many providers as ``at_once`` says
    are drawn side by side, on connections of their own, which see only what is committed.

    Raises:
        Refused: the month is not over.
        Busy: somebody else is drawing the same provider's.
    """
    _first, next_first = month_of(month)
    if today() < next_first:
        raise Refused(f"{month:%Y年%m月}还没有结束，不能结算。", field="month")
    with use(Scope.system()):
        due = [provider_id] if provider_id else providers_due(month)
    if at_once == 1:
        return sum((_draw_one(month, each, user) for each in due), Drawn())
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        parts = [pool.submit(copy_context().run, _draw_apart, month, each, user) for each in due]
    return sum((part.result() for part in parts), Drawn())


def _draw_apart(month: date, provider_id: UUID, user: User | None) -> Drawn:
    try:
        return _draw_one(month, provider_id, user)
    finally:
        connection.close()


def _draw_one(month: date, provider_id: UUID, user: User | None) -> Drawn:
    first, _next = month_of(month)
    with use(Scope.system()):
        _alone(provider_id)
        statements = _Statements(first, provider_id, user)
        lines = draw_lines(first, provider_id, statements.of)
    return Drawn(len(statements.used), lines.drawn, lines.unpriced)


def _alone(provider_id: UUID) -> None:
    """Let nobody else draw this provider's until the transaction ends, and keep nobody from anything else."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"settlement:{provider_id}"])
        if not cursor.fetchone()[0]:
            raise Busy("正有其他人在生成这家服务商的结算单，请稍候再试。")


class _Statements:
    """The statements one provider's lines go to, made as they are needed."""

    def __init__(self, month: date, provider_id: UUID, user: User | None) -> None:
        self.month, self.provider_id, self.user = month, provider_id, user
        self.used: set[UUID] = set()
        self._by_area: dict[int, UUID | None] = {
            statement.area_id: statement.pk if statement.state == StatementState.DRAWN else None
            for statement in Statement.objects.filter(provider_id=provider_id, month=month)
        }

    def of(self, area: int) -> UUID | None:
        """Return the statement of a division; None where it was sent already and takes nothing more."""
        if area not in self._by_area:
            made = Statement.objects.create(
                number=next_number("JS"),
                provider_id=self.provider_id,
                area_id=area,
                month=self.month,
                drawn_at=now(),
            )
            flow.start(made, self.user)
            self._by_area[area] = made.pk
        found = self._by_area[area]
        if found is not None:
            self.used.add(found)
        return found


@transaction.atomic
def dispute(
    *, statement: Statement, line_ids: Iterable[UUID], reason: str, user: User, version: int | None = None
) -> Statement:
    """Contest some lines of a statement, on the provider's behalf.

    Raises:
        Refused: no line was chosen, or one is not of this statement.
    """
    chosen = set(line_ids)
    if not chosen:
        raise Refused("请选择有异议的明细。")
    row = flow.fire(statement, "dispute", user=user, reason=reason, version=version)
    with use(Scope.system()):
        marked = row.lines.filter(pk__in=chosen, voided_at__isnull=True).update(
            disputed_at=now(), dispute=reason.strip()[:300]
        )
    if marked != len(chosen):
        raise Refused("所选明细不都属于这份结算单，请刷新后重选。")
    return row


@transaction.atomic
def answer(*, line: StatementLine, keep: bool, answer: str, user: User) -> StatementLine:
    """Answer one contested line: keep it as it is, or take it out, which leaves its visit to a later month.

    Raises:
        Refused: the line is not contested, was answered, or no answer is given.
    """
    statement = locked(Statement.objects.filter(pk=line.statement_id))
    if statement.state != StatementState.DISPUTED:
        raise Refused("结算单不在异议处理中。")
    if not user.may("settlement.draw"):
        raise Refused(f"您的角色（{user.get_role_display()}）不能处理结算异议。")
    if not answer.strip():
        raise Refused("请写明处理意见。", field="answer")
    with use(Scope.system()):
        row = locked(StatementLine.objects.filter(pk=line.pk))
        if row.disputed_at is None or row.answered_at is not None:
            raise Refused("这条明细没有待处理的异议。")
        row.answered_at, row.answered_by, row.answer = now(), user, answer.strip()[:300]
        row.voided_at = None if keep else row.answered_at
        row.save(update_fields=["answered_at", "answered_by", "answer", "voided_at"])
    return row


@transaction.atomic
def check(*, statement: Statement, user: User, reason: str = "", version: int | None = None) -> Statement:
    """Check a statement: its lines must still be what was sealed.

    Raises:
        Refused: a line was altered behind the system's back.
    """
    _seals_hold(statement)
    return flow.fire(statement, "review", user=user, reason=reason, version=version)


@transaction.atomic
def approve(*, statement: Statement, user: User, reason: str = "", version: int | None = None) -> Statement:
    """Approve a statement: what the provider earned becomes payable; what the contract does not allow goes back.

    One entry moves it all; the statement's number is its key.

    Raises:
        Refused: a line was altered, all lines were taken out, or the ledger holds less than the lines say.
    """
    row = flow.fire(statement, "approve", user=user, reason=reason, version=version)
    _seals_hold(row)
    with use(Scope.system()):
        sums = payable_by_fund(row)
        if not sums:
            raise Refused("结算单上没有可支付的明细。")
        lines: list[tuple[Any, int]] = []
        for fund, (credit, payable) in sums.items():
            lines += [
                (credits.accrued(fund, row.provider_id), -credit),
                (credits.payable(fund, row.provider_id), payable),
                (fund, credit - payable),
            ]
        ledger.post(
            kind=EntryKind.APPROVE,
            on=today(),
            lines=lines,
            memo=f"审批结算单 {row.number}",
            key=f"approve:{row.pk}",
            source=row,
            user=user,
        )
    publish(StatementApproved(statement_id=row.pk))
    return row


def _seals_hold(statement: Statement) -> None:
    if broken := len(broken_seals(statement.pk)):
        raise Refused(f"有 {broken} 条明细与签章不符，可能被改动，不能继续。请通知审计管理员。")
