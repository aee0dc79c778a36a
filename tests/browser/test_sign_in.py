"""The door: everybody's first page."""

import pytest

pytestmark = pytest.mark.browser


def test_the_sign_in_page_is_sound_and_chinese(page):
    page.goto("/accounts/login/")
    assert "登录" in page.page.title()
    assert page.page.locator("html").get_attribute("lang") == "zh-CN"
    assert page.page.get_by_role("button", name="登录").count() >= 1
    page.sound()


def test_a_wrong_password_is_said_in_words_and_loses_nothing(page):
    page.goto("/accounts/login/")
    page.page.fill('input[name="login"]', "operator")
    page.page.fill('input[name="password"]', "不是这个密码")
    page.page.press('input[name="password"]', "Enter")
    page.page.wait_for_load_state()
    assert page.page.input_value('input[name="login"]') == "operator"
    assert page.page.locator(".alert, .invalid-feedback, .errorlist").first.inner_text().strip()
    page.sound()
