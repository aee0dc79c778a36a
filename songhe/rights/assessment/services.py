"""Applying, assigning, assessing, reviewing, publishing, objecting: every write on assessments."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.core.files import File
from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import Q

from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.calendar.services import months_after, now, today
from songhe.core.errors import Refused
from songhe.core.events.services import publish
from songhe.core.files.models import StoredFile
from songhe.core.files.services import store
from songhe.core.flow import services as flow
from songhe.core.locks import locked
from songhe.core.numbers import next_number
from songhe.core.saving import save
from songhe.engines.scales import ScaleError, score
from songhe.registers.elders import services as elders
from songhe.registers.elders.models import Elder
from songhe.registers.exchange.models import Partner
from songhe.rights.assessment.events import AssessmentPublished
from songhe.rights.assessment.flow import UNDER_WAY, AssessmentState
from songhe.rights.assessment.models import Assessment, Recognition
from songhe.rights.assessment.scales import DEFAULT, scale


@transaction.atomic
def apply(
    *,
    elder_id: UUID,
    reason: str,
    applicant: str,
    user: User | None,
    scale_key: str = DEFAULT,
    review_of: Assessment | None = None,
) -> Assessment:
    """Apply for an elder's assessment.

    Raises:
        Refused: the elder is not active, or an application of theirs is still on its way.
    """
    elder = Elder.objects.get(pk=elder_id)
    if elder.state != Elder.State.ACTIVE:
        raise Refused(f"{elder.name}已标记为“{elder.get_state_display()}”，不能申请评估。", field="elder")
    assessment = save(
        Assessment(
            number=next_number("PG"),
            elder=elder,
            area_id=elder.area_id,
            scale=scale(scale_key).key,
            reason=reason,
            applied_on=today(),
            applicant=applicant,
            review_of=review_of,
        )
    )
    flow.start(assessment, user)
    return assessment


@transaction.atomic
def assign(
    *,
    assessment_id: UUID,
    assessor_1: User,
    assessor_2: User,
    planned_at: datetime | None,
    user: User,
    version: int | None = None,
) -> Assessment:
    """Assign two assessors."""
    assessment = locked(Assessment.objects.filter(pk=assessment_id), version=version)
    for assessor in (assessor_1, assessor_2):
        if assessor.role != Role.ASSESSOR:
            raise Refused(f"{assessor}不是评估员。", field="assessor_1")
    assessment.assessor_1, assessment.assessor_2, assessment.planned_at = assessor_1, assessor_2, planned_at
    save(assessment)
    return flow.fire(assessment, "assign", user=user)


@transaction.atomic
def record(
    *,
    assessment_id: UUID,
    user: User,
    answers: dict[str, int],
    circumstances: dict[str, Any],
    informant: str,
    informant_relation: str,
    assessed_at: datetime | None = None,
    signatures: dict[str, StoredFile] | None = None,
    version: int | None = None,
) -> Assessment:
    """Enter what two assessors found, have the scale make a result of it, and hand it in for review.

    Raises:
        Refused: an item is missing or has no such option (all are named), or the person is not an assessor of it.
    """
    assessment = locked(Assessment.objects.filter(pk=assessment_id), version=version)
    if user.pk not in (assessment.assessor_1_id, assessment.assessor_2_id):
        raise Refused("这份评估没有指派给您。")
    if not informant.strip():
        raise Refused("请填写信息提供者。", field="informant")
    try:
        result = score(scale(assessment.scale), answers, circumstances)
    except ScaleError as error:
        raise Refused(str(error)) from error
    assessment.answers, assessment.circumstances = answers, circumstances
    assessment.informant, assessment.informant_relation = informant.strip(), informant_relation
    assessment.assessed_at = assessed_at or now()
    assessment.result = result.as_json()
    assessment.total, assessment.level = result.total, result.level
    assessment.preliminary_level = result.preliminary_level
    for role, stored in (signatures or {}).items():
        setattr(assessment, f"signature_{role}", stored)
    save(assessment)
    return flow.fire(assessment, "assess", user=user)


@transaction.atomic
def accept(*, assessment_id: UUID, user: User, version: int | None = None) -> Assessment:
    """Agree with a result, as somebody who did not assess."""
    return flow.fire(Assessment.objects.get(pk=assessment_id), "accept", user=user, version=version)


@transaction.atomic
def send_back(*, assessment_id: UUID, user: User, reason: str, version: int | None = None) -> Assessment:
    """Have it assessed again."""
    return flow.fire(Assessment.objects.get(pk=assessment_id), "send_back", user=user, reason=reason, version=version)


@transaction.atomic
def publish_result(*, assessment_id: UUID, user: User | None, version: int | None = None) -> Assessment:
    """Put a reviewed level in force from today for the scale's months; the one before ends today."""
    assessment = locked(Assessment.objects.filter(pk=assessment_id), version=version)
    rules, first = scale(assessment.scale), today()
    if assessment.state == AssessmentState.REVIEWED:
        _end_former(assessment, first)
        assessment.published_on = first
        assessment.validity = DateRange(first, months_after(first, rules.validity_months), "[)")
        save(assessment)
    assessment = flow.fire(assessment, "publish", user=user)
    if assessment.level is None:
        raise Refused("还没有评估等级，不能公布。")
    elders.record_level(elder_id=assessment.elder_id, level=assessment.level, on=first)
    publish(AssessmentPublished(assessment_id=assessment.pk, elder_id=assessment.elder_id, level=assessment.level))
    return assessment


