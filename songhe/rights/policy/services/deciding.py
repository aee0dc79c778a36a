"""Deciding who is due what, keeping how it was decided, and bringing what is due in line."""

from datetime import date, timedelta
from uuid import UUID

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange

from songhe.core.accounts.models import User
from songhe.core.calendar.services import today
from songhe.core.errors import Refused
from songhe.core.events.services import publish
from songhe.core.ledger import credits
from songhe.core.locks import locked
from songhe.core.saving import save
from songhe.core.validity import from_day, in_force
from songhe.registers.elders import effects
from songhe.registers.elders.models import Elder
from songhe.registers.elders.selectors import facts_for_policy
from songhe.rights.policy.events import Entitled, EntitlementEnded
from songhe.rights.policy.models import Credit, Decision, Entitlement, Policy
from songhe.rights.policy.rules import Judgement, Rulebook
from songhe.rights.policy.selectors import last_decision, rulebook_on


@transaction.atomic
def decide(*, elder_id: UUID, policy: Policy, on: date, user: User | None) -> Decision:
    """Decide one policy for one elder on a date, keep how it was decided, and open or end the entitlement accordingly.

    Where the place's rules between benefits take another benefit away because of it, that one is decided too. The
    elder's row is locked, so that two clerks deciding at once leave one entitlement.

    Raises:
        Refused: no version of the policy is in force on that date, or it is not decided for elders.
    """
    if policy.subject != Policy.Subject.ELDER:
        raise Refused(f"“{policy.name}”的对象是{policy.get_subject_display()}，不能为老年人认定。", field="policy")
    elder = locked(Elder.objects.filter(pk=elder_id))
    rulebook = rulebook_on(on)
    if policy.pk not in rulebook.versions:
        raise Refused(f"“{policy.name}”在 {on:%Y年%m月%d日} 没有现行版本，不能认定。")
    facts = facts_for_policy(elder, on)
    judgements = rulebook.judge(facts, policy.pk)
    decision = _record(elder, judgements[policy.pk], rulebook, policy.pk, on, user)
    for other in _taken_away(elder, judgements, policy, on):
        _record(elder, judgements[other], rulebook, other, on, user)
    return decision


def _taken_away(elder: Elder, judgements: dict[UUID, Judgement], policy: Policy, on: date) -> list[UUID]:
    """Return the other policies under which the elder is due something that the judgements give no more."""
    others = [pk for pk, judgement in judgements.items() if pk != policy.pk and not judgement.entitled]
    if not others:
        return []
    due = Entitlement.objects.filter(in_force(on), elder=elder, policy__in=others)
    return list(due.order_by("policy").values_list("policy_id", flat=True))


def _record(
    elder: Elder, judgement: Judgement, rulebook: Rulebook, policy_id: UUID, on: date, user: User | None
) -> Decision:
    version = rulebook.versions[policy_id]
    decision = Decision(
        elder=elder,
        area_id=elder.area_id,
        policy_version=version,
        coordinated_by=rulebook.coordination if rulebook.coordinates(policy_id) else None,
        decided_on=on,
        decided_by=user,
        previous=last_decision(elder.pk, policy_id),
        entitled=judgement.entitled,
        monthly_fen=judgement.monthly_fen,
        reason=judgement.reason[:300],
        facts=judgement.facts,
        trace=judgement.trace,
        explanation=judgement.explanation,
        results=judgement.results,
    )
    decision.save(force_insert=True)
    _apply(decision, version.policy)
    return decision


def _apply(decision: Decision, policy: Policy) -> None:
    """Bring what is due in line with the decision: open, end, or end and open anew where the amount changed.

    What was due only from a later day is superseded too: the decision speaks for every day from its own on.
    """
    first = decision.decided_on
    standing = Entitlement.objects.filter(elder_id=decision.elder_id, policy=policy, validity__endswith__isnull=True)
    present = standing.filter(in_force(first)).first()
    later = standing.filter(validity__startswith__gt=first).first()
    if later:
        end(
            entitlement=later,
            last_day=later.validity.lower - timedelta(days=1),
            reason=f"按{first:%Y年%m月%d日}认定调整",
        )
    if present and decision.entitled and present.monthly_fen == decision.monthly_fen:
        return
    if present:
        end(entitlement=present, last_day=first - timedelta(days=1), reason=decision.reason)
    if decision.entitled and policy.form != Policy.Form.SERVICE and decision.monthly_fen > 0:
        entitlement = save(
            Entitlement(
                elder_id=decision.elder_id,
                area_id=decision.area_id,
                policy=policy,
                decision=decision,
                monthly_fen=decision.monthly_fen,
                validity=from_day(first),
            )
        )
        publish(Entitled(entitlement_id=entitlement.pk))


@transaction.atomic
def end(*, entitlement: Entitlement, last_day: date, reason: str) -> None:
    """End an entitlement after a day; one that would end before it began never held and has no days."""
    first = entitlement.validity.lower
    entitlement.validity = DateRange(first, max(last_day + timedelta(days=1), first), "[)")
    entitlement.ended_reason = reason[:100]
    save(entitlement)
    publish(EntitlementEnded(entitlement_id=entitlement.pk, last_day=last_day))


@transaction.atomic
def follow_move(*, elder_id: UUID, area_id: int, on: date, life_event_id: UUID) -> None:
    """Hand what an elder is due to the community they live in from a day on.

    A policy that does not reach there ends on the day before, and what its credits still hold free is given back.
    """
    for entitlement in Entitlement.objects.filter(in_force(today()), elder_id=elder_id).select_related("policy__area"):
        if area_id in entitlement.policy.area:
            Entitlement.objects.filter(pk=entitlement.pk).update(area_id=area_id)
            continue
        policy = entitlement.policy
        with effects.noting(life_event_id, entitlement, f"终止待遇：{policy}", fen=entitlement.monthly_fen):
            end(entitlement=entitlement, last_day=on - timedelta(days=1), reason=f"迁出{policy.area}")
        lost = list(Credit.objects.select_for_update().filter(entitlement=entitlement, expired_on__isnull=True))
        credits.expire(lost, on=today())
        Credit.objects.filter(pk__in=[credit.pk for credit in lost]).update(expired_on=today())
    Credit.objects.filter(elder_id=elder_id, expired_on__isnull=True).update(area_id=area_id)
    credits.hand_over(elder_id=elder_id, area_id=area_id)
