"""Visits of care: who must be seen, who goes, what is found and followed, and the share seen by the records."""

from datetime import date, timedelta

import pytest

from songhe.care.outreach import services
from songhe.care.outreach.jobs import refresh_charges
from songhe.care.outreach.models import Attendance, Call, Charge, Course, Frequency, Problem
from songhe.care.outreach.selectors import coverage, due_of, open_charges
from songhe.care.outreach.services import Found, due_after, period_of
from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.calendar.services import at, today
from songhe.core.errors import Refused
from songhe.core.flow.models import Todo
from songhe.core.flow.services import fire
from songhe.core.scope.services import Scope, use
from songhe.core.validity import last_day
from songhe.registers.elders.importing import services as rolls
from songhe.registers.elders.models import Effect, Elder
from songhe.registers.elders.services import amend, move, record_death, record_difficulty, record_level
from songhe.registers.elders.tests.conftest import made_places
from songhe.registers.elders.tests.people import elder, number
from songhe.registers.elders.tests.sheets import xlsx

DAY = date(2026, 11, 10)  # a Tuesday


class World:
    """Two communities with their clerks, three elders; call it under the system's scope."""

    def __init__(self):
        self.places = made_places()
        self.visitor = self.person("visitor", Role.COMMUNITY_CLERK, "east")
        self.street = self.person("street", Role.STREET_CLERK, "street")
        self.other = self.person("other", Role.COMMUNITY_CLERK, "west")
        self.alone = elder(self.places["east"], "独居老", living_situation="alone", registered_on=DAY)
        self.family = elder(
            self.places["east"], "同住老", order=14, living_situation="with_children", registered_on=DAY
        )
        self.refresh()
        self.charge = Charge.objects.get(elder=self.alone)

    def person(self, name, role, place):
        return User.objects.create(username=f"o-{name}", display_name=name, role=role, area=self.places[place])

    def refresh(self):
        return services.refresh(area=self.places["city"], on=today())


@pytest.fixture
def world(system):
    with at(DAY):
        yield World()


@pytest.mark.parametrize(
    ("period", "day", "span"),
    [
        ("week", date(2026, 11, 10), (date(2026, 11, 9), date(2026, 11, 15))),
        ("week", date(2026, 11, 9), (date(2026, 11, 9), date(2026, 11, 15))),
        ("week", date(2027, 1, 1), (date(2026, 12, 28), date(2027, 1, 3))),
        ("month", date(2028, 2, 29), (date(2028, 2, 1), date(2028, 2, 29))),
        ("quarter", date(2026, 11, 10), (date(2026, 10, 1), date(2026, 12, 31))),
        ("quarter", date(2026, 1, 1), (date(2026, 1, 1), date(2026, 3, 31))),
    ],
)
def test_a_week_a_month_a_quarter(period, day, span):
    assert period_of(period, day) == span


def test_who_was_seen_in_this_period_is_due_in_the_next():
    assert due_after("month", None, DAY) == date(2026, 11, 30)
    assert due_after("month", date(2026, 10, 31), DAY) == date(2026, 11, 30)
    assert due_after("month", date(2026, 11, 1), DAY) == date(2026, 12, 31)


def test_the_packs_rules_say_whom_and_how_often_and_how_sure_that_is(world):
    assert world.charge.frequency.code == "alone" and world.charge.due_on == date(2026, 11, 30)
    assert not Charge.objects.filter(elder=world.family).exists()
    marks = dict(Frequency.objects.values_list("code", "mark"))
    assert (marks["alone"], marks["risk"]) == ("single_source", "example")
    assert "探访关爱" in Frequency.objects.get(code="alone").document


def test_the_rule_that_asks_oftenest_counts_and_the_visitor_stays(world):
    services.assign(charge=world.charge, visitor=world.visitor)
    old = elder(world.places["east"], "高龄老", birth_date=date(1940, 1, 1), order=16, living_situation="alone")
    record_level(elder_id=old.pk, level=3, on=today())
    record_difficulty(elder_id=world.family.pk, kind="low_income", first=today())
    assert world.refresh() == (2, 0)
    assert Charge.objects.get(elder=old).frequency.period == "week"
    assert Charge.objects.get(elder=old).due_on == date(2026, 11, 15)
    assert Charge.objects.get(elder=world.family).frequency.period == "quarter"
    record_difficulty(elder_id=world.alone.pk, kind="low_income", first=today())
    assert world.refresh() == (0, 0)
    world.charge.refresh_from_db()
    assert (world.charge.frequency.code, world.charge.visitor) == ("alone", world.visitor)