@transaction.atomic
def object_to(*, assessment_id: UUID, user: User, reason: str) -> Assessment:
    """Note that the elder or family does not agree; the level stays in force until it is looked into."""
    assessment = locked(Assessment.objects.filter(pk=assessment_id))
    assessment.objection = reason.strip()
    save(assessment)
    return flow.fire(assessment, "object_to", user=user, reason=reason)


@transaction.atomic
def uphold(*, assessment_id: UUID, user: User, reason: str) -> Assessment:
    """Keep the level after an objection was looked into."""
    return flow.fire(Assessment.objects.get(pk=assessment_id), "uphold", user=user, reason=reason)


@transaction.atomic
def withdraw(*, assessment_id: UUID, user: User, reason: str) -> Assessment:
    """Withdraw an application."""
    return flow.fire(Assessment.objects.get(pk=assessment_id), "withdraw", user=user, reason=reason)


@transaction.atomic
def follow_move(*, elder_id: UUID, area_id: int, on: date) -> None:
    """Hand an elder's assessments that are under way or in force, and what is to be done about them, to a community."""
    under_way = Q(state__in=UNDER_WAY) | Q(state=AssessmentState.PUBLISHED, validity__endswith__gt=on)
    for assessment in Assessment.objects.select_for_update(of=("self",)).filter(under_way, elder_id=elder_id):
        assessment.area_id = area_id
        save(assessment)
        flow.hand_over([assessment])


@transaction.atomic
def recognise(
    *,
    elder: Elder,
    partner: Partner,
    scale_key: str,
    number: str,
    level: int,
    assessed_on: date,
    user: User,
    paper: "File[bytes] | None" = None,
) -> Recognition:
    """Let a partner region's assessment count here, from today to the end of the scale's months since it was made.

    Raises:
        Refused: no agreement in force recognises that scale, it is too old, or a later one of ours is in force.
    """
    if elder.state != Elder.State.ACTIVE:
        raise Refused(f"{elder.name}{elder.get_state_display()}，不能互认评估。", field="elder")
    if today() not in partner.validity or not partner.recognises:
        raise Refused(f"与{partner}没有在有效期内的评估互认协议。", field="partner")
    if scale_key not in partner.scales:
        raise Refused(f"与{partner}的协议不互认“{scale(scale_key).title}”。", field="scale_key")
    until = months_after(assessed_on, scale(scale_key).validity_months)
    if assessed_on > today() or until <= today():
        raise Refused(f"评估日期须在最近 {scale(scale_key).validity_months} 个月内。", field="assessed_on")
    if elder.ability_assessed_on is not None and elder.ability_assessed_on > assessed_on:
        raise Refused(f"本地在 {elder.ability_assessed_on} 有更近的评估，不能以较早的替代。", field="assessed_on")
    stored = store(paper, purpose="assessment", area=elder.area_id, elder=elder.pk, user=user) if paper else None
    recognition = save(
        Recognition(
            elder=elder,
            area_id=elder.area_id,
            partner=partner,
            scale=scale_key,
            number=number.strip(),
            level=level,
            assessed_on=assessed_on,
            validity=DateRange(today(), until, "[)"),
            paper=stored,
            by=user,
        )
    )
    elders.record_level(elder_id=elder.pk, level=level, on=assessed_on)
    return recognition


def _end_former(assessment: Assessment, first: Any) -> None:
    former = Assessment.objects.filter(
        elder_id=assessment.elder_id, scale=assessment.scale, state=AssessmentState.PUBLISHED, validity__contains=first
    ).exclude(pk=assessment.pk)
    for old in former.select_for_update():
        old.validity = DateRange(min(old.validity.lower, first), first, "[)")
        if old.validity.lower == first:
            raise Refused("今天已经公示过这位老人的另一份评估，请明天再公示。")
        save(old)
