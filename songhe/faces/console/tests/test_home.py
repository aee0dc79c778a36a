"""The home of the console: what waits for a person, and for whom."""

import pytest
from django.urls import reverse

from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
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
