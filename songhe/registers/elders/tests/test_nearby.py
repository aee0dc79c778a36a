"""What was typed almost right, and what the scope hides either way."""

import pytest
from django.test import Client
from django.urls import reverse

from songhe.core.scope.services import Scope, use
from songhe.registers.elders.models import Elder
from songhe.registers.elders.nearby import search_nearby
from songhe.registers.elders.tests.people import elder, number


@pytest.fixture
def wang(places):
    return elder(places["east"], "王秀英", phone="13800138001", address="松江路 18 号 3 栋")


NUMBER = number()


@pytest.mark.parametrize(
    "typed",
    [
        "王秀瑛",
        "汪秀英",
        "王秀芳",
        "wangxiuyinh",
        "松江路",
        "18 号 3 栋",
        NUMBER[:12] + ("1" if NUMBER[12] != "1" else "2") + NUMBER[13:],
        NUMBER[:9] + NUMBER[10] + NUMBER[9] + NUMBER[11:] if NUMBER[9] != NUMBER[10] else NUMBER[:17] + "0",
        "13800138002",
        "1380013800",
        "138001380011",
        "13800183001",
    ],
)
def test_one_slip_still_finds(wang, typed):
    assert list(search_nearby(Elder.objects.all(), typed)) == [wang]


@pytest.mark.parametrize("typed", ["李大山", "13911112222", "zhangsan", "王", "340802199001011234"])
def test_what_is_far_off_finds_nobody(wang, typed):
    assert not search_nearby(Elder.objects.all(), typed).exists()


def test_the_scope_hides_without_a_hint(wang, places):
    with use(Scope.area(places["other_street"].code, places["other_street"].upper)):
        assert not search_nearby(Elder.objects.all(), "王秀瑛").exists()


def test_the_box_offers_exact_ones_then_near_ones_and_never_jumps_to_a_near_one(wang, clerk, other_clerk):
    def asks(user, text, **more):
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client.post(reverse("console:search"), {"q": text, **more})

    offered = asks(clerk, "王秀", part="1").content.decode()
    assert 'role="option"' in offered and str(wang.pk) in offered and "相近" not in offered
    near = asks(clerk, "王秀瑛", part="1").content.decode()
    assert "相近" in near and str(wang.pk) in near
    page = asks(clerk, "王秀瑛")
    assert page.status_code == 200 and "请核对" in page.content.decode()
    assert asks(clerk, "王秀英").status_code in (302, 303)
    for typed in ("王秀英", "王秀瑛", NUMBER, "松江路"):
        assert "没有找到" in asks(other_clerk, typed).content.decode()
