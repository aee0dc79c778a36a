"""A month's rolls at a clerk's desk and on a phone: profile, import, questions, who vanished, what is found out."""

from datetime import date

import pytest
from stdnum.cn import ric

from songhe.registers.elders.tests.sheets import xlsx

pytestmark = pytest.mark.browser

TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def number(order, birth):
    body = f"340802{birth:%Y%m%d}{order:03d}"
    return body + ric.calc_check_digit(body + "0")


def import_roll(page, rows, *, source, day):
    page.goto("/console/elders/import/new/")
    page.page.set_input_files("input[name=file]", {"name": f"{day}.xlsx", "mimeType": TYPE, "buffer": xlsx(rows)})
    page.page.fill("input[name=source]", source)
    page.page.fill("input[name=as_of]", day)
    page.page.click("main form button[type=submit].btn-primary")
    page.page.wait_for_selector("text=每一列是什么")
    page.sound()
    page.page.click("text=核对名册")
    page.page.wait_for_selector("section[aria-label=名册的行]")
    page.sound()


def confirm(page):
    page.page.click("text=确认导入")
    page.page.wait_for_selector("#dialog-body form")
    page.page.click("#dialog-body form button[type=submit]")
    page.page.wait_for_selector("text=已写入")
    page.sound()


@pytest.mark.requirement("WZ-03")
def test_two_months_of_a_whole_roll(page):
    width = page.page.viewport_size["width"]
    page.sign_in("street")
    community = page.site.one(
        "SELECT c.name FROM areas_area c JOIN accounts_user u ON u.username = 'street' "
        "JOIN areas_area s ON s.code = u.area_id WHERE c.parent_id = s.code ORDER BY c.code LIMIT 1"
    )
    name = f"低保名册{width}"
    page.goto("/console/exchange/source/new/")
    page.page.fill("input[name=name]", name)
    page.page.select_option("select[name=subject]", "difficulty")
    page.page.select_option("select[name=cadence]", "monthly")
    page.page.check("input[name=kinds][value=low_income]")
    page.page.check("input[name=is_whole]")
    page.page.select_option("select[name=rule_phone]", "ask")
    page.sound()
    page.page.click("main form button[type=submit].btn-primary")
    page.page.wait_for_selector("text=逐条裁决")
    page.sound()

    head = ["姓名", "身份证号", "社区", "电话", "出生日期"]
    # Both widths live in one region: each has people of its own.
    woman, man, order = ("汪慧芬", "厉长海", 102) if width > 400 else ("苗凤琴", "庞树声", 202)
    wang, li = number(order, date(1941, 3, 4)), number(order + 1, date(1940, 7, 8))
    first = [
        head,
        [woman, wang, community, f"1390000{width:04d}", ""],
        [man, li, community, "", ""],
        ["孙", "34080219", community, "1", ""],
    ]
    import_roll(page, first, source=name, day="2026-01-31")
    confirm(page)
    second = [head, [woman, wang[:-1], community, f"1390000{width:04d}", "1941-03-04"]]
    import_roll(page, second, source=name, day="2026-02-28")
    assert page.page.locator("text=这一行是谁").count() == 1
    page.page.click(f"text=就是{woman}")
    page.page.wait_for_selector("text=没有这样的行")
    page.page.click("text=本期未见")
    page.page.wait_for_selector("text=上一期名册上有、本期没有的人")
    assert man in page.page.inner_text("main")
    page.sound()
    confirm(page)

    page.goto("/console/exchange/source/month/?month=2026-02")
    page.sound()
    page.goto("/console/exchange/finding/?state=open")
    page.sound()
    page.page.click(f"text={man}")
    page.page.wait_for_selector("text=的名册不再列入")
    page.sound()
    page.page.locator("main").get_by_text("核查", exact=True).first.click()
    page.page.wait_for_selector("#dialog-body form")
    page.page.select_option("#dialog-body select[name=outcome]", "ended")
    page.page.fill("#dialog-body input[name=on]", "2026-02-28")
    page.sound()
    page.page.click("#dialog-body form button[type=submit]")
    page.page.wait_for_selector("main >> text=不再符合条件")
    page.goto("/console/exchange/source/")
    page.sound()


def test_double_records_are_looked_for(page):
    page.sign_in("street")
    page.goto("/console/exchange/duplicate/")
    page.sound()
    page.goto("/console/exchange/duplicate/find/")
    page.sound()
    page.page.click("text=开始查找")
    page.page.wait_for_selector("text=查找完毕")
    page.sound()
    page.goto("/console/exchange/merge/")
    page.sound()
