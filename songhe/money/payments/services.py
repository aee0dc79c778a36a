"""Paying what was approved: batches, the bank's answer, and what it gave back."""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from django.db import transaction

from songhe.core.accounts.models import User
from songhe.core.calendar.services import now, today
from songhe.core.errors import Refused
from songhe.core.flow import services as flow
from songhe.core.ledger import credits
from songhe.core.ledger import services as ledger
from songhe.core.ledger.models import EntryKind
from songhe.core.locks import locked
from songhe.core.numbers import next_number
from songhe.core.saving import save
from songhe.core.scope.services import Scope, use
from songhe.money.payments.models import Batch, Payee, Payment, PaymentState
from songhe.money.payments.selectors import payable_from
from songhe.money.settlement.flow import StatementState
from songhe.money.settlement.models import Statement
from songhe.registers.funds.models import Pot
from songhe.registers.providers.models import Provider


@transaction.atomic
def set_payee(
    *, provider: Provider, account_name: str, bank_name: str, account_number: str, user: User | None = None
) -> Payee:
    """Enter where a provider is paid to; the account before it is no longer used.

    Raises:
        Refused: the number is not 8 to 32 digits.
    """
    number = account_number.replace(" ", "")
    if not (number.isascii() and number.isdigit() and 8 <= len(number) <= 32):
        raise Refused("账号应为 8 至 32 位数字。", field="account_number")
    Payee.objects.filter(provider=provider, ended_at__isnull=True).update(ended_at=now())
    return save(Payee(provider=provider, account_name=account_name, bank_name=bank_name, account_number=number))


@transaction.atomic
def make_batch(*, pot: Pot, user: User, statement_ids: Iterable[UUID] | None = None) -> Batch:
    """Put what approved statements are due from a pot into a batch for the bank; all of them unless some are named.

    Raises:
        Refused: nothing is due, or a provider has no bank account on record.
    """
    wanted = set(statement_ids) if statement_ids is not None else None
    due = [each for each in payable_from(pot) if wanted is None or each.statement.pk in wanted]
    if not due:
        raise Refused(f"“{pot.name}”没有已审批待支付的结算单。")
    payees = {
        payee.provider_id: payee
        for payee in Payee.objects.filter(
            provider__in={each.statement.provider_id for each in due}, ended_at__isnull=True
        )
    }
    missing = sorted({each.statement.provider.name for each in due if each.statement.provider_id not in payees})
    if missing:
        raise Refused(f"以下服务商没有登记收款账户：{'、'.join(missing)}。")
    batch = save(Batch(number=next_number("FK"), pot=pot, area_id=pot.area_id))
    for each in due:
        save(
            Payment(
                batch=batch,
                statement=each.statement,
                line=each.line,
                provider_id=each.statement.provider_id,
                area_id=each.statement.area_id,
                payee=payees[each.statement.provider_id],
                amount_fen=each.amount_fen,
            )
        )
    flow.start(batch, user)
    return batch


@transaction.atomic
def pay(*, batch: Batch, user: User, on: date | None = None, reason: str = "", version: int | None = None) -> Batch:
    """Note that the bank has paid a batch: each payment is booked, and statements paid whole are closed.

    Raises:
        Refused: the person approved or checked one of the statements.
    """
    day = on or today()
    with use(Scope.system()):
        payments = list(
            Payment.objects.select_for_update(of=("self",))
            .filter(batch=batch, state=PaymentState.PENDING)
            .select_related("line", "batch__pot", "statement")
            .order_by("id")
        )
    locked(Batch.objects.filter(pk=batch.pk), version=version)
    Batch.objects.filter(pk=batch.pk).update(paid_on=day)
    row = flow.fire(batch, "pay", user=user, reason=reason)
    _may_pay(user, {payment.statement_id: payment.statement for payment in payments}.values())
    for payment in payments:
        payment.entry = ledger.post(
            kind=EntryKind.PAY,
            on=day,
            lines=[
                (credits.payable(payment.line.account_id, payment.provider_id), -payment.amount_fen),
                (payment.batch.pot.bank_id, payment.amount_fen),
            ],
            memo=f"支付 {payment.statement.number}",
            key=f"pay:{payment.pk}",
            source=payment,
            user=user,
        )
        payment.state = PaymentState.PAID
        save(payment)
    for statement in {payment.statement_id: payment.statement for payment in payments}.values():
        _close_if_paid(statement, user)
    return row


@transaction.atomic
def cancel(*, batch: Batch, user: User, reason: str, version: int | None = None) -> Batch:
    """Call a batch off before the bank has it; its statements may be put into another."""
    row = flow.fire(batch, "cancel", user=user, reason=reason, version=version)
    for payment in Payment.objects.filter(batch=batch, state=PaymentState.PENDING):
        payment.state = PaymentState.CANCELLED
        save(payment)
    return row


@transaction.atomic
def take_return(*, payment: Payment, reason: str, user: User, on: date | None = None) -> Payment:
    """Note that the bank gave a payment back: a correcting entry, and the amount is payable again.

    Raises:
        Refused: it was not paid, or no reason is given.
    """
    row = locked(Payment.objects.filter(pk=payment.pk).select_related("entry", "statement"))
    if not user.may("payments.pay"):
        raise Refused(f"您的角色（{user.get_role_display()}）不能登记退款。")
    if row.state != PaymentState.PAID or row.entry is None:
        raise Refused("这笔付款没有支付，不能登记退回。")
    if not reason.strip():
        raise Refused("请写明退回原因。", field="reason")
    day = on or today()
    ledger.correct(row.entry, reason=f"付款退回：{reason.strip()}", on=day, user=user)
    row.state, row.returned_on, row.return_reason = PaymentState.RETURNED, day, reason.strip()[:200]
    save(row)
    if row.statement.state == StatementState.PAID:
        flow.fire(row.statement, "unpay", user=user, reason=reason)
    return row


def _may_pay(user: User, statements: Iterable[Statement]) -> None:
    """Refuse whoever checked or approved one of the statements, also where the batch pays only a part of it."""
    for statement in statements:
        if "pay" not in {info.name for info in flow.available(statement, user)}:
            raise Refused(f"您办理过结算单 {statement.number} 的审核或审批，按不相容岗位分离的规定，付款须由他人办理。")


def _close_if_paid(statement: Statement, user: User) -> None:
    """Close a statement when each budget line that owes it has paid."""
    with use(Scope.system()):
        owing = set(statement.lines.filter(voided_at__isnull=True).values_list("fund_id", flat=True))
        paid = set(
            Payment.objects.filter(statement=statement, state=PaymentState.PAID).values_list(
                "line__account_id", flat=True
            )
        )
    if owing <= paid:
        flow.fire(statement, "pay", user=user)
