"""Every write to the elders' register; each function is one transaction and raises Refused in words for people."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.errors import Refused
from songhe.core.events.services import publish
from songhe.core.files.models import StoredFile
from songhe.core.files.services import store
from songhe.core.locks import locked
from songhe.core.saving import save
from songhe.core.scope.services import Scope, current, use
from songhe.core.validity import from_day, lasts_past
from songhe.registers.elders import effects, identity, names
from songhe.registers.elders.events import (
    ConsentWithdrawn,
    DifficultyChanged,
    ElderDied,
    ElderMoved,
    ElderMovedAway,
    ElderRegistered,
    ElderReturned,
    LevelChanged,
    OffTheRoll,
)
from songhe.registers.elders.models import (
    AbilityLevel,
    Consent,
    ConsentPurpose,
    Contact,
    Difficulty,
    DifficultyKind,
    Disclosure,
    Elder,
    ElderState,
    FollowUpKind,
    Guardian,
    Household,
    IdKind,
    LifeEvent,
    LivingSituation,
    Residence,
    RollEntry,
)
from songhe.registers.elders.selectors import holder_of_number

PAPERS = ("image/jpeg", "image/png", "image/webp", "application/pdf")
PICTURES = ("image/jpeg", "image/png", "image/webp")

_AMENDABLE = frozenset(
    {
        "name",
        "sex",
        "birth_date",
        "id_kind",
        "id_number",
        "phone",
        "ethnicity",
        "address",
        "latitude",
        "longitude",
        "registered_area",
        "registered_address",
        "living_situation",
        "remarks",
    }
)


# --- the person ---


@transaction.atomic
def register(
    *,
    name: str,
    area: Area,
    sex: str = "",
    birth_date: date | None = None,
    id_kind: str = IdKind.RESIDENT,
    id_number: str = "",
    phone: str = "",
    ethnicity: str = "",
    address: str = "",
    latitude: float | None = None,
    longitude: float | None = None,
    registered_area: Area | None = None,
    registered_address: str = "",
    living_situation: str = LivingSituation.OTHER,
    remarks: str = "",
    photo_upload: "UploadedFile[Any] | None" = None,
    registered_on: date | None = None,
    user: User | None = None,
) -> Elder:
    """Enter a person in the roll; sex and birth date follow from a resident's number and must agree with it if given.

    Coordinates are WGS-84. What is unusual but allowed (younger than 60) is told by ``rules.warnings`` afterwards.
    """
    elder = Elder(
        area=_within_scope(_community(area)),
        sex=sex,
        birth_date=birth_date,  # type: ignore[misc]  # with a resident's number it follows from that
        id_kind=id_kind,
        id_number=id_number,
        phone=phone,
        ethnicity=ethnicity,
        address=address.strip(),
        latitude=latitude,
        longitude=longitude,
        registered_area=registered_area,
        registered_address=registered_address.strip(),
        living_situation=living_situation,
        remarks=remarks,
        registered_on=registered_on or today(),
    )
    fit(elder, name=name)
    refuse_duplicate(elder)
    save(elder)
    if photo_upload is not None:
        elder.photo = _picture(elder, photo_upload, user)
        save(elder)
    publish(ElderRegistered(elder_id=elder.pk))
    return elder


@transaction.atomic
def amend(
    *,
    elder_id: UUID,
    version: int | None = None,
    photo_upload: "UploadedFile[Any] | None" = None,
    user: User | None = None,
    **changes: Any,
) -> Elder:
    """Change an elder's particulars; the community changes by ``move``, state and level by services of their own.

    Raises:
        Changed: somebody else changed the record since ``version`` was read.
    """
    if unknown := set(changes) - _AMENDABLE:
        raise TypeError(f"amend() 不能修改：{'、'.join(sorted(unknown))}")
    elder = locked(Elder.objects.filter(pk=elder_id), version=version)
    before = (elder.id_number, elder.address)
    for field, value in changes.items():
        if field != "name":
            setattr(elder, field, value.strip() if isinstance(value, str) else value)
    fit(elder, name=changes.get("name", elder.name))
    if elder.id_number != before[0]:
        refuse_duplicate(elder)
    if photo_upload is not None:
        elder.photo = _picture(elder, photo_upload, user)
    save(elder)
    if elder.address != before[1]:
        elder.residences.filter(kind=Residence.Kind.LIVING, validity__endswith=None).update(address=elder.address)
    return elder


def fit(elder: Elder, *, name: str) -> None:
    """Bring an unsaved elder's particulars into their stored form, and refuse what cannot be.

    Name and search keys, number and what it says, telephone, birth date; writes nothing.
    """
    elder.name = names.clean_name(name)
    if not elder.name:
        raise Refused("请填写姓名。", field="name")
    found = names.keys(elder.name)
    elder.name_pinyin, elder.name_initials, elder.given_name = found.pinyin, found.initials, found.given
    elder.phone = identity.phone(elder.phone) if elder.phone else ""
    _fit_identity(elder)
    if elder.birth_date is None:
        raise Refused("请填写出生日期。", field="birth_date")
    if not elder.sex:
        raise Refused("请选择性别。", field="sex")
    if elder.birth_date > today():
        raise Refused(f"出生日期 {elder.birth_date} 晚于今天，请核对。", field="birth_date")
    if (elder.latitude is None) != (elder.longitude is None):
        raise Refused("经纬度须同时填写。", field="latitude")


def _fit_identity(elder: Elder) -> None:
    if elder.id_kind == IdKind.NONE:
        if elder.id_number:
            raise Refused("已填写证件号码，证件类型请不要选“无证件”。", field="id_kind")
        return
    if not elder.id_number:
        raise Refused("请填写证件号码；确无证件的，证件类型选“无证件”。", field="id_number")
    if elder.id_kind == IdKind.OTHER:
        elder.id_number = identity.plain(elder.id_number)
        return
    said = identity.read(elder.id_number)
    elder.id_number = said.number
    if elder.birth_date is not None and elder.birth_date != said.birth_date:
        raise Refused(
            f"出生日期 {elder.birth_date} 与身份证号中的 {said.birth_date} 不一致，请核对后改正其中一项。",
            field="birth_date",
        )
    if elder.sex and elder.sex != said.sex:
        raise Refused("性别与身份证号不一致（第 17 位奇数为男、偶数为女），请核对。", field="sex")
    elder.birth_date, elder.sex = said.birth_date, said.sex


def refuse_duplicate(elder: Elder) -> None:
    """Refuse a number that is somebody else's; the other is named only to those who may see them."""
    if not elder.id_number:
        return
    holder = holder_of_number(elder.id_number)
    if holder is None or holder.elder_id == elder.pk:
        return
    raise Refused(holder.sentence, field="id_number")


