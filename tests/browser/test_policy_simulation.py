"""A draft that raises Wuhan's amounts, simulated on its page: watched, and its cost held to single decisions."""

import re
from contextlib import contextmanager
from threading import Thread

import psycopg
import pytest
from django.conf import settings
from django.db import connections

from songhe.config.database import django_database, server
from songhe.core.scope.services import Scope, use
from songhe.registers.elders.models import Elder
from songhe.registers.elders.selectors import facts_for_policy
from songhe.rights.policy.models import PolicyVersion, Simulation
from songhe.rights.policy.selectors import rulebook_on

pytestmark = pytest.mark.browser
REGION = "wuhan_roll"
KEY = "wh-care-subsidy"
# A worker of its own is started for the test: milliseconds, beside a busy neighbour many seconds.
WORKER = 90_000


@pytest.fixture
def inside(live_site, django_db_setup, django_db_blocker):
    """Sign this process in to the served database, as the server is."""
    connection, own = connections["default"], settings.DATABASES["default"]["NAME"]

    def sign_in(name):
        connection.close()
        connection.settings_dict.update(django_database(), NAME=name, CONN_MAX_AGE=0)

    with django_db_blocker.unblock():
        sign_in(live_site.database)
        yield
        sign_in(own)


# Whoever clears the changes of an earlier run, which is done before new ones are written, stays there while held.
_HOLD = """
CREATE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WHILE NOT pg_try_advisory_xact_lock_shared(728450) LOOP PERFORM pg_sleep(0.05); END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER stay BEFORE DELETE ON policy_simulatedchange FOR EACH STATEMENT EXECUTE FUNCTION stay();
"""


@contextmanager
def held(site):
    """Let a simulation get as far as its changes and no further while the block runs."""
    with psycopg.connect(server().conninfo(dbname=site.database), autocommit=True) as administrator:
        administrator.execute(_HOLD)
        administrator.execute("SELECT pg_advisory_lock(728450)")
        yield


def drafted(officer):
    """Draft a version through the editor in which every amount is a fifth higher; return its id."""
    current = officer.site.one(
        "SELECT v.id FROM policy_policyversion v JOIN policy_policy p ON p.id = v.policy_id "
        "WHERE p.key = %s AND v.state = 'in_force'",
        KEY,
    )
    page = officer.goto(f"/console/policy/policy-version/{current}/draft/")
    officer.fill(修改说明="各档标准提高两成")
    officer.press("开始起草")
    page.wait_for_selector("html[data-editor=ready]")
    raised = 0
    for row in page.locator("#figures tbody tr").all():
        value, unit = (row.get_by_label(name, exact=True) for name in ("数值", "单位"))
        if unit.input_value() == "分":
            value.fill(str(int(value.input_value()) * 6 // 5))
            raised += 1
    assert raised == 13
    officer.press("保存草案")
    page.get_by_text("草案已保存").first.wait_for()
    return page.url.rstrip("/").split("/")[-2]


@pytest.mark.requirement("WH-08")
def test_wuhans_amounts_raised_cost_on_the_page_what_single_decisions_add_up_to(visit, inside):
    officer = visit("policy")
    site, draft = officer.site, drafted(officer)

    # Asked for, seen waiting, and seen at work while its changes cannot be written yet.
    page = officer.goto(f"/console/policy/simulation/new/?policy_version={draft}")
    officer.press("开始测算")
    page.get_by_text("排队 … 0%").wait_for()
    worker = Thread(target=site.work)
    with held(site):
        worker.start()
        page.get_by_text("汇总 … 70%").wait_for(timeout=WORKER)
        assert page.get_by_role("progressbar", name="测算进度").get_attribute("value") == "70"
    worker.join()
    page.get_by_text("分年度").wait_for(timeout=WORKER)
    officer.sound()

    # What the page says it costs is what everybody decided one by one gets, by the law of today and by the draft.
    shown = re.search(r"每月 ([\d,.]+) 元 → ([\d,.]+) 元；在册 ([\d,]+) 人", page.locator("main").inner_text())
    was, now, people = (int(re.sub(r"[,.]", "", text)) for text in shown.groups())
    singles = {}
    with use(Scope.system()):
        version = PolicyVersion.objects.get(pk=draft)
        simulation = Simulation.objects.get(policy_version=version)
        books = rulebook_on(simulation.on), rulebook_on(simulation.on, instead=version)
        for elder in Elder.objects.prefetch_related("difficulties"):
            facts = facts_for_policy(elder, simulation.on)
            singles[elder.pk] = [book.judge(facts, version.policy_id)[version.policy_id].monthly_fen for book in books]
        kept = {row.elder_id: [row.was_fen, row.now_fen] for row in simulation.changes.all()}
    assert people == len(singles) == 600
    assert was == sum(before for before, _after in singles.values()) > 0
    assert now == sum(after for _before, after in singles.values()) > was
    assert kept == {pk: amounts for pk, amounts in singles.items() if amounts[0] != amounts[1]}
