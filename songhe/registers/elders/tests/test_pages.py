"""The elders' pages as their people use them."""

import io
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook

from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.console import listing
from songhe.core.console.pages import Tab
from songhe.registers.elders import services
from songhe.registers.elders.console import ElderPages
from songhe.registers.elders.models import Contact, Elder, ImportBatch
from songhe.registers.elders.tests.people import elder, number
from songhe.registers.elders.tests.sheets import xlsx


def signed_in(user):
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def url(action, *args, noun="elder"):
    return reverse(f"console:elders-{noun}-{action}", args=args)


@pytest.fixture
def near(places):
    return elder(places["east"], "王秀英", phone="13800138001", living_situation="alone")


@pytest.fixture
def page(clerk, near):
    return signed_in(clerk)


def test_the_list_shows_the_streets_elders_with_their_difficulties(page, near, places):
    services.record_difficulty(elder_id=near.pk, kind="minimum_living", first=near.registered_on)
    elder(places["far"], "赵无极", order=13)
    text = page.get(url("list")).content.decode()
    for shown in ("王秀英", "松东社区", "独居", "低保", "138****8001"):
        assert shown in text
    assert "赵无极" not in text
    assert "13800138001" not in text
    assert number() not in text


@pytest.mark.parametrize("typed", ["王秀", "秀英", "wxy", number(), "13800138001"])
def test_what_is_searched_for_is_posted_and_never_in_an_address(page, near, typed):
    page.get(url("list"), {"q": typed})
    answer = page.post(url("list"), {"q": typed}, headers={"HX-Request": "true"})
    text = answer.content.decode()
    assert str(near.pk) in text
    assert typed not in answer.headers.get("HX-Push-Url", "")
    assert f"q={typed}" not in text
    everywhere = page.post(reverse("console:search"), {"q": typed})
    assert str(near.pk) in everywhere.content.decode() + everywhere.headers.get("Location", "")


def test_a_search_in_the_address_is_not_heeded(page, near, places):
    elder(places["east"], "李大山", order=13)
    assert "李大山" in page.get(url("list"), {"q": "王秀英"}).content.decode()


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ({"living_situation": "alone"}, {"王秀英"}),
        ({"difficulty": "low_income"}, {"李大山"}),
        ({"age_band": "70-79"}, {"王秀英", "李大山"}),
        ({"age_band": "100-"}, set()),
        ({"ability_level": "3"}, {"李大山"}),
        ({"state": "deceased"}, {"周老"}),
    ],
)
def test_filters(page, near, places, chosen, found):
    mountain = elder(places["west"], "李大山", order=13)
    services.record_difficulty(elder_id=mountain.pk, kind="low_income", first=mountain.registered_on)
    services.record_level(elder_id=mountain.pk, level=3, on=mountain.registered_on)
    gone = elder(places["west"], "周老", order=15, birth_date=near.birth_date.replace(year=1940))
    services.record_death(elder_id=gone.pk, on=gone.registered_on)
    text = page.get(url("list"), chosen).content.decode()
    assert {name for name in ("王秀英", "李大山", "周老") if f">{name}<" in text} == found


def test_the_area_filter_takes_a_subtree(page, near, places):
    elder(places["west"], "李大山", order=13)
    text = page.get(url("list"), {"area": places["west"].code}).content.decode()
    assert "李大山" in text
    assert "王秀英" not in text


def test_queries_do_not_grow_with_rows(page, near, places, django_assert_max_num_queries):
    for order in range(13, 33):
        one = elder(places["east"], "李大山", order=order)
        services.record_difficulty(elder_id=one.pk, kind="low_income", first=one.registered_on)
    with django_assert_max_num_queries(25):
        page.get(url("list"))


# --- walls, through pages ---


@pytest.mark.parametrize("action", ["detail", "edit"])
def test_another_streets_clerk_gets_404(near, other_clerk, action):
    client = signed_in(other_clerk)
    assert client.get(url(action, near.pk)).status_code == 404
    assert client.post(url(action, near.pk), {"name": "改名"}).status_code in (404, 405)
    assert Elder.objects.get(pk=near.pk).name == "王秀英"


def test_another_streets_clerk_finds_nobody_and_can_do_nothing(near, other_clerk):
    client = signed_in(other_clerk)
    for typed in (number(), "13800138001", "王秀英"):
        assert str(near.pk) not in client.post(url("list"), {"q": typed}).content.decode()
    for key in ("death", "move", "contact", "difficulty"):
        assert client.post(url("do", near.pk, key), {"on": "2025-01-01"}).status_code == 404
    assert client.get(url("tab", near.pk, 1)).status_code == 404
    assert client.get(url("reveal", near.pk, "id_number")).status_code == 404
    assert Elder.objects.get(pk=near.pk).state == "active"