def _community(area: Area) -> Area:
    if area.level != Area.Level.VILLAGE:
        raise Refused(f"“{area.name}”不是社区或村，请选到最末一级。", field="area")
    return area


def _within_scope(area: Area) -> Area:
    scope = current()
    if scope is not None and scope.kind == "area" and not scope.area_lo <= area.code < scope.area_hi:
        raise Refused(f"{area.name}不在您的管辖范围内。", field="area")
    return area


def _picture(elder: Elder, upload: "UploadedFile[Any]", user: User | None) -> StoredFile:
    return store(upload, purpose="elders.photo", area=elder.area_id, elder=elder.pk, user=user, kinds=PICTURES)


def _paper(elder: Elder, upload: "UploadedFile[Any] | None", user: User | None) -> StoredFile | None:
    if upload is None:
        return None
    return store(upload, purpose="elders.evidence", area=elder.area_id, elder=elder.pk, user=user, kinds=PAPERS)


# --- moving, leaving, coming back, dying ---


def active(elder_id: UUID, version: int | None, deed: str) -> Elder:
    """Return an elder's locked row for a deed that only those on the roll allow; Refused otherwise."""
    elder = locked(Elder.objects.filter(pk=elder_id), version=version)
    if elder.state != ElderState.ACTIVE:
        raise Refused(f"{elder.name}{elder.get_state_display()}，不能{deed}。")
    return elder