def test_who_no_rule_speaks_of_any_more_is_seen_no_more(world):
    with at(DAY + timedelta(days=4)):
        amend(elder_id=world.alone.pk, living_situation="with_children")
        assert refresh_charges() == 0
    world.charge.refresh_from_db()
    assert last_day(world.charge.validity) == DAY + timedelta(days=3)
    assert not open_charges().exists()


def test_a_planned_visit_is_made_and_the_next_is_due_a_month_later(world):
    services.assign(charge=world.charge, visitor=world.visitor)
    assert list(due_of(world.visitor, date(2026, 11, 30))) == [world.charge]
    call = services.plan(charge=world.charge, on=DAY + timedelta(days=2), user=world.street)
    assert call.visitor == world.visitor and not due_of(world.visitor, date(2026, 11, 30)).exists()
    assert Todo.objects.get(object_id=call.pk, state="open").due_on == DAY + timedelta(days=2)
    with at(DAY + timedelta(days=2)):
        services.hold(
            call=call, user=world.visitor, done_on=today(), way="home", result="well", companions="志愿者小李"
        )
    world.charge.refresh_from_db()
    assert (world.charge.last_seen_on, world.charge.due_on) == (DAY + timedelta(days=2), date(2026, 12, 31))
    with pytest.raises(Refused, match="已探访"):
        services.hold(call=call, user=world.visitor, done_on=DAY, way="home", result="well")


def test_a_visit_by_the_way_counts_as_well_and_needs_no_plan(world):
    call = services.drop_in(elder=world.alone, user=world.visitor, done_on=DAY, way="phone", result="well")
    assert call.planned_on is None and call.charge == world.charge
    world.charge.refresh_from_db()
    assert world.charge.due_on == date(2026, 12, 31)
    nobody_asked = services.drop_in(elder=world.family, user=world.visitor, done_on=DAY, way="home", result="well")
    assert nobody_asked.charge is None


def test_who_was_not_met_was_not_seen_and_is_followed_the_next_working_day(world):
    call = services.drop_in(elder=world.alone, user=world.visitor, done_on=DAY, way="home", result="not_seen")
    world.charge.refresh_from_db()
    assert world.charge.last_seen_on is None and world.charge.due_on == date(2026, 11, 30)
    problem = call.problems.get()
    assert (problem.kind, problem.urgent, problem.due_on) == ("not_seen", True, DAY + timedelta(days=1))
    assert coverage(world.places["street"], DAY)[0].seen == 0


def test_a_problem_is_followed_to_its_end_by_whoever_can_solve_it(world):
    call = services.drop_in(
        elder=world.alone, user=world.visitor, done_on=DAY, way="home", result="needs",
        problems=[Found("safety", "厨房电线老化"), Found("policy", "未领高龄津贴")],
    )  # fmt: skip
    wires, allowance = call.problems.get(kind="safety"), call.problems.get(kind="policy")
    with pytest.raises(Refused, match="理由"):
        services.settle(problem=allowance, user=world.visitor, reason=" ")
    services.settle(problem=allowance, user=world.visitor, reason="已代为申请")
    allowance.refresh_from_db()
    assert (allowance.state, allowance.outcome, allowance.settled_on) == ("settled", "已代为申请", DAY)
    fire(wires, "refer", user=world.visitor, reason="需要电工")
    with pytest.raises(Refused, match="不能办理"):
        services.close(problem=wires, user=world.visitor, reason="换好了")
    with at(DAY + timedelta(days=30)):
        late = coverage(world.places["street"], DAY)[0]
        assert (late.problems, late.late) == (1, 1)
        services.close(problem=wires, user=world.street, reason="街道已派人更换")
        assert coverage(world.places["street"], DAY)[0].problems == 0


def test_needs_without_words_are_refused(world):
    with pytest.raises(Refused, match="写明"):
        services.drop_in(elder=world.alone, user=world.visitor, done_on=DAY, way="home", result="needs")
    assert not Call.objects.exists()


