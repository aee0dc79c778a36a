"""Lists and records as other systems read them: what the page shows, all of it once, and mistakes named."""

import json
from datetime import date, timedelta
from urllib.parse import quote

import jsonschema_rs
import schemathesis
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from songhe.care.orders.models import Order
from songhe.core.calendar.services import at, now
from songhe.core.console.registry import all_pages, autodiscover
from songhe.core.journal.models import Access
from songhe.core.scope.services import Scope, use
from songhe.faces.api import services
from songhe.faces.api.models import Taking
from songhe.faces.api.operations import api
from songhe.faces.api.tests.conftest import ROOT, System
from songhe.registers.elders import services as elders
from songhe.registers.elders.models import Elder
from songhe.registers.elders.tests.people import number

HIDDEN = "01a21375-0000-7000-8000-000000000000"


def declared():
    autodiscover()
    # The kit's own test page has a table only while its tests run.
    return [pages for pages in all_pages() if pages.room != "papers"]


def test_a_list_is_the_pages_list(county):
    answer = county.asks("/elders/elder", limit=500, living_situation="alone", count="true")
    with use(county.user.scope()):
        expected = {
            str(pk): name for pk, name in Elder.objects.filter(living_situation="alone").values_list("pk", "name")
        }
        one = Elder.objects.get(pk=next(iter(expected)))
    assert {row["id"]: row["name"] for row in answer["rows"]} == expected != {}
    assert (answer["count"], answer["count_is_exact"], answer["next"]) == (len(expected), True, None)
    record = county.asks(f"/elders/elder/{one.pk}")
    assert record["birth_date"] == one.birth_date.isoformat()
    assert record["area"] == {"code": str(one.area_id), "label": one.area.name}
    assert record["living_situation"] == {"code": "alone", "label": "独居"}
    assert record["id_number"] == one.id_number_masked != one.id_number
    assert (one.id_number not in json.dumps(record)) and (one.phone not in json.dumps(record))


def test_money_is_in_fen_and_moments_have_a_zone(county):
    row = county.asks("/orders/order", limit=1)["rows"][0]
    with use(Scope.system()):
        order = Order.objects.get(pk=row["id"])
    assert row["price_fen"] == order.price_fen and isinstance(row["price_fen"], int)
    assert row["wanted_from"].endswith("+08:00")
    # A balance is no column of its table, and no less a number.
    pots = county.asks("/funds/pot")["rows"]
    assert pots and all(isinstance(pot["received"], int) and isinstance(pot["balance"], int) for pot in pots)
    dear = county.asks("/orders/order", of=f"elders-elder:{order.elder_id}")
    assert {each["elder"]["code"] for each in dear["rows"]} == {str(order.elder_id)}


def test_a_run_meets_every_row_once_though_others_come_in_between(county):
    with use(county.user.scope()):
        there = {str(pk) for pk in Elder.objects.values_list("pk", flat=True)}
        area = Elder.objects.first().area
    met, cursor, steps = [], "", 0
    while cursor is not None:
        answer = county.asks("/elders/elder", cursor=cursor, limit=83, fields="name")
        met, cursor, steps = [*met, *(row["id"] for row in answer["rows"])], answer["next"], steps + 1
        with use(Scope.system()):
            elders.register(name=f"新来{steps}", area=area, id_number=number(date(1950, 1, 1), steps))
    assert steps > 5 and len(met) == len(set(met))
    assert there <= set(met)


def test_fields_are_chosen_by_name(county):
    row = county.asks("/elders/elder", limit=1, fields="name,birth_date")["rows"][0]
    assert list(row) == ["id", "name", "birth_date"]


