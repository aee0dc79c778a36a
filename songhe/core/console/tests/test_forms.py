"""Forms: nothing typed is lost, nothing is saved twice, nobody overwrites what they have not seen."""

from uuid import uuid4

import pytest

from songhe.core.console.models import SentForm
from songhe.core.console.tests.conftest import ROOT
from songhe.core.testing.paper import Paper
from songhe.core.testing.races import together


@pytest.fixture
def filled(street):
    return {"subject": "修缮楼道扶手", "area": street.pk, "phone": "13900002222", "form_token": str(uuid4())}


def test_a_form_sent_twice_makes_one_record_and_leads_to_it(client, filled):
    first = client.post(f"{ROOT}new/", filled)
    second = client.post(f"{ROOT}new/", filled)
    assert first.status_code == second.status_code == 303
    assert first["Location"] == second["Location"] == f"{ROOT}{Paper.objects.get().pk}/"
    client.post(f"{ROOT}new/", {**filled, "form_token": str(uuid4())})
    assert Paper.objects.count() == 2


def test_a_refused_form_keeps_what_was_typed_and_may_be_sent_again(client, filled):
    page = client.post(f"{ROOT}new/", {**filled, "subject": "禁止事项"})
    text = page.content.decode()
    assert "事由不能这样写。" in text and 'value="禁止事项"' in text and filled["form_token"] in text
    assert "subject" in page.context["form"].errors
    assert not Paper.objects.exists() and not SentForm.objects.exists()
    assert client.post(f"{ROOT}new/", filled).status_code == 303


def test_a_missing_field_is_told_at_the_field(client, filled):
    page = client.post(f"{ROOT}new/", {**filled, "subject": ""})
    assert page.context["form"].errors["subject"] == ["这个字段是必填项。"]
    assert 'value="13900002222"' in page.content.decode()


def test_two_clerks_on_one_record_see_both_versions(client, paper, street):
    opened = client.get(f"{ROOT}{paper.pk}/edit/").context["version"]
    theirs = {"subject": "他人改的", "area": street.pk, "version": opened, "form_token": str(uuid4())}
    assert client.post(f"{ROOT}{paper.pk}/edit/", theirs).status_code == 303
    mine = {"subject": "我改的", "area": street.pk, "version": opened, "form_token": str(uuid4())}
    page = client.post(f"{ROOT}{paper.pk}/edit/", mine)
    assert page.status_code == 409
    assert [(d.label, d.typed, d.stored) for d in page.context["differences"]] == [("事由", "我改的", "他人改的")]
    assert 'value="我改的"' in page.content.decode()
    assert Paper.objects.get().subject == "他人改的"
    again = {**mine, "version": page.context["version"]}
    assert client.post(f"{ROOT}{paper.pk}/edit/", again).status_code == 303
    assert Paper.objects.get().subject == "我改的"


def test_a_sealed_number_is_not_shown_and_stays_when_left_empty(client, paper, street):
    page = client.get(f"{ROOT}{paper.pk}/edit/")
    text = page.content.decode()
    assert "13800001111" not in text and "138****1111" in text and "data-sealed" in text
    kept = {"subject": "改事由", "area": street.pk, "phone": "", "version": page.context["version"]}
    assert client.post(f"{ROOT}{paper.pk}/edit/", kept).status_code == 303
    assert Paper.objects.get().phone == "13800001111"
    changed = {**kept, "phone": "13700003333", "version": page.context["version"] + 1}
    assert client.post(f"{ROOT}{paper.pk}/edit/", changed).status_code == 303
    assert Paper.objects.get().phone == "13700003333"


@pytest.mark.parametrize(("token", "made"), [(str(uuid4()), 1), ("", 2)], ids=["token", "no-token"])
def test_two_clicks_at_one_moment_make_one_record(transactional_db, sign_in, token, made, monkeypatch):
    """The second case is the control: without the token the race makes two."""
    from time import sleep

    from songhe.core.accounts.models import User
    from songhe.core.areas.models import Area
    from songhe.core.console.tests import papers
    from songhe.core.scope.services import Scope, use
    from songhe.core.testing.tables import ensure_tables

    ensure_tables(Paper)
    with use(Scope.system()):
        street = Area.objects.get_or_create(
            code=340802001000,
            defaults={"upper": 340802002000, "name": "街", "full_name": "街", "level": "township", "kind": "street"},
        )[0]
        user = User.objects.create(username="quick", display_name="quick", role="street_clerk", area=street)
    slow = papers.hand_in

    def slowly(**data):
        sleep(0.3)
        return slow(**data)

    monkeypatch.setattr(papers.PaperPages, "create", staticmethod(lambda *, user, **data: slowly(user=user, **data)))
    client = sign_in(user)

    def click():
        return client.post(f"{ROOT}new/", {"subject": "快手", "area": street.pk, "form_token": token})

    answers = together(click, click)
    with use(Scope.system()):
        assert Paper.objects.count() == made
    assert [answer.status_code for answer in answers] == [303, 303]
    assert len({answer["Location"] for answer in answers}) == made
