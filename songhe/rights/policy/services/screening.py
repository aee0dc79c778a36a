"""Policies looking for people: who in the roll is probably due something and gets nothing."""

from datetime import date
from uuid import UUID

from django.db import transaction

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.flow.services import fire, start_many
from songhe.core.scope.services import Scope, use
from songhe.core.validity import in_force
from songhe.registers.elders.selectors import facts_frame
from songhe.rights.policy.flow import FindingState
from songhe.rights.policy.models import Entitlement, Finding, Policy
from songhe.rights.policy.population import answered, fen_of, reason_of
from songhe.rights.policy.rules import Rulebook
from songhe.rights.policy.selectors import rulebook_on
from songhe.rights.policy.services.deciding import decide

BATCH = 1000


@transaction.atomic
def screen(*, area: Area, on: date) -> int:
    """Look through an area's roll under every monthly benefit; note who is probably due one and gets none.

    What was put away as untrue stays away; open findings that hold no more are closed. Return how many are new.
    """
    rulebook = rulebook_on(on)
    policies = [pk for pk, version in rulebook.versions.items() if version.policy.form != Policy.Form.SERVICE]
    likely = _likely(rulebook, policies, area, on)
    with use(Scope.system()):
        here = Finding.objects.filter(area__gte=area.code, area__lt=area.upper)
        known = set(
            here.filter(state__in=[FindingState.OPEN, FindingState.DISMISSED]).values_list("elder_id", "policy_id")
        )
        getting = set(
            Entitlement.objects.filter(in_force(on), area__gte=area.code, area__lt=area.upper).values_list(
                "elder_id", "policy_id"
            )
        )
        for finding in here.filter(state=FindingState.OPEN):
            pair = (finding.elder_id, finding.policy_id)
            if pair not in likely or pair in getting:
                fire(finding, "close", user=None)
        made = [
            Finding(
                elder_id=elder, area_id=community, policy_id=policy, found_on=on, monthly_fen=fen, reason=reason[:300]
            )
            for (elder, policy), (community, fen, reason) in likely.items()
            if (elder, policy) not in known and (elder, policy) not in getting
        ]
        Finding.objects.bulk_create(made, batch_size=BATCH)
        start_many(made)
    return len(made)


def _likely(
    rulebook: Rulebook, policies: list[UUID], area: Area, on: date
) -> dict[tuple[UUID, UUID], tuple[int, int, str]]:
    """Return who is due what by the roll's facts: (elder, policy) → (community, fen a month, why)."""
    frame = facts_frame(area, on)
    if not policies or frame.is_empty():
        return {}
    people = answered(rulebook, policies, frame, reasons=True)
    found = {}
    for policy in policies:
        due = people.filter(people[fen_of(policy)] > 0).select(
            "elder_id", "居住区划", fen_of(policy), reason_of(policy)
        )
        for elder, community, fen, reason in due.iter_rows():
            found[UUID(elder), policy] = (community, fen, reason)
    return found


@transaction.atomic
def settle_finding(*, finding: Finding, user: User | None, on: date | None = None) -> Finding:
    """Decide the right that a finding speaks of, as of today, and close the finding."""

    row = fire(finding, "settle", user=user)
    row.decision = decide(elder_id=row.elder_id, policy=row.policy, on=on or today(), user=user)
    row.save()
    return row
