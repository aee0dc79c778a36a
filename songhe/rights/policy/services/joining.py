"""What is due to a person whose two records are brought together, or taken apart again: each month once."""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import date, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from songhe.core.calendar.services import month_of, today
from songhe.core.flow.services import fire
from songhe.core.ledger import credits
from songhe.core.ledger import services as ledger
from songhe.core.ledger.models import AccountKind, Entry, EntryKind, Posting
from songhe.core.ledger.services import balance
from songhe.core.saving import save
from songhe.core.validity import in_force, lasts_past
from songhe.registers.elders import effects
from songhe.registers.elders.models import Elder, FollowUpKind
from songhe.rights.policy.flow import AdjustmentState, FindingState
from songhe.rights.policy.models import Adjustment, Credit, Decision, Entitlement, Finding, Policy
from songhe.rights.policy.services.deciding import end
from songhe.rights.policy.services.living import end_rights, give_back_credits, look_again, note_missed, reopen_credit

REASON = "两份档案合并，只享受一份"
PARTED = "合并的档案已拆开"


@transaction.atomic
def join_rights(*, kept_id: UUID, dropped_id: UUID, on: date, life_event_id: UUID) -> None:
    """Leave one benefit of each policy and one credit of each month to a person, and ask the law anew.

    What was used of both credits of a month counts against the one that stays; what goes beyond a month's amount, and
    cash due on both records, is listed to be taken back. All is noted on the event, for ``part_rights`` to restore.
    """
    kept = Elder.objects.get(pk=kept_id)
    for entitlement in Entitlement.objects.filter(elder=dropped_id).select_related("policy").order_by("pk"):
        _stop(entitlement, kept, on, life_event_id)
    for twins in _twins(kept):
        _leave_one(twins, kept, life_event_id)
    if kept.state != Elder.State.ACTIVE:
        gone_on = kept.death_date or kept.moved_away_on or on
        end_rights(
            elder_id=kept.pk, on=gone_on, reason=f"合并后的档案{kept.get_state_display()}", life_event_id=life_event_id
        )
        give_back_credits(elder_id=kept.pk, life_event_id=life_event_id)
        return
    _decide_anew(kept, on, life_event_id)


def _stop(entitlement: Entitlement, kept: Elder, on: date, life_event_id: UUID) -> None:
    """End what the kept record has for the same time and so could not be handed over; list cash due on both."""
    policy = entitlement.policy
    if policy.form == Policy.Form.CASH:
        months = sorted(_months_of_both(entitlement, kept))
        if months:
            effects.follow_up(
                life_event_id,
                kind=FollowUpKind.TAKE_BACK,
                what=f"{policy}：{months[0]:%Y年%m月}起两份档案同时享受 {len(months)} 个月，请核对是否重复发放并追回",
                fen=entitlement.monthly_fen * len(months),
                obj=entitlement,
            )
    if Entitlement.objects.filter(lasts_past(on - timedelta(days=1)), pk=entitlement.pk).exists():
        what = f"终止并入档案的待遇：{policy}"
        with effects.noting(life_event_id, entitlement, what, fen=entitlement.monthly_fen):
            end(entitlement=entitlement, last_day=on - timedelta(days=1), reason=REASON)


def _months_of_both(entitlement: Entitlement, kept: Elder) -> set[date]:
    """Return the first days of the months, up to the present one, in which both records were due a benefit."""
    found: set[date] = set()
    own = Entitlement.objects.filter(
        elder=kept, policy=entitlement.policy_id, validity__overlap=entitlement.validity
    ).values_list("validity", flat=True)
    for validity in own:
        month = month_of(max(validity.lower, entitlement.validity.lower))[0]
        ends = [bound for bound in (validity.upper, entitlement.validity.upper) if bound is not None]
        while month <= today() and all(month < bound for bound in ends):
            found.add(month)
            month = month_of(month)[1]
    return found


def _twins(kept: Elder) -> Iterable[list[Credit]]:
    """Yield the credits of each policy and month of which a person has more than one, locked."""
    rows = (
        Credit.objects.select_for_update(of=("self",))
        .filter(elder=kept)
        .select_related("entitlement__policy", "account", "budget_line__account")
        .order_by("month", "pk")
    )
    found: dict[tuple[UUID, date], list[Credit]] = defaultdict(list)
    for credit in rows:
        found[credit.entitlement.policy_id, credit.month].append(credit)
    return [twins for twins in found.values() if len(twins) > 1]


def _leave_one(twins: list[Credit], kept: Elder, life_event_id: UUID) -> None:
    """Close all but one credit of a month, and set what was used of the others off against that one."""
    used = {credit.pk: _used(credit) for credit in twins}
    own = [credit for credit in twins if credit.entitlement.elder_id == kept.pk]
    due = (own or twins)[0].amount_fen
    # The one used most stays, so that what is set off never empties it.
    stays, *others = sorted(
        twins, key=lambda credit: (credit.expired_on is not None, -used[credit.pk], credit not in own, credit.pk)
    )
    for credit in others:
        if credit.expired_on is None:
            _close(credit, life_event_id)
    total = sum(used.values())
    if stays.expired_on is None:
        _set_off(stays, max(0, due - total), life_event_id)
    if total > due:
        effects.follow_up(
            life_event_id,
            kind=FollowUpKind.TAKE_BACK,
            what=f"{stays.entitlement.policy}{stays}：两份档案合计用去的超出应享额度，请核对并追回",
            fen=total - due,
            obj=stays,
        )


