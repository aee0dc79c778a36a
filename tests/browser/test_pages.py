"""Every page that a menu leads to, at a desk and on a phone: no barrier, no error, nothing wider than the window.

A list is followed to its first row's page, with its tabs and what can be done there, and to its forms; so each kind of
page is met once, with real rows in it, by the first role that may see it.
"""

import re
from contextlib import nullcontext

import pytest
from playwright.sync_api import Error

from songhe.core.console.pages import TIMELINE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# Whoever may do most comes first: a page is looked at once, with the buttons of whom it is first shown to.
ROLES = (
    "county", "policy", "street", "provider", "operator", "adviser", "approver", "checker", "cashier", "community",
    "assessor1", "carer", "family", "inspector", "auditor", "leader", "sysadmin", "security", "auditadmin",
)  # fmt: skip
# Fewer would mean that links are not found any more; there are about 300.
KINDS_AT_LEAST = 240

MENU = ".side-nav a[href], header a[href]"
ROWS = "main table tbody a[href], main .list-group a[href], main a.card[href]"
BUTTONS = ".page-head-actions a[href]"
# Addresses that are no page: files, and what ends the visit.
_LEFT_OUT = re.compile(r"logout|/files/|/export|/template|/media/|\.(pdf|xlsx|csv|dmn|zip|json)$")
_ROOM = re.compile(r"console/[^/]+/[^/]+/")
_DEED = re.compile(r"(/do/|/step/).*")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+")
_LINKS = """
selector => [...document.querySelectorAll(selector)]
  .map(link => new URL(link.href, location.href))
  .filter(url => url.origin === location.origin && !url.hash).map(url => url.pathname + url.search)
"""
_QUIET = "document.fonts.ready.then(() => !document.querySelector('.htmx-request'))"


def links(visitor, selector):
    found = visitor.page.evaluate(_LINKS, selector)
    return [address for address in dict.fromkeys(found) if not _LEFT_OUT.search(address.partition("?")[0])]


def kind(address):
    """Addresses that differ in a number are alike, whatever their query asks for."""
    return _ID.sub("…", address.partition("?")[0])


def shape(address):
    """Pages of one template are alike, whatever room they are of: lists, records, forms, the questions of a step."""
    return _DEED.sub(r"\1", _ROOM.sub("console/", kind(address).partition("#")[0]))


class Walk:
    """What has been looked at, so that nineteen people do not look at the same page.

    The frame around a page and how it folds on a phone are its template's: they are looked at once for each shape of
    page, and what a page holds within them for each kind.
    """

    def __init__(self, visitor, seen, shapes):
        self.visitor, self.page, self.faults = visitor, visitor.page, []
        self.seen, self.shapes = seen, shapes

    def to(self, address):
        """Look at a page of a kind not seen yet; tell whether there was one."""
        if kind(address) in self.seen:
            return False
        self.seen.add(kind(address))
        return self.sound(address, lambda: self.visitor.goto(address))

    def through_tabs(self):
        """Look at every tab of a record's page."""
        here = self.page.url.removeprefix(self.visitor.site.address)
        tabs = self.page.locator("[role=tab]:not([aria-selected=true])")
        for label in tabs.all_inner_texts():
            if (name := f"{'' if label == TIMELINE.label else kind(here)}#{label}") not in self.seen:
                self.seen.add(name)
                self.sound(f"{here} “{label}”", lambda label=label: self._open_tab(label), part="#tab-panel")

    def _open_tab(self, label):
        tab = self.page.get_by_role("tab", name=label, exact=True)
        with self.page.expect_response(lambda answer: "tab" in answer.url):
            tab.click()
        self.page.locator("[role=tab][aria-selected=true]").filter(has_text=label).wait_for()

    def sound(self, name, arrive, part="main"):
        """Arrive and look; what is wrong is gathered, so that one run tells all of it."""
        whole = part == "main" and shape(name) not in self.shapes
        self.shapes.add(shape(name))
        try:
            arrive()
            self.page.wait_for_function(_QUIET)
            for width in ("desk", "phone"):
                with self.visitor.narrowed() if width == "phone" else nullcontext():
                    self.visitor.fits()
                    # What a step asks is made of fields that forms have too.
                    if whole or (width == "desk" and not _DEED.search(kind(name))):
                        self.visitor.axe(None if whole else part)
                    self.visitor.picture(f"{len(self.seen):03}-{width}")
            assert self.visitor.errors == [], "\n".join(self.visitor.errors)
        except (AssertionError, Error) as fault:
            self.faults.append(f"{name}\n{fault}")
            self.visitor.errors.clear()
            return False
        return True


@pytest.fixture(scope="module")
def seen():
    return set()


@pytest.fixture(scope="module")
def shapes():
    return set()


@pytest.mark.parametrize("role", ROLES)
def test_every_page_of_a_role_is_sound(visit, seen, shapes, role):
    visitor = visit(role)
    home = visitor.page.url.removeprefix(visitor.site.address)
    walk = Walk(visitor, seen, shapes)
    walk.to(home)
    for address in dict.fromkeys([home, *links(visitor, MENU)]):
        if address != home and not walk.to(address):
            continue
        rows, buttons = links(visitor, ROWS), links(visitor, BUTTONS)
        for further in [*rows[:1], *buttons]:
            if walk.to(further):
                inner = links(visitor, BUTTONS)
                walk.through_tabs()
                for last in inner:
                    walk.to(last)
    assert walk.faults == [], f"\n\n{len(walk.faults)} 页：" + "\n\n".join(walk.faults)


def test_the_walk_has_met_them_all(seen):
    assert len(seen) >= KINDS_AT_LEAST, sorted(seen)
