"""Partner regions: what an agreement allows to be given and recognised, and the log of what was."""

import io
from datetime import date, timedelta
from hashlib import sha256

import pytest
from openpyxl import load_workbook

from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.calendar.services import at
from songhe.core.errors import Refused
from songhe.registers.elders.models import Elder
from songhe.registers.elders.services import record_difficulty, record_level
from songhe.registers.elders.tests.conftest import made_places
from songhe.registers.elders.tests.people import elder, number
from songhe.registers.exchange import handing
from songhe.registers.exchange.models import Handout
from songhe.rights.assessment import services
from songhe.rights.assessment.scales import DEFAULT

DAY = date(2026, 11, 10)


@pytest.fixture
def places(system):
    with at(DAY):
        yield made_places()


@pytest.fixture
def clerk(places):
    return User.objects.create(username="r-clerk", display_name="经办", role=Role.COUNTY_CLERK, area=places["county"])


def partner(places, clerk, **more):
    given = {"name": "合肥市", "agreement": "合安养老协作协议", "first": DAY, "scales": [DEFAULT],
             "subjects": ["levels", "difficulties"]}  # fmt: skip
    return handing.agree(area=places["county"], user=clerk, **{**given, **more})


def recognised(person, region, clerk, **more):
    given = {"scale_key": DEFAULT, "number": "HF-1", "level": 3, "assessed_on": DAY - timedelta(days=30)}
    return services.recognise(elder=person, partner=region, user=clerk, **{**given, **more})


def test_a_partners_assessment_counts_until_its_own_end(places, clerk):
    person = elder(places["east"])
    row = recognised(person, partner(places, clerk), clerk)
    person = Elder.objects.get(pk=person.pk)
    assert (person.ability_level, person.ability_assessed_on) == (3, DAY - timedelta(days=30))
    assert row.validity.lower == DAY and row.validity.upper > DAY + timedelta(days=300)
    with pytest.raises(Refused, match="已经互认过"):
        recognised(elder(places["east"], "另一人", order=14), row.partner, clerk)


@pytest.mark.parametrize(
    ("region", "more", "said"),
    [
        ({"recognises": False}, {}, "没有在有效期内的评估互认协议"),
        ({"first": DAY - timedelta(days=99), "last": DAY - timedelta(days=1)}, {}, "没有在有效期内"),
        ({"scales": ["mzt-039-2013"]}, {}, "不互认"),
        ({}, {"assessed_on": DAY - timedelta(days=3000)}, "评估日期须在最近"),
        ({}, {"assessed_on": DAY + timedelta(days=1)}, "评估日期须在最近"),
    ],
)
def test_what_no_agreement_covers_is_not_recognised(places, clerk, region, more, said):
    person = elder(places["east"])
    with pytest.raises(Refused, match=said):
        recognised(person, partner(places, clerk, **region), clerk, **more)
    assert Elder.objects.get(pk=person.pk).ability_level is None


def test_our_own_later_assessment_stays(places, clerk):
    person = elder(places["east"])
    record_level(elder_id=person.pk, level=1, on=DAY - timedelta(days=3))
    person.refresh_from_db()
    with pytest.raises(Refused, match="更近的评估"):
        recognised(person, partner(places, clerk), clerk)


def test_what_is_given_is_of_the_area_and_is_logged_with_its_digest(places, clerk):
    here, far = elder(places["east"], "王秀英"), elder(places["far"], "赵远", order=14)
    for one in (here, far):
        record_level(elder_id=one.pk, level=2, on=DAY)
    log, body = handing.hand_out(
        partner=partner(places, clerk), area=places["street"], subject="levels", form="xlsx", reason="异地养老结算",
        user=clerk,
    )  # fmt: skip
    head, *rows = load_workbook(io.BytesIO(body)).active.iter_rows(values_only=True)
    assert list(head) == log.columns == list(handing.COLUMNS["levels"])
    assert [row[:2] for row in rows] == [("王秀英", number())]
    assert (log.rows, log.digest, log.by, log.reason) == (1, sha256(body).hexdigest(), clerk, "异地养老结算")


def test_csv_opens_in_spreadsheet_programs_with_its_characters(places, clerk):
    person = elder(places["east"])
    record_difficulty(elder_id=person.pk, kind="low_income", first=DAY, source="区民政局")
    _log, body = handing.hand_out(
        partner=partner(places, clerk),
        area=places["county"],
        subject="difficulties",
        form="csv",
        reason="核对",
        user=clerk,
    )
    assert body.startswith(b"\xef\xbb\xbf") and "低收入,,区民政局,2026-11-10" in body.decode("utf-8-sig")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"subject": "elders"}, "协议不包括“老年人档案”"),
        ({"reason": " "}, "请写明提供的用途"),
        ({"area": "city"}, "不在您的管辖范围内"),
    ],
)
def test_what_is_not_agreed_is_not_given_and_not_logged(places, clerk, more, said):
    given = {"subject": "levels", "form": "csv", "reason": "核对", **more}
    given["area"] = places[given.get("area", "county")]
    with pytest.raises(Refused, match=said):
        handing.hand_out(partner=partner(places, clerk), user=clerk, **given)
    assert not Handout.objects.exists()


def test_an_agreement_that_is_over_gives_nothing(places, clerk):
    region = partner(places, clerk, last=DAY)
    with at(DAY + timedelta(days=1)), pytest.raises(Refused, match="不在有效期内"):
        handing.hand_out(partner=region, area=places["county"], subject="levels", form="csv", reason="核对", user=clerk)
