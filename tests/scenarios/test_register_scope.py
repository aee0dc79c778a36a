"""What lies outside a clerk's scope is not there: not in the search box, lists, look-ups, spreadsheets or maps.

Nor does the interface for other systems hold it.
"""

from datetime import date
from io import BytesIO

import pytest
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook

from songhe.core.areas.models import Area
from songhe.core.console.registry import all_pages, autodiscover
from songhe.core.scope.services import Scope, use
from songhe.registers.elders import services as elders
from songhe.registers.elders.models import Elder
from songhe.registers.elders.tests.people import number
from tests.people import Person

NAME, PHONE, ADDRESS, BORN = "郗蘅芜", "13790001234", "望龙渡口七弄九号", date(1944, 3, 2)
WORDS = {
    "name": NAME,
    "pinyin": "xihengwu",
    "part-of-name": NAME[:2],
    "sounds-alike": "郗蘅吴",
    "number": number(BORN, 20),
    "number-mistyped": number(BORN, 20)[:-2] + "9" + number(BORN, 20)[-1],
    "phone": PHONE,
    "phone-turned-round": "13790001243",
    "phone-of-contact": "13790004321",
    "address": ADDRESS,
    "part-of-address": ADDRESS[:5],
}


@pytest.fixture
def street(anqing):
    with use(Scope.system()):
        return Person("street")


@pytest.fixture
def leader(anqing):
    """Who sees the whole city, and shows that each test could fail."""
    with use(Scope.system()):
        return Person("leader")


@pytest.fixture
def far(street):
    """Somebody with everything to be found by, in another county than the clerk's."""
    own = street.user.area.parent
    with use(Scope.system()):
        villages = Area.objects.filter(level=Area.Level.VILLAGE, statistical_only=False)
        area = villages.exclude(code__gte=own.code, code__lt=own.upper).order_by("code").first()
        elder = elders.register(
            name=NAME, area=area, id_number=number(BORN, 20), phone=PHONE, address=ADDRESS,
            latitude=30.512347, longitude=117.054321,
        )  # fmt: skip
        elders.link_contact(elder_id=elder.pk, name="郗蕙", relation="女儿", phone="13790004321")
    return elder


def posted(person, name, **data):
    """Return what a page answers, with where it leads."""
    answer = person.client.post(reverse(name), data)
    return answer.content.decode() + answer.headers.get("Location", "") + answer.headers.get("HX-Redirect", "")


@pytest.mark.parametrize("way", sorted(WORDS))
def test_whom_the_scope_hides_the_search_box_does_not_hint_at(street, leader, far, way):
    told = (str(far.pk), far.id_number_masked, far.area.full_name)
    for part in ({}, {"part": "1"}):
        assert str(far.pk) in posted(leader, "console:search", q=WORDS[way], **part)
        page = posted(street, "console:search", q=WORDS[way], **part)
        assert not [text for text in told if text in page]


def test_no_list_look_up_or_count_holds_somebody_elsewhere(street, leader, far):
    autodiscover()
    seen = 0
    for pages in all_pages():
        # Pages that other tests made have no table here.
        if pages.room == "papers" or not pages.may(street.user, "view"):
            continue
        page = street.opens(f"{pages.list_url}?size=100")
        assert NAME not in page and str(far.pk) not in page, pages.key
        seen += 1
    assert seen > 20
    for name in ("list", "lookup"):
        assert str(far.pk) in posted(leader, f"console:elders-elder-{name}", q=NAME)
        assert str(far.pk) not in posted(street, f"console:elders-elder-{name}", q=NAME)
    for action in ("detail", "edit"):
        street.opens(reverse(f"console:elders-elder-{action}", args=[far.pk]), status=404)


def exported(person, **asked):
    answer = person.client.post(reverse("console:elders-elder-export"), {"reason": "核对名单", **asked})
    assert answer.status_code == 200, answer.content.decode()
    return [row[0] for row in load_workbook(BytesIO(b"".join(answer.streaming_content))).active.values][1:]