def test_only_visitors_of_the_place_go(world):
    with pytest.raises(Refused, match="不负责这个社区"):
        services.assign(charge=world.charge, visitor=world.other)
    assessor = world.person("assessor", Role.ASSESSOR, "east")
    with pytest.raises(Refused, match="不能办理探访"):
        services.plan(charge=world.charge, on=today(), user=world.street, visitor=assessor)


def test_the_share_seen_is_of_those_who_were_to_be_seen_in_the_month(world):
    second = elder(world.places["west"], "空巢老", order=18, living_situation="empty_nest", registered_on=DAY)
    world.refresh()
    services.drop_in(elder=world.alone, user=world.visitor, done_on=DAY, way="home", result="well")
    services.drop_in(elder=world.family, user=world.visitor, done_on=DAY, way="home", result="well")
    by_place = {row.area.name: row for row in coverage(world.places["street"], DAY)}
    assert (by_place["松东社区"].due, by_place["松东社区"].seen, by_place["松东社区"].percent) == (1, 1, "100.0 %")
    assert (by_place["松西社区"].due, by_place["松西社区"].seen) == (1, 0)
    assert [row.due for row in coverage(world.places["street"], date(2026, 9, 1))] == [0, 0]
    assert second.charges.get().area_id == world.places["west"].pk


def test_death_calls_the_visits_off_and_a_move_hands_them_over(world):
    call = services.plan(charge=world.charge, on=DAY + timedelta(days=9), user=world.visitor)
    with at(DAY + timedelta(days=1)):
        move(elder_id=world.alone.pk, area=world.places["west"], on=today(), address="新居")
        world.charge.refresh_from_db()
        call.refresh_from_db()
        assert {world.charge.area_id, call.area_id} == {world.places["west"].pk} and world.charge.visitor is None
        record_death(elder_id=world.alone.pk, on=today())
    call.refresh_from_db()
    world.charge.refresh_from_db()
    assert call.state == "cancelled" and last_day(world.charge.validity) == DAY + timedelta(days=1)
    assert Effect.objects.filter(table="outreach_call").count() == 1


def test_problems_are_for_the_staff_of_the_place_alone(world):
    call = services.drop_in(
        elder=world.alone,
        user=world.visitor,
        done_on=DAY,
        way="home",
        result="needs",
        problems=[Found("mind", "与子女不和")],
    )
    east, west = world.places["east"], world.places["west"]
    with use(Scope.area(east.code, east.upper)):
        assert Problem.objects.count() == 1
    with use(Scope.area(west.code, west.upper)):
        assert not Problem.objects.exists() and not Call.objects.exists()
    with use(Scope.of_persons([world.alone.pk])):
        assert list(Call.objects.all()) == [call]


def test_who_must_be_seen_or_came_to_a_training_stays_when_the_roll_that_entered_them_is_undone(world):
    rows = [["姓名", "身份证号", "社区", "居住状况"]]
    rows += [[f"名册{word}", number(order=60 + 2 * n), "松东社区", "与子女同住"] for n, word in enumerate("甲乙丙")]
    rows[1][3] = "独居"
    batch = rolls.stage(data=xlsx(rows), file_name="名册.xlsx", area=world.places["street"], source="民政局")
    rolls.map_columns(batch_id=batch.pk, mapping={int(column): key for column, key in batch.mapping.items()})
    rolls.look_over(batch_id=batch.pk)
    rolls.apply(batch_id=batch.pk)
    world.refresh()
    second = Elder.objects.get(name="名册乙")
    course = Course.objects.create(area=world.places["east"], topic="翻身", on=DAY, hours=2, trainer="张")
    Attendance.objects.create(course=course, elder=second, area=second.area, name="李明", relation="儿子")
    rolls.undo(batch_id=batch.pk)
    assert set(Elder.objects.filter(name__startswith="名册").values_list("name", flat=True)) == {"名册甲", "名册乙"}
    assert Charge.objects.filter(elder__name="名册甲").exists() and Attendance.objects.exists()
    said = {row.name: row.notes[-1]["wrong"] for row in batch.rows.filter(undone=False)}
    assert said == {"名册甲": "档案保留：导入后又有探访对象", "名册乙": "档案保留：导入后又有参训家庭照护者"}
