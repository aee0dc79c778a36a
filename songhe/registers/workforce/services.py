"""Every write to the workforce's register; each function is one transaction and raises Refused in words for people.

A provider's manager writes for the own organisation only; row-level security holds that, not these functions.
"""

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.crypto.sealing import blind_index
from songhe.core.errors import Refused
from songhe.core.locks import locked
from songhe.core.saving import save
from songhe.core.validity import from_day, in_force, last_day, lasts_past
from songhe.registers.elders import identity
from songhe.registers.providers.models import Provider
from songhe.registers.workforce.models import Absence, Certificate, Shift, Skill, Staff, StaffSkill, Training

_AMENDABLE = frozenset(
    {"name", "sex", "area", "id_number", "phone", "dialect", "transport", "latitude", "longitude", "joined_on"}
)
ROSTER_DAYS = 92


# --- the person ---


@transaction.atomic
def hire(
    *,
    name: str,
    area: Area,
    provider: Provider | None = None,
    sex: str = "",
    id_number: str = "",
    phone: str = "",
    dialect: str = "",
    transport: str = Staff.Transport.EBIKE,
    latitude: float | None = None,
    longitude: float | None = None,
    joined_on: date | None = None,
    user: User | None = None,
) -> Staff:
    """Enter a person's employment; a provider's manager hires for the own organisation. Coordinates are WGS-84.

    Raises:
        Refused: the number is wrong, or is in the provider's register already; no provider is named.
    """
    staff = Staff(
        provider=_employer(provider, user),
        area=area,
        name=name.strip(),
        sex=sex,
        id_number=id_number,
        phone=phone,
        dialect=dialect,
        transport=transport,
        latitude=latitude,
        longitude=longitude,
        joined_on=joined_on or today(),
    )
    _fit(staff)
    return save(staff)


@transaction.atomic
def amend(*, staff: Staff, version: int | None = None, user: User | None = None, **changes: Any) -> Staff:
    """Change a person's particulars; employer, state, skills and hours have verbs of their own."""
    if unknown := set(changes) - _AMENDABLE:
        raise TypeError(f"amend() 不能修改：{'、'.join(sorted(unknown))}")
    row = locked(Staff.objects.filter(pk=staff.pk), version=version)
    for field, value in changes.items():
        setattr(row, field, value.strip() if isinstance(value, str) else value)
    _fit(row)
    return save(row)


def _employer(provider: Provider | None, user: User | None) -> Provider:
    if user is not None and user.provider_id is not None:
        return Provider.objects.get(pk=user.provider_id)
    if provider is None:
        raise Refused("请选择服务商。", field="provider")
    if provider.state == Provider.State.ENDED:
        raise Refused("该服务商已退出，不能再登记人员。", field="provider")
    return provider


def _fit(staff: Staff) -> None:
    """Bring number, telephone and sex into their stored form; a number says the sex."""
    if staff.id_number:
        said = identity.read(staff.id_number)
        if staff.sex and staff.sex != said.sex:
            raise Refused("性别与身份证号不一致（第 17 位奇数为男、偶数为女），请核对。", field="sex")
        staff.id_number, staff.sex = said.number, said.sex
    if staff.phone:
        staff.phone = identity.phone(staff.phone)
    if not staff.sex:
        raise Refused("请选择性别，或填写身份证号由系统带出。", field="sex")


@transaction.atomic
def pause(*, staff: Staff, reason: str, version: int | None = None) -> Staff:
    """Give a person no visits until ``resume``."""
    return _change_state(staff, version, Staff.State.ACTIVE, Staff.State.PAUSED)


@transaction.atomic
def resume(*, staff: Staff, version: int | None = None) -> Staff:
    """Let a paused person work again."""
    return _change_state(staff, version, Staff.State.PAUSED, Staff.State.ACTIVE)


@transaction.atomic
def leave(*, staff: Staff, last: date, reason: str, version: int | None = None) -> Staff:
    """Note that a person's employment ends after a day: skills end then, shifts after it are taken off."""
    row = locked(Staff.objects.filter(pk=staff.pk), version=version)
    if row.state == Staff.State.LEFT:
        raise Refused("此人已登记离职。")
    if row.joined_on is not None and last < row.joined_on:
        raise Refused("离职日期不能早于入职日期。", field="last")
    row.state = Staff.State.LEFT
    row.shifts.filter(during__startswith__gte=_midnight(last + timedelta(days=1))).delete()
    for held in row.skills.filter(lasts_past(last), validity__startswith__lte=last):
        held.validity = from_day(held.validity.lower, last)
        save(held)
    return save(row)


def _change_state(staff: Staff, version: int | None, source: str, target: str) -> Staff:
    row = locked(Staff.objects.filter(pk=staff.pk), version=version)
    if row.state != source:
        raise Refused(f"此人现在是“{row.get_state_display()}”，不能这样办理。")
    row.state = target
    return save(row)


# --- what they can do ---