def _not_merged(elder: Elder) -> None:
    if elder.state == ElderState.MERGED:
        raise Refused(f"{elder.name}的这份档案已并入他档，请在保留的档案上办理；合并有误的，请先拆开。")


def not_future(on: date, what: str, field: str = "on") -> None:
    """Refuse a day after today for something that has happened."""
    if on > today():
        raise Refused(f"{what}日期不能晚于今天。", field=field)


@transaction.atomic
def move(
    *,
    elder_id: UUID,
    area: Area,
    on: date,
    address: str = "",
    latitude: float | None = None,
    longitude: float | None = None,
    living_situation: str = "",
    version: int | None = None,
) -> Elder:
    """Note that an elder lives elsewhere in the region from a day on; the new community becomes responsible.

    The new community may lie outside the mover's own scope: what leaves is handed over.
    """
    elder = active(elder_id, version, "变更居住地")
    _community(area)
    not_future(on, "变更")
    former = elder.area_id
    if former == area.pk and address.strip() == elder.address:
        raise Refused("新住址与现住址相同。", field="address")
    with use(Scope.system()):
        _close_residence(elder, on)
        elder.area, elder.address = area, address.strip()
        elder.latitude, elder.longitude = latitude, longitude
        elder.living_situation = living_situation or elder.living_situation
        if former != area.pk:
            elder.household = None
        save(elder)
        save(
            Residence(elder=elder, kind=Residence.Kind.LIVING, area=area, address=elder.address, validity=from_day(on))
        )
        Difficulty.objects.filter(elder=elder).update(area=area)
        RollEntry.objects.filter(elder=elder).update(area=area)
        event = save(LifeEvent(elder=elder, kind=LifeEvent.Kind.MOVED, on=on, detail=area.full_name))
        if former != area.pk:
            publish(ElderMoved(elder_id=elder.pk, from_area=former, to_area=area.pk, on=on, life_event_id=event.pk))
    return elder


def _close_residence(elder: Elder, on: date) -> None:
    """End the present address on the day before; the first one is only now written down, since the elder's entry."""
    living = Residence.Kind.LIVING
    residence = elder.residences.select_for_update().filter(kind=living, validity__endswith=None).first()
    if residence is None:
        first = elder.registered_on
        residence = Residence(elder=elder, kind=living, area_id=elder.area_id, address=elder.address)
    else:
        first = residence.validity.lower
    if first >= on:
        raise Refused(f"现住址自 {first} 起，新日期须晚于这一天。", field="on")
    residence.validity = from_day(first, on - timedelta(days=1))
    save(residence)


@transaction.atomic
def move_away(*, elder_id: UUID, on: date, destination: str = "", version: int | None = None) -> Elder:
    """Take an elder who left the region off the roll; other rooms end what the elder was due."""
    elder = active(elder_id, version, "登记迁出")
    not_future(on, "迁出")
    elder.state, elder.moved_away_on = ElderState.MOVED_AWAY, on
    save(elder)
    event = save(LifeEvent(elder=elder, kind=LifeEvent.Kind.MOVED_AWAY, on=on, detail=destination.strip()))
    _close_disclosures(elder, on, "老人迁出", event)
    publish(ElderMovedAway(elder_id=elder.pk, on=on, life_event_id=event.pk))
    publish(OffTheRoll(elder_id=elder.pk, on=on, life_event_id=event.pk))
    return elder


