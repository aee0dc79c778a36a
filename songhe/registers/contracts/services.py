"""Signing, pricing and ending contracts: every write on contracts."""

from datetime import date, timedelta
from typing import Any

from django.db import transaction

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.errors import Refused
from songhe.core.files.models import StoredFile
from songhe.core.locks import locked
from songhe.core.saving import save
from songhe.core.validity import from_day, last_day
from songhe.registers.catalogue.models import Service
from songhe.registers.contracts.models import Contract, ContractPrice
from songhe.registers.providers.models import Provider


@transaction.atomic
def sign(
    *,
    number: str,
    name: str,
    provider: Provider,
    area: Area,
    signed_on: date,
    first: date,
    last: date,
    kind: str = Contract.Kind.PURCHASE,
    share_percent: int | None = None,
    document: StoredFile | None = None,
    user: User | None = None,
) -> Contract:
    """Enter a signed contract.

    Raises:
        Refused: it ends before it begins, or its number is taken.
    """
    if last < first:
        raise Refused("合同终止日期不能早于起始日期。", field="last")
    return save(
        Contract(
            number=number,
            name=name,
            kind=kind,
            provider=provider,
            area=area,
            signed_on=signed_on,
            validity=from_day(first, last),
            share_percent=share_percent,
            document=document,
        )
    )


@transaction.atomic
def set_price(
    *, contract: Contract, service: Service, price_fen: int, first: date | None = None, user: User | None = None
) -> ContractPrice:
    """Agree a price for a service from a day to the contract's end or the next price; the price before it ends.

    Raises:
        Refused: the day is outside the contract, or another contract of this provider prices the service here.
    """
    contract = locked(Contract.objects.filter(pk=contract.pk))
    begin = first or contract.validity.lower
    end = last_day(contract.validity)
    if begin < contract.validity.lower or (end is not None and begin > end):
        raise Refused("价格的起始日期须在合同期限内。", field="first")
    before = contract.prices.filter(service=service, validity__contains=begin).first()
    if before is not None:
        if before.price_fen == price_fen:
            return before
        if before.validity.lower == begin:
            before.price_fen = price_fen
            return save(before)
        end = last_day(before.validity)
        before.validity = from_day(before.validity.lower, begin - timedelta(days=1))
        save(before)
    elif (later := contract.prices.filter(service=service, validity__startswith__gt=begin).last()) is not None:
        end = later.validity.lower - timedelta(days=1)
    return save(
        ContractPrice(
            contract=contract,
            provider_id=contract.provider_id,
            area_id=contract.area_id,
            service=service,
            price_fen=price_fen,
            validity=from_day(begin, end),
        )
    )


@transaction.atomic
def amend(*, contract: Contract, version: int | None = None, user: User | None = None, **fields: Any) -> Contract:
    """Change a contract's name, share or text; provider, division and term stay, prices and ``end`` change those."""
    row = locked(Contract.objects.filter(pk=contract.pk), version=version)
    for name in ("name", "share_percent", "document"):
        if name in fields:
            setattr(row, name, fields[name])
    return save(row)


@transaction.atomic
def end(
    *, contract: Contract, last: date, reason: str, version: int | None = None, user: User | None = None
) -> Contract:
    """End a contract, and its prices, after a day earlier than agreed.

    Raises:
        Refused: no reason, a day outside the contract, or a price that begins later (it never came into force).
    """
    row = locked(Contract.objects.filter(pk=contract.pk), version=version)
    if not reason.strip():
        raise Refused("请写明提前终止的原因。", field="reason")
    agreed = last_day(row.validity)
    if last < row.validity.lower or (agreed is not None and last >= agreed):
        raise Refused("终止日期须在合同期限内，且早于约定的终止日期。", field="last")
    for price in row.prices.filter(validity__endswith__gt=last + timedelta(days=1)):
        if price.validity.lower > last:
            raise Refused(f"有价格自 {price.validity.lower:%Y年%m月%d日} 起生效，晚于终止日期，请先调整。")
        price.validity = from_day(price.validity.lower, last)
        save(price)
    row.validity, row.ended_reason = from_day(row.validity.lower, last), reason.strip()
    return save(row)
