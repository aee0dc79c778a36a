"""What dispatch came to over some days: counted from visits, notices, plans and rosters, seen by whom it concerns."""

import io
from datetime import timedelta

import openpyxl
import pytest
from django.test import Client

from songhe.care.dispatch import services
from songhe.care.dispatch.selectors.outcomes import STREET, outcomes
from songhe.care.dispatch.tests.test_live import as_carer, sent
from songhe.care.visits import services as visits
from songhe.core.accounts.models import User
from songhe.core.calendar.services import at, today
from songhe.core.journal.models import Access
from songhe.core.scope.services import use
from songhe.registers.workforce.models import Shift


def made(round_, order, carer, hour, *, late):
    """Publish a visit and let its carer come so many minutes late and stay an hour."""
    visit = sent(round_, order, carer, hour)
    user = User.objects.filter(staff_id=carer.pk).first() or as_carer(round_, carer, f"t-{carer.pk}"[:30])
    come = round_.moment(hour, late)
    with at(come):
        visits.check_in(visit_id=visit.pk, user=user, presence=visits.Presence(at=come))
    with at(come + timedelta(hours=1)):
        visits.check_out(visit_id=visit.pk, user=user, presence=visits.Presence(at=come + timedelta(hours=1)))


@pytest.fixture
def worked(round_):
    """A day of three visits, one of them late, to two elders, and one that its carer declined."""
    first, second, third = round_.carers
    elder = round_.poor()
    made(round_, round_.given(hour=9, person=elder), first, 9, late=5)
    made(round_, round_.given(hour=14, person=elder), second, 14, late=40)
    made(round_, round_.given(hour=11, step=(2, 0)), third, 11, late=0)
    visit = sent(round_, round_.given(hour=16, step=(1, 0)), third, 16)
    me = as_carer(round_, third, "t-declines") if not User.objects.filter(staff_id=third.pk).exists() else None
    with use((me or User.objects.get(staff_id=third.pk)).scope()):
        services.decline(visit_id=visit.pk, user=me or User.objects.get(staff_id=third.pk), reason="车坏了")
    return round_


def test_the_figures_are_those_of_the_records(worked):
    rows, total = outcomes(today(), today())
    assert [each.name for each in rows] == [str(worked.provider)]
    row = rows[0]
    assert (row.visits, row.on_time, row.elders, row.pairings) == (3, 2, 2, 3)
    assert (row.punctuality, row.carers_an_elder) == (66.7, 1.5)
    # Three carers on duty for ten hours each.
    assert (row.service, row.duty, row.utilisation) == (180, 1800, 10.0)
    assert row.travel and row.travel_share == round(100 * row.travel / (row.travel + 180), 1)
    assert (row.asked, row.declined, row.expired, row.refusals) == (4, 1, 0, 25.0)
    assert (total.visits, total.refusals, total.travel) == (3, 25.0, row.travel)
    streets, _ = outcomes(today(), today(), STREET)
    assert [(each.visits, each.pairings, each.travel, each.duty) for each in streets] == [(3, 3, None, None)]
    before = today() - timedelta(days=1)
    assert outcomes(before, before)[0] == []


def test_whoever_stood_on_no_roster_says_nothing_of_how_rosters_were_used(worked):
    Shift.objects.filter(staff=worked.carers[0]).delete()
    [row], _total = outcomes(today(), today())
    assert (row.service, row.rostered, row.duty, row.utilisation) == (180, 120, 1200, 10.0)


def test_the_page_shows_and_hands_out_what_the_person_may_see(worked):
    client = Client()
    client.force_login(worked.manager)
    address = "/console/dispatch/plan/outcomes/"
    page = client.get(address).content.decode()
    assert str(worked.provider) in page and "66.7" in page
    answer = client.get(address, {"first": today(), "last": today(), "by": "street", "format": "xlsx"})
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    assert [cell.value for cell in sheet[1]][:3] == ["名称", "上门（次）", "准点（%）"]
    assert [row[1].value for row in sheet.iter_rows(min_row=2)] == [3, 3]
    assert Access.objects.filter(act=Access.Act.EXPORT, reason="派单成效统计").exists()
    wrong = client.get(address, {"first": today(), "last": today() - timedelta(days=1), "by": "street"})
    assert "结束日期早于开始日期" in wrong.content.decode()
    client.force_login(worked.manager_of_another())
    assert "这段时间没有上门" in client.get(address).content.decode()