def test_another_family_or_provider_or_administrator_sees_no_elders_page(near, places):
    for role, more in (
        (Role.FAMILY, {}),
        (Role.PROVIDER_MANAGER, {"provider_id": uuid4()}),
        (Role.SYSTEM_ADMIN, {}),
    ):
        user = User.objects.create(username=f"test-{role}", display_name="某人", role=role, **more)
        answer = signed_in(user).get(url("detail", near.pk))
        assert answer.status_code in (302, 403, 404), role
        assert "王秀英" not in answer.content.decode()


def test_an_inspector_reads_but_does_not_write(near, places):
    user = User.objects.create(username="test-inspector", display_name="督查", role=Role.INSPECTOR, area=places["city"])
    client = signed_in(user)
    assert client.get(url("detail", near.pk)).status_code == 200
    assert client.get(url("edit", near.pk)).status_code == 403
    assert client.get(url("create")).status_code == 403
    assert client.post(url("do", near.pk, "death"), {"on": "2025-01-01"}).status_code == 403
    assert client.get(url("list", noun="import")).status_code == 403


# --- forms ---


def filled(**more):
    own = {"name": "李大山", "id_kind": "resident", "id_number": number(order=13), "living_situation": "with_spouse"}
    return own | more


def test_a_new_elder_once_however_often_it_is_sent(page, places):
    token = str(uuid4())
    data = filled(area=places["west"].code, form_token=token)
    first, second = page.post(url("create"), data), page.post(url("create"), data)
    made = Elder.objects.get(name="李大山")
    assert first.status_code == second.status_code == 303
    assert first["Location"] == second["Location"] == url("detail", made.pk)


def test_a_wrong_number_loses_nothing_that_was_typed(page, places):
    wrong = number(order=13)[:-1] + ("1" if number(order=13)[-1] != "1" else "2")
    answer = page.post(url("create"), filled(id_number=wrong, area=places["west"].code, remarks="住三楼"))
    text = answer.content.decode()
    assert answer.status_code in (200, 422)
    for kept in ("校验位不符", wrong, "住三楼", "李大山"):
        assert kept in text
    assert not Elder.objects.filter(name="李大山").exists()


def test_a_community_of_another_street_is_refused_in_words(page, places):
    text = page.post(url("create"), filled(area=places["far"].code)).content.decode()
    assert "不在您的管辖范围内" in text


def test_a_huge_photo_is_refused_and_the_form_kept(page, places):
    photo = SimpleUploadedFile("大.jpg", b"\xff\xd8\xff" + b"0" * (20 * 1024 * 1024 + 1), "image/jpeg")
    text = page.post(url("create"), filled(area=places["west"].code, photo_upload=photo)).content.decode()
    assert "20 MB" in text
    assert "李大山" in text
    assert not Elder.objects.filter(name="李大山").exists()


def test_two_clerks_on_one_record(page, near, clerk):
    version = Elder.objects.get(pk=near.pk).version
    data = {"name": "王秀英", "id_kind": "resident", "living_situation": "alone", "version": version}
    assert page.post(url("edit", near.pk), {**data, "remarks": "喜静"}).status_code == 303
    late = page.post(url("edit", near.pk), {**data, "remarks": "耳背"})
    text = late.content.decode()
    assert "刚刚被他人修改" in text
    assert "耳背" in text
    assert "喜静" in text
    assert Elder.objects.get(pk=near.pk).remarks == "喜静"
    # Sealed fields left empty stay what they were.
    assert Elder.objects.get(pk=near.pk).phone == "13800138001"


# --- detail ---


def test_the_detail_page_and_all_its_tabs(page, near, places):
    services.link_contact(elder_id=near.pk, name="李明", relation="儿子", phone="13900000001")
    services.record_difficulty(elder_id=near.pk, kind="destitute", first=near.registered_on, source="区民政局")
    services.give_consent(elder_id=near.pk, purpose="care", channel="paper", text_version="2025-1", given_by="本人")
    services.disclose(elder_id=near.pk, provider_id=uuid4(), recipient="松鹤服务站", purpose="上门服务", basis="订单 1")
    whole = page.get(url("detail", near.pk)).content.decode()
    assert "女 · " in whole
    assert "3408**********" in whole
    for index in range(len(ElderPages.tabs)):
        answer = page.get(url("tab", near.pk, index))
        assert answer.status_code == 200
        whole += answer.content.decode()
    for shown in (
        "李明",
        "139****0001",
        "特困供养",
        "区民政局",
        "为提供养老服务处理个人信息",
        "松鹤服务站",
        "没有变更过居住地",
    ):
        assert shown in whole
    assert number() not in whole


