"""A dispatcher plans a day of the demo in the browser: computes, drags, is told first, publishes; carers see it."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def morning():
    """Seven o'clock today, whatever the time is."""
    return datetime.now(ZoneInfo("Asia/Shanghai")).replace(hour=7, minute=0, second=0, microsecond=0)


# Each elder that the demo's first provider knows asks for a cleaning, in the morning and in the afternoon.
ORDERS = """
    INSERT INTO orders_order (id, version, created_at, state, number, elder_id, area_id, service_id, source, placed_at,
        wanted_from, wanted_to, minutes, urgent, provider_id, price_fen, credit_fen, own_fen, note)
    SELECT gen_random_uuid(), 1, now(), 'dispatched', 'DD-T' || row_number() OVER (), d.elder_id, e.area_id, s.id,
        'call', now(), wish.at, wish.at + make_interval(mins => s.minutes + 120), s.minutes, false, d.provider_id,
        3500, 0, 3500, ''
      FROM elders_disclosure d
      JOIN elders_elder e ON e.id = d.elder_id
      JOIN accounts_user u ON u.provider_id = d.provider_id AND u.username = 'provider'
      JOIN catalogue_service s ON s.code = 'B01'
     CROSS JOIN LATERAL (SELECT (%s::date + make_interval(hours => hour)) AT TIME ZONE 'Asia/Shanghai' AS at
                           FROM unnest(ARRAY[9, 14]) hour) wish
"""


@pytest.fixture
def seven(live_site):
    live_site.set_clock(morning())
    if not live_site.one("SELECT count(*) FROM orders_order WHERE number LIKE %s", "DD-T%"):
        live_site.change(ORDERS, morning().date().isoformat())
    yield live_site
    live_site.set_clock(None)


def new_plan(visitor, kind="没开始的都可以重排"):
    visitor.goto("/console/dispatch/plan/new/")
    visitor.page.get_by_label(kind).check()
    with visitor.page.expect_navigation(url="**/desk/"):
        visitor.page.get_by_role("button", name="保存").first.click()
    visitor.page.wait_for_selector("html[data-board=ready]")
    return visitor.page.url.split("/plan/")[1].split("/")[0]


def until(page, holds):
    """Wait, as long as a busy machine may take, until something holds."""
    for _ in range(150):
        if holds():
            return
        page.wait_for_timeout(100)
    raise AssertionError("等了 15 秒，页面上的改动没有写入")


def stops(site, plan):
    return site.one("SELECT count(*) FROM dispatch_planstop WHERE plan_id = %s AND staff_id IS NOT NULL", plan)


def placed(site, plan, order):
    return site.one(
        "SELECT staff_id || ' ' || lower(during) FROM dispatch_planstop WHERE plan_id = %s AND order_id = %s",
        plan,
        order,
    )


def hang_where_it_may_go(page):
    """Take up visits until one hangs over another carer at an hour that no rule forbids; return its order.

    Which those are depends on what the search came to, and so on the machine.
    """
    board = page.locator("#gantt").bounding_box()
    hour = page.evaluate(
        "(([one, two]) => two.offsetLeft - one.offsetLeft)(document.querySelectorAll('.gantt-axis span'))"
    )
    rows = [
        row for row in page.locator(".gantt-row").all() if row.bounding_box()["y"] < board["y"] + board["height"] - 80
    ]
    for bar in page.locator(".gantt-stop:not(.frozen)").all():
        box = bar.bounding_box()
        page.mouse.move(box["x"] + 5, box["y"] + 10)
        page.mouse.down()
        for row in rows:
            there = row.bounding_box()["y"]
            if there <= box["y"] < there + 40:
                continue
            for hours in (0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6):
                x = box["x"] + 5 + hours * hour
                if not board["x"] + 140 < x < board["x"] + board["width"] - 20:
                    continue
                page.mouse.move(x, there + 20, steps=3)
                page.wait_for_function(
                    """name => {
                        const said = document.querySelector("#desk-tip strong")?.textContent ?? "";
                        const ghost = document.querySelector(".gantt-ghost")?.textContent ?? "";
                        return said === `${name} ${ghost.slice(0, 5)}` && !document.querySelector("#desk-tip").hidden;
                    }""",
                    arg=row.get_attribute("aria-label"),
                )
                if not page.locator("#desk-tip .hard").count():
                    assert "里程" in page.locator("#desk-tip").inner_text()
                    return bar.get_attribute("data-stop")
        page.keyboard.press("Escape")
        page.mouse.up()
    raise AssertionError("没有一次上门能改到别人那里去")


