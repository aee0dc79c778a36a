"""Lists: searched without leaving a number behind, filtered, sorted, counted with bounds, in few queries."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from songhe.core.accounts.roles import Role
from songhe.core.console import listing
from songhe.core.console.tests.conftest import ROOT
from songhe.core.testing.paper import Paper

PART = {"HTTP_HX_REQUEST": "true"}


def subjects(response):
    return [row.subject for row in response.context["listing"].rows]


def test_a_number_is_found_by_post_and_stays_out_of_every_address(client, paper, papers):
    papers(3)
    found = client.post(ROOT, {"q": "138 0000 1111".replace(" ", ""), "state": "handed_in"}, **PART)
    assert subjects(found) == ["购置护理床"]
    assert found["HX-Push-Url"] == f"{ROOT}?state=handed_in"
    page = found.content.decode()
    assert "q=138" not in page and "138****1111" in page
    # An address that carries a search is not obeyed, so that nobody makes one.
    assert len(subjects(client.get(ROOT, {"q": "13800001111"}))) == 4


def test_filters_narrow_and_are_named_with_a_way_out(client, paper, papers, other_street, sign_in, make_user):
    Paper.objects.create(subject="邻街", area=other_street)
    city = make_user("city", area=None, role=Role.STREET_CLERK)
    assert subjects(sign_in(city).get(ROOT)) == []
    response = client.get(ROOT, {"area": paper.area_id, "state": "handed_in", "created_at_min": "2020-01-01"})
    assert subjects(response) == ["购置护理床"]
    chips = response.context["listing"].active_filters
    assert [(names, label, text) for names, label, text in chips] == [
        ("area", "区划", str(paper.area)),
        ("state", "状态", "已提交"),
        ("created_at_min", "建立时间", "2020-01-01～"),
    ]
    assert subjects(client.get(ROOT, {"state": "approved"})) == []
    assert "没有符合条件的申请单" in client.get(ROOT, {"state": "approved"}).content.decode()


def test_sorting_turns_round_and_keeps_to_known_columns(client, papers):
    papers(3)
    assert subjects(client.get(ROOT, {"sort": "subject"})) == ["申请000", "申请001", "申请002"]
    assert subjects(client.get(ROOT, {"sort": "-subject"})) == ["申请002", "申请001", "申请000"]
    assert client.get(ROOT, {"sort": "phone"}).context["listing"].sort == ""
    assert client.get(ROOT, {"sort": "area__upper;--"}).context["listing"].sort == ""


def test_pages_are_turned_and_sized(client, papers):
    papers(45)
    second = client.get(ROOT, {"sort": "subject", "page": 2})
    assert (subjects(second)[0], len(subjects(second))) == ("申请020", 20)
    assert len(subjects(client.get(ROOT, {"size": 50}))) == 45
    last = client.get(ROOT, {"page": "99999999"}).context["listing"]
    assert (last.page, last.first, last.last) == (3, 41, 45)


def test_counting_stops_at_the_bound_and_is_exact_on_demand(client, papers, monkeypatch):
    papers(25)
    monkeypatch.setattr(listing, "COUNT_BOUND", 21)
    page = client.get(ROOT)
    assert page.context["listing"].count_text == "21+" and "精确计数" in page.content.decode()
    assert "25" in client.post(f"{ROOT}count/", {}, **PART).content.decode()


def test_columns_are_each_persons_own(client, papers, sign_in, make_user):
    papers(1)
    client.post(f"{ROOT}columns/", {"column": ["subject", "created_at"]})
    assert [column.key for column in client.get(ROOT).context["listing"].columns] == ["subject", "created_at"]
    other = sign_in(make_user("other"))
    assert [column.key for column in other.get(ROOT).context["listing"].columns][:2] == ["subject", "area"]
    client.post(f"{ROOT}columns/", {"reset": "1"})
    assert len(client.get(ROOT).context["listing"].columns) == 4


def test_queries_do_not_grow_with_rows(client, papers):
    def queries():
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get(ROOT, {"size": 100}).status_code == 200
        return len(captured)

    papers(2)
    queries()
    few = queries()
    papers(60, subject="又一份")
    assert queries() == few


def test_the_search_box_opens_the_only_match(client, paper, papers, monkeypatch):
    from songhe.core.console.tests.papers import PaperPages

    monkeypatch.setattr(PaperPages, "search_everywhere", True)
    assert client.post("/console/search/", {"q": "13800001111"})["Location"] == f"{ROOT}{paper.pk}/"
    papers(2)
    many = client.post("/console/search/", {"q": "申请"}).content.decode()
    assert "申请000" in many and "申请001" in many
    assert client.get("/console/search/", {"q": "申请"}).status_code == 405


def test_a_look_up_offers_records_by_name(client, paper):
    found = client.post("/console/areas/area/lookup/", {"q": str(paper.area)}, **PART).content.decode()
    assert f'data-value="{paper.area_id}"' in found