def test_another_room_adds_a_tab_before_the_timeline(monkeypatch):
    monkeypatch.setattr(ElderPages, "tabs", list(ElderPages.tabs))
    for _ in range(2):
        ElderPages.add_tab(Tab("能力评估", "x.html"))
    assert [tab.label for tab in ElderPages.tabs][-2:] == ["能力评估", "时间线"]


def test_commands_do_what_they_say(page, near):
    do = lambda key, **data: page.post(url("do", near.pk, key), data)  # noqa: E731
    assert page.get(url("do", near.pk, "difficulty")).status_code == 200
    do("contact", name="李明", relation="儿子", phone="13900000001")
    do("difficulty", kind="low_income", first="2025-01-01")
    do("death", on="2025-06-01", source="家属告知")
    found = Elder.objects.get(pk=near.pk)
    assert (found.contacts.count(), found.difficulties.count(), found.state) == (1, 1, "deceased")
    assert "已于 2025-06-01 去世" in page.get(url("detail", near.pk)).content.decode()
    assert page.get(url("edit", near.pk)).status_code == 403


def test_a_contact_is_changed_and_removed_from_the_tab(page, near):
    contact = services.link_contact(elder_id=near.pk, name="李明", relation="儿子", phone="13900000001")
    data = {"name": "李小明", "relation": "儿子", "order": 1, "version": contact.version}
    assert page.post(url("edit", contact.pk, noun="contact"), data).status_code == 303
    contact.refresh_from_db()
    assert (contact.name, contact.phone) == ("李小明", "13900000001")
    assert page.get(url("remove", contact.pk, noun="contact")).status_code == 405
    assert page.post(url("remove", contact.pk, noun="contact")).status_code == 302
    assert not Contact.objects.exists()


def test_ending_a_difficulty_and_withdrawing_a_consent(page, near):
    row = services.record_difficulty(elder_id=near.pk, kind="low_income", first=near.registered_on)
    consent = services.give_consent(
        elder_id=near.pk, purpose="care", channel="paper", text_version="1", given_by="本人"
    )
    data = {"last_day": str(near.registered_on), "reason": "收入超标"}
    page.post(url("do", row.pk, "end", noun="difficulty"), data)
    page.post(url("do", consent.pk, "withdraw", noun="consent"))
    row.refresh_from_db()
    consent.refresh_from_db()
    assert row.end_reason == "收入超标"
    assert consent.withdrawn_on is not None
    for noun, obj in (("difficulty", row), ("consent", consent)):
        assert page.get(url("detail", obj.pk, noun=noun)).status_code == 200
        assert page.get(url("list", noun=noun)).status_code == 200


# --- importing ---


def upload(page, data, **more):
    file = SimpleUploadedFile("名册.xlsx", data)
    return page.post(url("create", noun="import"), {"file": file, "source": "民政局", **more})


def test_a_roll_from_upload_to_undo(page, places):
    rows = [["姓名", "身份证号", "社区", "电话"], ["李大山", number(order=13), "松东社区", ""]]
    rows.append(["周老", number(order=15), "松东社区", "1380013"])
    sent = upload(page, xlsx(rows))
    batch = ImportBatch.objects.get()
    assert sent["Location"] == url("detail", batch.pk, noun="import")
    mapping = page.get(sent["Location"]).content.decode()
    assert "每一列是什么" in mapping
    assert number(order=13) not in mapping
    chosen = {f"column-{i}": key for i, key in enumerate(["name", "id_number", "area", "phone"])}
    page.post(url("map", batch.pk, noun="import"), chosen)
    preview = page.get(sent["Location"]).content.decode()
    assert "手机号应为 11 位" in preview
    assert url("do", batch.pk, "apply", noun="import") in preview
    assert "李大山" in page.get(url("lines", batch.pk, "new", noun="import")).content.decode()
    assert not Elder.objects.filter(name="李大山").exists()
    page.post(url("do", batch.pk, "apply", noun="import"))
    assert Elder.objects.filter(name="李大山").exists()
    assert url("do", batch.pk, "undo", noun="import") in page.get(sent["Location"]).content.decode()
    wrong = page.get(url("wrong", batch.pk, noun="import"))
    assert load_workbook(io.BytesIO(wrong.content)).active["C2"].value == "周老"
    assert wrong["Cache-Control"] == "no-store"
    page.post(url("do", batch.pk, "undo", noun="import"))
    assert not Elder.objects.filter(name="李大山").exists()
    assert "已撤销" in page.get(sent["Location"]).content.decode()
    assert "名册.xlsx" in page.get(url("list", noun="import")).content.decode()


