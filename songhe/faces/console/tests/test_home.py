"""The home of the console: what waits for a person, and for whom."""

import pytest
from django.urls import reverse

from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.console.menu import menu_for
from songhe.faces.console.selectors import step_counts, waiting
from songhe.rights.assessment import services as assessments
from tests.people import Person


@pytest.fixture
def applied(town):
    person = town.poor()
    assessment = assessments.apply(elder_id=person.pk, reason="first", applicant=person.name, user=None)
    return person, assessment


def test_a_todo_says_whose_it_is_where_its_record_goes_by_a_number(town, applied):
    person, assessment = applied
    clerk = Person(town.people[Role.STREET_CLERK].username)
    for page in ("console:home", "console:todos"):
        assert f"{assessment.number} · {person.name}" in clerk.opens(reverse(page))


def test_a_name_is_not_said_twice(town, applied):
    person, _assessment = applied
    clerk = town.people[Role.STREET_CLERK]
    [line] = waiting(clerk)
    assert line.elder == person.name
    line.todo.title = f"指派评估员：{person.name}"
    line.todo.save()
    assert [line.elder for line in waiting(clerk)] == [""]


def test_a_county_clerk_is_not_asked_to_hand_in_what_assessors_find(town, applied):
    _person, assessment = applied
    county = town.people[Role.COUNTY_CLERK]
    assessor, other = (
        User.objects.create(username=f"t-assessor{number}", display_name="评估", role=Role.ASSESSOR, area=town.city)
        for number in (1, 2)
    )
    assessments.assign(assessment_id=assessment.pk, assessor_1=assessor, assessor_2=other, planned_at=None, user=county)
    assert [step.permission for step in step_counts(assessor)] == ["assessment.assess"]
    assert "assessment.assess" not in [step.permission for step in step_counts(county)]


def test_a_long_menu_shows_all_its_groups_and_opens_the_pages_own(town):
    county = town.people[Role.COUNTY_CLERK]
    groups = menu_for(county, reverse("console:elders-elder-list"))
    assert [group.label for group in groups if group.open] == ["老人档案"]
    assert [item.label for group in groups for item in group.items if item.active] == ["老年人"]
    assert not any(group.open for group in menu_for(county, reverse("console:home")))
    page = Person(county.username).opens(reverse("console:elders-elder-list"))
    assert 'data-part="老人档案" open' in page and 'data-part="资金">' in page


def test_a_short_menu_is_open(town):
    auditor = User.objects.create(username="t-short", display_name="审计", role=Role.AUDIT_ADMIN)
    groups = menu_for(auditor, reverse("console:home"))
    assert groups and all(group.open for group in groups)
