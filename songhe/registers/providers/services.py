"""Every write to the providers' register; each function is one transaction and raises Refused in words for people."""

from datetime import date
from typing import Any

from django.core.files import File
from django.db import transaction

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.errors import Refused
from songhe.core.files.services import store
from songhe.core.flow.services import fire, start
from songhe.core.locks import locked
from songhe.core.saving import save
from songhe.core.validity import from_day, in_force, last_day, lasts_past
from songhe.registers.providers.models import Admission, Brand, CreditRecord, Licence, Provider, ProviderArea
from songhe.registers.providers.selectors import is_blacklisted, licences_on

_AMENDABLE = frozenset({"name", "credit_code", "brand", "kind", "area", "address", "contact", "phone"})


@transaction.atomic
def found_brand(*, name: str, website: str = "") -> Brand:
    """Enter a chain's name."""
    return save(Brand(name=name.strip(), website=website))


@transaction.atomic
def amend_brand(*, brand: Brand, name: str, website: str = "", version: int | None = None) -> Brand:
    """Change a chain's name or address on the web."""
    row = locked(Brand.objects.filter(pk=brand.pk), version=version)
    row.name, row.website = name.strip(), website
    return save(row)


@transaction.atomic
def register(
    *,
    name: str,
    credit_code: str,
    kind: str,
    area: Area,
    brand: Brand | None = None,
    address: str = "",
    contact: str = "",
    phone: str = "",
) -> Provider:
    """Enter a provider; it serves nobody until an admission makes it active."""
    return save(
        Provider(
            name=name.strip(),
            credit_code=credit_code.strip().upper(),
            kind=kind,
            area=area,
            brand=brand,
            address=address,
            contact=contact,
            phone=phone,
            state=Provider.State.APPLYING,
        )
    )


@transaction.atomic
def amend(*, provider: Provider, version: int | None = None, **changes: Any) -> Provider:
    """Change a provider's particulars; its state has verbs of its own."""
    changes.pop("user", None)
    if unknown := set(changes) - _AMENDABLE:
        raise TypeError(f"amend() 不能修改：{'、'.join(sorted(unknown))}")
    row = locked(Provider.objects.filter(pk=provider.pk), version=version)
    for field, value in changes.items():
        setattr(row, field, value.strip() if isinstance(value, str) else value)
    row.credit_code = row.credit_code.upper()
    return save(row)


@transaction.atomic
def suspend(*, provider: Provider, reason: str, version: int | None = None) -> Provider:
    """Stop giving orders to a provider until ``resume``; what is under way goes on."""
    return _change_state(provider, version, (Provider.State.ACTIVE,), Provider.State.SUSPENDED, reason)


@transaction.atomic
def resume(*, provider: Provider, reason: str, version: int | None = None) -> Provider:
    """Let a suspended provider take orders again, unless it is blacklisted."""
    if is_blacklisted(provider, today()):
        raise Refused("该服务商在黑名单期内，不能恢复。移出黑名单后再办理。")
    return _change_state(provider, version, (Provider.State.SUSPENDED,), Provider.State.ACTIVE, reason)


@transaction.atomic
def end(*, provider: Provider, last: date, reason: str, version: int | None = None) -> Provider:
    """Take a provider out of the register after a last day; its areas end then.

    Raises:
        Refused: it has left already, or an area begins only after that day.
    """
    row = _change_state(
        provider,
        version,
        (Provider.State.APPLYING, Provider.State.ACTIVE, Provider.State.SUSPENDED),
        Provider.State.ENDED,
        reason,
    )
    for served in row.areas.select_for_update().filter(lasts_past(last)):
        end_area(provider_area=served, last=last)
    return row


def _change_state(
    provider: Provider, version: int | None, sources: tuple[str, ...], target: str, reason: str
) -> Provider:
    row = locked(Provider.objects.filter(pk=provider.pk), version=version)
    if row.state not in sources:
        raise Refused(f"该服务商现在是“{row.get_state_display()}”，不能这样办理。")
    if not reason.strip():
        raise Refused("请写明原因。", field="reason")
    row.state = target
    return save(row)


# --- where it serves, what it is licensed for ---


@transaction.atomic
def add_area(*, provider: Provider, area: Area, first: date, last: date | None = None) -> ProviderArea:
    """Let a provider serve a division from a day on."""
    if last is not None and last < first:
        raise Refused("终止日期不能早于起始日期。", field="last")
    return save(ProviderArea(provider=provider, area=area, validity=from_day(first, last)))


@transaction.atomic
def end_area(*, provider_area: ProviderArea, last: date) -> ProviderArea:
    """End a provider's service of a division after a day."""
    row = locked(ProviderArea.objects.filter(pk=provider_area.pk))
    if last < row.validity.lower:
        raise Refused(f"该区划自 {row.validity.lower} 起服务，终止日期不能更早。", field="last")
    row.validity = from_day(row.validity.lower, last)
    return save(row)


