"""Stations and homes: measured against their norms, run by one operator, with beds nobody shares."""

from datetime import date, time, timedelta
from decimal import Decimal

import psycopg
import pytest
from django.conf import settings
from django.db import connections

from songhe.config.database import server
from songhe.core.calendar.services import today
from songhe.core.errors import Refused
from songhe.core.scope.services import Scope, use
from songhe.core.testing.races import together
from songhe.core.validity import from_day
from songhe.registers.elders.tests.people import elder
from songhe.registers.facilities import services
from songhe.registers.facilities.models import BedStay, Facility, FacilityKind, Norm, OpeningHours, Operation
from songhe.registers.facilities.selectors import beds_on, norm_findings, standing
from songhe.registers.providers.tests.world import Desk, manager, places, provider, user

DAY = date(2026, 3, 1)


@pytest.fixture
def place(system):
    return places()


@pytest.fixture
def desk(place):
    return Desk(user("clerk", area=place["city"]))


def kind(code="x-home"):
    return FacilityKind.objects.get_or_create(code=code, defaults={"name": f"类型{code}", "position": 90})[0]


def house(place, name="松一之家", **more):
    more = {"floor_area_m2": Decimal(400), "opened_on": DAY, **more}
    return services.found(name=name, kind=kind(), area=place["community"], **more)


@pytest.fixture
def home(place):
    return house(place)


def bed(home, number="1", room="101", area_m2=20):
    made = home.rooms.filter(number=room).first() or services.add_room(
        facility=home, number=room, area_m2=Decimal(area_m2)
    )
    return services.add_bed(room=made, number=number, first=DAY)


def norm(measure, minimum=None, maximum=None):
    return Norm.objects.create(
        kind=kind(), measure=measure, minimum=minimum, maximum=maximum, unit="平方米", validity=from_day(DAY)
    )


def test_a_facility_is_entered_and_amended_by_a_clerk(desk, place):
    form = {"name": "松东站", "kind": kind().pk, "area": place["community"].pk, "floor_area_m2": "120",
            "opened_on": "2026-03-01", "latitude": "30.5", "longitude": "117.05"}  # fmt: skip
    desk.does("facilities-facility", "create", **form)
    made = Facility.objects.get(name="松东站")
    assert made.state == "open"
    half = desk.sends("facilities-facility", "edit", made.pk, **{**form, "longitude": ""})
    assert "经纬度须同时填写" in half.content.decode()
    wrong = desk.sends("facilities-facility", "edit", made.pk, **{**form, "main_area_m2": "121"})
    assert "不超过建筑面积" in wrong.content.decode()
    desk.does("facilities-facility", "edit", made.pk, **{**form, "name": "松东服务站"})
    assert "松东服务站" in desk.sees("facilities-facility")


@pytest.mark.parametrize(
    ("bounds", "kept"),
    [((400, None), True), ((401, None), False), ((None, 400), True), ((None, 399), False), ((300, 500), True)],
)
def test_a_norms_bounds_are_kept_or_not(home, bounds, kept):
    norm("floor_area_m2", *bounds)
    assert [finding.kept for finding in norm_findings(home, DAY)] == [kept]
    assert standing(home, DAY) == ("达标" if kept else "不达标")


def test_shares_and_areas_a_bed_come_from_rooms_and_beds(home):
    for measure, minimum in (("beds", 2), ("room_area_per_bed_m2", 5), ("floor_area_per_bed_m2", 18)):
        norm(measure, minimum)
    norm("room_share", Decimal("66.6667"))
    assert {finding.kept for finding in norm_findings(home, DAY)} == {None}
    assert standing(home, DAY) == "缺数据"
    home.floor_area_m2 = Decimal(30)
    home.save()
    bed(home, "1", area_m2=20), bed(home, "2")
    found = {finding.norm.measure: (finding.value, finding.kept) for finding in norm_findings(home, DAY)}
    assert found == {
        "beds": (2, True),
        "room_area_per_bed_m2": (Decimal("10.0000"), True),
        "floor_area_per_bed_m2": (Decimal("15.0000"), False),
        "room_share": (Decimal("66.6667"), True),
    }


def test_the_page_says_which_norm_is_not_kept_and_why(desk, home):
    norm("floor_area_m2", 500)
    text = desk.sees("facilities-facility", "detail", home.pk)
    assert "不达标：建筑面积 400 平方米，应不低于 500 平方米" in text


def test_rooms_fit_into_the_house(home):
    services.add_space(facility=home, name="餐厅", use="dining", area_m2=Decimal(380))
    with pytest.raises(Refused, match="还剩 20"):
        services.add_room(facility=home, number="101", area_m2=Decimal(21))


def test_one_operator_at_a_time_and_none_that_is_suspended(desk, place, home):
    first, second = provider(place["county"]), provider(place["county"], 2)
    desk.does("facilities-operation", "create", facility=home.pk, provider=first.pk, first="2026-01-01",
              last="2026-12-31", contract_number="HT-1")  # fmt: skip
    twice = desk.sends("facilities-operation", "create", facility=home.pk, provider=second.pk, first="2026-06-01")
    assert "该设施在此期间已有运营方" in twice.content.decode()
    services.take_back(operation=Operation.objects.get(), last=date(2026, 5, 31), reason="违约")
    services.hand_over(facility=home, provider=second, first=date(2026, 6, 1))
    assert services.operator_on(home, date(2026, 5, 31)) == first
    assert services.operator_on(home, date(2026, 6, 1)) == second
    second.state = "suspended"
    with pytest.raises(Refused, match="不能接手"):
        services.hand_over(facility=house(place, "松二之家"), provider=second, first=DAY)


