"""A paper's way through its steps: who may, who must not, what waits for whom."""

from datetime import date
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.calendar.services import at
from songhe.core.errors import Changed, Refused
from songhe.core.events import base
from songhe.core.events.base import subscribe
from songhe.core.flow import checks, selectors, services
from songhe.core.flow.events import Stepped
from songhe.core.flow.models import FlowModel, Step, Todo, flow_field, step
from songhe.core.scope.services import Scope, use
from songhe.core.testing.paper import Paper, PaperState


@pytest.fixture
def people(paper_table, street):
    def person(name, role):
        return User.objects.create(username=name, display_name=name, role=role, area=street)

    return {
        "clerk": person("clerk", Role.STREET_CLERK),
        "checker": person("checker", Role.FINANCE_CHECKER),
        "other": person("other", Role.FINANCE_CHECKER),
        "approver": person("approver", Role.FINANCE_APPROVER),
    }


@pytest.fixture
def paper(street, people):
    with at(date(2025, 9, 26)):
        paper = Paper.objects.create(subject="购置护理床", area=street, phone="13800001111")
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
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE testing_paper SET state = 'lost' WHERE id = %s", [paper.pk])


@pytest.mark.parametrize(
    ("step", "who", "reason", "sentence"),
    [
        ("check_it", "approver", "", "您的角色（财务审批）不能办理“审核”"),
        ("approve", "approver", "", "当前状态是“已提交”，不能办理“审批”"),
        ("refuse", "checker", "  ", "办理“退回”必须填写理由"),
    ],
)
def test_what_is_not_allowed_is_refused_in_words(paper, people, step, who, reason, sentence):
    with pytest.raises(Refused, match=sentence):
        services.fire(paper, step, user=people[who], reason=reason)
    assert Paper.objects.get(pk=paper.pk).state == PaperState.HANDED_IN
    assert Step.objects.count() == 1


def test_a_steps_own_refusal_names_the_field_and_changes_nothing(paper, people):
    Paper.objects.filter(pk=paper.pk).update(subject="")
    with pytest.raises(Refused) as refusal:
        services.fire(paper, "check_it", user=people["checker"])
    assert refusal.value.field == "subject"
    assert Todo.objects.get().state == "open"


def test_who_did_one_step_may_not_do_the_other(paper, people):
    # Somebody who was a checker and has since become an approver.
    two_hats = people["checker"]
    services.fire(paper, "check_it", user=two_hats)
    two_hats.role = Role.FINANCE_APPROVER
    two_hats.save()
    with pytest.raises(Refused, match="您已办理过本业务的“审核”，按不相容岗位分离的规定，“审批”须由他人办理"):
        services.fire(paper, "approve", user=two_hats)
    assert selectors.available(paper, two_hats) == []
    paper.refresh_from_db()
    assert [info.name for info in selectors.available(paper, two_hats)] == []
    assert [info.name for info in selectors.available(paper, people["approver"])] == ["approve"]
    assert not selectors.todos(two_hats).exists()
    assert selectors.todos(people["approver"]).count() == 1


def test_duties_are_separated_even_where_the_earlier_step_is_out_of_sight(paper, people, other_street):
    maker = people["clerk"]
    maker.role = Role.FINANCE_CHECKER
    maker.save()
    Paper.objects.filter(pk=paper.pk).update(area=other_street)
    with use(Scope.area(other_street.code, other_street.upper)):
        assert not Step.objects.exists()
        with pytest.raises(Refused, match="您已办理过本业务的“提交”"):
            services.fire(paper, "check_it", user=maker)


def test_only_the_system_acts_without_a_person(paper, street):
    with use(Scope.area(street.code, street.upper)), pytest.raises(Refused, match="需要由具体的人办理"):
        services.fire(paper, "check_it", user=None)
    assert services.fire(paper, "check_it", user=None).state == PaperState.CHECKED


def test_a_stale_page_is_told_so(paper, people):
    Paper.objects.filter(pk=paper.pk).update(subject="改过")
    with pytest.raises(Changed):
        services.fire(paper, "check_it", user=people["checker"], version=paper.version)


def test_todos_carry_their_date_and_become_overdue(paper, people):
    todo = selectors.todos(people["checker"]).get()
    # Friday 26 September: Sunday 28 is worked, 29 and 30 are ordinary days, the holiday begins on 1 October.
    assert todo.due_on == date(2025, 9, 30)
    assert todo.title == "审核：购置护理床"
    assert todo.steps == ["check_it", "refuse"]
    assert not selectors.todos(people["approver"]).exists()
    with at(date(2025, 9, 30)):
        assert not selectors.overdue(people["checker"]).exists()
    with at(date(2025, 10, 1)):
        assert selectors.overdue(people["checker"]).get() == todo
        assert selectors.overdue_counts() == {"settlement.check": 1}


def test_todos_are_seen_by_area_and_provider(paper, people, street, other_street):
    provider = uuid4()
    theirs = Paper.objects.create(subject="服务商的", area=other_street, provider_id=provider)
    services.start(theirs, people["clerk"])
    with use(Scope.area(street.code, street.upper)):
        assert [todo.title for todo in selectors.todos(people["checker"])] == ["审核：购置护理床"]
    with use(Scope.of_provider(provider)):
        assert Todo.objects.get().title == "审核：服务商的"
        assert Step.objects.get().object_id == theirs.pk
    with use(Scope.of_provider(uuid4())):
        assert not Todo.objects.exists()


def test_steps_and_todos_are_not_written_by_hand(paper, street):
    with use(Scope.area(street.code, street.upper)):
        for statement in ("UPDATE flow_todo SET state = 'done'", "DELETE FROM flow_step"):
            with pytest.raises(Exception, match="permission denied"), transaction.atomic():
                connection.cursor().execute(statement)


def test_other_rooms_hear_of_each_step(paper, people, monkeypatch):
    monkeypatch.setattr(base, "_subscribers", {})
    heard = []
    subscribe(Stepped)(heard.append)
    services.fire(paper, "refuse", user=people["checker"], reason="材料不全")
    assert heard == [
        Stepped(
            table="testing_paper",
            object_id=paper.pk,
            step="refuse",
            source="handed_in",
            target="refused",
            user_id=people["checker"].pk,
            reason="材料不全",
        )
    ]


def test_many_objects_start_in_few_statements(people, street, django_assert_max_num_queries):
    papers = Paper.objects.bulk_create([Paper(subject=f"第 {n} 件", area=street) for n in range(50)])
    with django_assert_max_num_queries(20):
        services.start_many(papers, people["clerk"])
    assert Todo.objects.count() == Step.objects.count() == 50
    assert Todo.objects.first().barred == [people["clerk"].pk]


def test_flows_that_cannot_run_are_found_at_start():
    class Broken(FlowModel):
        state = flow_field(PaperState, default=PaperState.HANDED_IN)

        class Meta:
            app_label = "flow"
            managed = False

        @step("发射", source=["nowhere"], target=PaperState.CHECKED, permission="rockets.launch", excludes=["dream"])
        def launch(self) -> None: ...

    try:
        said = [error.id for error in checks.check_flow(Broken)]
    finally:
        del Broken._meta.apps.all_models["flow"]["broken"]
        Broken._meta.apps.clear_cache()
    assert said == [f"songhe.flow.E00{number}" for number in (1, 2, 3, 4)]
    assert checks.check_flow(Paper) == []
