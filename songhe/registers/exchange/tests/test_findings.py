"""What comparing rolls shows: who vanished, who is dead, who is on two rolls at once, who turned eighty for nothing."""

from datetime import date

import pytest

from songhe.core.calendar.services import today
from songhe.core.errors import Refused
from songhe.core.flow.models import Todo
from songhe.core.scope.services import Scope, use
from songhe.registers.elders import services as elders
from songhe.registers.elders.importing import services as rolls
from songhe.registers.elders.models import Elder
from songhe.registers.elders.tests.people import elder, number
from songhe.registers.elders.tests.sheets import xlsx
from songhe.registers.exchange import selectors, services
from songhe.registers.exchange.models import Finding

WANG, LI, ZHAO = number(order=12), number(order=13), number(date(1938, 11, 2), 14)
NAMES = {WANG: "王秀英", LI: "李大山", ZHAO: "赵老太"}


@pytest.fixture
def street(places, clerk):
    with use(Scope.area(places["street"].code, places["street"].upper)):
        yield places["street"]


def source(street, name="低保名册", **more):
    more = {"kinds": ["minimum_living"], "subject": "difficulty", "is_whole": True, "cadence": "monthly"} | more
    return services.open_source(area=street, name=name, **more)


def roll(street, day, *numbers, of="低保名册", died=None):
    rows = [["姓名", "身份证号", "社区", "死亡日期"]]
    rows += [[NAMES[one], one, "松东社区", died or ""] for one in numbers]
    batch = rolls.stage(data=xlsx(rows), file_name=f"{day}.xlsx", area=street, source=of, as_of=day)
    rolls.map_columns(batch_id=batch.pk, mapping={int(k): v for k, v in batch.mapping.items()})
    rolls.look_over(batch_id=batch.pk)
    return rolls.apply(batch_id=batch.pk)


def found(**kept):
    rows = Finding.objects.filter(**({"state": "open"} | kept)).select_related("elder")
    return sorted((row.kind, row.elder.name) for row in rows)


def test_who_vanished_is_to_be_looked_into_until_they_come_back(street):
    source(street)
    roll(street, date(2026, 1, 31), WANG, LI)
    assert found() == []
    roll(street, date(2026, 2, 28), WANG)
    assert found() == [("vanished", "李大山")]
    with use(Scope.system()):
        assert Todo.objects.filter(object_table="exchange_finding", state="open").count() == 1
    roll(street, date(2026, 3, 31), WANG, LI)
    assert found() == []
    assert found(state="cleared") == [("vanished", "李大山")]


def test_undoing_a_roll_takes_back_what_it_brought_up(street):
    source(street)
    roll(street, date(2026, 1, 31), WANG, LI)
    second = roll(street, date(2026, 2, 28), WANG)
    rolls.undo(batch_id=second.pk)
    assert found() == []


def test_who_is_looked_into_for_another_roll_stays_when_theirs_is_undone(street, clerk):
    source(street)
    other = source(street, "高龄津贴", kinds=[], subject="benefit", from_age=60)
    entered = roll(street, date(2026, 1, 31), WANG, LI)
    services.compare(source_id=other.pk)
    services.settle(finding=Finding.objects.get(elder__name="王秀英"), outcome="not_due", user=clerk, reason="已享受")
    with use(Scope.system()):
        Finding.objects.filter(elder__name="李大山").delete()
    rolls.undo(batch_id=entered.pk)
    assert [one.name for one in Elder.objects.all()] == ["王秀英"]
    assert Finding.objects.get().note == "已享受"
    assert [row.notes[-1]["wrong"] for row in entered.rows.filter(undone=False)] == ["档案保留：导入后又有名册核查"]


@pytest.mark.parametrize(
    ("outcome", "state", "kinds"),
    [("died", "deceased", 0), ("moved_away", "moved_away", None), ("ended", "active", 0), ("remains", "active", 1)],
)
def test_what_is_found_out_is_carried_out(street, clerk, outcome, state, kinds):
    source(street)
    roll(street, date(2026, 1, 31), WANG, LI)
    roll(street, date(2026, 2, 28), WANG)
    finding = Finding.objects.get()
    on = None if outcome == "remains" else today()
    services.settle(finding=finding, outcome=outcome, on=on, user=clerk, reason="入户核实")
    finding.refresh_from_db()
    li = Elder.objects.get(name="李大山")
    assert (finding.state, finding.note, li.state) == ("settled", "入户核实", state)
    if kinds is not None:
        tomorrow = date.fromordinal(today().toordinal() + 1)
        assert li.difficulties.filter(validity__contains=tomorrow).count() == kinds