@transaction.atomic
def record_death(*, elder_id: UUID, on: date, source: str = "", detail: str = "", version: int | None = None) -> Elder:
    """Note that an elder died; difficulties and disclosures end that day, other rooms end credits and orders.

    Raises:
        Refused: the day is in the future, before birth, or the death is noted already.
    """
    elder = locked(Elder.objects.filter(pk=elder_id), version=version)
    _not_merged(elder)
    if elder.state == ElderState.DECEASED:
        raise Refused(f"{elder.name}的去世已登记（{elder.death_date}）。")
    not_future(on, "去世")
    if on < elder.birth_date:
        raise Refused("去世日期不能早于出生日期。", field="on")
    elder.state, elder.death_date = ElderState.DECEASED, on
    save(elder)
    event = LifeEvent(elder=elder, kind=LifeEvent.Kind.DIED, on=on, source=source.strip(), detail=detail.strip())
    save(event)
    _end_at_death(elder, on, event)
    publish(ElderDied(elder_id=elder.pk, on=on, life_event_id=event.pk))
    publish(OffTheRoll(elder_id=elder.pk, on=on, life_event_id=event.pk))
    return elder


def _end_at_death(elder: Elder, on: date, event: LifeEvent) -> None:
    for difficulty in elder.difficulties.select_for_update().filter(lasts_past(on)):
        with effects.noting(event.pk, difficulty, f"终止困难类别：{difficulty}"):
            difficulty.validity = from_day(difficulty.validity.lower, max(on, difficulty.validity.lower))
            difficulty.end_reason = "老人去世"
            save(difficulty)
    for guardian in elder.guardians.select_for_update().filter(lasts_past(on)):
        with effects.noting(event.pk, guardian, f"终止监护：{guardian}"):
            guardian.validity = from_day(guardian.validity.lower, max(on, guardian.validity.lower))
            save(guardian)
    _close_disclosures(elder, on, "老人去世", event)
    for spouse in _spouses(elder):
        effects.follow_up(
            event.pk, kind=FollowUpKind.ARRANGE, what=f"同户的{spouse.name}与配偶同住：请上门慰问，登记丧偶和居住状况"
        )


def _spouses(elder: Elder) -> list[Elder]:
    """Return who, of the household, lives with a husband or wife and may have lost them."""
    if elder.household is None:
        return []
    members = elder.household.members.exclude(pk=elder.pk).exclude(sex=elder.sex)
    return list(members.filter(state=ElderState.ACTIVE, living_situation=LivingSituation.WITH_SPOUSE))


@transaction.atomic
def reinstate(*, elder_id: UUID, on: date, reason: str, mistaken: bool = False, version: int | None = None) -> Elder:
    """Put an elder back on the roll who came back, or whose death or leaving was noted by mistake.

    What a mistaken event closed is put back as it was, in every room, all in this transaction; what no longer can be
    (a bed taken by somebody else since) goes onto the work list. Who came back begins anew.
    """
    elder = locked(Elder.objects.filter(pk=elder_id), version=version)
    _not_merged(elder)
    if elder.state == ElderState.ACTIVE:
        raise Refused(f"{elder.name}已在册。")
    if not reason.strip():
        raise Refused("请写明恢复在册的理由。", field="reason")
    not_future(on, "恢复")
    mistaken = mistaken or elder.state == ElderState.DECEASED
    gone = LifeEvent.Kind.DIED if elder.state == ElderState.DECEASED else LifeEvent.Kind.MOVED_AWAY
    was = elder.life_events.filter(kind=gone, retracted_by=None).order_by("-created_at").first() if mistaken else None
    kind = LifeEvent.Kind.CORRECTED if mistaken else LifeEvent.Kind.RETURNED
    elder.state, elder.moved_away_on, elder.death_date = ElderState.ACTIVE, None, None
    save(elder)
    event = save(LifeEvent(elder=elder, kind=kind, on=on, detail=reason.strip()))
    if was is not None:
        effects.retract(was, event)
    publish(ElderReturned(elder_id=elder.pk, on=on, life_event_id=event.pk, retracted_id=was.pk if was else None))
    return elder


