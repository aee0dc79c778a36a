"""A record's page: its tabs, its steps, its commands, its numbers shown for a reason; and things done to many rows."""

from uuid import uuid4

import pytest

from songhe.core.accounts.roles import Role
from songhe.core.areas.models import Area
from songhe.core.console.registry import pages_of
from songhe.core.console.tests.conftest import ROOT
from songhe.core.console.tests.papers import hand_in
from songhe.core.journal.models import Access
from songhe.core.testing.paper import Paper, PaperState

PART = {"HTTP_HX_REQUEST": "true"}


def community_of(street):
    return Area.objects.get(code=street.code + 1)


@pytest.fixture
def checker(make_user, sign_in):
    return sign_in(make_user("checker", Role.FINANCE_CHECKER))


def test_the_first_tab_comes_with_the_page_and_others_when_opened(client, paper):
    page = client.get(f"{ROOT}{paper.pk}/").content.decode()
    assert "138****1111" in page and "13800001111" not in page and "timeline-line" not in page
    assert "timeline-line" in client.get(f"{ROOT}{paper.pk}/tab/1/", **PART).content.decode()
    assert "timeline-line" in client.get(f"{ROOT}{paper.pk}/?tab=1").content.decode()
    assert client.get(f"{ROOT}{paper.pk}/tab/7/").status_code == 404


def test_the_timeline_tells_steps_and_changes_with_their_people(client, paper, street):
    version = client.get(f"{ROOT}{paper.pk}/edit/").context["version"]
    client.post(f"{ROOT}{paper.pk}/edit/", {"subject": "购置轮椅", "area": street.pk, "version": version})
    text = client.get(f"{ROOT}{paper.pk}/tab/1/").content.decode()
    assert "<del>购置护理床</del>" in text and "<ins>购置轮椅</ins>" in text
    assert "提交" in text and "街道经办人" in text


def test_steps_are_buttons_and_taken_with_the_version_seen(client, checker, paper):
    assert "审核" not in [step["label"] for step in client.get(f"{ROOT}{paper.pk}/").context["steps"]]
    page = checker.get(f"{ROOT}{paper.pk}/")
    assert [step["label"] for step in page.context["steps"]] == ["审核", "退回"]
    dialog = checker.get(f"{ROOT}{paper.pk}/step/check_it/", **PART)
    token = {"form_token": str(uuid4())}
    stale = checker.post(f"{ROOT}{paper.pk}/step/check_it/", {"version": 77, **token}, **PART)
    assert "被他人修改" in stale.context["error"]
    done = checker.post(f"{ROOT}{paper.pk}/step/check_it/", {"version": dialog.context["version"], **token}, **PART)
    assert done["HX-Redirect"] == f"{ROOT}{paper.pk}/"
    assert Paper.objects.get().state == PaperState.CHECKED
    # The same click again changes nothing more and says what happened.
    assert "不能办理" in checker.post(f"{ROOT}{paper.pk}/step/check_it/", token, **PART).content.decode()


def test_a_step_that_needs_a_reason_asks_for_it(checker, paper):
    dialog = checker.post(f"{ROOT}{paper.pk}/step/refuse/", {"reason": " "}, **PART).content.decode()
    assert "必须填写理由" in dialog
    assert checker.post(f"{ROOT}{paper.pk}/step/refuse/", {"reason": "材料不全"}, **PART)["HX-Redirect"]
    assert "材料不全" in checker.get(f"{ROOT}{paper.pk}/tab/1/").content.decode()


def test_a_number_is_shown_for_a_reason_and_noted(client, paper, clerk):
    address = f"{ROOT}{paper.pk}/reveal/phone/"
    assert "请写明" in client.post(address, {"reason": ""}, **PART).content.decode()
    assert not Access.objects.exists()
    shown = client.post(address, {"reason": "电话核实"}, **PART)
    assert "13800001111" in shown.content.decode() and shown["Cache-Control"] == "no-store"
    note = Access.objects.get()
    assert (note.act, note.user_id, note.reason, note.row_id) == ("reveal", clerk.pk, "电话核实", str(paper.pk))
    assert client.get(f"{ROOT}{paper.pk}/reveal/subject/").status_code == 403


def test_a_command_is_carried_out_or_refused_in_its_dialog(client, paper):
    address = f"{ROOT}{paper.pk}/do/rename/"
    assert "这个字段是必填项" in client.post(address, {"subject": ""}, **PART).content.decode()
    assert client.post(address, {"subject": "钉死"}, **PART)["HX-Redirect"] == f"{ROOT}{paper.pk}/"
    assert "这一份不能改名。" in client.post(address, {"subject": "别的"}, **PART).content.decode()
    assert client.get(f"{ROOT}{paper.pk}/do/unknown/").status_code == 404