def test_what_only_a_person_can_tell_is_asked_and_answered(page, near, places):
    head = ["姓名", "身份证号", "社区", "电话", "出生日期"]
    line = ["王秀英", number(order=12)[:-2], "松东社区", "13800138001", "1948-05-06"]
    upload(page, xlsx([head, line]))
    batch = ImportBatch.objects.get()
    chosen = {f"column-{i}": key for i, key in enumerate(["name", "id_number", "area", "phone", "birth_date"])}
    page.post(url("map", batch.pk, noun="import"), chosen)
    asked = page.get(url("detail", batch.pk, noun="import")).content.decode()
    assert "待裁决" in asked
    assert "就是王秀英" in asked
    row = batch.rows.get()
    answer = {"row": row.pk, "key": "who", "answer": near.pk}
    assert page.post(url("decide", batch.pk, noun="import"), answer).status_code == 303
    row.refresh_from_db()
    assert (row.verdict, row.elder_id, row.decided_by.display_name) == ("same", near.pk, "张经办")
    refused = page.post(url("decide", batch.pk, noun="import"), answer | {"answer": "somebody"})
    assert refused.status_code == 422
    assert "没有这个选项" in refused.content.decode()


def test_a_mapping_that_cannot_work_is_shown_again(page, places):
    upload(page, xlsx([["姓名", "身份证号", "社区"], ["李大山", number(order=13), "松东社区"]]))
    batch = ImportBatch.objects.get()
    answer = page.post(url("map", batch.pk, noun="import"), {"column-0": "name", "column-2": "name"})
    assert answer.status_code == 422
    assert "不止一列" in answer.content.decode()


def test_what_is_no_roll_is_told_at_the_file(page):
    text = upload(page, b"not a table").content.decode()
    assert "没有找到表头" in text
    assert not ImportBatch.objects.exists()


def test_another_streets_clerk_does_not_see_the_roll(page, places, other_clerk):
    upload(page, xlsx([["姓名", "身份证号", "社区"], ["李大山", number(order=13), "松东社区"]]))
    batch = ImportBatch.objects.get()
    client = signed_in(other_clerk)
    for action in ("detail", "mapping", "wrong"):
        assert client.get(url(action, batch.pk, noun="import")).status_code == 404
    assert client.post(url("do", batch.pk, "apply", noun="import")).status_code == 404


@pytest.mark.parametrize(
    ("asked", "bound", "told"),
    [
        ({"q": "王"}, 10, "4"),
        ({"q": "文"}, 10, "2"),
        ({"q": "文"}, 1, "1+"),
        ({"q": "wen"}, 10, "1"),
        ({"q": "w"}, 10, "5"),
        ({"q": "王", "living_situation": "alone"}, 10, "1"),
        ({"difficulty": "minimum_living"}, 10, "2"),
        ({"difficulty": "minimum_living"}, 1, "1+"),
        ({"difficulty": "minimum_living", "living_situation": "alone"}, 10, "1"),
        ({"difficulty": "minimum_living", "q": "文"}, 10, "1"),
        ({"difficulty": "any"}, 10, "2"),
    ],
)
def test_what_is_counted_by_indexes_is_what_is_found(page, near, places, monkeypatch, asked, bound, told):
    # Found by name and given name alike, it counts once.
    both = elder(places["east"], "文文清", order=14)
    for at, name in enumerate(("王文英", "王小明", "王小明"), start=15):
        elder(places["west"], name, order=at)
    elder(places["far"], "文天祥", order=19)
    for one in (near, both):
        services.record_difficulty(elder_id=one.pk, kind="minimum_living", first=one.registered_on)
    services.record_difficulty(elder_id=both.pk, kind="disabled", grade=3, first=both.registered_on)
    monkeypatch.setattr(listing, "COUNT_BOUND", bound)
    shown = page.post(url("list"), asked).context["listing"]
    assert shown.count_text == told
    assert shown.count == min(shown.queryset.count(), bound + 1)