WRONG = {
    "unknown": ("elder", {"areas": "1"}, "areas"),
    "limit": ("elder", {"limit": "501"}, "limit"),
    "cursor": ("elder", {"cursor": "第二页"}, "cursor"),
    "fields": ("elder", {"fields": "name,salary"}, "fields"),
    "choice": ("elder", {"living_situation": "somewhere"}, "living_situation"),
    "twice": ("elder", {"living_situation": ["alone", "other"]}, "living_situation"),
    "record": ("elder", {"area": "1"}, "area"),
    "number": ("elder", {"q": "13800001111"}, "q"),
    "long-number": ("elder", {"q": "３４０１０２１９４４０３０２００１x"}, "q"),
    "unsearchable": ("difficulty", {"q": "王"}, "q"),
}


def test_what_cannot_be_is_named(county):
    for noun, asked, where in WRONG.values():
        told = county.asks(f"/elders/{noun}", 422, **asked)
        assert [error["where"] for error in told["errors"]] == [where], told
        assert told["detail"].startswith(f"{where}：")
    told = county.asks("/orders/order", 422, wanted_from_min="明天")
    assert [error["where"] for error in told["errors"]] == ["wanted_from_min"]
    assert county.asks("/elders/nobody", 404)["detail"]
    assert county.sends("/elders/elder", 405, name="新来的")["detail"] == "这个地址只接受 GET。"
    assert county.asks(f"/elders/elder/{HIDDEN}", 404) == county.asks("/elders/elder/x", 404)


def test_a_number_in_full_takes_a_permission_and_a_reason_and_is_noted(county):
    row = county.asks("/elders/elder", limit=1)["rows"][0]
    path = f"/elders/elder/{row['id']}/reveal"
    assert county.sends(path, 422, field="id_number", reason="")["errors"][0]["where"] == "reason"
    assert county.sends(path, 422, field="id_number")["errors"] == [{"where": "reason", "message": "必填。"}]
    assert county.sends(path, 422, field="name", reason="核对")["errors"][0]["where"] == "field"
    told = county.sends(path, field="id_number", reason="医保核对参保状态")
    with use(Scope.system()):
        assert told == {"value": Elder.objects.get(pk=row["id"]).id_number}
        [noted] = Access.objects.filter(act=Access.Act.REVEAL)
    assert (noted.user_id, noted.row_id, noted.reason) == (county.user.pk, row["id"], "医保核对参保状态")
    inspector = System("inspector")
    told = inspector.sends(path, 403, field="id_number", reason="看看")
    assert "elders.reveal" in told["detail"]
    with use(Scope.system()):
        assert Access.objects.filter(act=Access.Act.DENIED, user_id=inspector.user.pk, subject=ROOT + path).count() == 1


def test_the_search_box_by_name_and_by_number(county):
    with use(county.user.scope()):
        one = Elder.objects.order_by("pk").first()
    found = county.asks("/search", q=one.name)["found"]
    assert str(one.pk) in [row["id"] for group in found for row in group["rows"] if group["list"] == "elders/elder"]
    assert county.asks("/search", 422, q=one.phone)["errors"][0]["where"] == "q"
    [group] = county.sends("/search", q=one.phone)["found"]
    assert [row["id"] for row in group["rows"]] == [str(one.pk)]
    assert county.asks("/search", 422)["errors"] == [{"where": "q", "message": "必填。"}]


# --- what is taken ----------------------------------------------------------------------------------------------


