"""A synthetic region: elders drawn to census margins, and the months they have lived with Songhe.

Everything obeys the rules that real records obey; a seed gives the same region again on the same day.
"""

import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from random import Random
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from songhe.core.accounts.models import Acting, User
from songhe.core.accounts.roles import Role
from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.errors import Refused
from songhe.core.ledger.audit import verify
from songhe.core.scope.services import Scope, use
from songhe.core.validity import from_day
from songhe.demo import care, money, rights, work
from songhe.demo.bulk import copy_rows, loading
from songhe.demo.geo import communities as places
from songhe.demo.people import draw
from songhe.demo.records import DIFFICULTY, ELDER, difficulty_rows, elder_row
from songhe.demo.region import Region
from songhe.packs.loader import load_pack
from songhe.registers.catalogue.models import Category, ProviderService, Service, ServicePrice
from songhe.registers.contracts import services as contracts
from songhe.registers.elders.models import Difficulty, Elder
from songhe.registers.facilities.models import Facility, FacilityKind, Operation
from songhe.registers.funds import services as funds
from songhe.registers.funds.models import BudgetLine, Pot
from songhe.registers.providers.models import Brand, Provider, ProviderArea
from songhe.registers.workforce.models import Certificate, Shift, Skill, Staff, StaffSkill

WORK_FROM, WORK_TO = 8, 18


def build(
    *, pack: str, elders: int | None = None, seed: int | None = None, progress: Callable[[str], object] = print
) -> None:
    """Fill an empty Songhe, into which a place's pack was loaded, with a demo region of that place.

    A place whose pack has no catalogue of services has all but orders, visits and settlements.

    Raises:
        Refused: there are elders already (a demo is never mixed with real records), or the pack has no ``demo.yaml``.
    """
    chosen = load_pack(pack)
    if not chosen.demo:
        raise Refused(f"政策包“{pack}”没有演示数据的设定（demo.yaml），可用 SONGHE_PACK 选择别的政策包。")
    elders, seed = elders or chosen.demo["elders"], seed or chosen.demo["seed"]
    with use(Scope.system()):
        if Elder.objects.exists():
            raise Refused("这里已经有老人档案，不能再生成演示数据。")
        region = Region(Random(seed), chosen.demo, today(), Area.objects.get(code=chosen.areas[0]))
    steps: tuple[tuple[str, Callable[[], object]], ...] = (
        ("区划坐标", lambda: _places(region)),
        (f"老人 {elders:,} 位", lambda: _elders(region, elders, seed)),
        ("服务商、站点、护理员", lambda: _supply(region, elders)),
        ("账号", lambda: _accounts(region)),
        ("资金", lambda: _money(region)),
        ("评估、认定、额度", lambda: rights.live(region)),
        ("订单与上门", lambda: care.live(region)),
        ("结算", lambda: money.live(region)),
        ("待办业务", lambda: work.leave(region)),
        ("总账核对", _audit),
    )
    for label, step in steps:
        began = time.monotonic()
        step()
        progress(f"  {label}（{time.monotonic() - began:.1f} 秒）")


def _audit() -> None:
    """Have the ledger's own auditor look at what was filled in bulk, and every table measured for the planner."""
    report = verify()
    if not report.ok:
        raise Refused(f"演示数据的总账核对不符：\n{report}")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _places(region: Region) -> None:
    with use(Scope.system()):
        region.counties = list(Area.objects.filter(code__in=region.demo["counties"]))
        communities = [
            area
            for county in region.counties
            for area in Area.objects.filter(
                code__gte=county.code, code__lt=county.upper, level=Area.Level.VILLAGE, statistical_only=False
            )
        ]
        region.communities = places((area.code, area.parent_id) for area in communities if area.parent_id is not None)
        for area in communities:
            place = region.communities[area.code]
            area.latitude, area.longitude = place.latitude, place.longitude
        Area.objects.bulk_update(communities, ["latitude", "longitude"], batch_size=500)


# --- elders ----------------------------------------------------------------------------------------------------


def _elders(region: Region, count: int, seed: int) -> None:
    registered_on = region.today - timedelta(days=300)
    difficulties: list[tuple[Any, ...]] = []

    def rows() -> Iterator[tuple[Any, ...]]:
        people = draw(count, seed=seed, today=region.today, margins=region.demo, communities=region.communities)
        for person in people:
            row = elder_row(person)
            if person.difficulties:
                difficulties.extend(difficulty_rows(person, row[0]))
                region.difficult.append(UUID(row[0]))
            yield row

    with loading(Elder, Difficulty):
        copy_rows(Elder, ELDER, rows(), ethnicity="汉族", state=Elder.State.ACTIVE, registered_on=registered_on)
        copy_rows(
            Difficulty, DIFFICULTY, difficulties, source="示例认定单位", validity=f"[{registered_on},)", end_reason=""
        )


