"""Keys: shown once, open what their account may see and nothing longer than it may, and close at once."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from songhe.core.accounts.models import User
from songhe.core.accounts.services import deactivate, set_role
from songhe.core.calendar.services import now, today
from songhe.core.scope.services import Scope, use
from songhe.faces.api import services
from songhe.faces.api.models import ApiKey
from songhe.faces.api.tests.conftest import ROOT, System
from tests.people import Person


def test_a_key_is_asked_for_at_the_page_shown_once_and_opens_what_its_holder_may(anqing):
    with use(Scope.system()):
        person = Person("county")
    form = {"name": "市大数据平台", "purpose": "核对名册", "last_day": str(today() + timedelta(days=90))}
    address = person.sends(reverse("console:api-key-create"), **form)
    assert "还没有密钥" in person.opens(address)
    shown = person.presses(f"{address}do/issue/").content.decode()
    [text] = re.findall(r"songhe_[0-9a-f]{64}", shown)
    page = person.opens(address)
    assert text not in page and f"…{text[-4:]}" in page and "有效" in page
    with use(Scope.system()), connection.cursor() as cursor:
        cursor.execute(
            "SELECT row_to_json(k)::text FROM api_apikey k UNION SELECT row_to_json(k)::text FROM api_apikeyevent k"
        )
        assert not [row for (row,) in cursor.fetchall() if text[7:] in row]
    answer = Client().get(f"{ROOT}/", headers={"Authorization": f"Bearer {text}"})
    assert answer.status_code == 200 and answer.json()["account"] == person.user.display_name
    again = re.findall(r"songhe_[0-9a-f]{64}", person.presses(f"{address}do/issue/").content.decode())
    assert again != [text] != []
    assert Client().get(f"{ROOT}/", headers={"Authorization": f"Bearer {text}"}).status_code == 401


def turned_away(system, path="/"):
    answer = system.client.get(ROOT + path)
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json"), answer.content.decode()
    assert answer["WWW-Authenticate"] == "Bearer"
    return answer.json()["detail"]


def test_a_key_that_is_wrong_past_its_day_or_whose_account_is_closed_opens_nothing(county):
    assert county.asks("/elders/elder", limit=1)["rows"]
    assert "Bearer" in turned_away(type("Nobody", (), {"client": Client()}))
    wrong = Client(headers={"Authorization": "Bearer songhe_" + "0" * 64})
    assert "没有这个密钥" in turned_away(type("Stranger", (), {"client": wrong}))
    with use(Scope.system()):
        ApiKey.objects.update(last_day=today() - timedelta(days=1))
    assert "已过期" in turned_away(county)
    with use(Scope.system()):
        ApiKey.objects.update(last_day=today())
    assert county.asks("/")
    with use(Scope.system()):
        deactivate(by=None, user=county.user)
    assert "账号已停用" in turned_away(county, "/elders/elder")


def test_a_key_follows_its_account_to_another_place(county):
    with use(Scope.system()):
        street = User.objects.get(username="street").area
    before = county.asks("/elders/elder", count="true")["count"]
    with use(Scope.system()):
        set_role(by=None, user=county.user, role=county.user.role, area=street)
    after = county.asks("/elders/elder", count="true")["count"]
    assert 0 < after < before


def test_the_security_administrator_sees_and_closes_all_keys_and_holds_none(county):
    with use(Scope.system()):
        security, other = Person("security"), System("inspector")
    address = reverse("console:api-key-detail", args=[county.key.pk])
    assert "county的系统" in security.opens(reverse("console:api-key-list"))
    assert "do/issue/" not in security.opens(address)
    security.opens(f"{address}do/issue/", status=403)
    security.opens(reverse("console:api-key-create"), status=403)
    # Who may make keys sees their own only.
    assert "county的系统" not in other.person.opens(reverse("console:api-key-list"))
    other.person.opens(address, status=404)
    security.sends(f"{address}do/revoke/")
    assert "已停用" in turned_away(county)
    assert "停用人" in security.opens(address)


@pytest.mark.parametrize(
    "days, purpose, field", [(-1, "核对", "last_day"), (400, "核对", "last_day"), (9, "x", "purpose")]
)
def test_no_key_without_a_purpose_or_for_longer_than_a_year(anqing, days, purpose, field):
    with use(Scope.system()):
        person = Person("county")
    form = {"name": "平台", "purpose": purpose, "last_day": str(today() + timedelta(days=days))}
    answer = person.presses(reverse("console:api-key-create"), **form)
    assert answer.status_code == 200 and "invalid-feedback" in answer.content.decode()
    with use(Scope.system()):
        assert not ApiKey.objects.exists()


def test_a_key_says_when_it_was_last_used_and_its_use_is_no_change(county):
    county.asks("/")
    with use(Scope.system()):
        row = ApiKey.objects.get()
        assert now() - row.last_used_at < timedelta(minutes=1)
        lines = ApiKey.pgh_event_model.objects.count()
        ApiKey.objects.update(last_used_at=now() - timedelta(hours=1))
    county.asks("/")
    with use(Scope.system()):
        assert ApiKey.objects.get().last_used_at > row.last_used_at - timedelta(seconds=1)
        assert ApiKey.pgh_event_model.objects.count() == lines


def test_an_account_that_must_change_its_password_is_told_so(county):
    with use(Scope.system()):
        User.objects.filter(pk=county.user.pk).update(must_change_password=True)
    assert "先在网页上登录" in county.asks("/elders/elder", status=403)["detail"]


def test_only_its_holder_issues_a_key(county):
    with use(Scope.system()):
        other = Person("leader").user
    with pytest.raises(Exception, match="账号本人"):
        services.issue(key=county.key, user=other)