def test_what_is_taken_is_added_up_and_noted_as_one_export_a_day(county):
    taken = len(county.all_rows("/elders/elder", limit=100))
    with use(Scope.system()):
        row = Taking.objects.get()
        assert (row.rows, row.purpose, row.key_id) == (taken, "核对名册", county.key.pk)
        assert row.requests == -(-taken // 100)
        assert services.note_takings() == 0
        # Of a list that an upgrade took away.
        Taking.objects.create(user=county.user, page="gone-list", purpose="核对", day=row.day, rows=3, requests=1)
    with at(now() + timedelta(days=1)):
        assert (services.note_takings(), services.note_takings()) == (2, 0)
    with use(Scope.system()):
        [noted, gone] = Access.objects.filter(act=Access.Act.EXPORT).order_by("-rows")
    assert (gone.rows, gone.table) == (3, "") and gone.subject.startswith("gone-list（")
    assert (noted.user_id, noted.rows, noted.reason, noted.table) == (county.user.pk, taken, "核对名册", "elders_elder")
    assert "county的系统" in noted.subject
    assert str(taken) in county.person.opens("/console/api/taking/")


def test_more_than_a_person_may_turn_over_takes_the_permission_to_export(county, monkeypatch):
    monkeypatch.setattr(services, "COUNT_BOUND", 150)
    officer = System("policy")
    assert officer.asks("/elders/elder", limit=100)["rows"]
    told = officer.asks("/elders/elder", 403, limit=100)
    assert "elders.export" in told["detail"]
    assert officer.asks("/elders/elder", limit=50)["rows"]
    assert len(county.all_rows("/elders/elder", limit=100)) > 150


def test_a_session_reads_under_the_same_rules_and_says_what_it_goes_on_for(county):
    client = county.person.client
    first = client.get(f"{ROOT}/elders/elder?limit=50").json()
    following = f"{ROOT}/elders/elder?limit=50&cursor={first['next']}"
    assert client.get(following).json()["errors"][0]["where"] == "X-Purpose"
    assert client.get(following, headers={"X-Purpose": quote("抽查")}).status_code == 200
    with use(Scope.system()):
        assert dict(Taking.objects.values_list("purpose", "rows")) == {"网页会话查看": 50, "抽查": 50}
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    answer = strict.post(f"{ROOT}/search", {"q": "王"}, content_type="application/json")
    assert answer.status_code == 403 and "X-CSRFToken" in answer.json()["detail"]
    assert county.sends("/search", q="王")


def test_the_hasty_are_told_when_to_come_again(county, monkeypatch):
    monkeypatch.setattr(api.throttle, "num_requests", 2)
    for _ in range(2):
        county.asks("/")
    answer = county.client.get(f"{ROOT}/")
    assert answer.status_code == 429 and int(answer["Retry-After"]) > 0 and "秒后" in answer.json()["detail"]
    # Others are not held up by it.
    assert System("inspector").asks("/")


# --- all of them ------------------------------------------------------------------------------------------------


def test_every_list_and_record_is_as_described_and_asks_no_oftener_for_many_rows(county):
    """The description covers every page, is sound, and each answer of a county's clerk is what it says."""
    description = Client().get(f"{ROOT}/openapi.json").json()
    schemathesis.openapi.from_dict(description).validate()
    paths, faults, seen = description["paths"], [], 0
    for pages in declared():
        address = f"/{pages.room}/{pages.noun}"
        listed, one = paths[ROOT + address]["get"], paths[ROOT + address + "/{pk}"]["get"]
        assert (ROOT + address + "/{pk}/reveal" in paths) == bool(pages.revealable())
        if not pages.may(county.user, "view"):
            assert "权限" in county.asks(address, 403)["detail"]
            continue
        counts = []
        for limit in (1, 1, 100):
            with CaptureQueriesContext(connection) as asked:
                answer = county.asks(address, limit=limit)
            counts.append(len(asked))
        if counts[2] > counts[1]:
            faults.append(f"{pages.key}：1 行 {counts[1]} 次查询，100 行 {counts[2]} 次")
        told = [(listed, answer)]
        if answer["rows"]:
            told.append((one, county.asks(f"{address}/{answer['rows'][0]['id']}")))
            seen += 1
        for operation, body in told:
            schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
            faults += [
                f"{pages.key}：{error.message}" for error in jsonschema_rs.validator_for(schema).iter_errors(body)
            ]
            assert set(answer["rows"][0] if answer["rows"] else ()) <= set(
                listed["responses"]["200"]["content"]["application/json"]["schema"]["properties"]["rows"]["items"][
                    "properties"
                ]
            )
    assert faults == []
    assert seen > 40
    page = county.person.opens("/api/")
    assert not [path for path in paths if path not in page]
