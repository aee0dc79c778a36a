"""Reads on policies, entitlements and credits."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.apps import apps
from django.db.models import CharField, QuerySet

from songhe.core.validity import in_force
from songhe.packs.policies import PARAMETERS, read_model
from songhe.registers.elders.models import Elder
from songhe.registers.elders.selectors import facts_for_policy
from songhe.rights.policy.flow import VersionState
from songhe.rights.policy.models import Credit, Decision, Document, Entitlement, Policy, PolicyVersion, Simulation
from songhe.rights.policy.rules import Judgement, Rulebook

LAW = (VersionState.IN_FORCE, VersionState.SUPERSEDED)
"""The states of a version that is law in its validity, or was."""


def versions_on(on: date) -> QuerySet[PolicyVersion]:
    """Return every policy's version that is law on a day."""
    return PolicyVersion.objects.filter(in_force(on), state__in=LAW).select_related("policy", "document")


def version_on(policy: Policy, on: date) -> PolicyVersion | None:
    """Return the version of a policy in force on a day, or None."""
    return versions_on(on).filter(policy=policy).first()


def rulebook_on(on: date, *, instead: PolicyVersion | None = None) -> Rulebook:
    """Return all policies for elders as in force on a day; ``instead`` stands in for its policy's version."""
    versions = {version.policy_id: version for version in versions_on(on).order_by("policy__key")}
    if instead is not None:
        versions[instead.policy_id] = instead
    subject = Policy.Subject
    between = [version for version in versions.values() if version.policy.subject == subject.BENEFITS]
    return Rulebook(
        on,
        {pk: version for pk, version in versions.items() if version.policy.subject == subject.ELDER},
        between[0] if between else None,
    )


def submitted_simulation(version: PolicyVersion) -> Simulation | None:
    """Return the simulation that went to the approvers with a version, or None."""
    return version.simulations.filter(submitted_at__isnull=False).select_related("asked_by", "area").first()


def last_decision(elder_id: UUID, policy_id: UUID) -> Decision | None:
    """Return the last decision of a policy on an elder, or None."""
    return (
        Decision.objects.filter(elder_id=elder_id, policy_version__policy=policy_id)
        .order_by("-created_at", "-id")
        .first()
    )


def entitlements_on(elder_id: UUID, on: date) -> QuerySet[Entitlement]:
    """Return what an elder is due on a day, with the policies and decisions behind it."""
    return (
        Entitlement.objects.filter(in_force(on), elder_id=elder_id)
        .select_related("policy", "decision__policy_version__document")
        .order_by("policy__key")
    )


def credits_for(*, elder_id: UUID, month: date) -> list[Credit]:
    """Return an elder's credits of a month (its first day) that are not yet closed, those that pay whole prices first.

    A provider sees the credit but not its account, so the account is not joined: the join would hide the credit.
    """
    open_ones = Credit.objects.filter(elder_id=elder_id, month=month, expired_on__isnull=True)
    return list(open_ones.order_by("-share_percent", "id"))


def credit_for(*, elder_id: UUID, month: date) -> Credit | None:
    """Return the credit of a month that pays whole prices if the elder has one, else a voucher, or None."""
    return next(iter(credits_for(elder_id=elder_id, month=month)), None)


def latest_decisions(elder_id: UUID) -> QuerySet[Decision]:
    """Return the last decision of each policy on an elder, newest first."""
    newest = Decision.objects.filter(elder_id=elder_id).order_by("policy_version__policy_id", "-created_at", "-id")
    return (
        Decision.objects.filter(pk__in=newest.distinct("policy_version__policy_id").values("pk"))
        .select_related("policy_version__policy", "policy_version__document")
        .order_by("-decided_on")
    )


# --- the library -------------------------------------------------------------------------------------------------


def search_documents(queryset: QuerySet[Document], text: str) -> QuerySet[Document]:
    """Find documents that hold every word of a text in title, number, issuer, summary or clauses (trigram index)."""
    for word in text.split():
        queryset = queryset.filter(search_text__icontains=word)
    return queryset


@dataclass(frozen=True)
class Citation:
    """Something that cites a document: what kind of thing, which, and by which clause."""

    kind: str
    name: str
    clause: str


def cited_by(document: Document, limit: int = 200) -> list[Citation]:
    """Return what cites a document by its words: figures, services, norms, pots … of every room that keeps a source."""
    found: list[Citation] = []
    for model in apps.get_models():
        field = next((field for field in model._meta.fields if field.name == "document"), None)
        if not isinstance(field, CharField) or hasattr(model, "pgh_tracked_model"):
            continue
        rows = model._default_manager.filter(document=str(document)).order_by("pk")[:limit]
        found += [
            Citation(str(model._meta.verbose_name), str(row), str(getattr(row, "clause", "") or "")) for row in rows
        ]
    return found[:limit]


# --- the whole right of one elder ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Right:
    """One benefit and one elder: what is due since when, what the law says today, and what is not known for it."""

    version: PolicyVersion
    entitlement: Entitlement | None
    decision: Decision | None
    judgement: Judgement
    missing: list[str]

    @property
    def due(self) -> bool:
        """Tell whether the elder gets it now."""
        return self.entitlement is not None or (
            self.judgement.entitled and self.version.policy.form == Policy.Form.SERVICE
        )

    @property
    def likely(self) -> bool:
        """Tell whether the law gives it by the facts at hand, though nobody has decided so."""
        return self.judgement.entitled and not self.due

    @property
    def clauses(self) -> list[str]:
        """The clauses by which today's answer came about."""
        return list(dict.fromkeys(clause for hit in self.judgement.trace for clause in hit["clauses"]))


def rights_of(elder: Elder, on: date) -> list[Right]:
    """Return every benefit for elders in force on a day, as it stands for one elder."""
    rulebook = rulebook_on(on)
    facts = facts_for_policy(elder, on)
    judgements = rulebook.judge(facts)
    entitlements = {row.policy_id: row for row in entitlements_on(elder.pk, on)}
    decisions = {row.policy_version.policy_id: row for row in latest_decisions(elder.pk)}
    found = []
    for pk, version in rulebook.versions.items():
        inputs = [name for name in read_model(version.model_xml).inputs if name != PARAMETERS]
        missing = [name for name in inputs if facts.get(name) is None]
        found.append(Right(version, entitlements.get(pk), decisions.get(pk), judgements[pk], missing))
    return found
