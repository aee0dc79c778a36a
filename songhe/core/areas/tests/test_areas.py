"""The tree of divisions: ranges, paths, roll-up, and taking it from a pack twice."""

from dataclasses import dataclass
from itertools import pairwise

import pytest
from django.db import connection
from django.db.models import Count
from hypothesis import given
from hypothesis import strategies as st

from songhe.core.areas import codes, packs, selectors
from songhe.core.areas.models import Area

PROVINCE, CITY, COUNTY, STREET, VILLAGE = 990000000000, 990100000000, 990102000000, 990102003000, 990102003001
ROWS = [
    (PROVINCE, "", "某省", "province", "province"),
    (CITY, PROVINCE, "某市", "city", "city"),
    (COUNTY, CITY, "东区", "county", "district"),
    (STREET, COUNTY, "河街街道", "township", "street"),
    (VILLAGE, STREET, "桥头社区", "village", "community"),
    (990102003002, STREET, "渡口社区", "village", "community"),
    (990103000000, CITY, "西区", "county", "district"),
]


@dataclass
class Place:
    rows: list

    def divisions(self):
        names = ("code", "parent", "name", "level", "kind")
        return [{**dict(zip(names, map(str, row), strict=True)), "statistical_only": "0"} for row in self.rows]


@pytest.fixture
def place(system):
    packs.load(Place(ROWS))


def test_loading_twice_changes_nothing_and_keeps_coordinates(system):
    assert packs.load(Place(ROWS)) == "区划：新增 7 个，更新 0 个，共 7 个。"
    Area.objects.filter(code=VILLAGE).update(latitude=30.5, longitude=117.0)
    assert packs.load(Place(ROWS)) == "区划：新增 0 个，更新 0 个，共 7 个。"
    renamed = [(*row[:2], "新桥社区", *row[3:]) if row[0] == VILLAGE else row for row in ROWS]
    assert packs.load(Place(renamed)) == "区划：新增 0 个，更新 1 个，共 7 个。"
    area = Area.objects.get(code=VILLAGE)
    assert (area.full_name, area.latitude) == ("某省某市东区河街街道新桥社区", 30.5)


def test_the_tree_is_read_by_ranges(place, django_assert_num_queries):
    assert [area.name for area in selectors.subtree(COUNTY)] == ["东区", "河街街道", "桥头社区", "渡口社区"]
    assert [area.name for area in selectors.subtree(CITY, level=Area.Level.COUNTY)] == ["东区", "西区"]
    with django_assert_num_queries(1):
        assert [area.name for area in selectors.path(VILLAGE)] == ["某省", "某市", "东区", "河街街道", "桥头社区"]
    assert selectors.children_options(CITY) == [(COUNTY, "东区"), (990103000000, "西区")]
    assert VILLAGE in Area.objects.get(code=COUNTY)
    assert 990103000001 not in Area.objects.get(code=COUNTY)


def test_rows_are_counted_by_level(place):
    rows = selectors.subtree(CITY, level=Area.Level.VILLAGE)
    counts = rows.order_by().values_list(selectors.at_level("code", Area.Level.COUNTY)).annotate(n=Count("code"))
    assert dict(counts) == {COUNTY: 2}


def test_figures_roll_up_to_every_division_above():
    totals = selectors.roll_up({VILLAGE: 3, 990102003002: 4, 990103001001: 5}, top=CITY)
    assert totals[CITY] == 12
    assert totals[COUNTY] == totals[STREET] == 7
    assert PROVINCE not in totals


def test_a_code_that_is_no_division_is_refused_by_the_database(system):
    with pytest.raises(Exception, match="area_code_has_12_digits"), connection.cursor():
        Area.objects.create(code=340802, upper=340803, name="x", full_name="x", level="county", kind="district")


@given(st.integers(10**11, 10**12 - 1))
def test_every_code_lies_in_the_ranges_of_its_ancestors_and_no_deeper_one(code):
    above = codes.ancestors(code)
    assert all(each <= code < codes.upper(each) for each in above)
    assert above == sorted(set(above))
    assert codes.upper(code) > code
    for one, below in pairwise(above):
        assert codes.upper(below) <= codes.upper(one)


def test_the_smallest_division_around_two():
    neighbour, other_street = VILLAGE + 1, STREET + 1000
    assert codes.smallest_around(VILLAGE, VILLAGE) == VILLAGE
    assert codes.smallest_around(VILLAGE, neighbour) == STREET
    assert codes.smallest_around(STREET, VILLAGE) == codes.smallest_around(VILLAGE, STREET) == STREET
    assert codes.smallest_around(VILLAGE, other_street) == COUNTY
    with pytest.raises(ValueError, match="同一个省"):
        codes.smallest_around(VILLAGE, 340800000000)
