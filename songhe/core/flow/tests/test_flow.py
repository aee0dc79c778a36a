"""A paper's way through its steps: who may, who must not, what waits for whom."""

from datetime import date

import pytest

from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.areas.models import Area
from songhe.core.calendar.services import at
from songhe.core.flow import selectors, services
from songhe.core.flow.models import Todo
from songhe.core.testing.paper import Paper, PaperState


@pytest.fixture
def area(paper_table, system):
    return Area.objects.filter(level=Area.Level.TOWNSHIP).first() or Area.objects.create(
        code=340802001000,
        upper=340802002000,
        name="人民路街道",
        full_name="人民路街道",
        level="township",
        kind="street",
    )


@pytest.fixture
def people(area):
    def person(name, role):
        return User.objects.create(username=name, display_name=name, role=role, area=area)

    return {
        "clerk": person("clerk", Role.STREET_CLERK),
        "checker": person("checker", Role.FINANCE_CHECKER),
        "other": person("other", Role.FINANCE_CHECKER),
        "approver": person("approver", Role.FINANCE_APPROVER),
    }


@pytest.fixture
def paper(area, people):
    with at(date(2025, 9, 26)):
        paper = Paper.objects.create(subject="购置护理床", area=area, phone="13800001111")
        services.start(paper, people["clerk"])
    return paper


def test_the_whole_way(paper, people):
    with at(date(2025, 9, 30)):
        checked = services.fire(paper, "check_it", user=people["checker"])
    approved = services.fire(checked, "approve", user=people["approver"], subject="购置护理床两张")
    assert approved.state == PaperState.APPROVED
    approved.refresh_from_db()
    assert (approved.state, approved.subject, approved.phone) == ("approved", "购置护理床两张", "13800001111")
    told = [(s.label, s.source, s.target, s.user.username) for s in selectors.steps_of(paper)]
    assert told == [
        ("提交", "", "handed_in", "clerk"),
        ("审核", "handed_in", "checked", "checker"),
        ("审批", "checked", "approved", "approver"),
    ]
    assert not Todo.objects.filter(state="open").exists()
    assert [todo.done_by.username for todo in Todo.objects.order_by("created_at")] == ["checker", "approver"]


def test_the_state_is_not_set_by_hand(paper):
    with pytest.raises(AttributeError):
        paper.state = PaperState.APPROVED
