"""Deciding who is due what, opening the months, closing them: every write on policies."""

from datetime import date, timedelta
from hashlib import sha256
from uuid import UUID

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange

from songhe.core.accounts.models import User
from songhe.core.calendar.services import month_of
from songhe.core.errors import Refused
from songhe.core.events.services import publish
from songhe.core.ledger import credits
from songhe.core.locks import locked
from songhe.core.saving import save
from songhe.core.validity import from_day, in_force
from songhe.registers.elders.models import Elder
from songhe.registers.elders.selectors import facts_for_policy
from songhe.registers.funds.models import BudgetLine
from songhe.registers.funds.selectors import budget_line_for
from songhe.rights.policy.events import Entitled, EntitlementEnded
from songhe.rights.policy.models import Credit, Decision, Document, Entitlement, Policy, PolicyVersion
from songhe.rights.policy.rules import judge
from songhe.rights.policy.selectors import version_on


@transaction.atomic
def decide(*, elder_id: UUID, policy: Policy, on: date, user: User | None) -> Decision:
    """Decide one policy for one elder on a date, keep how it was decided, and open or end the entitlement accordingly.

    The elder's row is locked, so that two clerks deciding at once leave one entitlement.

    Raises:
        Refused: no version of the policy is in force on that date.
    """
    elder = locked(Elder.objects.filter(pk=elder_id))
    version = version_on(policy, on)
    if version is None:
        raise Refused(f"“{policy.name}”在 {on:%Y年%m月%d日} 没有现行版本，不能认定。")
    judgement = judge(version, facts_for_policy(elder, on))
    decision = Decision(
        elder=elder,
        area_id=elder.area_id,
        policy_version=version,
        decided_on=on,
        decided_by=user,
        entitled=judgement.entitled,
        monthly_fen=judgement.monthly_fen,
        reason=judgement.reason,
        facts=judgement.facts,
        trace=judgement.trace,
        explanation=judgement.explanation,
    )
    decision.save(force_insert=True)
    _apply(decision, policy)
    return decision


def _apply(decision: Decision, policy: Policy) -> None:
    """Bring the entitlement in line with the decision: open, end, or end and open anew where the amount changed."""
    now_due = Entitlement.objects.filter(
        in_force(decision.decided_on), elder_id=decision.elder_id, policy=policy
    ).first()
    if now_due and decision.entitled and now_due.monthly_fen == decision.monthly_fen:
        return
    if now_due:
        end(entitlement=now_due, last_day=decision.decided_on - timedelta(days=1), reason=decision.reason)
    if decision.entitled:
        entitlement = save(
            Entitlement(
                elder_id=decision.elder_id,
                area_id=decision.area_id,
                policy=policy,
                decision=decision,
                monthly_fen=decision.monthly_fen,
                validity=from_day(decision.decided_on),
            )
        )
        publish(Entitled(entitlement_id=entitlement.pk))


@transaction.atomic
def end(*, entitlement: Entitlement, last_day: date, reason: str) -> None:
    """End an entitlement after a day; one that would end before it began never held and is closed on its first day."""
    first = entitlement.validity.lower
    entitlement.validity = DateRange(first, max(last_day, first) + timedelta(days=1), "[)")
    entitlement.ended_reason = reason[:100]
    save(entitlement)
    publish(EntitlementEnded(entitlement_id=entitlement.pk, last_day=last_day))


@transaction.atomic
def open_month(*, month: date, policy: Policy) -> int:
    """Open the month's credit of everyone due under a policy; those opened before are left. Return how many.

    One ledger entry moves the whole sum from the budget line to the credits.

    Raises:
        Refused: no budget line serves the policy's purpose in that month, or it does not hold enough.
    """
    first, next_first = month_of(month)
    due = list(
        Entitlement.objects.filter(policy=policy, validity__overlap=DateRange(first, next_first, "[)"))
        .exclude(credits__month=first)
        .filter(elder__state=Elder.State.ACTIVE)
        .select_related("elder")
        .order_by("id")
    )
    if not due:
        return 0
    line = budget_line_for(purpose=policy.budget_purpose, area=policy.area_id, on=first)
    if line is None:
        raise Refused(f"{first:%Y年%m月}没有用途为“{policy.budget_purpose}”的预算项目，不能开立额度。")
    _open(due, first, line, policy)
    return len(due)


@transaction.atomic
def open_credit(*, entitlement: Entitlement, month: date) -> Credit:
    """Open one elder's credit of a month, for someone found entitled when the month had begun."""
    first, _next = month_of(month)
    existing = Credit.objects.filter(entitlement=entitlement, month=first).first()
    if existing:
        return existing
    policy = entitlement.policy
    line = budget_line_for(purpose=policy.budget_purpose, area=policy.area_id, on=first)
    if line is None:
        raise Refused(f"{first:%Y年%m月}没有用途为“{policy.budget_purpose}”的预算项目，不能开立额度。")
    return _open([entitlement], first, line, policy)[0]


def _open(due: list[Entitlement], first: date, line: BudgetLine, policy: Policy) -> list[Credit]:
    made = [
        Credit(
            entitlement=entitlement,
            elder_id=entitlement.elder_id,
            area_id=entitlement.area_id,
            month=first,
            amount_fen=entitlement.monthly_fen,
            budget_line=line,
        )
        for entitlement in due
    ]
    accounts = credits.open_credits(
        line.account, made, on=first, memo=f"{first:%Y年%m月}{policy.name}额度 {len(made)} 人"
    )
    for credit in made:
        credit.account = accounts[credit.pk]
    return Credit.objects.bulk_create(made, batch_size=2000)


@transaction.atomic
def close_month(*, month: date, on: date) -> int:
    """Give what a past month's credits still hold free back to their budget lines; return how many were closed."""
    first, next_first = month_of(month)
    if on < next_first:
        raise Refused(f"{first:%Y年%m月}还没有结束，不能清零。")
    open_credits = list(
        Credit.objects.select_for_update(of=("self",))
        .filter(month=first, expired_on__isnull=True)
        .select_related("account", "budget_line__account")
        .order_by("id")
    )
    credits.expire(open_credits, on=on)
    return Credit.objects.filter(pk__in=[credit.pk for credit in open_credits]).update(expired_on=on)


@transaction.atomic
def publish_version(
    *, policy: Policy, document: Document, model_xml: str, parameters: dict[str, object], first: date
) -> PolicyVersion:
    """Put a new version of a policy in force from a day; the one before ends the day before."""
    digest = sha256(model_xml.encode() + repr(sorted(parameters.items())).encode()).hexdigest()
    now_valid = policy.versions.exclude(state=PolicyVersion.State.DRAFT).order_by("-number").first()
    if now_valid and now_valid.digest == digest:
        return now_valid
    if now_valid:
        if first <= now_valid.validity.lower:
            raise Refused(f"新版本须晚于现行版本的生效日 {now_valid.validity.lower:%Y年%m月%d日}。")
        now_valid.validity = DateRange(now_valid.validity.lower, first, "[)")
        now_valid.state = PolicyVersion.State.SUPERSEDED
        save(now_valid)
    return save(
        PolicyVersion(
            policy=policy,
            number=(now_valid.number if now_valid else 0) + 1,
            validity=from_day(first),
            state=PolicyVersion.State.IN_FORCE,
            document=document,
            model_xml=model_xml,
            digest=digest,
            parameters=parameters,
        )
    )
