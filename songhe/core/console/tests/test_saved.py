"""Filters kept under a name: a person's own, or their office's; without what was searched for."""

import pytest

from songhe.core.accounts.roles import Role
from songhe.core.console.models import SavedFilter
from songhe.core.console.tests.conftest import ROOT

FILTERS = f"{ROOT}filters/"


def kept(client):
    return client.get(FILTERS, HTTP_HX_REQUEST="true").content.decode()


def test_a_filter_is_kept_under_a_name_opened_and_removed(client, papers):
    papers(3)
    dialog = client.post(FILTERS, {"state": "handed_in", "sort": "-subject", "q": "13800001111"}).content.decode()
    assert 'name="state" value="handed_in"' in dialog and "不随筛选保存" in dialog
    assert not SavedFilter.objects.exists()
    asked = {"state": "handed_in", "sort": "-subject", "q": "13800001111", "page": "2", "filter_name": " 待  审 "}
    led_to = client.post(FILTERS, asked)["Location"]
    (row,) = SavedFilter.objects.all()
    assert (row.name, row.is_shared, led_to) == ("待 审", False, f"{ROOT}{row.query}")
    assert set(row.query[1:].split("&")) == {"state=handed_in", "sort=-subject"}
    page = client.get(led_to).content.decode()
    assert "状态：" in page and "13800001111" not in page
    assert f'href="{ROOT}?'.replace("&", "&amp;") in kept(client) and "待 审" in kept(client)
    client.post(FILTERS, {"state": "handed_in", "filter_name": "待 审"})
    assert SavedFilter.objects.get().query == "?state=handed_in"
    assert "还没有保存的筛选" in client.post(f"{FILTERS}{row.pk}/forget/").content.decode()


def test_a_filter_needs_a_name_and_something_narrowed_and_nothing_typed_is_lost(client):
    answer = client.post(FILTERS, {"state": "handed_in", "filter_name": " ", "filter_shared": "1"}).content.decode()
    assert "起个名字" in answer and "checked" in answer and 'value="handed_in"' in answer
    answer = client.post(FILTERS, {"filter_name": "全部"}).content.decode()
    assert "请先筛选再保存" in answer and 'value="全部"' in answer
    assert not SavedFilter.objects.exists()


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "own"])
def test_what_is_shared_is_the_offices_and_only_its_keeper_removes_it(client, make_user, sign_in, other_street, shared):
    client.post(FILTERS, {"state": "handed_in", "filter_name": "待审", **({"filter_shared": "1"} if shared else {})})
    row = SavedFilter.objects.get()
    colleague = sign_in(make_user("colleague"))
    elsewhere = sign_in(make_user("elsewhere", area=other_street))
    assert ("待审" in kept(colleague)) is shared
    assert "待审" not in kept(elsewhere)
    assert colleague.post(f"{FILTERS}{row.pk}/forget/").status_code == 409
    assert SavedFilter.objects.filter(pk=row.pk).exists()


def test_no_more_are_kept_than_a_menu_holds(client, clerk):
    rows = [SavedFilter(user=clerk, page="papers-paper", name=f"第{n}组", query="?state=handed_in") for n in range(50)]
    SavedFilter.objects.bulk_create(rows)
    assert "最多保存" in client.post(FILTERS, {"state": "handed_in", "filter_name": "又一组"}).content.decode()


def test_whoever_may_not_see_the_list_has_no_filters_of_it(make_user, sign_in):
    client = sign_in(make_user("carer", role=Role.SYSTEM_ADMIN))
    assert client.get(FILTERS).status_code == 403