@transaction.atomic
def note_event(*, elder_id: UUID, kind: str, on: date, detail: str = "", source: str = "") -> LifeEvent:
    """Note something that happened to an elder and changes no record by itself, such as a stay in hospital."""
    if kind not in (LifeEvent.Kind.HOSPITAL, LifeEvent.Kind.OTHER):
        raise Refused("这类事件请用相应的按钮办理。", field="kind")
    not_future(on, "事件")
    elder = Elder.objects.get(pk=elder_id)
    return save(LifeEvent(elder=elder, kind=kind, on=on, detail=detail.strip(), source=source.strip()))


@transaction.atomic
def record_level(*, elder_id: UUID, level: int | None, on: date) -> Elder:
    """Set the published ability level in force (0–4, GB/T 42195-2022), or clear it; for the assessment room alone."""
    elder = locked(Elder.objects.filter(pk=elder_id))
    former = elder.ability_level
    elder.ability_level, elder.ability_assessed_on = level, None if level is None else on
    save(elder)
    if former != level:
        words = [AbilityLevel(each).label if each is not None else "未评估" for each in (former, level)]
        event = save(LifeEvent(elder=elder, kind=LifeEvent.Kind.LEVEL, on=on, detail=" → ".join(words)))
        publish(LevelChanged(elder_id=elder.pk, on=on, life_event_id=event.pk, level=level))
    return elder


# --- difficulty ---


@transaction.atomic
def record_difficulty(
    *,
    elder_id: UUID,
    kind: str,
    first: date,
    last: date | None = None,
    grade: int | None = None,
    evidence: str = "",
    evidence_upload: "UploadedFile[Any] | None" = None,
    source: str = "",
    review_on: date | None = None,
    user: User | None = None,
) -> Difficulty:
    """Note that an office found an elder to be in a kind of difficulty from ``first`` to ``last``, both counted.

    ``grade`` is the disability grade, 1 the heaviest.
    """
    elder = active(elder_id, None, "登记困难类别")
    if last is not None and last < first:
        raise Refused("终止日期不能早于起始日期。", field="last")
    if kind == DifficultyKind.DISABLED_SEVERE and grade is None:
        raise Refused("重度残疾请填写残疾等级（一级或二级）。", field="grade")
    difficulty = Difficulty(
        elder=elder,
        area_id=elder.area_id,
        kind=kind,
        grade=grade,
        evidence=evidence.strip(),
        evidence_file=_paper(elder, evidence_upload, user),
        source=source.strip(),
        validity=from_day(first, last),
        review_on=review_on,
    )
    save(difficulty)
    publish(DifficultyChanged(elder_id=elder.pk, kind=kind))
    return difficulty


@transaction.atomic
def end_difficulty(*, difficulty_id: UUID, last_day: date, reason: str, version: int | None = None) -> Difficulty:
    """End a kind of difficulty; ``last_day`` is the last day it counts."""
    difficulty = locked(Difficulty.objects.filter(pk=difficulty_id), version=version)
    if not reason.strip():
        raise Refused("请写明终止原因。", field="reason")
    first = difficulty.validity.lower
    if last_day < first:
        raise Refused(f"终止日期不能早于起始日期 {first}。", field="last_day")
    if difficulty.validity.upper is not None and last_day >= difficulty.validity.upper:
        raise Refused("这一困难类别在此之前已经终止。", field="last_day")
    difficulty.validity, difficulty.end_reason = from_day(first, last_day), reason.strip()
    save(difficulty)
    publish(DifficultyChanged(elder_id=difficulty.elder_id, kind=difficulty.kind))
    return difficulty


# --- family and contacts ---


