"""The editor of a policy draft in the browser: tables by dmn-js, figures and checks beside them."""

import json
from datetime import timedelta

import pytest

from songhe.core.calendar.services import today

pytestmark = pytest.mark.browser
KEY = "aq-safety-net-services"


def version(site, number):
    return site.one(
        "SELECT v.id FROM policy_policyversion v JOIN policy_policy p ON p.id = v.policy_id "
        "WHERE p.key = %s AND v.number = %s",
        KEY,
        number,
    )


def test_the_editor_shows_tables_checks_and_keeps_what_is_changed(visit):
    officer = visit("policy")
    page = officer.goto(f"/console/policy/policy-version/{version(officer.site, 1)}/draft/")
    page.fill('[name="note"]', "提高月度额度")
    page.fill('[name="first"]', (today() + timedelta(days=1)).isoformat())
    page.get_by_role("button", name="开始起草").click()
    page.wait_for_selector("html[data-editor=ready]")
    page.wait_for_selector("#dmn .tjs-table")
    assert page.locator("#dmn-views button").count() >= 3
    assert page.locator("#dmn .bjs-powered-by").count() >= 1
    table = page.locator("#dmn .dmn-decision-table-container").inner_text()
    assert "命中方式" in table and "Hit policy" not in table
    assert "检查通过" in page.locator("#checks").inner_text()
    rows = page.locator("#figures tbody tr")
    for number in range(rows.count()):
        cells = rows.nth(number).locator("input")
        if cells.nth(0).input_value() == "月度额度":
            cells.nth(1).fill("30000")
    page.locator("#checks").get_by_text("得出“30000”").first.wait_for()
    page.get_by_role("button", name="保存草案").first.click()
    page.get_by_text("草案已保存").first.wait_for(timeout=20_000)
    parameters = officer.site.one(
        "SELECT parameters::text FROM policy_policyversion WHERE id = %s", version(officer.site, 2)
    )
    assert {row["name"]: row["value"] for row in json.loads(str(parameters))}["月度额度"] == "30000"
    officer.fits()
    assert officer.errors == []
