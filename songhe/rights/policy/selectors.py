"""Reads on policies, entitlements and credits."""

from datetime import date
from uuid import UUID

from django.db.models import QuerySet

from songhe.core.validity import in_force
from songhe.rights.policy.models import Credit, Decision, Entitlement, Policy, PolicyVersion


def version_on(policy: Policy, on: date) -> PolicyVersion | None:
    """Return the version of a policy in force on a day, or None."""
    return (
        policy.versions.filter(in_force(on))
        .exclude(state=PolicyVersion.State.DRAFT)
        .select_related("policy", "document")
        .first()
    )


def entitlements_on(elder_id: UUID, on: date) -> QuerySet[Entitlement]:
    """Return what an elder is due on a day, with the policies and decisions behind it."""
    return (
        Entitlement.objects.filter(in_force(on), elder_id=elder_id)
        .select_related("policy", "decision__policy_version__document")
        .order_by("policy__key")
    )


def credit_for(*, elder_id: UUID, month: date) -> Credit | None:
    """Return an elder's credit of a month (its first day) that is not yet closed, or None."""
    return (
        Credit.objects.filter(elder_id=elder_id, month=month, expired_on__isnull=True)
        .select_related("account")
        .order_by("id")
        .first()
    )


def latest_decisions(elder_id: UUID) -> QuerySet[Decision]:
    """Return the last decision of each policy on an elder, newest first."""
    newest = Decision.objects.filter(elder_id=elder_id).order_by("policy_version__policy", "-decided_on", "-id")
    return (
        Decision.objects.filter(pk__in=newest.distinct("policy_version__policy").values("pk"))
        .select_related("policy_version__policy", "policy_version__document")
        .order_by("-decided_on")
    )
