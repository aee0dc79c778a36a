"""Signing, pricing and ending contracts: every write on contracts."""

from datetime import date, timedelta
from typing import Any, TypeVar

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import QuerySet

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.errors import Refused
from songhe.core.files.models import StoredFile
from songhe.core.locks import lock_key, locked
from songhe.core.saving import save
from songhe.core.validity import from_day, last_day
from songhe.registers.catalogue.models import Category, Service
from songhe.registers.contracts.models import Contract, ContractPrice, OrderShare
from songhe.registers.providers.models import Provider

D = TypeVar("D", ContractPrice, OrderShare)


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
    begin = _begin(contract, first, "价格")
    rows = contract.prices.filter(service=service)
    if (same := rows.filter(validity__contains=begin, price_fen=price_fen).first()) is not None:
        return same
    before, validity = _from(begin, contract, rows)
    if before is not None:
        before.price_fen = price_fen
        return save(before)
    return save(
        ContractPrice(
            contract=contract,
            provider_id=contract.provider_id,
            area_id=contract.area_id,
            service=service,
            price_fen=price_fen,
            validity=validity,
        )
    )


@transaction.atomic
def set_share(
    *, contract: Contract, category: Category, percent: int, first: date | None = None, user: User | None = None
) -> OrderShare:
    """Agree what part of a category's orders goes to the provider, in per cent, from a day to the contract's end or the
    next share; the share before it ends. 0 means that nothing is promised from that day on.

    Raises:
        Refused: the day is outside the contract, another contract of this provider has a share of the category here,
            or all providers' shares would come to more than the whole.
    """
    contract = locked(Contract.objects.filter(pk=contract.pk))
    begin = _begin(contract, first, "份额")
    rows = contract.order_shares.filter(category=category)
    if (same := rows.filter(validity__contains=begin, percent=percent).first()) is not None:
        return same
    lock_key(OrderShare.key(contract.area_id, category.pk))
    before, validity = _from(begin, contract, rows)
    _leaves_room(contract, category, percent, validity)
    if before is not None:
        before.percent = percent
        return save(before)
    return save(
        OrderShare(
            contract=contract,
            provider_id=contract.provider_id,
            area_id=contract.area_id,
            category=category,
            percent=percent,
            validity=validity,
        )
    )


def _leaves_room(contract: Contract, category: Category, percent: int, validity: DateRange) -> None:
    others = OrderShare.objects.filter(area_id=contract.area_id, category=category, validity__overlap=validity)
    rows = list(others.exclude(provider_id=contract.provider_id))
    # The others' sum is largest on the first day, or on a day one of them begins.
    for day in sorted({validity.lower, *(max(validity.lower, row.validity.lower) for row in rows)}):
        taken = sum(row.percent for row in rows if day in row.validity)
        if percent + taken > 100:
            raise Refused(
                f"{contract.area.name}“{category.name}”在 {day:%Y年%m月%d日} 已约定给其他服务商 {taken}%，"
                f"最多还能约定 {100 - taken}%。",
                field="percent",
            )


def _begin(contract: Contract, first: date | None, what: str) -> date:
    begin, end = first or contract.validity.lower, last_day(contract.validity)
    if begin < contract.validity.lower or (end is not None and begin > end):
        raise Refused(f"{what}的起始日期须在合同期限内。", field="first")
    return begin


def _from(begin: date, contract: Contract, rows: QuerySet[D]) -> tuple[D | None, DateRange]:
    """Make room for a row that holds from a day: end the one before it. Return the row that began on that very day, if
    one did, and the days of the new one: to the end of the one before it, to the next one, or to the contract's end.
    """
    before = rows.filter(validity__contains=begin).first()
    if before is None:
        later = rows.filter(validity__startswith__gt=begin).order_by("validity").first()
        return None, from_day(begin, later.validity.lower - timedelta(days=1) if later else last_day(contract.validity))
    if before.validity.lower == begin:
        return before, before.validity
    end = last_day(before.validity)
    before.validity = from_day(before.validity.lower, begin - timedelta(days=1))
    save(before)
    return None, from_day(begin, end)


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
    """End a contract, its prices and shares, after a day earlier than agreed.

    Raises:
        Refused: no reason, a day outside the contract, or a price or share that begins later and never came into force.
    """
    row = locked(Contract.objects.filter(pk=contract.pk), version=version)
    if not reason.strip():
        raise Refused("请写明提前终止的原因。", field="reason")
    agreed = last_day(row.validity)
    if last < row.validity.lower or (agreed is not None and last >= agreed):
        raise Refused("终止日期须在合同期限内，且早于约定的终止日期。", field="last")
    past = {"validity__endswith__gt": last + timedelta(days=1)}
    agreements: list[ContractPrice | OrderShare] = [*row.prices.filter(**past), *row.order_shares.filter(**past)]
    for each in agreements:
        if each.validity.lower > last:
            what = each._meta.verbose_name
            raise Refused(f"有{what}自 {each.validity.lower:%Y年%m月%d日} 起生效，晚于终止日期，请先调整。")
        each.validity = from_day(each.validity.lower, last)
        save(each)
    row.validity, row.ended_reason = from_day(row.validity.lower, last), reason.strip()
    return save(row)