@transaction.atomic
def add_certificate(
    *,
    staff: Staff,
    name: str,
    number: str,
    first: date,
    last: date | None = None,
    level: int | None = None,
    issuer: str = "",
    skills: Collection[Skill] = (),
) -> Certificate:
    """Enter a certificate with the days it is good for, and the skills it proves; they end with it."""
    if last is not None and last < first:
        raise Refused("有效期止不能早于有效期起。", field="last")
    made = save(
        Certificate(
            staff=staff,
            name=name.strip(),
            number=number.strip(),
            level=level,
            issuer=issuer,
            validity=from_day(first, last),
        )
    )
    for skill in skills:
        grant(staff=staff, skill=skill, certificate=made, first=first, last=last)
    return made


@transaction.atomic
def grant(
    *, staff: Staff, skill: Skill, first: date, last: date | None = None, certificate: Certificate | None = None
) -> StaffSkill:
    """Say that a person has a skill from a day on, proved by a certificate where the skill needs one.

    Raises:
        Refused: there is no proof, it is another person's, or it does not last as long as the skill is to.
    """
    if last is not None and last < first:
        raise Refused("终止日期不能早于起始日期。", field="last")
    if skill.needs_certificate and certificate is None:
        raise Refused(f"“{skill}”须持证，请选择凭证。", field="certificate")
    if certificate is not None:
        if certificate.staff_id != staff.pk:
            raise Refused("这份证书不是此人的。", field="certificate")
        good, until = certificate.validity, last_day(certificate.validity)
        if first < good.lower:
            raise Refused(f"证书自 {good.lower} 起有效，技能不能更早。", field="first")
        if until is not None and (last is None or last > until):
            last = until
            if last < first:
                raise Refused(f"证书已于 {until} 到期。", field="certificate")
    return save(StaffSkill(staff=staff, skill=skill, certificate=certificate, validity=from_day(first, last)))


@transaction.atomic
def end_skill(*, staff_skill: StaffSkill, last: date) -> StaffSkill:
    """End a person's skill after a day."""
    row = locked(StaffSkill.objects.filter(pk=staff_skill.pk))
    if last < row.validity.lower:
        raise Refused(f"这项技能自 {row.validity.lower} 起有效，终止日期不能更早。", field="last")
    row.validity = from_day(row.validity.lower, last)
    return save(row)


@transaction.atomic
def note_training(
    *, staff: Staff, topic: str, held_on: date, hours: Decimal, organiser: str = "", passed: bool | None = None
) -> Training:
    """Note a training a person attended, its hours and result."""
    if held_on > today():
        raise Refused("培训日期不能晚于今天。", field="held_on")
    return save(Training(staff=staff, topic=topic, held_on=held_on, hours=hours, organiser=organiser, passed=passed))


# --- when they work ---


def _midnight(on: date) -> datetime:
    return timezone.make_aware(datetime.combine(on, time()))


def _span(on: date, begins: time, ends: time) -> tuple[datetime, datetime]:
    """Return a stretch of a day; one that ends no later than it begins ends on the day after."""
    start = timezone.make_aware(datetime.combine(on, begins))
    return start, timezone.make_aware(datetime.combine(on if ends > begins else on + timedelta(days=1), ends))


def whole_day(on: date) -> tuple[datetime, datetime]:
    """Return a day from its midnight to the next."""
    return _midnight(on), _midnight(on + timedelta(days=1))


@transaction.atomic
def roster(
    *, staff: Staff, first: date, last: date, weekdays: Collection[int], begins: time, ends: time
) -> list[Shift]:
    """Put a person on duty on some days of the week (Monday is 1) from a day to a day; all the days or none.

    Raises:
        Refused: they are on duty already on one of them, more than a quarter is asked for, or they have left.
    """
    row = locked(Staff.objects.filter(pk=staff.pk))
    if row.state == Staff.State.LEFT:
        raise Refused("此人已离职，不能排班。")
    if last < first:
        raise Refused("终止日期不能早于起始日期。", field="last")
    if (last - first).days >= ROSTER_DAYS:
        raise Refused(f"一次最多排 {ROSTER_DAYS} 天的班。", field="last")
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    chosen = [on for on in days if on.isoweekday() in {int(number) for number in weekdays}]
    if not chosen:
        raise Refused("这段时间里没有所选的星期。", field="weekdays")
    made = []
    for on in chosen:
        try:
            made.append(save(Shift(staff=row, during=_span(on, begins, ends))))
        except Refused as error:
            raise Refused(f"{on:%m月%d日}：{error.message}", field="first") from error
    return made


@transaction.atomic
def take_off(*, shift: Shift) -> None:
    """Take a person off duty for a shift that has not begun."""
    row = locked(Shift.objects.filter(pk=shift.pk))
    if row.during.lower <= timezone.now():
        raise Refused("这个班次已经开始，不能取消；确未到岗的请登记缺勤。")
    row.delete()


@transaction.atomic
def note_absence(*, staff: Staff, begins: datetime, ends: datetime, reason: str) -> Absence:
    """Note that a person does not work for a stretch of time, whatever the roster says."""
    if ends <= begins:
        raise Refused("结束时间须晚于开始时间。", field="ends")
    return save(Absence(staff=staff, during=(begins, ends), reason=reason))