def test_many_rows_are_previewed_then_changed_each_by_itself(client, street, clerk):
    good, pinned = (hand_in(user=clerk, subject=subject, area=street) for subject in ("甲", "钉死"))
    chosen = {"pk": [str(good.pk), str(pinned.pk)]}
    preview = client.post(f"{ROOT}bulk/rename/", chosen)
    assert preview.context["doable"] == 2
    assert set(Paper.objects.values_list("subject", flat=True)) == {"甲", "钉死"}
    confirmed = {**chosen, "confirmed": "1", "subject": "新名", "form_token": str(uuid4())}
    result = client.post(f"{ROOT}bulk/rename/", confirmed)
    assert result.context["done"] == 1 and "这一份不能改名。" in result.content.decode()
    assert set(Paper.objects.values_list("subject", flat=True)) == {"新名", "钉死"}
    assert "没有重复办理" in client.post(f"{ROOT}bulk/rename/", confirmed).content.decode()


def test_a_step_is_taken_on_all_rows_of_a_filter_by_who_may(client, checker, street, clerk):
    for subject in ("甲", "乙", ""):
        hand_in(user=clerk, subject=subject, area=street)
    own = client.post(f"{ROOT}bulk/check/", {"all": "1"})
    assert own.context["doable"] == 0
    preview = checker.post(f"{ROOT}bulk/check/", {"all": "1", "state": "handed_in"})
    chosen = [str(line.obj.pk) for line in preview.context["lines"]]
    result = checker.post(f"{ROOT}bulk/check/", {"pk": chosen, "confirmed": "1"})
    assert (len(chosen), result.context["done"]) == (3, 2)
    assert Paper.objects.filter(state=PaperState.CHECKED).count() == 2


def test_rows_beyond_the_scope_are_not_changed_by_naming_them(client, other_street, clerk):
    foreign = hand_in(user=clerk, subject="邻街", area=other_street)
    data = {"pk": [str(foreign.pk)], "confirmed": "1", "subject": "夺", "form_token": str(uuid4())}
    assert client.post(f"{ROOT}bulk/rename/", data).context["lines"] == []
    assert Paper.objects.get().subject == "邻街"


def test_rows_of_a_record_make_a_tab_on_its_page(client, papers, street):
    papers(3, subject="本街")
    Paper.objects.create(subject="别处", area=community_of(street))
    area = f"/console/areas/area/{street.pk}/"
    tabs = client.get(area).context["tabs"]
    number = next(tab["number"] for tab in tabs if tab["label"] == "申请单")
    text = client.get(f"{area}tab/{number}/", **PART).content.decode()
    assert text.count("本街0") == 3 and "别处" not in text and "全部" not in text
    # The record itself is not repeated in every row, and a form opened here already names it.
    assert 'data-label="区划"' not in text
    assert f"{ROOT}new/?of=areas-area:{street.pk}" in text
    form = client.get(f"{ROOT}new/?of=areas-area:{street.pk}").context["form"]
    assert form.initial["area"] == street.pk


def test_a_tab_of_many_rows_leads_to_the_list_narrowed_to_them(client, papers, street):
    papers(21, subject="本街")
    Paper.objects.create(subject="别处", area=community_of(street))
    area = f"/console/areas/area/{street.pk}/"
    number = next(tab["number"] for tab in client.get(area).context["tabs"] if tab["label"] == "申请单")
    text = client.get(f"{area}tab/{number}/", **PART).content.decode()
    assert text.count("本街0") == 20 and "最新的 20 条" in text
    page = client.get(f"{ROOT}?of=areas-area:{street.pk}")
    assert page.context["listing"].count == 21 and "别处" not in page.content.decode()
    assert str(street) in page.content.decode()
    for unknown in ("areas-area:1", "areas-area:x", "no-pages:1", "papers-paper:1"):
        assert client.get(f"{ROOT}?of={unknown}").status_code == 404


def test_a_fact_leads_to_the_record_it_names(client, paper, street):
    assert f'<a href="/console/areas/area/{street.pk}/">' in client.get(f"{ROOT}{paper.pk}/").content.decode()


def test_what_the_head_does_not_show_is_a_tab_of_its_own(client, paper):
    page = client.get(f"{ROOT}{paper.pk}/")
    assert [tab["label"] for tab in page.context["tabs"]] == ["其他信息", "时间线"]
    assert "建立时间" in page.content.decode()


def test_what_only_repeats_the_title_is_in_no_tab(client, paper, monkeypatch):
    monkeypatch.setattr(type(pages_of(Paper)), "facts", ["area.full_name", "phone"])
    page = client.get(f"{ROOT}{paper.pk}/")
    assert str(paper) == paper.subject
    assert [fact["label"] for fact in page.context["more_facts"]] == ["区划", "建立时间"]