def test_a_spreadsheet_holds_the_scopes_elders_all_of_them_and_no_other(street, far):
    with use(Scope.system()):
        own = street.user.area
        mine = sorted(Elder.objects.filter(area_id__gte=own.code, area_id__lt=own.upper).values_list("name", flat=True))
    assert sorted(exported(street)) == mine != []
    assert exported(street, q=NAME) == []


def test_no_map_shows_where_anybody_lives(street, leader, far):
    for client in (street.client, leader.client, Client()):
        for name in ("caremap:map", "caremap:public_map", "screen:map"):
            answer = client.get(reverse(name))
            text = answer.content.decode() if answer.status_code == 200 else ""
            assert not [word for word in (NAME, ADDRESS, str(far.pk), "117.054321") if word in text], name
    assert Client().get(reverse("caremap:public_map")).status_code == 200


def asked(person, path, status=200, **parameters):
    """Return what the interface answers, as it stands."""
    answer = person.client.get(f"/api/v1/{path}", parameters, headers={"X-Purpose": "check"})
    assert answer.status_code == status, f"{path}：{answer.status_code} {answer.content.decode()}"
    return answer.content.decode()


@pytest.mark.parametrize("way", sorted(WORDS))
def test_the_interface_s_search_does_not_hint_at_anybody_either(street, leader, far, way):
    told = (str(far.pk), far.id_number_masked, far.area.full_name)
    for person, there in ((leader, True), (street, False)):
        answer = person.client.post("/api/v1/search", {"q": WORDS[way]}, content_type="application/json")
        assert answer.status_code == 200
        text = answer.content.decode()
        assert (str(far.pk) in text) == there
        assert there or not [word for word in told if word in text]


def test_no_list_of_the_interface_holds_somebody_elsewhere(street, leader, far):
    autodiscover()
    seen = 0
    for pages in all_pages():
        if pages.room == "papers" or not pages.may(street.user, "view"):
            continue
        address = f"{pages.room}/{pages.noun}"
        every = ",".join(dict.fromkeys(member for member in members(pages)))
        text = asked(street, address, limit=500, count="true", fields=every)
        assert not [word for word in (NAME, str(far.pk), ADDRESS) if word in text], pages.key
        if Elder in pages.under:
            # Asked for by the elder, who is not there.
            asked(street, address, 404, of=f"elders-elder:{far.pk}")
            asked(leader, address, of=f"elders-elder:{far.pk}")
        seen += 1
    assert seen > 20


def members(pages):
    """Return the names of all that a list's rows can say."""
    from songhe.faces.api.values import items_of

    return items_of(pages, pages.all_columns)


def test_neither_filter_nor_cursor_nor_count_nor_id_leads_the_interface_to_somebody_elsewhere(street, leader, far):
    lists = "elders/elder"
    # Entered last, so the last of the leader's run; a run that goes on from him goes on for nobody.
    with use(Scope.system()):
        one_before = Elder.objects.filter(pk__lt=far.pk).order_by("-pk").first()
    for narrowed in ({"cursor": str(one_before.pk)}, {"area": str(far.area_id)}, {"q": NAME}):
        assert str(far.pk) in asked(leader, lists, **narrowed)
        assert str(far.pk) not in asked(street, lists, **narrowed)
    assert '"count": 0' in asked(street, lists, q=NAME, count="true")
    assert '"count": 0' in asked(street, lists, area=str(far.area_id), count="true")
    assert '"count": 1' in asked(leader, lists, q=NAME, count="true")
    nobody = "01a21375-0000-7000-8000-000000000000"
    assert asked(street, f"{lists}/{far.pk}", 404) == asked(street, f"{lists}/{nobody}", 404)
    assert NAME in asked(leader, f"{lists}/{far.pk}")
    for path, number_or_not in ((far.pk, 403), (nobody, 403)):
        answer = leader.client.post(
            f"/api/v1/{lists}/{path}/reveal", {"field": "phone", "reason": "核对"}, content_type="application/json"
        )
        assert answer.status_code == number_or_not
    hidden, absent = (
        street.client.post(
            f"/api/v1/{lists}/{pk}/reveal", {"field": "phone", "reason": "核对"}, content_type="application/json"
        )
        for pk in (far.pk, nobody)
    )
    assert (hidden.status_code, hidden.content) == (404, absent.content)