# --- supply ----------------------------------------------------------------------------------------------------


def _supply(region: Region, elders: int) -> None:
    since = region.today - timedelta(days=400)
    with use(Scope.system()):
        catalogue = list(Service.objects.all())
        prices = dict(
            ServicePrice.objects.filter(payer=ServicePrice.Payer.PUBLIC).values_list("service_id", "price_fen")
        )
        priced = {service.category_id for service in catalogue if service.pk in prices}
        categories, shares = list(Category.objects.filter(pk__in=priced)), region.demo.get("order_shares", [])
        for number, name in enumerate(region.demo["brands"]):
            provider = _provider(region, number, name, since)
            region.providers.append(provider)
            contract = contracts.sign(
                number=f"演示-{number + 1}",
                name=f"{name}居家养老服务合同",
                provider=provider,
                area=region.area,
                signed_on=since,
                first=since,
                last=since + timedelta(days=1000),
            )
            for service in catalogue:
                if (price := prices.get(service.pk)) is not None:
                    contracts.set_price(contract=contract, service=service, price_fen=price)
            for category in categories if number < len(shares) else ():
                contracts.set_share(contract=contract, category=category, percent=shares[number])
            ProviderService.objects.bulk_create(
                ProviderService(
                    provider=provider, service=service, price_fen=prices[service.pk], validity=from_day(since)
                )
                for service in catalogue
                if service.pk in prices
            )
        _stations(region, since)
        _carers(region, elders, since)


def _provider(region: Region, number: int, name: str, since: date) -> Provider:
    brand = Brand.objects.create(name=name)
    provider = Provider.objects.create(
        name=f"{region.short_name}{name}养老服务有限公司",
        credit_code=region.credit_code(number),
        brand=brand,
        kind=Provider.Kind.COMPANY if number % 2 == 0 else Provider.Kind.SOCIAL,
        area=region.counties[number % len(region.counties)],
        address="演示地址",
        contact="演示联系人",
        phone=region.phone(number),
        quality_score=880 - 15 * number,
    )
    ProviderArea.objects.bulk_create(
        ProviderArea(provider=provider, area=county, validity=from_day(since)) for county in region.counties
    )
    return provider


def _stations(region: Region, since: date) -> None:
    kinds = list(FacilityKind.objects.filter(station=True).order_by("position"))
    weights = [2, 8, 3, 4, 40, 18]
    codes = region.random.sample(sorted(region.communities), region.demo["stations"])
    names = Area.objects.in_bulk(codes)
    operations = []
    for number, code in enumerate(codes):
        kind = region.random.choices(kinds, weights)[0]
        place = region.communities[code]
        facility = Facility.objects.create(
            name=f"{names[code].name.removesuffix('居委会').removesuffix('村委会')}{kind.name}",
            kind=kind,
            area_id=code,
            address=f"{names[code].name}",
            latitude=place.latitude,
            longitude=place.longitude,
            floor_area_m2=region.random.choice([90, 120, 160, 220, 360, 420, 800, 1100]),
            service_radius_m=region.random.choice([500, 800, 1000]),
            opened_on=since - timedelta(days=30 * (number % 30)),
        )
        operations.append(
            Operation(
                facility=facility,
                provider=region.providers[number % len(region.providers)],
                contract_number=f"演示运营-{number + 1:03d}",
                validity=from_day(since),
            )
        )
    Operation.objects.bulk_create(operations)


