"""How often each page asks the database: as often for a hundred rows as for twenty, and no oftener than recorded.

``UPDATE_QUERY_COUNTS=1`` records anew what ``query_counts.json`` holds; its difference is part of the review.
"""

import json
import os
from pathlib import Path

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, reverse

from songhe.core.console.registry import all_pages, autodiscover
from songhe.core.scope.services import Scope, use
from tests.people import Person

RECORDED = Path(__file__).parent / "query_counts.json"
PEOPLE = (
    "county", "street", "community", "operator", "provider", "checker", "cashier", "auditor", "policy", "sysadmin",
    "security", "auditadmin", "leader", "carer",
)  # fmt: skip
FACES = {
    "operator": ["hotline:home"],
    "family": ["family:home"],
    "carer": ["field:home"],
    "assessor1": ["field:home"],
    "leader": ["screen:home"],
}

# Lists that the demo leaves empty: neither how they grow nor what their records' pages take is known.
WITHOUT_ROWS = {
    "api-key", "api-taking",
    "assessment-recognition", "catalogue-cover", "dispatch-plan", "dispatch-swap", "dispatch-wish",
    "elders-consent", "elders-contact", "elders-follow-up", "elders-guardian", "elders-label", "elders-label-rule",
    "exchange-handout", "exchange-merge", "exchange-partner", "facilities-bed", "facilities-bed-stay",
    "facilities-hours", "facilities-paper", "facilities-premises", "facilities-room", "facilities-space",
    "hotline-call", "journal-access", "outreach-attendance", "outreach-call", "outreach-charge",
    "outreach-course", "outreach-problem", "policy-adjustment", "policy-award", "policy-change",
    "policy-simulation", "providers-credit-record", "workforce-absence", "workforce-training",
}  # fmt: skip

pytestmark = pytest.mark.slow


class Counter:
    """Opens pages as people do, and counts."""

    def __init__(self):
        with use(Scope.system()):
            self.people = {name: Person(name) for name in {*PEOPLE, *FACES}}

    def who_may(self, pages):
        """Return the first person who may see these pages, or None."""
        return next((self.people[name] for name in PEOPLE if pages.may(self.people[name].user, "view")), None)

    def queries(self, person, address):
        """Return how many queries a page takes once whatever is kept between requests is there."""
        person.opens(address)
        while True:
            with CaptureQueriesContext(connection) as asked:
                person.opens(address)
            # A session in use is prolonged once a minute, by whichever page meets that minute.
            if not any(query["sql"].startswith('UPDATE "django_session"') for query in asked):
                return len(asked)


def declared():
    """Return the product's pages; the kit's own tests declare some more."""
    return [pages for pages in all_pages() if pages.room != "papers"]


def counted_lists(counter):
    for pages in declared():
        person = counter.who_may(pages)
        if person is None:
            continue
        yield pages, person


def first_row(pages, person):
    request = RequestFactory().get("/")
    request.user = person.user
    with use(person.user.scope()):
        return pages.get_object_queryset(request).order_by(*pages.default_ordering()).first()


@pytest.fixture
def counter(anqing):
    autodiscover()
    assert len(list(all_pages())) > 20
    return Counter()


def test_no_list_asks_once_a_row(counter, monkeypatch):
    """Two rows and a hundred take the same number of queries."""
    monkeypatch.setattr("songhe.core.console.listing.SIZES", (2, 100))
    faults = []
    for pages, person in counted_lists(counter):
        few, many = (counter.queries(person, f"{pages.url()}?size={size}") for size in (2, 100))
        if many > few:
            faults.append(f"{pages.key}：2 行 {few} 次查询，100 行 {many} 次")
    assert faults == []


def test_every_page_is_counted(counter):
    """Somebody opens each list, and there is a row in it to open, but for those named."""
    opened = dict(counted_lists(counter))
    unread = {pages.key for pages in declared() if pages not in opened}
    empty = {pages.key for pages, person in opened.items() if first_row(pages, person) is None}
    assert (unread, empty - WITHOUT_ROWS) == (set(), set())


def test_no_page_asks_oftener_than_recorded(counter):
    now = {}
    for pages, person in counted_lists(counter):
        now[f"{pages.key} list"] = counter.queries(person, pages.url())
        obj = first_row(pages, person)
        if obj is None:
            continue
        try:
            address = pages.url("detail", obj.pk)
        except NoReverseMatch:
            continue
        now[f"{pages.key} detail"] = counter.queries(person, address)
    for name, faces in FACES.items():
        for face in faces:
            now[f"{face} {name}"] = counter.queries(counter.people[name], reverse(face))
    if os.environ.get("UPDATE_QUERY_COUNTS"):
        RECORDED.write_text(json.dumps(now, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    recorded = json.loads(RECORDED.read_text())
    more = {
        page: f"{recorded.get(page, '没有记录')} → {count}"
        for page, count in now.items()
        if count > recorded.get(page, 0)
    }
    assert more == {}


def test_no_row_vanishes_behind_something_its_reader_may_not_see(counter):
    """A row whose carer, provider or area lies beyond the reader's scope is still in the list."""
    faults = []
    for name in PEOPLE:
        person = counter.people[name]
        request = RequestFactory().get("/")
        request.user = person.user
        with use(person.user.scope()):
            for pages in all_pages():
                if not pages.may(person.user, "view"):
                    continue
                rows = pages.get_queryset(request)
                there, shown = min(rows.count(), 200), len(rows[:200])
                if there != shown:
                    faults.append(f"{name} {pages.key}：{there} 行，只显示 {shown} 行")
    assert faults == []
