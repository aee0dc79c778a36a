"""What carers answer on their phones, as their phones send it: who goes, who cannot, who takes over from whom."""

from types import SimpleNamespace

import pytest
from django.test import Client

from songhe.care.dispatch import services
from songhe.care.dispatch.models import Notice, Swap
from songhe.care.orders.flow import OrderState
from songhe.care.visits.flow import VisitState
from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.calendar.services import at


@pytest.fixture
def phones(round_):
    """A visit of the first carer at nine, and the phones of two carers of its provider and one of another."""

    def phone(name, provider, staff=None):
        user = User.objects.create(
            username=name, display_name=name, role=Role.CARER, provider_id=provider.pk, staff_id=staff and staff.pk
        )
        client = Client()
        client.force_login(user)
        return client

    carer, colleague, _third = round_.carers
    other = round_.manager_of_another()
    (order,) = round_.plan_of(carer, 9)
    stranger = type(carer).objects.create(provider_id=other.provider_id, area=round_.here, name="外人", sex="female")
    return SimpleNamespace(
        round=round_, order=order, visit=order.visits.get(), carer=carer, colleague=colleague,
        mine=phone("t-mine", round_.provider, carer), theirs=phone("t-theirs", round_.provider, colleague),
        strangers=phone("t-stranger", stranger.provider, stranger),
    )  # fmt: skip


def address(visit, act):
    return f"/field/visit/{visit.pk}/{act}/"


def state_of(phones):
    return Notice.objects.filter(visit=phones.visit).latest("id").state


def test_the_carer_says_yes_and_nobody_else_can(phones):
    yes = address(phones.visit, "yes")
    assert phones.strangers.post(yes).status_code == 404
    answer = phones.theirs.post(yes)
    assert answer.status_code == 409 and "派给了其他护理员" in answer.content.decode()
    assert state_of(phones) == Notice.State.SENT
    # Looking at the address says nothing.
    assert phones.mine.get(yes).status_code == 302 and state_of(phones) == Notice.State.SENT
    answer = phones.mine.post(yes, {"next": "home"}, follow=True)
    assert "已确认。" in answer.content.decode() and state_of(phones) == Notice.State.ACKNOWLEDGED
    assert "知道了，我去" not in phones.mine.get("/field/").content.decode()


def test_the_carer_says_no_with_a_reason_and_the_order_waits_again(phones):
    no = address(phones.visit, "no")
    assert phones.strangers.post(no, {"reason": "不想去"}).status_code == 404
    for client, reason, why in ((phones.mine, " ", "必填"), (phones.theirs, "有事", "派给了其他护理员")):
        answer = client.post(no, {"reason": reason})
        assert answer.status_code == 422
        if client is phones.mine:
            assert why in answer.content.decode()
    phones.order.refresh_from_db()
    assert phones.order.state == OrderState.ASSIGNED and state_of(phones) == Notice.State.SENT
    answer = phones.mine.post(no, {"reason": "孩子发烧"}, follow=True)
    assert "会另请人去" in answer.content.decode()
    phones.order.refresh_from_db()
    phones.visit.refresh_from_db()
    assert (phones.order.state, phones.visit.state) == (OrderState.DISPATCHED, VisitState.CANCELLED)
    assert Notice.objects.get(visit=phones.visit, state=Notice.State.DECLINED).reason == "孩子发烧"


def test_a_colleague_is_asked_and_takes_over(phones):
    ask = address(phones.visit, "swap")
    asked = {"to_staff_id": phones.colleague.pk, "swap_reason": "看病"}
    assert phones.strangers.post(ask, asked).status_code == 404
    assert phones.theirs.post(ask, asked).status_code == 422
    assert phones.mine.post(ask, {**asked, "swap_reason": ""}).status_code == 422
    assert not Swap.objects.exists()
    answer = phones.mine.post(ask, asked, follow=True)
    assert "在那之前仍由您负责" in answer.content.decode()
    swap = Swap.objects.get()
    reply = f"/field/swap/{swap.pk}/"
    assert phones.strangers.post(reply, {"agrees": "1"}).status_code == 404
    answer = phones.mine.post(reply, {"agrees": "1"})
    assert answer.status_code == 409 and "请的是别的同事" in answer.content.decode()
    swap.refresh_from_db()
    assert swap.state == Swap.State.ASKED
    answer = phones.theirs.post(reply, {"agrees": "1"}, follow=True)
    assert "现在是您的" in answer.content.decode()
    phones.visit.refresh_from_db()
    assert phones.visit.staff == phones.colleague and state_of(phones) == Notice.State.ACKNOWLEDGED
    assert phones.theirs.post(reply, {"agrees": "1"}).status_code == 409


def test_a_colleague_may_say_no_and_the_visit_stays_where_it_was(phones):
    asked = {"to_staff_id": phones.colleague.pk, "swap_reason": "看病"}
    phones.mine.post(address(phones.visit, "swap"), asked)
    answer = phones.theirs.post(f"/field/swap/{Swap.objects.get().pk}/", {"agrees": "0"}, follow=True)
    assert "已回复不能接替" in answer.content.decode()
    phones.visit.refresh_from_db()
    assert phones.visit.staff == phones.carer and Swap.objects.get().state == Swap.State.REFUSED


def test_whoever_is_sent_at_once_reads_in_how_many_minutes_they_are_expected(phones):
    with at(phones.round.moment(11)):
        urgent = phones.round.given(hour=11)
        visit = services.send_nearest(order_id=urgent.pk, user=phones.round.manager)
        assert visit.staff == phones.carer
        Notice.objects.filter(visit=visit).update(created_at=phones.round.moment(11), start=phones.round.moment(11, 10))
        assert "预计 10\xa0分钟到（11:10）" in phones.mine.get(f"/field/visit/{visit.pk}/").content.decode()
        assert "预计 10\xa0分钟到。" in phones.mine.get("/field/").content.decode()