@transaction.atomic
def withdraw_absence(*, absence: Absence) -> None:
    """Take back an absence that has not ended."""
    row = locked(Absence.objects.filter(pk=absence.pk))
    if row.during.upper <= timezone.now():
        raise Refused("这次缺勤已经结束，不能撤销。")
    row.delete()


# --- the list ---


@transaction.atomic
def take_in(
    *,
    name: str,
    id_number: str,
    area: str,
    sex: str = "",
    phone: str = "",
    provider: str = "",
    joined_on: str = "",
    certificate: str = "",
    level: str = "",
    number: str = "",
    valid_from: str = "",
    valid_to: str = "",
    skills: str = "",
    user: User | None = None,
) -> str:
    """Write one row of a staff list; the person is known by identity number. Return new, changed or same."""
    employer = _employer(_named_provider(provider), user)
    number_said = identity.read(id_number).number
    where = _named_area(area)
    staff = _known(employer, number_said)
    outcome = "same"
    if staff is None:
        staff = hire(
            name=name, area=where, provider=employer, sex=_sex(sex), id_number=number_said, phone=phone,
            joined_on=_day(joined_on, "joined_on"), user=user,
        )  # fmt: skip
        outcome = "new"
    else:
        told: dict[str, Any] = {"name": name, "area": where, "phone": identity.phone(phone) if phone else staff.phone}
        if any(getattr(staff, field) != value for field, value in told.items()):
            staff = amend(staff=staff, **told)
            outcome = "changed"
    proof, entered = _certified(staff, certificate, level, number, valid_from, valid_to)
    added = _skilled(staff, skills, proof) or entered
    return "changed" if added and outcome == "same" else outcome


def _known(employer: Provider, number: str) -> Staff | None:
    index = blind_index(number, purpose="id_number_index")
    return employer.staff.filter(id_number_index=index).exclude(state=Staff.State.LEFT).first()


def _certified(
    staff: Staff, name: str, level: str, number: str, valid_from: str, valid_to: str
) -> tuple[Certificate | None, bool]:
    """Return the certificate a row names, and whether it had to be entered."""
    if not name:
        return None, False
    known = staff.certificates.filter(name=name, number=number).order_by("-validity").first()
    first, last = _day(valid_from, "valid_from"), _day(valid_to, "valid_to")
    if known is not None and (first is None or known.validity.lower == first):
        return known, False
    if first is None:
        raise Refused("填写了证书，须填写发证日期。", field="valid_from")
    return add_certificate(staff=staff, name=name, number=number, level=_level(level), first=first, last=last), True


def _skilled(staff: Staff, names: str, certificate: Certificate | None) -> bool:
    added = False
    for name in (part for part in names.replace("，", "、").replace(",", "、").split("、") if part.strip()):
        skill = Skill.objects.filter(name=name.strip()).first()
        if skill is None:
            known = "、".join(Skill.objects.values_list("name", flat=True))
            raise Refused(f"没有“{name.strip()}”这项技能。可填：{known}", field="skills")
        if staff.skills.filter(in_force(today()), skill=skill).exists():
            continue
        first = certificate.validity.lower if certificate is not None else today()
        try:
            grant(staff=staff, skill=skill, certificate=certificate, first=first)
        except Refused as error:
            raise Refused(error.message, field="skills") from error
        added = True
    return added


_LEVELS = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "初级": 5, "中级": 4, "高级": 3, "技师": 2, "高级技师": 1}


def _level(text: str) -> int | None:
    plain = text.strip().removesuffix("级工").removesuffix("级") if text not in _LEVELS else text
    if not plain:
        return None
    if plain in _LEVELS:
        return _LEVELS[plain]
    if plain.isdecimal():
        return int(plain)
    raise Refused(f"认不出等级“{text}”，请填一级至五级。", field="level")


def _sex(text: str) -> str:
    return {"男": Staff.Sex.MALE.value, "女": Staff.Sex.FEMALE.value}.get(text.strip(), "")


def _day(text: str, field: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text.replace("/", "-").replace(".", "-")[:10])
    except ValueError as error:
        raise Refused(f"“{text}”不是日期，请写成 2026-03-01。", field=field) from error


def _named_provider(text: str) -> Provider | None:
    if not text:
        return None
    found = Provider.objects.filter(name=text).first() or Provider.objects.filter(credit_code=text.upper()).first()
    if found is None:
        raise Refused(f"没有登记过服务商“{text}”，请写全称或统一社会信用代码。", field="provider")
    return found


def _named_area(text: str) -> Area:
    if text.isdecimal() and len(text) == 12:
        found = list(Area.objects.filter(code=int(text))[:2])
    else:
        found = list(Area.objects.filter(name=text)[:2]) or list(Area.objects.filter(full_name__endswith=text)[:2])
    if len(found) != 1:
        said = "没有这个区划" if not found else "有几个同名的区划，请写全（如 迎江区孝肃路街道高琦社区）"
        raise Refused(f"“{text}”：{said}。", field="area")
    return found[0]
