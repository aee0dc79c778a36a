"""Who is let in, what is written down when they are not, and what people see when something goes wrong."""

import logging

import pytest
from django.test import Client

from songhe.core.accounts.roles import Role
from songhe.core.console.tests.conftest import ROOT
from songhe.core.journal.models import Access
from songhe.core.testing.paper import Paper


def test_strangers_are_led_to_signing_in_and_back(db):
    page = Client().get(ROOT, {"state": "checked"})
    assert page["Location"] == "/accounts/login/?next=/console/papers/paper/%3Fstate%3Dchecked"
    headers = {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": f"http://testserver{ROOT}?page=2"}
    part = Client().post(ROOT, {"q": "x"}, **headers)
    assert part["HX-Redirect"].startswith("/accounts/login/?next=/console/papers/paper/%3Fpage%3D2")


def test_a_missing_permission_is_explained_and_noted(sign_in, make_user, paper):
    client = sign_in(make_user("cashier", Role.CASHIER))
    for address in (ROOT, f"{ROOT}{paper.pk}/", f"{ROOT}new/", f"{ROOT}{paper.pk}/edit/", f"{ROOT}export/"):
        page = client.get(address)
        assert page.status_code == 403 and "您的角色是出纳" in page.content.decode(), address
    noted = Access.objects.filter(act=Access.Act.DENIED, user_name="cashier")
    assert {note.subject for note in noted} >= {ROOT, f"{ROOT}new/"}


def test_viewers_may_neither_create_nor_export(sign_in, make_user, paper, monkeypatch):
    from songhe.core.accounts import roles

    monkeypatch.setitem(roles.PERMISSIONS, Role.INSPECTOR, frozenset({"papers.view"}))
    client = sign_in(make_user("inspector", Role.INSPECTOR))
    page = client.get(ROOT).content.decode()
    assert "新建申请单" not in page and f"{ROOT}export/" not in page
    assert client.post(f"{ROOT}export/", {"reason": "看看"}).status_code == 403
    assert client.post(f"{ROOT}new/", {"subject": "x"}).status_code == 403
    assert client.post(f"{ROOT}bulk/rename/", {"pk": str(paper.pk)}).status_code == 403
    assert client.get(f"{ROOT}{paper.pk}/reveal/phone/").status_code == 403
    assert client.get(f"{ROOT}secret/").status_code == 403


def test_a_row_beyond_the_scope_does_not_exist(sign_in, make_user, paper, other_street):
    neighbour = sign_in(make_user("neighbour", area=other_street))
    for address in (f"{ROOT}{paper.pk}/", f"{ROOT}{paper.pk}/edit/", f"{ROOT}{paper.pk}/tab/1/", f"{ROOT}not-an-id/"):
        page = neighbour.get(address)
        assert page.status_code == 404 and "不在您的管辖范围内" in page.content.decode(), address


def test_a_refusal_undoes_the_request_and_says_why(client, paper):
    page = client.get(f"{ROOT}undone/")
    assert page.status_code == 409 and "规则不允许。" in page.content.decode()
    assert Paper.objects.get().subject == "购置护理床"


def test_an_unforeseen_error_has_a_number_that_the_log_has_too(client, paper, caplog):
    client.raise_request_exception = False
    with caplog.at_level(logging.ERROR, logger="songhe.core.console.errors"):
        page = client.get(f"{ROOT}broken/")
    reference = page.context["reference"]
    assert page.status_code == 500 and reference in page.content.decode()
    assert any(reference in record.getMessage() for record in caplog.records)
    assert Paper.objects.get().subject == "购置护理床"


def test_no_page_runs_a_strangers_script(client, paper):
    page = client.get(f"{ROOT}{paper.pk}/")
    assert "script-src 'self'" in page["Content-Security-Policy"]
    text = page.content.decode()
    assert "onclick=" not in text and "<script>" not in text and "http://" not in text.replace("http://testserver", "")


def test_what_is_typed_comes_back_as_text(client, street, clerk):
    from songhe.core.console.tests.papers import hand_in

    bad = hand_in(user=clerk, subject="<img src=x onerror=alert(1)>", area=street)
    for address in (ROOT, f"{ROOT}{bad.pk}/", f"{ROOT}{bad.pk}/edit/", f"{ROOT}{bad.pk}/tab/1/"):
        assert "<img src=x" not in client.get(address).content.decode(), address


@pytest.mark.parametrize(("demo", "is_demo", "status"), [(True, True, 302), (True, False, 404), (False, True, 404)])
def test_one_click_sign_in_is_for_the_demonstration_only(make_user, settings, demo, is_demo, status):
    settings.DEMO = demo
    user = make_user("guest", is_demo=is_demo)
    client = Client()
    answer = client.post(f"/accounts/demo/{user.pk}/", {"next": "https://elsewhere.example/"})
    assert answer.status_code == status
    assert client.session.get("_auth_user_id") == (str(user.pk) if status == 302 else None)
    if status == 302:
        assert answer["Location"] == "/"
    assert Client().get(f"/accounts/demo/{user.pk}/").status_code == 405


def test_the_sign_in_page_lists_demo_people_in_the_demonstration_only(make_user, settings):
    make_user("演示甲", is_demo=True)
    make_user("真人乙")
    settings.DEMO = True
    page = Client().get("/accounts/login/").content.decode()
    assert "演示甲" in page and "真人乙" not in page
    settings.DEMO = False
    assert "演示甲" not in Client().get("/accounts/login/").content.decode()