def test_an_outcome_needs_its_day_and_must_answer_the_question(street, clerk):
    source(street)
    roll(street, date(2026, 1, 31), WANG, LI)
    roll(street, date(2026, 2, 28), WANG)
    finding = Finding.objects.get()
    with pytest.raises(Refused, match="日期"):
        services.settle(finding=finding, outcome="died", user=clerk)
    with pytest.raises(Refused, match="没有这种"):
        services.settle(finding=finding, outcome="applied", user=clerk)
    assert Elder.objects.get(name="李大山").state == "active"


def test_the_dead_who_are_still_paid_are_found(street, clerk):
    source(street)
    source(street, "死亡名册", kinds=[], subject="death", office="police")
    roll(street, date(2026, 1, 31), WANG, LI)
    roll(street, date(2026, 2, 1), WANG, ZHAO, of="死亡名册", died="2026-01-03")
    assert found() == [("dead", "王秀英"), ("exclusive", "王秀英")]
    both = Finding.objects.get(kind="exclusive")
    assert "已去世的人不应继续享受低保" in both.detail
    assert {both.source.name, both.other.name} == {"低保名册", "死亡名册"}
    dead = Finding.objects.get(kind="dead")
    services.settle(finding=dead, outcome="died", on=dead.said_on, user=clerk)
    assert Elder.objects.get(name="王秀英").death_date == date(2026, 1, 3)
    assert found() == []


def test_two_rolls_that_exclude_each_other(street):
    source(street)
    source(street, "特困名册", kinds=["destitute"])
    roll(street, date(2026, 1, 31), WANG, LI)
    roll(street, date(2026, 1, 31), LI, ZHAO, of="特困名册")
    assert found() == [("exclusive", "李大山")]
    roll(street, date(2026, 2, 28), WANG)
    assert found(kind="exclusive") == []


def test_who_turns_eighty_and_gets_nothing(street, places):
    source(street, "高龄津贴名册", kinds=[], subject="benefit", from_age=80)
    elder(places["east"], "赵老太", birth_date=date(1938, 11, 2), order=14)
    young = elder(places["east"], "孙大爷", birth_date=date(1946, 12, 1), order=15)
    with use(Scope.system()):
        elder(places["far"], "外街人", birth_date=date(1930, 1, 1), order=16)
    assert services.compare_all(on=date(2026, 11, 24)) == 1
    assert found() == [("uncovered", "赵老太")]
    assert services.compare_all(on=date(2026, 12, 1)) == 1
    assert found() == [("uncovered", "孙大爷"), ("uncovered", "赵老太")]
    assert services.compare_all(on=date(2026, 12, 1)) == 0
    elders.record_death(elder_id=young.pk, on=today())
    roll(street, today(), ZHAO, of="高龄津贴名册")
    assert found() == []


def test_who_was_found_not_due_is_not_asked_about_again(street, places, clerk):
    source(street, "高龄津贴名册", kinds=[], subject="benefit", from_age=80)
    elder(places["east"], "赵老太", birth_date=date(1938, 11, 2), order=14)
    services.compare_all()
    services.settle(finding=Finding.objects.get(), outcome="not_due", user=clerk, reason="户籍不在本市")
    assert services.compare_all() == 0


def test_findings_go_with_the_elder_and_stay_within_the_scope(street, places):
    source(street)
    roll(street, date(2026, 1, 31), WANG, LI)
    roll(street, date(2026, 2, 28), WANG)
    with use(Scope.area(places["other_street"].code, places["other_street"].upper)):
        assert not Finding.objects.exists()
    Elder.objects.update(registered_on=date(2026, 1, 31))
    elders.move(elder_id=Elder.objects.get(name="李大山").pk, area=places["far"], on=today())
    assert not Finding.objects.exists()
    with use(Scope.area(places["other_street"].code, places["other_street"].upper)):
        assert found() == [("vanished", "李大山")]


def test_a_month_shows_what_rolls_brought_and_what_is_missing(street):
    source(street)
    late = source(street, "残联名册", kinds=["disabled"])
    roll(street, date(2026, 1, 31), WANG, LI)
    roll(street, date(2026, 1, 31), WANG, of="残联名册")
    roll(street, date(2026, 2, 28), WANG, ZHAO)
    month = selectors.month(date(2026, 2, 1), date(2026, 3, 1))
    line = {line.source.name: line for line in month.lines}["低保名册"]
    assert (line.lines["new"], line.lines["same"], line.came, line.went) == (1, 1, 1, 1)
    assert {line.source.name: line.rolls for line in month.lines}["残联名册"] == []
    row = selectors.sources().get(pk=late.pk)
    assert (selectors.due_on(row), selectors.overdue(row)) == (date(2026, 2, 28), True)


def test_a_profile_that_makes_no_sense_is_refused(street):
    with pytest.raises(Refused, match="待遇发放"):
        source(street, from_age=80)
    with pytest.raises(Refused, match="同名"):
        source(street)
        source(street)