def test_a_day_is_computed_dragged_published_and_seen(visit, seven):
    desk = visit("provider")
    plan = new_plan(desk)
    page = desk.page
    page.locator(".maplibregl-canvas").wait_for()
    desk.sound()
    page.get_by_role("button", name="自动排单", exact=True).click()
    page.locator("#desk-run").wait_for()
    seven.work()
    page.wait_for_selector("#desk-run", state="hidden")
    assert seven.one("SELECT failure FROM dispatch_planrun WHERE plan_id = %s", plan) == ""
    assert stops(seven, plan) > 0
    # What a visit hanging over another row would come to is shown before it is dropped, and dropping it there does it.
    order = hang_where_it_may_go(page)
    here = placed(seven, plan, order)
    page.mouse.up()
    page.wait_for_function("document.querySelector('#desk-tip').hidden")
    until(page, lambda: placed(seven, plan, order) != here)
    page.keyboard.press("Control+z")
    until(page, lambda: placed(seven, plan, order) == here)
    desk.sound()
    page.on("dialog", lambda dialog: dialog.accept())
    with page.expect_navigation():
        page.get_by_role("button", name="发布", exact=True).click()
    assert "方案已发布" in page.locator("main").inner_text()
    falls_ill(desk, seven)
    # Whoever has most to do signs in with the demo's account of a carer: whom the search gave work is not said before.
    busiest, mine = seven.one(
        "SELECT v.staff_id || ' ' || count(*) FROM visits_visit v JOIN accounts_user u ON u.provider_id = v.provider_id"
        " WHERE u.username = 'provider' AND v.state = 'planned' AND lower(v.planned)::date = %s::date"
        " GROUP BY v.staff_id ORDER BY count(*) DESC, v.staff_id LIMIT 1",
        morning().date().isoformat(),
    ).split(" ")
    seven.change("UPDATE accounts_user SET staff_id = NULL WHERE staff_id = %s", busiest)
    seven.change("UPDATE accounts_user SET staff_id = %s WHERE username = 'carer'", busiest)
    carer = visit("carer", width=390)
    carer.goto("/field/")
    assert carer.page.locator("a.visit-card").count() >= int(mine) > 0
    carer.sound()


def falls_ill(desk, site):
    """Report the carer of the first visit that has not begun ill: a draft sends others to their visits, and only to
    theirs; it says what changes, and is published.
    """
    page = desk.page
    sick, name = site.one(
        "SELECT s.id || ' ' || s.name FROM visits_visit v JOIN workforce_staff s ON s.id = v.staff_id"
        " JOIN accounts_user u ON u.provider_id = v.provider_id AND u.username = 'provider'"
        " WHERE v.state = 'planned' AND lower(v.planned)::date = %s::date"
        " AND NOT EXISTS (SELECT FROM accounts_user WHERE staff_id = s.id)"
        " GROUP BY s.id, s.name ORDER BY count(*) DESC, s.name LIMIT 1",
        morning().date().isoformat(),
    ).split(" ")
    mine = "SELECT count(*) FROM visits_visit WHERE staff_id = %s AND state = 'planned' AND upper(planned) > %s"
    others = (
        "SELECT md5(string_agg(v.id || ' ' || v.staff_id || v.planned, ',' ORDER BY v.id)) FROM visits_visit v"
        " JOIN visits_visit b ON b.id = v.id WHERE v.staff_id <> %s AND v.state = 'planned' AND v.id = ANY(%s)"
    )
    had = site.one(mine, sick, morning())
    assert had
    rest = site.one("SELECT array_agg(id) FROM visits_visit WHERE staff_id <> %s AND state = 'planned'", sick)
    before = site.one(others, sick, rest)
    page.wait_for_selector("html[data-board=ready]")
    page.locator(".gantt-name").filter(has_text=name).click()
    with page.expect_navigation(url="**/desk/"):
        page.get_by_role("button", name="病假").click()
    page.wait_for_selector("html[data-board=ready]")
    assert f"{name}病假" in page.locator("main").inner_text()
    assert page.locator("[data-changed]").count() == had
    desk.sound()
    with page.expect_navigation():
        page.get_by_role("button", name="发布", exact=True).click()
    assert "方案已发布" in page.locator("main").inner_text()
    assert site.one(mine, sick, morning()) == 0
    assert site.one(others, sick, rest) == before


