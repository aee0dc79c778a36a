"""Every write to the catalogue; each function is one transaction and raises Refused in words for people."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction

from songhe.core.accounts.models import User
from songhe.core.calendar.services import today
from songhe.core.errors import Refused
from songhe.core.locks import locked
from songhe.core.saving import save
from songhe.core.validity import from_day, in_force, last_day
from songhe.registers.catalogue.models import Category, Cover, ProviderService, Service, ServicePrice
from songhe.registers.catalogue.selectors import ceiling_on
from songhe.registers.providers.models import Provider
from songhe.registers.workforce.models import Skill

_AMENDABLE = frozenset(
    {"category", "name", "area", "standard", "unit", "minutes", "carers", "skills", "at_home", "description", "steps",
     "source"}
)  # fmt: skip


@transaction.atomic
def add_category(*, code: str, name: str, parent: Category | None = None, position: int = 0) -> Category:
    """Enter a branch of the tree."""
    return save(Category(code=code.strip(), name=name.strip(), parent=parent, position=position))


@transaction.atomic
def amend_category(
    *, category: Category, name: str, parent: Category | None, position: int, version: int | None = None
) -> Category:
    """Change a branch; it may not come to hang under itself or what is below it."""
    row = locked(Category.objects.filter(pk=category.pk), version=version)
    above = parent
    while above is not None:
        if above.pk == row.pk:
            raise Refused("上级类别不能是它自己或它的下级。", field="parent")
        above = above.parent
    row.name, row.parent, row.position = name.strip(), parent, position
    return save(row)


@transaction.atomic
def add_service(*, code: str, skills: Sequence[Skill] = (), **particulars: Any) -> Service:
    """Enter a service; it can be ordered once it has a price. ``steps`` are sentences, in order."""
    particulars.pop("user", None)
    return save(Service(code=code.strip(), skills=[skill.code for skill in skills], **particulars))


@transaction.atomic
def amend(
    *, service: Service, version: int | None = None, skills: Sequence[Skill] | None = None, **changes: Any
) -> Service:
    """Change what a service is; its code stays, for orders and contracts name it."""
    changes.pop("user", None)
    if unknown := set(changes) - _AMENDABLE:
        raise TypeError(f"amend() 不能修改：{'、'.join(sorted(unknown))}")
    row = locked(Service.objects.filter(pk=service.pk), version=version)
    for field, value in changes.items():
        setattr(row, field, value)
    if skills is not None:
        row.skills = [skill.code for skill in skills]
    return save(row)


@transaction.atomic
def retire(*, service: Service, reason: str, version: int | None = None) -> Service:
    """Let a service be ordered no more; orders placed before go on."""
    return _to(service, version, Service.State.OPEN, Service.State.RETIRED)


@transaction.atomic
def reopen(*, service: Service, version: int | None = None) -> Service:
    """Let a retired service be ordered again."""
    return _to(service, version, Service.State.RETIRED, Service.State.OPEN)


def _to(service: Service, version: int | None, source: str, target: str) -> Service:
    row = locked(Service.objects.filter(pk=service.pk), version=version)
    if row.state != source:
        raise Refused(f"这项服务现在是“{row.get_state_display()}”，不能这样办理。")
    row.state = target
    return save(row)


# --- prices ---


@transaction.atomic
def set_price(
    *,
    service: Service,
    payer: str,
    price_fen: int,
    first: date,
    ceiling_fen: int | None = None,
    source: str = "",
) -> ServicePrice:
    """Guide a service's price from a day on; the price before it ends, one that begins later stays.

    Raises:
        Refused: the price is above its ceiling.
    """
    locked(Service.objects.filter(pk=service.pk))
    rows = service.prices.filter(payer=payer)
    before, last = rows.filter(in_force(first)).first(), None
    if before is not None and before.validity.lower == first:
        before.price_fen, before.ceiling_fen, before.source = price_fen, ceiling_fen, source or before.source
        return save(before)
    if before is not None:
        last = last_day(before.validity)
        before.validity = from_day(before.validity.lower, first - timedelta(days=1))
        save(before)
    elif (later := rows.filter(validity__startswith__gt=first).order_by("validity").first()) is not None:
        last = later.validity.lower - timedelta(days=1)
    return save(
        ServicePrice(
            service=service, payer=payer, price_fen=price_fen, ceiling_fen=ceiling_fen, source=source,
            validity=from_day(first, last),
        )
    )  # fmt: skip


@transaction.atomic
def end_price(*, price: ServicePrice, last: date, version: int | None = None) -> ServicePrice:
    """End a guided price after a day; without one the service cannot be ordered."""
    row = locked(ServicePrice.objects.filter(pk=price.pk), version=version)
    row.validity = _ended(row.validity, last)
    return save(row)


def _ended(validity: Any, last: date) -> Any:
    agreed = last_day(validity)
    if last < validity.lower or (agreed is not None and last > agreed):
        raise Refused("终止日期须在有效期内。", field="last")
    return from_day(validity.lower, last)


@transaction.atomic
def set_cover(
    *,
    service: Service,
    scheme: str,
    percent: int,
    first: date,
    last: date | None = None,
    ceiling_fen: int | None = None,
    source: str = "",
) -> Cover:
    """Say what a scheme pays of a service from a day to a day."""
    if last is not None and last < first:
        raise Refused("终止日期不能早于起始日期。", field="last")
    return save(
        Cover(
            service=service, scheme=scheme.strip(), percent=percent, ceiling_fen=ceiling_fen, source=source,
            validity=from_day(first, last),
        )
    )  # fmt: skip


@transaction.atomic
def end_cover(*, cover: Cover, last: date, version: int | None = None) -> Cover:
    """End what a scheme pays after a day."""
    row = locked(Cover.objects.filter(pk=cover.pk), version=version)
    row.validity = _ended(row.validity, last)
    return save(row)


@transaction.atomic
def publish_price(
    *, service: Service, price_fen: int, first: date, provider: Provider | None = None, user: User | None = None
) -> ProviderService:
    """Publish a provider's price of a service from a day on; the one before it ends. A manager publishes the own ones.

    Raises:
        Refused: it is above the ceiling the guidance sets, or the service is retired or has no guided price then.
    """
    provider = _publisher(provider, user)
    if service.state != Service.State.OPEN:
        raise Refused("这项服务已停用。", field="service")
    ceiling = ceiling_on(service=service, on=first)
    if ceiling is None:
        raise Refused(f"“{service}”在 {first} 没有指导价，不能公布价格。", field="service")
    if price_fen > ceiling:
        raise Refused(f"高于最高限价 {ceiling / 100:.2f} 元。", field="price_fen")
    rows = ProviderService.objects.filter(provider=provider, service=service).order_by("validity")
    before, last = rows.select_for_update(of=("self",)).filter(in_force(first)).first(), None
    if before is not None and before.validity.lower == first:
        before.price_fen = price_fen
        return save(before)
    if before is not None:
        if before.price_fen == price_fen:
            return before
        last = last_day(before.validity)
        before.validity = from_day(before.validity.lower, first - timedelta(days=1))
        save(before)
    elif (later := rows.filter(validity__startswith__gt=first).order_by("validity").first()) is not None:
        last = later.validity.lower - timedelta(days=1)
    return save(
        ProviderService(provider=provider, service=service, price_fen=price_fen, validity=from_day(first, last))
    )


@transaction.atomic
def withdraw_offer(*, offer: ProviderService, last: date, version: int | None = None) -> ProviderService:
    """Stop offering a service after a day."""
    row = locked(ProviderService.objects.filter(pk=offer.pk), version=version)
    row.validity = _ended(row.validity, last)
    return save(row)


def _publisher(provider: Provider | None, user: User | None) -> Provider:
    if user is not None and user.provider_id is not None:
        return Provider.objects.get(pk=user.provider_id)
    if provider is None:
        raise Refused("请选择服务商。", field="provider")
    return provider


# --- lists from spreadsheets ---


@transaction.atomic
def take_in_price(
    *, code: str, payer: str, price: str, ceiling: str = "", first: str = "", source: str = "", user: User | None = None
) -> str:
    """Write one row of a list of guided prices. Return new, changed or same."""
    service, day, fen = _service(code), _day(first), _fen(price, "price")
    payers = {"政府购买": "public", "公费": "public", "个人自费": "self", "自费": "self"}
    if payer not in payers:
        raise Refused("付费方请填“政府购买”或“个人自费”。", field="payer")
    limit = _fen(ceiling, "ceiling") if ceiling else None
    before = service.prices.filter(in_force(day), payer=payers[payer]).first()
    if before is not None and (before.price_fen, before.ceiling_fen) == (fen, limit):
        return "same"
    set_price(service=service, payer=payers[payer], price_fen=fen, ceiling_fen=limit, first=day, source=source)
    return "changed" if before is not None else "new"


@transaction.atomic
def take_in_offer(*, code: str, price: str, provider: str = "", first: str = "", user: User | None = None) -> str:
    """Write one row of a provider's price list. Return new, changed or same."""
    service, day, fen = _service(code), _day(first), _fen(price, "price")
    who = _publisher(Provider.objects.filter(name=provider).first() if provider else None, user)
    before = ProviderService.objects.filter(in_force(day), provider=who, service=service).first()
    if before is not None and before.price_fen == fen:
        return "same"
    try:
        publish_price(service=service, provider=who, price_fen=fen, first=day, user=user)
    except Refused as error:
        raise Refused(error.message, field="code" if error.field == "service" else "price") from error
    return "changed" if before is not None else "new"


def _service(code: str) -> Service:
    found = Service.objects.filter(code=code).first() or Service.objects.filter(name=code).first()
    if found is None:
        raise Refused(f"没有代码或名称为“{code}”的服务项目。", field="code")
    return found


def _fen(text: str, field: str) -> int:
    try:
        fen = Decimal(text.replace(",", "").removesuffix("元")) * 100
    except InvalidOperation as error:
        raise Refused(f"“{text}”不是金额。", field=field) from error
    if fen != fen.to_integral_value() or fen < 0:
        raise Refused(f"“{text}”不是精确到分的金额。", field=field)
    return int(fen)


def _day(text: str) -> date:
    if not text:
        return today()
    try:
        return date.fromisoformat(text.replace("/", "-").replace(".", "-")[:10])
    except ValueError as error:
        raise Refused(f"“{text}”不是日期，请写成 2026-03-01。", field="first") from error