def _used(credit: Credit) -> int:
    """Return what orders drew on a credit, in fen: still held or accounted for already."""
    drawn = Posting.objects.filter(
        account__kind=AccountKind.RESERVED,
        account__fund=credit.account_id,
        entry__kind__in=[EntryKind.RESERVE, EntryKind.RELEASE],
    )
    return int(drawn.aggregate(fen=Sum("amount"))["fen"] or 0)


def _close(credit: Credit, life_event_id: UUID) -> None:
    free = balance(credit.account_id)
    credits.expire([credit], on=today())
    what = f"收回重复的{credit.entitlement.policy}{credit}未用部分"
    with effects.noting(life_event_id, credit, what, fen=free):
        credit.expired_on = today()
        save(credit)


def _set_off(credit: Credit, free: int, life_event_id: UUID) -> None:
    """Leave a credit no more to be used than ``free``; the rest goes back to its budget line."""
    surplus = balance(credit.account_id) - free
    if surplus <= 0:
        return
    _correct(credit, -surplus, key=f"join:{life_event_id}:{credit.pk}", reason=REASON)
    what = f"{credit.entitlement.policy}{credit}扣除另一份档案已用部分"
    with effects.noting(life_event_id, credit, what, fen=surplus):
        credit.amount_fen -= surplus
        save(credit)


def _correct(credit: Credit, fen: int, *, key: str, reason: str) -> None:
    opened = Entry.objects.filter(postings__account=credit.account_id, kind=EntryKind.OPEN).earliest("line")
    ledger.correct(
        opened,
        lines=[(credit.budget_line.account, -fen), (credit.account, fen)],
        reason=reason,
        on=today(),
        key=key,
    )


def _decide_anew(kept: Elder, on: date, life_event_id: UUID) -> None:
    """Ask the law about a person by all that is known of them now; note what ends and what begins."""
    standing = list(Entitlement.objects.filter(lasts_past(on - timedelta(days=1)), elder=kept).select_related("policy"))
    with ExitStack() as notes:
        for entitlement in standing:
            notes.enter_context(
                effects.noting(life_event_id, entitlement, f"按合并后的情况重新认定：{entitlement.policy}")
            )
        look_again(elder_id=kept.pk, on=on, life_event_id=life_event_id)
    begun = Entitlement.objects.filter(in_force(on), elder=kept).exclude(pk__in=[row.pk for row in standing])
    for entitlement in begun.select_related("policy"):
        effects.note_opened(
            life_event_id,
            entitlement,
            f"按合并后的情况重新享受：{entitlement.policy}",
            closed={"validity": "empty", "ended_reason": PARTED},
            fen=entitlement.monthly_fen,
        )


@transaction.atomic
def part_rights(*, kept_id: UUID, dropped_id: UUID, on: date, life_event_id: UUID, retracted_id: UUID | None) -> None:
    """Give each of two people their own credits back that a merging closed, and ask the law anew about both.

    The rows themselves are put back already. A past month's credit stays closed and is listed as missed.

    Raises:
        Refused: a budget line does not hold that much any more, or a credit was used beyond its own amount since.
    """
    if retracted_id is not None:
        for effect in effects.effects_of(retracted_id, Credit):
            credit = Credit.objects.select_related("entitlement__policy", "account", "budget_line__account").get(
                pk=effect.row_id
            )
            restored = effect.before.get("amount_fen", credit.amount_fen) == credit.amount_fen
            if "expired_on" in effect.before and credit.expired_on is None:
                reopen_credit(credit, effect.amount_fen or 0, life_event_id=life_event_id, reason=PARTED)
            elif "amount_fen" in effect.before and restored and credit.expired_on is not None:
                note_missed(life_event_id, credit.entitlement, credit.month)
            elif "amount_fen" in effect.before and restored:
                fen = effect.before["amount_fen"] - effect.after["amount_fen"]
                _correct(credit, fen, key=f"part:{retracted_id}:{credit.pk}", reason=PARTED)
        _withdraw(retracted_id, life_event_id)
    for elder_id in (kept_id, dropped_id):
        look_again(elder_id=elder_id, on=on, life_event_id=life_event_id)


def _withdraw(retracted_id: UUID, life_event_id: UUID) -> None:
    """Take back what was proposed because of a merging; what was booked already is listed."""
    decisions = [effect.row_id for effect in effects.effects_of(retracted_id, Decision)]
    for row in Adjustment.objects.filter(decision__in=decisions).select_related("policy"):
        if row.state == AdjustmentState.PROPOSED:
            fire(row, "dismiss", user=None, reason=PARTED)
        elif row.state == AdjustmentState.BOOKED:
            what = f"{row.policy}{row}因误并的档案而入账，请核对更正"
            effects.follow_up(life_event_id, kind=FollowUpKind.CHECK, what=what, fen=row.difference_fen, obj=row)
    found = [effect.row_id for effect in effects.effects_of(retracted_id, Finding)]
    for finding in Finding.objects.filter(pk__in=found, state=FindingState.OPEN):
        fire(finding, "close", user=None)
