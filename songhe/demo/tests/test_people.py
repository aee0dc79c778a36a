"""The people of a demo region follow the margins they are drawn to, and nobody could take them for real ones."""

from datetime import date
from itertools import pairwise
from math import hypot
from typing import Any

import pytest
from GeoToolCN import GeoTool
from stdnum.cn import ric

from songhe.demo.geo import Community, communities
from songhe.demo.people import Person, draw, identity_number
from songhe.packs.loader import load_pack

TODAY = date(2026, 3, 2)
COUNT = 20_000


@pytest.fixture(scope="module")
def margins() -> dict[str, Any]:
    return load_pack("anqing").demo


@pytest.fixture(scope="module")
def places() -> dict[int, Community]:
    codes = [(340803001000 + number, 340803001000) for number in range(1, 41)]
    return communities(codes)


@pytest.fixture(scope="module")
def people(margins: dict[str, Any], places: dict[int, Community]) -> list[Person]:
    return list(draw(COUNT, seed=7, today=TODAY, margins=margins, communities=places))


def share(of: list[Person], which: Any) -> float:
    return sum(1 for person in of if which(person)) / len(of)


def age(person: Person) -> int:
    birth = person.birth_date
    return TODAY.year - birth.year - ((TODAY.month, TODAY.day) < (birth.month, birth.day))


def test_ages_follow_the_census(people: list[Person], margins: dict[str, Any]) -> None:
    shares = margins["age_shares"]
    for start, wanted in shares.items():
        found = share(people, lambda person, start=start: start <= age(person) < start + 5)
        assert found == pytest.approx(wanted / sum(shares.values()), abs=0.012)


def test_women_outlive_men(people: list[Person], margins: dict[str, Any]) -> None:
    bounds = [*sorted(margins["female_share"]), 200]
    for start, end in pairwise(bounds):
        of_age = [person for person in people if start <= age(person) < end]
        wanted = margins["female_share"][start]
        assert share(of_age, lambda person: person.sex == "female") == pytest.approx(wanted, abs=0.06)


def test_how_they_live_and_their_difficulties_follow_the_margins(people: list[Person], margins: dict[str, Any]) -> None:
    for situation, wanted in margins["living"].items():
        assert share(people, lambda p, s=situation: p.living_situation == s) == pytest.approx(wanted, abs=0.012)
    for kind in ("minimum_living", "destitute", "disabled_severe", "disabled"):
        found = share(people, lambda p, k=kind: k in dict(p.difficulties))
        assert found == pytest.approx(margins["difficulties"][kind], abs=0.005)


def test_numbers_are_valid_and_belong_to_nobody(people: list[Person]) -> None:
    for person in people[:2000]:
        # The 99th province was never given out; but for that the number is right to its last digit.
        assert person.id_number.startswith("99")
        assert ric.calc_check_digit(person.id_number) == person.id_number[-1]
        assert person.id_number[6:14] == f"{person.birth_date:%Y%m%d}"
        assert (int(person.id_number[16]) % 2 == 1) == (person.sex == "male")
        assert person.phone == f"199{person.number:08d}"


def test_numbers_of_a_million_born_on_one_day_differ() -> None:
    born = date(1950, 1, 1)
    some = [*range(1, 20_001), *range(490_000, 510_000), *range(980_000, 1_000_001)]
    assert len({identity_number(number, born, "female") for number in some}) == len(some)


def test_homes_lie_within_their_community_and_county(people: list[Person], places: dict[int, Community]) -> None:
    tool = GeoTool()
    for person in people[:1500]:
        place = places[person.area]
        assert hypot(person.latitude - place.latitude, person.longitude - place.longitude) <= place.reach + 2e-6
        assert tool.is_in_region(person.latitude, person.longitude, str(person.area)[:6])
    tool.close()


def test_one_seed_draws_one_region(margins: dict[str, Any], places: dict[int, Community]) -> None:
    first, again, other = (
        list(draw(300, seed=seed, today=TODAY, margins=margins, communities=places)) for seed in (7, 7, 8)
    )
    assert first == again
    assert first != other


def test_nobody_is_in_two_difficulties_that_exclude_each_other(people: list[Person]) -> None:
    for person in people:
        kinds = dict(person.difficulties)
        assert not {"destitute", "minimum_living"} <= kinds.keys()
        assert not {"disabled", "disabled_severe"} <= kinds.keys()
