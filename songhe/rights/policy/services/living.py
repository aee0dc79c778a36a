"""What becomes of an elder's rights by what happens to them: ended, given back, put back, looked at anew."""

from datetime import date
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from songhe.core.calendar.services import month_of, today
from songhe.core.errors import Refused
from songhe.core.flow.services import fire, start
from songhe.core.ledger import credits
from songhe.core.ledger.services import balance
from songhe.core.saving import save
from songhe.core.validity import in_force, lasts_past
from songhe.registers.elders import effects
from songhe.registers.elders.models import Elder, FollowUpKind
from songhe.registers.elders.selectors import facts_for_policy
from songhe.rights.policy.flow import FindingState
from songhe.rights.policy.models import Credit, Entitlement, Finding, Policy
from songhe.rights.policy.selectors import rulebook_on
from songhe.rights.policy.services.adjusting import redecide_elder
from songhe.rights.policy.services.credits import open_credit
from songhe.rights.policy.services.deciding import end

PAID_OUT = (Policy.Form.CASH, Policy.Form.VOUCHER)
"""Benefits whose money leaves our books when it is given: what was given too long is to be asked back."""


@transaction.atomic
def end_rights(*, elder_id: UUID, on: date, reason: str, life_event_id: UUID) -> None:
    """End what an elder is due after a day; months paid out since are listed to be taken back."""
    rows = Entitlement.objects.select_for_update(of=("self",)).filter(lasts_past(on), elder_id=elder_id)
    for entitlement in rows.select_related("policy"):
        policy = entitlement.policy
        with effects.noting(life_event_id, entitlement, f"终止待遇：{policy}", fen=entitlement.monthly_fen):
            end(entitlement=entitlement, last_day=on, reason=reason)
        months = _months_after(on)
        if policy.form in PAID_OUT and months:
            effects.follow_up(
                life_event_id,
                kind=FollowUpKind.TAKE_BACK,
                what=f"{policy}：{months[0]:%Y年%m月}起已过 {len(months)} 个月，请核对是否已发放并追回",
                fen=entitlement.monthly_fen * len(months),
                obj=entitlement,
            )
    for finding in Finding.objects.filter(elder_id=elder_id, state=FindingState.OPEN):
        _close(finding, life_event_id)


def _close(finding: Finding, life_event_id: UUID) -> None:
    effects.note(life_event_id, fire(finding, "close", user=None), f"撤下政策找人线索：{finding.policy}")


def _months_after(day: date) -> list[date]:
    """Return the first days of the months after a day's own, up to the present one."""
    found, month = [], month_of(day)[1]
    while month <= today():
        found.append(month)
        month = month_of(month)[1]
    return found


@transaction.atomic
def give_back_credits(*, elder_id: UUID, life_event_id: UUID) -> None:
    """Close every open credit of somebody off the roll; what is free goes back to its budget line."""
    rows = Credit.objects.select_for_update(of=("self",)).filter(elder_id=elder_id, expired_on__isnull=True)
    for credit in rows.select_related("entitlement__policy").order_by("month"):
        free = balance(credit.account_id)
        credits.expire([credit], on=today())
        with effects.noting(life_event_id, credit, f"退回{credit.entitlement.policy}{credit}未用部分", fen=free):
            credit.expired_on = today()
            save(credit)


@transaction.atomic
def reopen_credits(*, elder_id: UUID, retracted_id: UUID, life_event_id: UUID, reason: str) -> None:
    """Open again this month's credits that a mistaken event closed, with what they gave back.

    A past month's stay closed. Where the event fell into an earlier month, this month's credit is opened, and what was
    missed is listed.

    Raises:
        Refused: a budget line does not hold that much any more.
    """
    this_month = month_of(today())[0]
    for effect in effects.effects_of(retracted_id, Credit):
        credit = Credit.objects.select_related("entitlement__policy").get(pk=effect.row_id)
        if credit.expired_on is None:
            reopen_credit(credit, effect.amount_fen or 0, life_event_id=life_event_id, reason=reason)
    for entitlement in _without_credit(elder_id, this_month):
        try:
            open_credit(entitlement=entitlement, month=this_month)
        except Refused:
            note_missed(life_event_id, entitlement, this_month)


def reopen_credit(credit: Credit, fen: int, *, life_event_id: UUID, reason: str) -> None:
    """Give a credit whose row is open again what it gave back; a past month's is closed again and listed as missed."""
    if credit.month < month_of(today())[0]:
        credit.expired_on = today()
        save(credit)
        note_missed(life_event_id, credit.entitlement, credit.month)
    else:
        credits.reopen(credit, fen, reason=reason, on=today())


def _without_credit(elder_id: UUID, month: date) -> QuerySet[Entitlement]:
    """Return what an elder is due as a credit and has no credit of a month for."""
    opened = Credit.objects.filter(elder=elder_id, month=month).values("entitlement__policy")
    due = Entitlement.objects.filter(in_force(today()), elder=elder_id, policy__form=Policy.Form.CREDIT)
    return due.exclude(policy__in=opened).select_related("policy", "elder")


def note_missed(life_event_id: UUID, entitlement: Entitlement, month: date) -> None:
    """List a month's credit that could not be used because of what was entered by mistake."""
    effects.follow_up(
        life_event_id,
        kind=FollowUpKind.CHECK,
        what=f"{entitlement.policy} {month:%Y年%m月}额度因误登未能使用，请核对补发",
    )


@transaction.atomic
def look_again(*, elder_id: UUID, on: date, life_event_id: UUID) -> None:
    """Ask the law of a day anew about an elder to whom something happened.

    What they get and the law no longer gives so is decided anew, its months proposed for payment or taking back; what
    they may get besides goes onto the list of those to be told.
    """
    elder = Elder.objects.get(pk=elder_id)
    if elder.state != Elder.State.ACTIVE:
        return
    rulebook = rulebook_on(on)
    judgements = rulebook.judge(facts_for_policy(elder, on))
    due = {
        row.policy_id: row
        for row in Entitlement.objects.filter(in_force(on), elder=elder).select_related("policy").order_by("policy")
    }
    for policy_id, entitlement in due.items():
        judgement = judgements.get(policy_id)
        if judgement is None or (judgement.entitled and judgement.monthly_fen == entitlement.monthly_fen):
            continue
        decision = redecide_elder(elder_id=elder.pk, version=rulebook.versions[policy_id], on=on)
        if decision is not None:
            effects.note(
                life_event_id, decision, f"重新认定{entitlement.policy}：{decision.reason}", fen=decision.monthly_fen
            )
    for policy_id, judgement in judgements.items():
        policy = rulebook.versions[policy_id].policy
        if (
            policy_id in due
            or not judgement.entitled
            or judgement.monthly_fen <= 0
            or policy.form == Policy.Form.SERVICE
        ):
            continue
        _tell(elder, policy, on, judgement.monthly_fen, judgement.reason, life_event_id)


def _tell(elder: Elder, policy: Policy, on: date, fen: int, reason: str, life_event_id: UUID) -> None:
    known = [FindingState.OPEN, FindingState.DISMISSED]
    if Finding.objects.filter(elder=elder, policy=policy, state__in=known).exists():
        return
    finding = save(
        Finding(elder=elder, area_id=elder.area_id, policy=policy, found_on=on, monthly_fen=fen, reason=reason[:300])
    )
    start(finding)
    effects.note(life_event_id, finding, f"可能可享受{policy}，已列入政策找人", fen=fen)