@transaction.atomic
def link_contact(
    *,
    elder_id: UUID,
    name: str,
    relation: str,
    phone: str,
    order: int | None = None,
    is_emergency: bool = False,
) -> Contact:
    """Note whom to call about an elder; without ``order`` after those already noted."""
    elder = locked(Elder.objects.filter(pk=elder_id))
    if order is None:
        order = 1 + max(elder.contacts.values_list("order", flat=True), default=0)
    return save(
        Contact(
            elder=elder,
            name=names.clean_name(name),
            relation=relation.strip(),
            phone=identity.phone(phone),
            order=order,
            is_emergency=is_emergency,
        )
    )


@transaction.atomic
def amend_contact(*, contact_id: UUID, version: int | None = None, **changes: Any) -> Contact:
    """Change a contact's name, relation, phone, order or whether they are for emergencies."""
    if unknown := set(changes) - {"name", "relation", "phone", "order", "is_emergency"}:
        raise TypeError(f"amend_contact() 不能修改：{'、'.join(sorted(unknown))}")
    contact = locked(Contact.objects.filter(pk=contact_id), version=version)
    if changes.get("phone"):
        changes["phone"] = identity.phone(changes["phone"])
    for field, value in changes.items():
        setattr(contact, field, value)
    return save(contact)


@transaction.atomic
def remove_contact(*, contact_id: UUID) -> None:
    """Remove a contact; the journal keeps what was."""
    Contact.objects.filter(pk=contact_id).delete()


@transaction.atomic
def appoint_guardian(
    *,
    elder_id: UUID,
    kind: str,
    name: str,
    relation: str,
    first: date,
    last: date | None = None,
    phone: str = "",
    id_number: str = "",
    evidence: str = "",
    evidence_upload: "UploadedFile[Any] | None" = None,
    user: User | None = None,
) -> Guardian:
    """Note who is an elder's guardian from ``first`` to ``last``, both counted."""
    elder = Elder.objects.get(pk=elder_id)
    if last is not None and last < first:
        raise Refused("终止日期不能早于起始日期。", field="last")
    return save(
        Guardian(
            elder=elder,
            kind=kind,
            name=names.clean_name(name),
            relation=relation.strip(),
            phone=identity.phone(phone) if phone else "",
            id_number=identity.read(id_number).number if id_number else "",
            evidence=evidence.strip(),
            evidence_file=_paper(elder, evidence_upload, user),
            validity=from_day(first, last),
        )
    )


@transaction.atomic
def end_guardian(*, guardian_id: UUID, last_day: date, version: int | None = None) -> Guardian:
    """End a guardianship; ``last_day`` is the last day it counts."""
    guardian = locked(Guardian.objects.filter(pk=guardian_id), version=version)
    if last_day < guardian.validity.lower:
        raise Refused(f"终止日期不能早于起始日期 {guardian.validity.lower}。", field="last_day")
    guardian.validity = from_day(guardian.validity.lower, last_day)
    return save(guardian)


@transaction.atomic
def form_household(*, elder_ids: list[UUID], number: str = "", address: str = "") -> Household:
    """Put elders of one community who live together into one household; who was in another leaves it."""
    elders = list(Elder.objects.select_for_update().filter(pk__in=elder_ids).order_by("pk"))
    if len(elders) != len(set(elder_ids)) or not elders:
        raise Refused("有的老人不存在或不在您的管辖范围内。")
    if len({elder.area_id for elder in elders}) > 1:
        raise Refused("同一家庭户的老人应住在同一社区。")
    household = save(
        Household(area_id=elders[0].area_id, number=number.strip(), address=address.strip() or elders[0].address)
    )
    for elder in elders:
        elder.household = household
        save(elder)
    return household


@transaction.atomic
def leave_household(*, elder_id: UUID, version: int | None = None) -> Elder:
    """Take an elder out of the household."""
    elder = locked(Elder.objects.filter(pk=elder_id), version=version)
    elder.household = None
    return save(elder)


# --- consent and disclosure ---


