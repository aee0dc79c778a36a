"""A form at bad moments: the session has ended, the back button, the impatient second click. Nothing typed is lost."""

import psycopg
import pytest
from stdnum.cn import ric

from songhe.config.database import server

pytestmark = pytest.mark.browser

CREATE = "/console/elders/elder/new/"


def number_of(order):
    body = f"34080219480301{order:03d}"
    return body + ric.calc_check_digit(body + "0")


def fill(page, name, number):
    page.fill('input[name="name"]', name)
    page.fill('input[name="id_number"]', number)
    page.select_option('select[name="living_situation"]', "alone")


def end_sessions(site):
    with psycopg.connect(server().conninfo(dbname=site.database), autocommit=True) as connection:
        assert connection.execute("DELETE FROM django_session").rowcount


def entered(site, name):
    return site.one("SELECT count(*) FROM elders_elder WHERE name = %s", name)


def save(page):
    with page.expect_navigation():
        page.get_by_role("button", name="保存").first.click()


def test_the_session_ends_in_the_middle_of_a_form(visit):
    visitor = visit("community")
    page = visitor.goto(CREATE)
    fill(page, "赵半途", number_of(11))
    page.fill('input[name="address"]', "人民路7号")
    end_sessions(visitor.site)
    save(page)
    assert "/accounts/login/" in page.url and entered(visitor.site, "赵半途") == 0
    with page.expect_navigation():
        page.locator("form, button").filter(has_text="钱网格").last.click()
    assert CREATE in page.url
    assert page.input_value('input[name="name"]') == "赵半途"
    assert page.input_value('input[name="address"]') == "人民路7号"
    # A number is never kept in the browser; the page says that it must be typed again.
    assert page.input_value('input[name="id_number"]') == ""
    assert "需要重新填写" in page.locator("form .alert").inner_text()
    page.fill('input[name="id_number"]', number_of(11))
    save(page)
    assert entered(visitor.site, "赵半途") == 1


def test_going_back_and_saving_again_leads_to_the_same_record(visit):
    visitor = visit("community")
    page = visitor.goto(CREATE)
    fill(page, "钱往返", number_of(12))
    save(page)
    record = page.url
    page.go_back()
    fill(page, "钱往返", number_of(12))
    save(page)
    assert entered(visitor.site, "钱往返") == 1
    assert page.url == record or "已" in page.locator("main").inner_text()


def test_two_clicks_save_once(visit):
    visitor = visit("community")
    page = visitor.goto(CREATE)
    fill(page, "孙双击", number_of(13))
    with page.expect_navigation(url="**/console/elders/elder/*-*/"):
        page.get_by_role("button", name="保存").first.dblclick()
    assert entered(visitor.site, "孙双击") == 1
