"""Deciding what an organisation, a facility or a worker is due."""

from datetime import date
from typing import Any

from django.db import IntegrityError, transaction

from songhe.core.accounts.models import User
from songhe.core.errors import Refused
from songhe.registers.facilities.models import Facility
from songhe.registers.providers.models import Provider
from songhe.registers.workforce.models import Staff
from songhe.rights.policy.models import Award, Policy
from songhe.rights.policy.rules import judge
from songhe.rights.policy.selectors import version_on


@transaction.atomic
def award(
    *, policy: Policy, whom: Provider | Facility | Staff, facts: dict[str, Any], on: date, user: User | None
) -> Award:
    """Decide a policy for an organisation, a facility or a worker from facts that a person has checked, and keep it.

    What was granted to them before (once for all, or in that year or month) is refused.

    Raises:
        Refused: no version is in force on that day, the policy is for others, or it was granted before.
    """
    kinds = {Policy.Subject.PROVIDER: Provider, Policy.Subject.FACILITY: Facility, Policy.Subject.STAFF: Staff}
    if not isinstance(whom, kinds.get(Policy.Subject(policy.subject), ())):
        raise Refused(f"“{policy.name}”的对象是{policy.get_subject_display()}。", field="whom")
    version = version_on(policy, on)
    if version is None:
        raise Refused(f"“{policy.name}”在 {on:%Y年%m月%d日} 没有现行版本，不能认定。", field="on")
    judgement = judge(version, facts, on)
    period = {Policy.Form.ONCE: "", Policy.Form.YEARLY: f":{on:%Y}", Policy.Form.MONTHLY: f":{on:%Y-%m}"}
    once = period.get(Policy.Form(policy.form), "") if judgement.entitled else None
    made = Award(
        policy_version=version,
        area_id=whom.area_id,
        **{policy.subject: whom},
        decided_on=on,
        decided_by=user,
        granted=judgement.entitled,
        amount_fen=judgement.monthly_fen,
        reason=judgement.reason[:300],
        facts=judgement.facts,
        trace=judgement.trace,
        explanation=judgement.explanation,
        once_key=f"{policy.key}:{whom.pk}{once}" if once is not None else None,
    )
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError as error:
        if once is not None and Award.objects.filter(once_key=made.once_key).exists():
            raise Refused(
                f"{whom} 已经享受过“{policy.name}”（{policy.get_form_display()}），不能重复认定。", field="whom"
            ) from error
        raise
    return made
