"""Rolls of other offices in a demo region: one taken in, one to decide about; and records that may be of one person."""

from datetime import date, datetime, timedelta

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.calendar.services import at, month_of
from songhe.registers.elders import services as elders
from songhe.registers.elders.importing import services as rolls
from songhe.registers.elders.models import Cadence, DifficultyKind, Elder, IdKind, ImportBatch, Office, Rule, Subject
from songhe.registers.exchange import duplicates
from songhe.registers.exchange import services as exchange

ALLOWANCE = "民政局低保名册"
RESIDENTS = "公安常住人口名册"


def come_in(*, street: Area, clerk: User, now: datetime) -> None:
    """Have a street's clerk take in last month's roll of the allowance and look over this month's others."""
    inside = Elder.objects.filter(
        area__gte=street.code, area__lt=street.upper, state=Elder.State.ACTIVE
    ).select_related("area")
    poor = list(inside.filter(difficulties__kind=DifficultyKind.MINIMUM_LIVING).order_by("id")[:6])
    others = list(inside.exclude(pk__in=[elder.pk for elder in poor]).order_by("id")[:4])
    if not poor or len(others) < 4:
        # A region of few people may have nobody poor in one street.
        return
    with at(now):
        _allowance(street, clerk, poor if len(poor) > 1 else [*poor, others[0]], now.date())
        _residents(street, clerk, others, now.date())
        for elder in (poor[0], others[3]):
            _entered_twice(elder, clerk)
        duplicates.find(area=street)


def _allowance(street: Area, clerk: User, poor: list[Elder], today: date) -> None:
    """Two monthly rolls; somebody is on the first and no more on the second, which is to be looked into.

    The demo's numbers are nobody's, and no roll is let in with such: this office tells people by name and birthday,
    and the clerk says who is meant.
    """
    exchange.open_source(
        area=street,
        name=ALLOWANCE,
        office=Office.CIVIL_AFFAIRS,
        subject=Subject.DIFFICULTY,
        kinds=[DifficultyKind.MINIMUM_LIVING],
        cadence=Cadence.MONTHLY,
        is_whole=True,
        adds_people=False,
        responsible=clerk,
    )
    this_month, _next = month_of(today)
    last_month, _this = month_of(this_month - timedelta(days=1))
    for day, listed in ((last_month, poor), (this_month, poor[:-1])):
        lines = [[elder.name, f"{elder.birth_date}", elder.phone, elder.area.name] for elder in listed]
        batch = _handed_in(street, clerk, ALLOWANCE, day, [["姓名", "出生日期", "联系电话", "社区"], *lines])
        for row, elder in zip(batch.rows.order_by("number"), listed, strict=True):
            rolls.decide(row_id=row.pk, answers={"who": str(elder.pk)}, user=clerk)
        rolls.apply(batch_id=batch.pk, user=clerk)


def _residents(street: Area, clerk: User, known: list[Elder], today: date) -> None:
    """Lines that may be of somebody known, and a newcomer whose number is missing: left for the clerk to decide."""
    exchange.open_source(
        area=street,
        name=RESIDENTS,
        office=Office.POLICE,
        subject=Subject.POPULATION,
        cadence=Cadence.QUARTERLY,
        rules={"address": Rule.ASK},
        responsible=clerk,
    )
    same, moved, mistyped, _last = known
    rows = [
        ["姓名", "身份证号", "出生日期", "联系电话", "社区", "居住地址"],
        [same.name, "", f"{same.birth_date}", same.phone, same.area.name, same.address],
        [moved.name, "", f"{moved.birth_date}", moved.phone, moved.area.name, "集贤路18号2栋301室"],
        ["程新民", "", f"{date(today.year - 61, 3, 8)}", "19900000001", same.area.name, "菱湖南路6号"],
        [mistyped.name, mistyped.id_number[:-1], "", mistyped.phone, mistyped.area.name, mistyped.address],
    ]
    _handed_in(street, clerk, RESIDENTS, today, rows)


def _handed_in(street: Area, clerk: User, source: str, day: date, rows: list[list[str]]) -> ImportBatch:
    data = "\r\n".join(",".join(row) for row in rows).encode("gb18030")
    batch = rolls.stage(
        data=data, file_name=f"{source}{day:%Y%m}.csv", area=street, source=source, as_of=day, user=clerk
    )
    rolls.map_columns(batch_id=batch.pk, mapping={int(column): key for column, key in batch.mapping.items()})
    return rolls.look_over(batch_id=batch.pk)


def _entered_twice(elder: Elder, clerk: User) -> None:
    """Enter somebody again as a community does that was told a name, a birthday and a telephone, and no number."""
    elders.register(
        name=elder.name,
        area=elder.area,
        sex=elder.sex,
        birth_date=elder.birth_date,
        id_kind=IdKind.NONE,
        phone=elder.phone,
        address=elder.address,
        user=clerk,
    )
