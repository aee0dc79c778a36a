"""A city with pots and lines."""

from datetime import date

import pytest

from songhe.core.areas.models import Area
from songhe.registers.funds import services

CITY = 340800000000
DAY = date(2026, 3, 2)
HOME = "居家养老服务购买"


def make_area(code, upper, name, level):
    area, _made = Area.objects.get_or_create(
        code=code, defaults={"upper": upper, "name": name, "full_name": name, "level": level, "kind": level}
    )
    return area


@pytest.fixture
def city(system):
    return make_area(CITY, CITY + 10**8, "安庆市", "city")


@pytest.fixture
def county(city):
    return make_area(340802000000, 340803000000, "迎江区", "county")


def make_pot(city, **changed):
    return services.open_pot(
        **{
            "code": "t-central",
            "name": "中央资金",
            "source": "central",
            "amount": 4_039_000_000,
            "purposes": [HOME, "设施改造"],
            "document": "试点通知",
            "area": city,
            "first": date(2026, 1, 1),
            **changed,
        }
    )


def make_line(pot, city, **changed):
    return services.open_line(
        **{
            "code": "t-home",
            "name": "居家服务",
            "pot": pot,
            "year": 2026,
            "purpose": HOME,
            "area": city,
            "planned_fen": 1_000_000,
            "first": date(2026, 1, 1),
            "last": date(2026, 12, 31),
            **changed,
        }
    )


@pytest.fixture
def pot(city):
    return make_pot(city)


@pytest.fixture
def line(pot, city):
    return make_line(pot, city)


@pytest.fixture
def full_line(pot, line):
    services.receive(pot=pot, amount=2_000_000, on=DAY)
    services.appropriate(line=line, fen=1_000_000, on=DAY)
    return line
