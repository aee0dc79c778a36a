"""What a screen shows is what the records hold, kept for minutes and read by those in charge alone."""

from datetime import timedelta

import pytest

from songhe.core.areas.models import Area
from songhe.core.calendar.services import now, today
from songhe.core.scope.services import Scope, use
from songhe.oversight.indicators.measures import MEASURES
from songhe.oversight.indicators.models import Reading
from songhe.oversight.indicators.selectors import KEPT_FOR, readings
from songhe.oversight.indicators.services import renew_readings, this_month
from songhe.registers.elders.models import Elder
from tests.people import Person


@pytest.fixture
def leader(anqing):
    with use(Scope.system()):
        return Person("leader")


def under(person):
    area = person.user.area
    return use(Scope.area(area.code, area.upper))


def read(person):
    with under(person):
        return readings(person.user.area, this_month())


def one_elder_leaves():
    with use(Scope.system()):
        one = Elder.objects.filter(state=Elder.State.ACTIVE).first()
        Elder.objects.filter(pk=one.pk).update(state=Elder.State.MOVED_AWAY, moved_away_on=today())


def test_a_reading_is_what_its_reader_would_count(leader):
    kept = read(leader)
    with under(leader):
        counted = {key: measure.value(leader.user.area, this_month()) for key, measure in MEASURES.items()}
    assert kept.values == counted
    assert counted["elders"] > 0


def test_a_reading_is_kept_until_it_is_old_or_the_job_counts_anew(leader):
    before = read(leader).values["elders"]
    one_elder_leaves()
    assert read(leader).values["elders"] == before
    renew_readings()
    assert read(leader).values["elders"] == before - 1
    one_elder_leaves()
    with use(Scope.system()):
        Reading.objects.update(taken_at=now() - KEPT_FOR - timedelta(seconds=1))
    assert read(leader).values["elders"] == before - 2


def test_what_is_over_is_not_kept(leader):
    read(leader)
    with use(Scope.system()):
        month = this_month()
        Reading.objects.update(first=month.first - timedelta(days=31), next_first=month.first)
    renew_readings()
    with use(Scope.system()):
        assert set(Reading.objects.values_list("next_first", flat=True)) == {month.next_first}


def test_a_street_reads_no_other_divisions_readings(leader):
    read(leader)
    with use(Scope.system()):
        street = Person("street").user.area
    with use(Scope.area(street.code, street.upper)):
        assert not Reading.objects.exists()


def test_a_screen_shows_its_own_division_and_those_within(leader):
    with use(Scope.system()):
        city = leader.user.area
        first, second = Area.objects.filter(level=Area.Level.COUNTY, code__gte=city.code, code__lt=city.upper)[:2]
        leader.opens(f"/screen/?area={first.code}")
        leader.user.area = second
        leader.user.save()
    leader.opens(f"/screen/?area={second.code}")
    for outside in (first, city):
        leader.opens(f"/screen/?area={outside.code}", status=404)


def test_counting_now_shows_what_has_just_been_recorded(leader):
    shown = read(leader).values["elders"]
    one_elder_leaves()
    leader.presses("/screen/recount/")
    assert read(leader).values["elders"] == shown - 1
