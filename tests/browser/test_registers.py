"""The registers in clerks' hands; ``SONGHE_PICTURES=docs/images`` keeps the pictures of ``docs/registers.md``."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def look(page, picture):
    page.sound()
    if page.page.viewport_size["width"] > 400:
        page.picture(picture)


def community_of(page):
    return page.site.one("SELECT area_id FROM accounts_user WHERE username = 'community'")


def test_found_while_typing_by_keyboard(page):
    name = page.site.one(
        "SELECT e.name FROM elders_elder e JOIN accounts_user u ON u.username = 'community' AND u.area_id = e.area_id "
        "WHERE e.state = 'active' AND length(e.name) = 3 ORDER BY e.id LIMIT 1"
    )
    page.sign_in("community")
    page.goto("/console/")
    page.page.keyboard.press("/")
    page.page.keyboard.type(name)
    page.page.wait_for_selector("#top-found [role=option]")
    page.sound()
    page.page.keyboard.press("ArrowDown")
    assert page.page.locator("#top-found [aria-selected=true]").count() == 1
    with page.page.expect_navigation():
        page.page.keyboard.press("Enter")
    assert name in page.page.inner_text("h1")
    page.page.keyboard.press("/")
    page.page.keyboard.type("没有这个人呀")
    page.page.wait_for_selector("#top-found .found-none")
    page.page.keyboard.press("Escape")
    assert page.page.locator("#top-found").is_hidden()


def test_a_filter_is_kept_under_a_name_and_opened_again(page):
    name = f"独居老人{page.page.viewport_size['width']}"
    page.sign_in("street")
    page.goto("/console/elders/elder/?living_situation=alone")
    menu = page.page.locator("button[aria-label=常用筛选]")
    menu.click()
    page.page.wait_for_selector("text=还没有保存的筛选")
    page.page.click("button:has-text('保存当前条件')")
    page.page.fill("#filter-name", name)
    page.page.check("input[name=filter_shared]")
    page.sound()
    with page.page.expect_navigation():
        page.page.click("#dialog-body button[type=submit]")
    page.goto("/console/elders/elder/")
    menu.click()
    page.page.wait_for_selector(f"#kept-filters >> text={name}")
    look(page, "registers-filters")
    with page.page.expect_navigation():
        page.page.click(f"#kept-filters >> text={name}")
    assert "living_situation=alone" in page.page.url
    menu.click()
    page.page.once("dialog", lambda dialog: dialog.accept())
    page.page.click(f"button[aria-label='删除筛选 {name}']")
    page.page.wait_for_selector("text=还没有保存的筛选")


def test_a_label_is_tried_and_put_to_use(page):
    width = page.page.viewport_size["width"]
    page.sign_in("street")
    page.goto("/console/elders/label-rule/new/")
    page.page.fill("input[name=name]", f"高龄独居{width}")
    page.page.fill("textarea[name=condition]", '年龄 >= 75 and 居住状况 = "独居"')
    page.page.fill("input[name=why]", "重点探访")
    look(page, "registers-label-form")
    page.page.click("main form button[type=submit].btn-primary")
    page.page.wait_for_selector("text=符合条件")
    look(page, "registers-label-trial")
    page.step("启用")
    page.sound()
    page.goto("/console/elders/label/")
    page.sound()


def test_a_visit_of_care_on_the_phone_and_its_problem(page):
    width = page.page.viewport_size["width"]
    community = community_of(page)
    page.sign_in("street")
    page.goto("/console/outreach/charge/refresh/")
    page.sound()
    page.press("更新")
    look(page, "registers-charges")
    charge = page.site.one(
        "SELECT id FROM outreach_charge WHERE area_id = %s AND upper_inf(validity) ORDER BY id LIMIT 1",
        community,
    )
    page.goto(f"/console/outreach/charge/{charge}/")
    page.ask("指定探访人")
    page.page.select_option("#dialog-body select[name=visitor]", index=1)
    page.sound()
    page.goto("/console/outreach/charge/coverage/")
    look(page, "registers-coverage")
    page.goto("/console/outreach/frequency/")
    page.sound()
    page.page.context.clear_cookies()
    page.sign_in("community")
    page.goto(f"/field/charge/{charge}/")
    page.page.select_option("select[name=result]", "needs")
    page.page.fill("textarea[name=note]", "腿脚不便，想要助浴")
    page.page.select_option("select[name=problem]", "safety")
    page.page.fill("input[name=problem_text]", f"卫生间没有扶手{width}")
    page.sound()
    page.press("登记探访")
    page.page.wait_for_selector("text=探访已登记")
    page.sound()
    page.goto("/console/outreach/problem/")
    look(page, "registers-problems")
    page.goto("/console/outreach/call/")
    page.sound()


def test_a_death_is_registered_and_what_follows_is_seen(page):
    elder = page.site.one(
        "SELECT o.elder_id FROM orders_order o JOIN elders_elder e ON e.id = o.elder_id JOIN accounts_user u "
        "ON u.username = 'street' JOIN areas_area a ON a.code = u.area_id WHERE e.state = 'active' "
        "AND e.area_id >= a.code AND e.area_id < a.upper ORDER BY o.elder_id LIMIT 1"
    )
    page.sign_in("street")
    page.goto(f"/console/elders/elder/{elder}/")
    page.step("登记去世", 信息来源="家属告知")
    page.page.get_by_role("tab", name="大事记").click()
    page.page.wait_for_selector("text=随之办理")
    look(page, "registers-life")
    page.goto(f"/console/elders/elder/{elder}/past/")
    look(page, "registers-past")
    page.goto("/console/elders/follow-up/")
    look(page, "registers-follow-up")


def test_the_public_map_and_premises_and_partners(page):
    page.goto("/caremap/public/")
    page.page.wait_for_selector("#care-map canvas")
    look(page, "registers-map")
    page.sign_in("county")
    for path in (
        "/console/facilities/premises/",
        "/console/facilities/premises/new/",
        "/console/exchange/partner/",
        "/console/exchange/partner/new/",
        "/console/exchange/handout/",
        "/console/assessment/recognition/",
        "/console/assessment/recognition/new/",
    ):
        page.goto(path)
        page.sound()