@transaction.atomic
def add_licence(
    *,
    provider: Provider,
    kind: str,
    number: str,
    first: date,
    last: date | None = None,
    issuer: str = "",
    remind_days: int = 60,
    file: "File[bytes] | None" = None,
    user: User | None = None,
) -> Licence:
    """Enter a licence, or its renewal, with the days it is good for and how long before its end to remind."""
    if last is not None and last < first:
        raise Refused("有效期止不能早于有效期起。", field="last")
    document = store(file, purpose="licence", provider=provider.pk, user=user) if file is not None else None
    return save(
        Licence(
            provider=provider,
            kind=kind,
            number=number.strip(),
            issuer=issuer,
            validity=from_day(first, last),
            remind_days=remind_days,
            document=document,
        )
    )


@transaction.atomic
def amend_licence(
    *,
    licence: Licence,
    number: str,
    first: date,
    last: date | None,
    issuer: str,
    remind_days: int,
    version: int | None = None,
) -> Licence:
    """Correct a licence that was entered wrongly; a renewal is entered as another."""
    if last is not None and last < first:
        raise Refused("有效期止不能早于有效期起。", field="last")
    row = locked(Licence.objects.filter(pk=licence.pk), version=version)
    row.number, row.issuer, row.remind_days, row.validity = number.strip(), issuer, remind_days, from_day(first, last)
    return save(row)


# --- credit ---


@transaction.atomic
def note_credit(
    *,
    provider: Provider,
    kind: str,
    fact: str,
    issuer: str,
    first: date,
    last: date | None = None,
    reference: str = "",
) -> CreditRecord:
    """Note a commendation, warning, penalty or blacklisting; a blacklisting in force suspends the provider."""
    if last is not None and last < first:
        raise Refused("终止日期不能早于起始日期。", field="last")
    row = locked(Provider.objects.filter(pk=provider.pk))
    made = save(
        CreditRecord(
            provider=row,
            kind=kind,
            fact=fact.strip(),
            issuer=issuer.strip(),
            reference=reference,
            validity=from_day(first, last),
        )
    )
    if kind == CreditRecord.Kind.BLACKLISTED and row.state == Provider.State.ACTIVE and first <= today():
        row.state = Provider.State.SUSPENDED
        save(row)
    return made


@transaction.atomic
def end_credit(*, credit_record: CreditRecord, last: date, reason: str, version: int | None = None) -> CreditRecord:
    """Let a record count no longer after a day, for a reason; a provider taken off the blacklist is resumed by hand."""
    row = locked(CreditRecord.objects.filter(pk=credit_record.pk), version=version)
    agreed = last_day(row.validity)
    if last < row.validity.lower or (agreed is not None and last >= agreed):
        raise Refused("终止日期须在有效期内，且早于原定的终止日期。", field="last")
    if not reason.strip():
        raise Refused("请写明移出的原因。", field="reason")
    row.validity, row.end_reason = from_day(row.validity.lower, last), reason.strip()
    return save(row)


# --- admission ---


@transaction.atomic
def apply_for_admission(
    *, provider: Provider, area: Area, services: str, applied_on: date | None = None, user: User | None = None
) -> Admission:
    """Take a provider's application to serve a division.

    Raises:
        Refused: it is blacklisted, has left, or has an open application or already serves there.
    """
    row = locked(Provider.objects.filter(pk=provider.pk))
    day = applied_on or today()
    if row.state == Provider.State.ENDED:
        raise Refused("该服务商已退出，不能申请准入。", field="provider")
    if is_blacklisted(row, day):
        raise Refused("该服务商在黑名单期内，不能申请准入。", field="provider")
    if row.areas.filter(in_force(day), area=area).exists():
        raise Refused("该服务商已在这个区划提供服务。", field="area")
    made = save(Admission(provider=row, area=area, services=services.strip(), applied_on=day))
    start(made, user)
    return made


@transaction.atomic
def check_papers(*, admission: Admission, user: User, reason: str = "", version: int | None = None) -> Admission:
    """Find the papers whole: a registration certificate in force today.

    Raises:
        Refused: none of the licences that make an organisation one is in force.
    """
    needed = {Licence.Kind.BUSINESS, Licence.Kind.NON_PROFIT, Licence.Kind.PUBLIC_BODY}
    if not needed & {licence.kind for licence in licences_on(admission.provider, today())}:
        raise Refused("没有登记在有效期内的营业执照或登记证书，请先补登证照。")
    return fire(admission, "check_papers", user=user, reason=reason, version=version)


@transaction.atomic
def admit(
    *,
    admission: Admission,
    first: date,
    last: date | None = None,
    user: User,
    reason: str = "",
    version: int | None = None,
) -> Admission:
    """Admit a provider to the division it applied for, from a day on, and make it active."""
    provider = locked(Provider.objects.filter(pk=admission.provider_id))
    if is_blacklisted(provider, first):
        raise Refused("该服务商在黑名单期内，不能准入。")
    row = fire(admission, "admit", user=user, reason=reason, version=version)
    row.valid_until = last
    save(row)
    add_area(provider=provider, area=row.area, first=first, last=last)
    if provider.state == Provider.State.APPLYING:
        provider.state = Provider.State.ACTIVE
        save(provider)
    return row
