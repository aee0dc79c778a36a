"""The operator's desk: who calls, what they want, what came of it; and calls that go wrong."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from songhe.care.orders.flow import OrderState
from songhe.care.orders.models import Order
from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.calendar.services import now
from songhe.core.errors import Refused
from songhe.faces.hotline import services
from songhe.faces.hotline.models import Call
from songhe.registers.elders.tests.people import elder
from tests.people import Person

PHONE = "13900001111"


@pytest.fixture
def desk(town):
    """An operator, and an elder on a credit whose number is known."""
    User.objects.create(username="t-operator", display_name="坐席", role=Role.OPERATOR, area=town.city)
    person = town.poor()
    person.phone = PHONE
    person.save()
    return SimpleNamespace(town=town, person=person, operator=Person("t-operator"))


def rings(desk, phone=PHONE):
    desk.operator.sends(reverse("hotline:take"), phone=phone)
    return Call.objects.latest("started_at")


def at_call(call, step):
    return reverse(f"hotline:{step}", args=[call.pk])


def wish(desk, **more):
    wanted = timezone.localtime(now() + timedelta(hours=3))
    return {"service_id": desk.town.service.pk, "wanted_from": f"{wanted:%Y-%m-%dT%H:%M}"} | more


def test_a_known_number_brings_up_who_calls_and_what_is_left(desk):
    call = rings(desk, phone="139 0000 1111")
    page = desk.operator.opens(at_call(call, "call"))
    assert call.elder == desk.person
    assert desk.person.name in page and "可用 <strong>200.00</strong> 元" in page
    assert PHONE not in page


def test_a_number_of_two_elders_is_nobodys_until_the_operator_asks(desk):
    elder(desk.town.here, "同号", order=98, phone=PHONE)
    call = rings(desk)
    assert call.elder is None
    page = desk.operator.opens(at_call(call, "call"))
    assert "是哪位老人" in page and "同号" in page and desk.person.name in page and PHONE not in page
    found = desk.operator.presses(at_call(call, "find"), text="同号").content.decode()
    assert "同号" in found and desk.person.name not in found
    chosen = desk.person.pk
    desk.operator.sends(at_call(call, "identify"), elder=chosen)
    call.refresh_from_db()
    assert (call.elder, call.area_id) == (desk.person, desk.person.area_id)


@pytest.mark.parametrize("elder_id", ["", "no-number", "01a210ad-2dd0-7ec2-ab2d-47830c119fed"])
def test_an_elder_who_is_not_there_is_said_so_and_changes_nothing(desk, elder_id):
    call = rings(desk, phone="")
    answer = desk.operator.presses(at_call(call, "identify"), elder=elder_id)
    assert answer.status_code == 409 and "没有找到这位老人" in answer.content.decode()
    call.refresh_from_db()
    assert call.elder is None and call.area == desk.town.city


def test_an_order_that_nobody_can_serve_waits_and_is_not_lost(desk):
    call = rings(desk)
    desk.operator.sends(at_call(call, "order"), **wish(desk, note="腿脚不便"))
    order = Order.objects.get()
    page = desk.operator.opens(at_call(call, "call"))
    assert f"订单 {order.number} 已登记，等待派单" in page and "没有可派的护理员" in page
    call.refresh_from_db()
    assert (call.outcome, call.order, order.state, order.note) == ("order", order, OrderState.ASKED, "腿脚不便")
    assert order.number in desk.operator.opens(reverse("hotline:home"))


def test_a_form_sent_twice_is_one_order(desk):
    call, form = rings(desk), wish(desk)
    for _click in range(2):
        desk.operator.sends(at_call(call, "order"), **form)
    assert Order.objects.count() == 1


def test_what_was_typed_stays_when_the_time_has_passed(desk):
    call = rings(desk)
    answer = desk.operator.presses(
        at_call(call, "order"), **wish(desk, wanted_from="2026-11-01T10:00", note="请带药箱")
    )
    page = answer.content.decode()
    assert answer.status_code == 422 and "期望时间已经过去" in page and "请带药箱" in page
    call.refresh_from_db()
    assert call.outcome == Call.Outcome.OPEN and not Order.objects.exists()


def test_no_order_without_knowing_for_whom(desk):
    call = rings(desk, phone="13999999999")
    answer = desk.operator.presses(at_call(call, "order"), **wish(desk))
    assert answer.status_code == 409 and "请先确认来电的是哪位老人" in answer.content.decode()
    assert not Order.objects.exists()


def test_what_came_of_a_call_stays(desk):
    call = rings(desk)
    desk.operator.sends(at_call(call, "end"), outcome="advice", note="问额度")
    desk.operator.sends(at_call(call, "end"), outcome="silent", note="")
    call.refresh_from_db()
    assert (call.outcome, call.note) == ("advice", "问额度") and call.ended_at
    with pytest.raises(Refused, match="已经结束"):
        services.identify(call_id=call.pk, elder_id=desk.person.pk)


def test_only_operators_sit_here(desk):
    carer = Person("t-carer")
    assert carer.client.get(reverse("hotline:home")).status_code == 403
    assert carer.client.post(reverse("hotline:take"), {"phone": PHONE}).status_code == 403
    assert not Call.objects.exists()


def test_whoever_was_signed_out_in_mid_form_comes_back_to_the_call(desk):
    call = rings(desk)
    page = at_call(call, "call")
    sent = Client().post(at_call(call, "order"), wish(desk), headers={"referer": f"http://testserver{page}"})
    assert sent["Location"] == f"{reverse('account_login')}?next={page}"
    # The page a refused form is shown on has the address it was sent to.
    assert desk.operator.client.get(at_call(call, "order"))["Location"] == page
    elsewhere = Client().post(at_call(call, "order"), wish(desk), headers={"referer": "https://example.org/x"})
    assert elsewhere["Location"] == f"{reverse('account_login')}?next=/"