def test_on_a_phone_the_day_is_a_list_from_which_visits_are_moved(visit, seven):
    desk = visit("provider", width=390)
    new_plan(desk)
    page = desk.page
    desk.sound()
    page.get_by_role("button", name="自动排单", exact=True).click()
    page.locator("#desk-run").wait_for()
    seven.work()
    page.wait_for_selector("#desk-run", state="hidden")
    page.locator(".list-stop").first.wait_for(state="attached")
    page.locator(".desk-list summary").filter(has_text="次").first.click()
    page.locator(".list-stop").first.click()
    page.locator("#desk-detail select").wait_for()
    desk.sound()
    # What dispatch came to stands in a table that a phone can show too.
    desk.goto("/console/dispatch/plan/outcomes/")
    page.get_by_role("heading", name="派单成效").wait_for()
    desk.sound()
    page.get_by_label("按").select_option("street")
    page.get_by_role("button", name="统计").click()
    page.wait_for_url("**by=street**")
    desk.sound()


STEADY = """
    SELECT coalesce(string_agg(w.elder_id || ' ' || w.staff_id, ',' ORDER BY w.elder_id, w.staff_id), '')
      FROM dispatch_carerwish w JOIN accounts_user u ON u.provider_id = w.provider_id AND u.username = 'provider'
     WHERE w.kind = 'steady' AND w.ended_at IS NULL
"""


def test_a_week_gets_steady_carers_who_are_changed_adopted_seen_and_taken_back(visit, seven):
    desk = visit("provider")
    page = desk.page
    desk.goto("/console/dispatch/plan/")
    page.get_by_role("link", name="周计划").click()
    page.get_by_role("button", name="生成建议").click()
    page.get_by_role("heading", name="周计划").wait_for()
    lines = page.get_by_role("group", name="固定护理员").locator("tbody tr")
    lines.first.wait_for()
    proposed = [each.input_value() for each in lines.locator("select").all()]
    assert any(proposed)
    assert all(len(lines.nth(number).locator("td").last.inner_text()) > 5 for number in range(lines.count()))
    desk.sound()
    # The first line is given to somebody else by hand.
    first = lines.first.locator("select")
    elder = first.get_attribute("name").split(":")[1]
    others = [option.get_attribute("value") for option in first.locator("option").all()]
    other = next(value for value in others if value and value != proposed[0])
    first.select_option(other)
    with page.expect_navigation():
        page.get_by_role("button", name="采用").click()
    assert "已采用：新定" in page.locator("main").inner_text()
    adopted = seven.one(STEADY)
    assert f"{elder} {other}" in adopted
    assert adopted.count(",") + 1 == len(set(adopted.split(",")))
    # Where wishes are kept everybody sees who is steady; on a phone too.
    phone = visit("provider", width=390)
    phone.goto("/console/dispatch/wish/?kind=steady")
    assert phone.page.get_by_text("固定").count() > 0
    phone.goto("/console/dispatch/plan/week/")
    assert f"现有固定护理员 {adopted.count(',') + 1} 位" in phone.page.locator("main").inner_text()
    phone.page.get_by_role("button", name="生成建议").click()
    phone.page.get_by_role("group", name="固定护理员").locator("select").first.wait_for()
    assert "已是固定护理员" in phone.page.locator("main").inner_text()
    phone.sound()
    with phone.page.expect_navigation():
        phone.page.get_by_role("button", name="撤销上一次采用").click()
    assert "已撤销上一次采用" in phone.page.locator("main").inner_text()
    assert seven.one(STEADY) == ""