def _carers(region: Region, elders: int, since: date) -> None:
    skills = list(Skill.objects.all())
    count = max(16, min(region.demo["carers_most"], elders * region.demo["carers_per_1000_elders"] // 1000))
    codes = sorted(region.communities)
    made: list[Staff] = []
    held: list[StaffSkill] = []
    certificates: list[Certificate] = []
    for number in range(count):
        provider = region.providers[number % len(region.providers)]
        code = region.random.choice(codes)
        place = region.communities[code]
        person = Staff(
            provider=provider,
            area_id=code,
            name=region.random.choice("王李张刘陈杨赵周吴徐")
            + region.random.choice(["慧", "敏", "静", "霞", "平", "军"])
            + region.random.choice(["", "兰", "华"]),
            sex=Staff.Sex.FEMALE if number % 6 else Staff.Sex.MALE,
            phone=f"198{number:08d}",
            latitude=place.latitude,
            longitude=place.longitude,
            joined_on=since,
        )
        made.append(person)
        region.staff.setdefault(provider.pk, []).append(person)
        certificate = Certificate(
            staff=person,
            name="养老护理员",
            level=5 - number % 3,
            number=f"演示{number:06d}",
            issuer="示例",
            validity=from_day(since),
        )
        certificates.append(certificate)
        for skill in skills:
            if skill.needs_certificate and number % 3 == 2 and skill.code in ("rehab", "nurse"):
                continue
            held.append(
                StaffSkill(
                    staff=person,
                    skill=skill,
                    certificate=certificate if skill.needs_certificate else None,
                    validity=from_day(since),
                )
            )
    Staff.objects.bulk_create(made, batch_size=500)
    Certificate.objects.bulk_create(certificates, batch_size=500)
    StaffSkill.objects.bulk_create(held, batch_size=1000)
    # Rosters are kept for the days ahead; past ones live on in the visits.
    Shift.objects.bulk_create(
        [
            Shift(staff=person, during=(_at(day, WORK_FROM), _at(day, WORK_TO)))
            for person in made
            for day in (region.today + timedelta(days=offset) for offset in range(-1, 15))
        ],
        batch_size=1000,
    )


def _at(day: date, hour: int, minute: int = 0) -> datetime:
    return timezone.make_aware(datetime.combine(day, time_of_day(hour, minute)))


# --- accounts --------------------------------------------------------------------------------------------------


def _accounts(region: Region) -> None:
    county, city = region.counties[0], region.area
    with use(Scope.system()):
        street = Area.objects.filter(parent=county, kind="street").order_by("code").first()
        community = Area.objects.filter(parent=street).order_by("code").first()
        provider = region.providers[0]
        carer = region.staff[provider.pk][0]
        elder = Elder.objects.filter(difficulties__kind="minimum_living", area__parent=street).order_by("id").first()
        people = [
            ("community", "钱网格", Role.COMMUNITY_CLERK, community, {}),
            ("street", "孙街道", Role.STREET_CLERK, street, {}),
            ("county", "周区县", Role.COUNTY_CLERK, city, {}),
            ("operator", "吴坐席", Role.OPERATOR, city, {}),
            ("assessor1", "郑评估", Role.ASSESSOR, city, {}),
            ("assessor2", "冯评估", Role.ASSESSOR, city, {}),
            ("adviser", "陈顾问", Role.ADVISER, county, {}),
            ("provider", "卫经理", Role.PROVIDER_MANAGER, None, {"provider_id": provider.pk}),
            ("carer", carer.name, Role.CARER, None, {"provider_id": provider.pk, "staff_id": carer.pk}),
            ("policy", "蒋政策", Role.POLICY_OFFICER, city, {}),
            ("policy2", "陶复核", Role.POLICY_OFFICER, city, {}),
            ("checker", "沈审核", Role.FINANCE_CHECKER, city, {}),
            ("approver", "韩审批", Role.FINANCE_APPROVER, city, {}),
            ("cashier", "杨出纳", Role.CASHIER, city, {}),
            ("inspector", "朱监管", Role.INSPECTOR, city, {}),
            ("auditor", "秦审计", Role.AUDITOR, city, {}),
            ("leader", "尤局长", Role.LEADER, city, {}),
            ("sysadmin", "许系统", Role.SYSTEM_ADMIN, None, {}),
            ("security", "何安全", Role.SECURITY_ADMIN, None, {}),
            ("auditadmin", "吕审计", Role.AUDIT_ADMIN, None, {}),
        ]  # fmt: skip
        if elder is not None:
            people.append(("family", f"{elder.name}家属", Role.FAMILY, None, {}))
        for username, name, role, area, more in people:
            user = User(username=username, display_name=name, role=role, area=area, is_demo=True, **more)
            user.set_unusable_password()
            user.save(force_insert=True)
            region.users[username] = user
        if elder is not None:
            Acting.objects.create(user=region.users["family"], elder_id=elder.pk, relation="子女")


# --- money -----------------------------------------------------------------------------------------------------


def _money(region: Region) -> None:
    """Receive what the pots were granted and give the year's budget lines what was planned."""
    with use(Scope.system()), transaction.atomic():
        for pot in Pot.objects.all():
            funds.receive(pot=pot, amount=pot.amount, on=date(region.today.year, 1, 5), key=f"demo:receive:{pot.code}")
        for line in BudgetLine.objects.filter(year=region.today.year):
            funds.appropriate(
                line=line, fen=line.planned_fen, on=date(region.today.year, 1, 10), key=f"demo:line:{line.code}"
            )
