"""Rooms on their way to becoming a facility: idle public ones, and those that housing must provide."""

from datetime import date
from decimal import Decimal

import pytest

from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.areas.models import Area
from songhe.core.calendar.services import at, today
from songhe.core.errors import Refused
from songhe.core.flow.services import fire
from songhe.registers.facilities import premises
from songhe.registers.facilities.models import Facility, FacilityKind

DAY = date(2026, 11, 10)


@pytest.fixture
def town(system):
    """A street that enters and builds, a county that approves and accepts."""
    area = Area.objects.filter(parent__parent__code=340802000000, level="village").order_by("code")[0]
    people = {
        "street": User.objects.create(
            username="f-street", display_name="街道", role=Role.STREET_CLERK, area=area.parent
        ),
        "county": User.objects.create(
            username="f-county", display_name="区县", role=Role.COUNTY_CLERK, area=area.parent.parent
        ),
    }
    with at(DAY):
        yield area, people


def entered(town, **more):
    area, people = town
    given = {"name": "松江花园配套用房", "origin": "new_housing", "owner": "松江置业", "households": 1200,
             "surveyed_m2": Decimal(400)}  # fmt: skip
    return premises.enter(area=area, user=people["street"], **{**given, **more})


def approved(town, planned=360, **more):
    kind = FacilityKind.objects.get(code="day_care")
    return premises.approve(
        premises=entered(town, **more), kind=kind, planned_m2=Decimal(planned), user=town[1]["county"]
    )


def test_a_housing_projects_rooms_are_measured_by_the_places_figure(town):
    """Anqing asks for 30 m² for each hundred households of new housing, 20 of old."""
    row = approved(town)
    assert row.required_m2 == Decimal(360) and "每百户 30 平方米" in row.required_by
    with pytest.raises(Refused, match=r"应有 360\.00 平方米"):
        approved(town, planned=359, name="另一处")
    assert approved(town, planned=240, name="老小区", origin="old_housing").required_m2 == Decimal(240)
    idle = approved(town, planned=10, name="旧粮站", origin="idle", households=None)
    assert idle.required_m2 is None


def test_what_was_built_too_small_goes_back_until_it_is_right(town):
    area, people = town
    row = premises.build(premises=approved(town), built_m2=Decimal(350), user=people["street"])
    with pytest.raises(Refused, match=r"少 10\.00 平方米"):
        fire(row, "accept", user=people["county"], reason="现场查验")
    row = fire(row, "send_back", user=people["county"], reason="面积不足")
    row = premises.build(premises=row, built_m2=Decimal(365), user=people["street"])
    row = fire(row, "accept", user=people["county"], reason="三方验收合格")
    done = premises.hand_over(premises=row, on=today(), user=people["county"])
    made = Facility.objects.get(pk=done.facility_id)
    assert (made.name, made.floor_area_m2, made.state, made.area_id) == (row.name, Decimal(365), "planned", area.pk)
    assert (done.state, done.handed_over_on) == ("handed_over", DAY)


def test_nobody_accepts_what_they_say_they_built_or_approves_what_they_entered(town):
    people = town[1]
    kind = FacilityKind.objects.first()
    own = premises.enter(
        name="旧礼堂", origin="idle", area=town[0], owner="区文化局", surveyed_m2=Decimal(90), user=people["county"]
    )
    with pytest.raises(Refused, match="不相容"):
        premises.approve(premises=own, kind=kind, planned_m2=Decimal(90), user=people["county"])
    row = premises.build(premises=approved(town), built_m2=Decimal(400), user=people["county"])
    with pytest.raises(Refused, match="不相容"):
        fire(row, "accept", user=people["county"], reason="合格")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"households": None}, "请填写住宅户数"),
        ({"surveyed_m2": Decimal(0)}, "面积须大于零"),
        ({"latitude": 30.5}, "经纬度"),
    ],
)
def test_what_is_entered_wrongly_is_refused(town, more, said):
    with pytest.raises(Refused, match=said):
        entered(town, **more)


def test_nothing_is_handed_over_before_it_was_accepted(town):
    people = town[1]
    row = premises.build(premises=approved(town), built_m2=Decimal(400), user=people["street"])
    with pytest.raises(Refused, match="验收合格后才能移交"):
        premises.hand_over(premises=row, on=today(), user=people["county"])
    assert not Facility.objects.filter(name=row.name).exists()
