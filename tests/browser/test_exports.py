"""A large list taken out by a clerk: asked for, followed to its end, fetched; another one stopped.

``SONGHE_PICTURES=docs/images`` keeps the picture of ``docs/registers.md``.
"""

import pytest
from python_calamine import CalamineWorkbook

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def ask(visitor, reason):
    page = visitor.goto("/console/areas/area/")
    page.locator("button:has(.ti-download)").click()
    page.get_by_text("将在后台生成").wait_for()
    page.fill("#export-reason", reason)
    with page.expect_navigation():
        page.click("#dialog-body button[type=submit]")
    page.get_by_role("heading", name="我的导出").wait_for()
    return page


def test_a_large_list_is_written_in_the_background_and_fetched(page, tmp_path):
    visitor, site = page, page.site
    visitor.sign_in("county")
    window = visitor.goto("/console/downloads/")
    visitor.sound()
    window = ask(visitor, "核对区划代码")
    first = window.locator("#exports li").first
    first.get_by_text("排队中").wait_for()
    visitor.sound()
    site.change("UPDATE console_export SET state = 'running', done = 900, total = 2400 WHERE state = 'waiting'")
    first.get_by_text("已写 900 / 2,400 条").wait_for()
    visitor.sound()
    if window.viewport_size["width"] > 400:
        visitor.picture("registers-exports")
    # The page asks by itself; nobody presses anything.
    site.work()
    first.get_by_role("button", name="下载").wait_for(timeout=20_000)
    visitor.sound()
    with window.expect_download() as taken:
        first.get_by_role("button", name="下载").click()
    taken.value.save_as(tmp_path / "区划.xlsx")
    rows = CalamineWorkbook.from_path(tmp_path / "区划.xlsx").get_sheet_by_index(0).to_python()
    assert rows[0][:2] == ["名称", "区划代码"] and len(rows) == site.one("SELECT count(*) FROM areas_area") + 1
    assert site.one("SELECT count(*) FROM journal_access WHERE act = 'export' AND reason = '核对区划代码'") >= 1

    window = ask(visitor, "不要了")
    with window.expect_navigation():
        window.locator("#exports li").first.get_by_role("button", name="取消").click()
    window.locator("#exports li").first.get_by_text("已取消").wait_for()
    site.work()
    window.reload()
    assert "已取消" in window.locator("#exports li").first.inner_text()
    visitor.sound()