def test_opening_hours_replace_what_they_overlap(home):
    services.set_hours(facility=home, weekdays=[1, 2], opens=time(8), closes=time(17))
    services.set_hours(facility=home, weekdays=[2], opens=time(9), closes=time(12))
    services.set_hours(facility=home, weekdays=[2], opens=time(14), closes=time(18))
    assert [str(row) for row in OpeningHours.objects.filter(facility=home)] == [
        "星期一 08:00–17:00", "星期二 09:00–12:00", "星期二 14:00–18:00"
    ]  # fmt: skip


def test_a_bed_is_one_elders_by_nights(desk, place, home):
    one, other = elder(place["community"], "王秀英"), elder(place["community"], "李大山", order=13)
    lying = bed(home)
    desk.does("facilities-bed-stay", "create", bed=lying.pk, elder=one.pk, kind="long", first=today().isoformat())
    stay = BedStay.objects.get()
    assert beds_on(today()).get().taken
    with pytest.raises(Refused, match="该床位在此期间已有人入住"):
        services.move_in(bed=lying, elder=other, kind="long", first=today())
    with pytest.raises(Refused, match="已入住其他床位"):
        services.move_in(bed=bed(home, "2"), elder=one, kind="trial", first=today())
    leaves = today() + timedelta(days=3)
    services.move_out(bed_stay=stay, leaves_on=leaves)
    services.move_in(bed=lying, elder=other, kind="long", first=leaves)
    assert [row.pk for row in beds_on(leaves) if not row.taken] == [home.rooms.get().beds.get(number="2").pk]


def test_a_bed_with_somebody_in_it_is_not_taken_away_nor_the_house_closed(place, home):
    lying = bed(home)
    stay = services.move_in(bed=lying, elder=elder(place["community"]), kind="long", first=today())
    with pytest.raises(Refused, match="还有老人入住"):
        services.retire_bed(bed=lying, last=today())
    with pytest.raises(Refused, match="还有老人入住"):
        services.close(facility=home, last=today(), reason="拆迁")
    services.move_out(bed_stay=stay, leaves_on=today() + timedelta(days=1))
    assert services.retire_bed(bed=lying, last=today()).validity.upper == today() + timedelta(days=1)
    assert "101 室 1 床" in Desk(user("late", area=place["city"])).sees("facilities-bed", "detail", lying.pk)
    with pytest.raises(Refused, match="没有启用"):
        services.move_in(bed=lying, elder=elder(place["community"], order=15), kind="long", first=today())
    assert services.close(facility=home, last=today(), reason="拆迁").state == "closed"


def test_an_operator_moves_elders_into_its_own_beds_only(place, home):
    firm, stranger = provider(place["county"]), provider(place["county"], 2)
    services.hand_over(facility=home, provider=firm, first=DAY)
    lying, one = bed(home), elder(place["community"])
    for who, refused in ((stranger, True), (firm, False)):
        person = manager(who)
        with use(Scope.of_provider(who.pk)):
            if refused:
                with pytest.raises(Refused, match="不由贵单位运营"):
                    services.move_in(bed=lying, elder=one, kind="long", first=today(), user=person)
            else:
                services.move_in(bed=lying, elder=one, kind="long", first=today(), user=person)
                assert BedStay.objects.count() == 1
    with use(Scope.of_provider(stranger.pk)):
        assert not BedStay.objects.exists()


@pytest.mark.parametrize(
    "page", ["facility", "norm", "operation", "hours", "space", "room", "bed", "bed-stay", "paper"]
)
def test_every_page_opens(desk, home, page):
    desk.sees(f"facilities-{page}")
    if page != "norm":
        desk.sees(f"facilities-{page}", "create")


def test_the_tabs_of_a_facility_open(desk, home):
    text = desk.sees("facilities-facility", "detail", home.pk)
    for number in range(text.count('role="tab"')):
        desk.sees("facilities-facility", "tab", home.pk, number)


def test_a_community_clerk_may_not_enter_facilities(place):
    Desk(user("grid", "community_clerk", area=place["community"])).sees("facilities-facility", "create", status=403)


# --- two at once ---


@pytest.fixture
def committed(transactional_db):
    with use(Scope.system()):
        where = places()
        lying = bed(house(where))
        return lying, [elder(where["community"], "王秀英"), elder(where["community"], "李大山", order=13)]


def move_in_together(committed):
    lying, people = committed

    def act(one):
        def move():
            with use(Scope.system()):
                return services.move_in(bed=lying, elder=one, kind="long", first=today())

        return move

    return together(*[act(one) for one in people])


def test_two_elders_at_once_and_the_bed_takes_one(committed):
    results = move_in_together(committed)
    assert sum(isinstance(result, BedStay) for result in results) == 1, results
    assert sum(isinstance(result, Refused) for result in results) == 1


def test_without_the_exclusion_two_would_lie_in_one_bed(committed):
    """The control: only the database's exclusion stands in the way."""
    with psycopg.connect(server().conninfo(dbname=settings.DATABASES["default"]["NAME"]), autocommit=True) as owner:
        owner.execute("ALTER TABLE facilities_bedstay DROP CONSTRAINT bed_stay_one_elder_a_bed")
    connections.close_all()
    results = move_in_together(committed)
    assert all(isinstance(result, BedStay) for result in results), results
