"""After a change of law: deciding anew, before and after side by side, and the months to be paid or taken back."""

from datetime import date
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from songhe.core.accounts.models import User
from songhe.core.calendar.services import month_of, today
from songhe.core.errors import Refused
from songhe.core.flow.services import fire, start
from songhe.core.ledger import services as ledger
from songhe.core.ledger.models import Entry, EntryKind
from songhe.core.locks import locked
from songhe.core.saving import save
from songhe.registers.elders.models import Elder
from songhe.rights.policy.models import Adjustment, Credit, Decision, Entitlement, Policy, PolicyVersion
from songhe.rights.policy.services.deciding import decide


@transaction.atomic
def redecide_elder(*, elder_id: UUID, version: PolicyVersion, on: date) -> Decision | None:
    """Decide one elder anew under a version from a day; None where they were never decided or nothing changes.

    Months since that day whose amount changes are proposed for payment or taking back.
    """
    elder = locked(Elder.objects.filter(pk=elder_id))
    policy = version.policy
    if elder.state != Elder.State.ACTIVE:
        return None
    months = [month for month in _months(on, today()) if _served(elder_id, policy, month)]
    was = {month: _was(elder_id, policy, month) for month in months}
    standing = _standing(elder_id, policy, on)
    decision = decide(elder_id=elder_id, policy=policy, on=max(on, standing or on), user=None)
    for month in months:
        now = decision.monthly_fen if month_of(month)[1] > decision.decided_on else was[month]
        if now != was[month]:
            _propose(decision, policy, month, was[month], now)
    return decision


def _propose(decision: Decision, policy: Policy, month: date, was: int, now: int) -> None:
    adjustment = save(
        Adjustment(
            elder_id=decision.elder_id,
            area_id=decision.area_id,
            policy=policy,
            decision=decision,
            month=month,
            was_fen=was,
            now_fen=now,
        )
    )
    start(adjustment)


def concerned(version: PolicyVersion, on: date) -> QuerySet[Elder]:
    """Return the elders decided under a version's policy before, who are decided anew when it takes effect on a day."""
    decided = Decision.objects.filter(policy_version__policy=version.policy_id).values("elder")
    return Elder.objects.filter(pk__in=decided, state=Elder.State.ACTIVE).order_by("pk")


def _standing(elder_id: UUID, policy: Policy, on: date) -> date | None:
    """Return the first day of what the elder is due, if that is after a day."""
    return (
        Entitlement.objects.filter(elder_id=elder_id, policy=policy, validity__startswith__gt=on)
        .order_by("validity")
        .values_list("validity__startswith", flat=True)
        .first()
    )


def _months(first: date, last: date) -> list[date]:
    """Return the first days of the months from one day's to another's, both counted."""
    month, found = month_of(first)[0], []
    while month <= last:
        found.append(month)
        month = month_of(month)[1]
    return found


def _served(elder_id: UUID, policy: Policy, month: date) -> bool:
    """Tell whether a month's money is given out already: a past month's is, this month's once its credit is open."""
    return month_of(month)[1] <= today() or _credit(elder_id, policy, month) is not None


def _was(elder_id: UUID, policy: Policy, month: date) -> int:
    """Return what an elder got (or, where no credit is opened, was due) in a month under a policy, in fen."""
    if policy.opens_credit:
        credit = _credit(elder_id, policy, month)
        return credit.amount_fen if credit else 0
    first, following = month_of(month)
    due = Entitlement.objects.filter(elder_id=elder_id, policy=policy, validity__overlap=(first, following))
    return due.order_by("-validity").values_list("monthly_fen", flat=True).first() or 0


def _credit(elder_id: UUID, policy: Policy, month: date) -> Credit | None:
    return (
        Credit.objects.filter(elder_id=elder_id, entitlement__policy=policy, month=month)
        .select_related("account", "budget_line__account")
        # Of a person whose two records were merged a month may have two credits, one of them closed.
        .order_by(F("expired_on").desc(nulls_first=True), "pk")
        .first()
    )


@transaction.atomic
def book(*, adjustment: Adjustment, user: User | None, reason: str = "", version: int | None = None) -> Adjustment:
    """Pay or take back a month's difference by a correcting entry on the month's credit, or on the present one.

    Benefits that are no credit are only noted here; their money moves where they are paid.

    Raises:
        Refused: no credit can take the difference, or it was spent already (says what is left).
    """
    row = fire(adjustment, "book", user=user, reason=reason, version=version)
    if row.policy.opens_credit:
        row.entry = _correct(row, user)
        save(row)
    return row


def _correct(row: Adjustment, user: User | None) -> Entry:
    this_month = month_of(today())[0]
    credit = _credit(row.elder_id, row.policy, row.month)
    if credit is None or credit.expired_on is not None:
        credit = _credit(row.elder_id, row.policy, this_month)
    if credit is None or credit.expired_on is not None:
        raise Refused(f"{row.elder} 本月没有“{row.policy}”的额度，无处入账。请先开立本月额度，或填写理由不予处理。")
    amount = credit.amount_fen + row.difference_fen
    if amount <= 0:
        raise Refused(f"追回后{credit}将不足，请与老人约定后分月处理，或填写理由不予处理。")
    opened = Entry.objects.filter(postings__account=credit.account_id, kind=EntryKind.OPEN).first()
    if opened is None:
        raise Refused(f"没有找到{credit}的开立分录。")
    entry = ledger.correct(
        opened,
        lines=[(credit.budget_line.account, -row.difference_fen), (credit.account, row.difference_fen)],
        reason=f"{row.month:%Y年%m月}{row.policy}{'补发' if row.difference_fen > 0 else '追回'}",
        on=today(),
        key=f"adjust:{row.pk}",
        user=user,
    )
    credit.amount_fen = amount
    save(credit)
    return entry
