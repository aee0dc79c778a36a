"""Two clerks at the same moment, on connections of their own; and a roll too large to wait for."""

import threading

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.errors import Changed, Refused
from songhe.core.scope.services import Scope, use
from songhe.core.testing.jobs import run_waiting_jobs
from songhe.core.testing.races import together
from songhe.registers.elders import services
from songhe.registers.elders.importing import running
from songhe.registers.elders.importing import services as rolls
from songhe.registers.elders.models import Elder, ImportBatch
from songhe.registers.elders.tests.conftest import made_places
from songhe.registers.elders.tests.people import elder, number
from songhe.registers.elders.tests.sheets import xlsx


@pytest.fixture
def committed(transactional_db):
    with use(Scope.system()):
        return made_places()


def of(street):
    return use(Scope.area(street.code, street.upper))


def found(**kept):
    with use(Scope.system()):
        return list(Elder.objects.filter(**kept))


def test_one_person_entered_by_two_clerks_at_once_is_there_once(committed, monkeypatch):
    both_have_looked = threading.Barrier(2)
    look = services.refuse_duplicate

    def look_together(one):
        look(one)
        both_have_looked.wait(timeout=10)

    monkeypatch.setattr(services, "refuse_duplicate", look_together)

    def enter(place):
        def act():
            with use(Scope.system()):
                return elder(committed[place], "王秀英")

        return act

    results = together(enter("east"), enter("far"))
    assert sum(isinstance(result, Elder) for result in results) == 1, results
    (refused,) = [result for result in results if not isinstance(result, Elder)]
    assert isinstance(refused, Refused)
    assert "已在本地登记" in refused.message
    assert len(found()) == 1


def test_two_clerks_save_one_record_at_once(committed):
    with use(Scope.system()):
        one = elder(committed["east"], "王秀英")

    def write(text):
        def act():
            with of(committed["street"]):
                return services.amend(elder_id=one.pk, version=1, remarks=text).remarks

        return act

    results = together(write("喜静"), write("耳背"))
    (won,) = [result for result in results if isinstance(result, str)]
    assert sum(isinstance(result, Changed) for result in results) == 1
    assert found()[0].remarks == won


def test_one_roll_applied_twice_at_once_is_written_once(committed):
    street = committed["street"]
    data = xlsx([["姓名", "身份证号", "社区"], ["王秀英", number(), "松东社区"]])
    with of(street):
        batch = rolls.stage(data=data, file_name="名册.xlsx", area=street, source="民政局")
        rolls.look_over(batch_id=batch.pk)

    def act():
        with of(street):
            return rolls.apply(batch_id=batch.pk)

    results = together(act, act)
    assert sum(isinstance(result, ImportBatch) for result in results) == 1
    assert sum(isinstance(result, Refused) for result in results) == 1
    assert len(found()) == 1


def test_a_large_roll_is_worked_on_by_a_job_within_its_importers_scope(committed, monkeypatch):
    monkeypatch.setattr(running, "AT_ONCE", 0)
    street = committed["street"]
    rows = [["王秀英", number(), "松东社区"], ["李大山", number(order=13), "松南社区"]]
    with use(Scope.system()):
        clerk = User.objects.create(username="test-roll", display_name="张经办", role=Role.STREET_CLERK, area=street)
    with of(street):
        batch = rolls.stage(
            data=xlsx([["姓名", "身份证号", "社区"], *rows]), file_name="名册.xlsx", area=street, source="民政局"
        )
        batch = running.start(batch=batch, deed="look_over", user=clerk)
        assert running.job_state(batch) == "waiting"
        running.start(batch=batch, deed="look_over", user=clerk)
        assert ProcrastinateJob.objects.filter(queue_name="imports").count() == 1
    run_waiting_jobs("imports")
    with of(street):
        batch = ImportBatch.objects.get(pk=batch.pk)
        assert running.job_state(batch) == ""
        # The other street's community is out of the clerk's scope, and so of the job's.
        assert dict(batch.rows.values_list("name", "verdict")) == {"王秀英": "new", "李大山": "wrong"}
        running.start(batch=batch, deed="apply", user=clerk)
    run_waiting_jobs("imports")
    assert [one.name for one in found()] == ["王秀英"]
    with use(Scope.system()):
        line = Elder.pgh_event_model.objects.get(id=found()[0].pk)
        assert line.pgh_context["name"] == "张经办"


def test_what_a_job_refuses_is_shown_on_the_roll(committed, monkeypatch):
    monkeypatch.setattr(running, "AT_ONCE", 0)
    street = committed["street"]
    with use(Scope.system()):
        clerk = User.objects.create(username="test-roll", display_name="张经办", role=Role.STREET_CLERK, area=street)
    with of(street):
        batch = rolls.stage(
            data=xlsx([["姓名", "身份证号"], ["王秀英", number()]]), file_name="名册.xlsx", area=street, source="民政局"
        )
        running.start(batch=batch, deed="apply", user=clerk)
    run_waiting_jobs("imports")
    with of(street):
        assert "请先核对名册" in ImportBatch.objects.get(pk=batch.pk).refusal