@transaction.atomic
def give_consent(
    *,
    elder_id: UUID,
    purpose: str,
    channel: str,
    text_version: str,
    given_by: str,
    given_on: date | None = None,
    evidence_upload: "UploadedFile[Any] | None" = None,
    user: User | None = None,
) -> Consent:
    """Note what an elder, or a guardian for them, agreed to, in which version of the words and how."""
    given_on = given_on or today()
    not_future(given_on, "同意", field="given_on")
    elder = Elder.objects.get(pk=elder_id)
    return save(
        Consent(
            elder=elder,
            purpose=purpose,
            channel=channel,
            text_version=text_version.strip(),
            given_by=given_by.strip(),
            given_on=given_on,
            evidence_file=_paper(elder, evidence_upload, user),
        )
    )


@transaction.atomic
def withdraw_consent(
    *, consent_id: UUID, on: date | None = None, reason: str = "", version: int | None = None
) -> Consent:
    """Withdraw a consent; what was disclosed on its ground ends the same day. No reason need be given."""
    on = on or today()
    consent = locked(Consent.objects.filter(pk=consent_id), version=version)
    if consent.withdrawn_on is not None:
        raise Refused(f"这项同意已于 {consent.withdrawn_on} 撤回。")
    not_future(on, "撤回")
    consent.withdrawn_on, consent.withdrawn_reason = on, reason.strip()
    save(consent)
    with use(Scope.system()):
        for disclosure in Disclosure.objects.select_for_update().filter(consent=consent, until__isnull=True):
            _end(disclosure, on, "老人撤回同意")
    publish(ConsentWithdrawn(elder_id=consent.elder_id, purpose=consent.purpose))
    return consent


@transaction.atomic
def disclose(
    *,
    elder_id: UUID,
    provider_id: UUID,
    purpose: str,
    basis: str,
    recipient: str = "",
    since: date | None = None,
    until: date | None = None,
) -> Disclosure:
    """Note that an elder's data are given to a provider, which then sees the elder; told twice, noted once.

    ``recipient`` is the provider's name, for the register must name who was given the data. Rests on the elder's
    consent to sharing where there is one.

    Raises:
        Refused: the elder withdrew that consent and has not given it again.
    """
    elder = locked(Elder.objects.filter(pk=elder_id))
    open_row = Disclosure.objects.filter(
        elder=elder, provider_id=provider_id, purpose=purpose, until__isnull=True
    ).first()
    if open_row is not None:
        return open_row
    consent = Consent.objects.filter(elder=elder, purpose=ConsentPurpose.SHARING).order_by("-given_on", "-pk").first()
    if consent is not None and consent.withdrawn_on is not None:
        raise Refused(f"{elder.name}已于 {consent.withdrawn_on} 撤回向服务商提供个人信息的同意，请先重新取得同意。")
    return save(
        Disclosure(
            elder=elder,
            provider_id=provider_id,
            recipient=recipient.strip(),
            purpose=purpose.strip(),
            basis=basis.strip(),
            consent=consent,
            since=since or today(),
            until=until,
        )
    )


@transaction.atomic
def end_disclosure(
    *, disclosure_id: UUID, on: date | None = None, reason: str = "", version: int | None = None
) -> Disclosure:
    """Stop giving an elder's data to a provider after a day; the provider no longer sees the elder."""
    disclosure = locked(Disclosure.objects.filter(pk=disclosure_id), version=version)
    if disclosure.until is not None:
        raise Refused(f"已于 {disclosure.until} 终止提供。")
    return _end(disclosure, on or today(), reason)


def _end(disclosure: Disclosure, on: date, reason: str) -> Disclosure:
    disclosure.until = max(on, disclosure.since)
    disclosure.end_reason = reason.strip()
    return save(disclosure)


def _close_disclosures(elder: Elder, on: date, reason: str, event: LifeEvent) -> None:
    for disclosure in elder.disclosures.select_for_update().filter(until__isnull=True):
        with effects.noting(event.pk, disclosure, f"终止向{disclosure.recipient or '服务商'}提供信息"):
            _end(disclosure, on, reason)
