"""What lies outside a clerk's scope is not there: not in the search box, lists, look-ups, spreadsheets or maps.

The house has no face for other systems yet; whoever adds one adds it here.
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
