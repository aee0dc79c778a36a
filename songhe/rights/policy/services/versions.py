"""A version's life: drafted from another, edited, tried, reviewed and enacted by others, superseded on its last day."""

from datetime import date
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange

from songhe.core.accounts.models import User
from songhe.core.calendar.services import now, today
from songhe.core.errors import Refused
from songhe.core.events.services import defer
from songhe.core.flow.services import fire, start
from songhe.core.locks import locked
from songhe.core.saving import save
from songhe.core.scope.services import Scope, use
from songhe.core.validity import from_day
from songhe.engines.policy import PolicyError, load_model
from songhe.rights.policy.flow import VersionState
from songhe.rights.policy.models import Document, Policy, PolicyVersion
from songhe.rights.policy.rules import digest_of, problems_of
from songhe.rights.policy.selectors import LAW


@transaction.atomic
def publish_version(
    *,
    policy: Policy,
    document: Document,
    model_xml: str,
    parameters: list[dict[str, Any]],
    first: date,
    examples: list[dict[str, str]] | None = None,
) -> PolicyVersion:
    """Put a version that comes with a place's pack in force from a day; the one before ends the day before.

    A version of the same model and figures stays as it is.

    Raises:
        Refused: the day is not after the first day of the version in force.
    """
    digest = digest_of(model_xml, parameters)
    now_valid = policy.versions.filter(state__in=LAW).order_by("-number").first()
    if now_valid and now_valid.digest == digest:
        return now_valid
    number = _next_number(policy)
    _make_room(policy, first)
    return save(
        PolicyVersion(
            policy=policy,
            number=number,
            validity=from_day(first),
            state=VersionState.IN_FORCE,
            document=document,
            model_xml=model_xml,
            digest=digest,
            parameters=parameters,
            examples=examples or [],
        )
    )


@transaction.atomic
def draft(*, policy_version: PolicyVersion, note: str, first: date, user: User | None) -> PolicyVersion:
    """Begin a draft as a copy of a version, to be in force from a day, and return it."""
    policy = locked(Policy.objects.filter(pk=policy_version.policy_id))
    made = save(
        PolicyVersion(
            policy=policy,
            number=_next_number(policy),
            validity=from_day(first),
            document=policy_version.document,
            model_xml=policy_version.model_xml,
            digest=policy_version.digest,
            parameters=policy_version.parameters,
            examples=policy_version.examples,
            based_on=policy_version,
            note=note,
            author=user,
        )
    )
    start(made, user)
    return made


@transaction.atomic
def edit(
    *,
    policy_version: PolicyVersion,
    user: User | None,
    version: int | None = None,
    model_xml: str | None = None,
    parameters: list[dict[str, Any]] | None = None,
    examples: list[dict[str, str]] | None = None,
    document: Document | None = None,
    note: str | None = None,
) -> PolicyVersion:
    """Change a draft's model, figures, examples, document or note; what is None stays.

    Raises:
        Refused: it is no draft, or the model cannot be read (says where).
        Changed: somebody else changed it since ``version``.
    """
    row = fire(policy_version, "edit", user=user, version=version)
    if model_xml is not None:
        try:
            load_model(model_xml)
        except PolicyError as error:
            raise Refused(str(error), field="model_xml") from error
        row.model_xml = model_xml
    row.parameters = row.parameters if parameters is None else parameters
    row.examples = row.examples if examples is None else examples
    row.document = document or row.document
    row.note = row.note if note is None else note
    row.digest = digest_of(row.model_xml, row.parameters)
    save(row)
    row.refresh_from_db()
    return row


@transaction.atomic
def submit(*, policy_version: PolicyVersion, user: User | None, version: int | None = None) -> PolicyVersion:
    """Hand a draft to others: it must be sound, say of its examples what it should, and its cost must be known.

    Raises:
        Refused: what stands in the way, in words.
    """
    on = max(policy_version.validity.lower, today())
    problems = problems_of(policy_version, on)
    if problems:
        raise Refused("草案还不能提交复核：" + "；".join(problems[:5]))
    if not policy_version.examples:
        raise Refused("草案还没有示例人员。请至少写一名符合的和一名不符合的，让别人能看懂规则怎么用。")
    if policy_version.policy.subject == Policy.Subject.ELDER:
        _attach_simulation(policy_version)
    return fire(policy_version, "simulate", user=user, version=version)


def _attach_simulation(policy_version: PolicyVersion) -> None:
    """Have the draft's latest simulation go with it to those who approve."""
    done = policy_version.simulations.filter(digest=policy_version.digest, finished_at__isnull=False, failure="")
    latest = done.order_by("-finished_at").first()
    if latest is None:
        raise Refused("草案改动后还没有测算。请先测算费用和受影响的人，再提交复核。")
    policy_version.simulations.filter(submitted_at__isnull=False).update(submitted_at=None)
    latest.submitted_at = now()
    save(latest)


@transaction.atomic
def enact(
    *, policy_version: PolicyVersion, first: date, user: User | None, reason: str = "", version: int | None = None
) -> PolicyVersion:
    """Make a reviewed version law from a day; everybody it concerns is decided anew from that day.

    A day in the past is retroactive: what to pay or take back is proposed to a person.

    Raises:
        Refused: the day is not after the first day of the version it replaces, or somebody must stand aside.
    """
    row = locked(PolicyVersion.objects.filter(pk=policy_version.pk), version=version)
    policy = locked(Policy.objects.filter(pk=row.policy_id))
    # Room first, then the state: the walls allow one law a day at any moment.
    row.validity = DateRange(first, _make_room(policy, first), "[)")
    save(row)
    row = fire(row, "enact", user=user, reason=reason)
    if first <= today():
        _take_effect(row)
    return row


def _make_room(policy: Policy, first: date) -> date | None:
    """End the law that holds on a day the day before it; return the first day of law already made for later."""
    law = policy.versions.filter(state__in=LAW)
    later = law.filter(validity__startswith__gt=first).order_by("validity").first()
    before = law.filter(validity__contains=first).first()
    if before is None:
        return later.validity.lower if later else None
    if first <= before.validity.lower:
        raise Refused(f"新版本须晚于现行版本的生效日 {before.validity.lower:%Y年%m月%d日}。", field="first")
    before.validity = DateRange(before.validity.lower, first, "[)")
    save(before)
    if first <= today():
        _supersede(before)
    return later.validity.lower if later else None


def _supersede(version: PolicyVersion) -> None:
    if version.state == VersionState.IN_FORCE:
        with use(Scope.system()):
            fire(version, "supersede", user=None)


def _take_effect(version: PolicyVersion) -> None:
    from songhe.rights.policy.jobs import redecide

    if version.policy.subject == Policy.Subject.ELDER:
        defer(redecide, version_id=version.pk, on=version.validity.lower)


@transaction.atomic
def turn_over(*, on: date) -> list[UUID]:
    """Begin a day: versions whose last day is over are superseded, those of this day take effect; return the latter."""
    for ended in PolicyVersion.objects.filter(state=VersionState.IN_FORCE, validity__endswith__lte=on):
        _supersede(ended)
    begun = PolicyVersion.objects.filter(
        state=VersionState.IN_FORCE, validity__startswith=on, based_on__isnull=False
    ).select_related("policy")
    for version in begun:
        _take_effect(version)
    return [version.pk for version in begun]


def _next_number(policy: Policy) -> int:
    last = policy.versions.order_by("-number").values_list("number", flat=True).first()
    return (last or 0) + 1
