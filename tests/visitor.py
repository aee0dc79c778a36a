"""A person's browser window on a served Songhe, and what no page may do to them."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from pathlib import Path

import psycopg
from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Response

from songhe.config.database import server

_RUN_AXE = "part => axe.run(part || document, {resultTypes: ['violations']})"

HEIGHTS = {1440: 900, 390: 844}
# Boxes that scroll by themselves may be wider than the window.
_WIDER = "document.scrollingElement.scrollWidth > document.documentElement.clientWidth + 1"

# What a field says before anything is typed is read whole or not at all.
_CUT = """
() => [...document.querySelectorAll('input[placeholder]')].filter(field => field.checkVisibility()).filter(field => {
  const style = getComputedStyle(field), pen = document.createElement('canvas').getContext('2d');
  pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  const room = field.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  return pen.measureText(field.placeholder).width > room + 1;
}).map(field => field.placeholder)
"""

# A form that came back with something to mend is no fault of the page, though browsers note its status. The published
# build of dmn-js holds the development build of a library of its own, which says so as an error.
_NO_FAULT = re.compile(r"status of (409|422)|minified copy of the development build of Inferno")


@dataclass
class Site:
    """A server on a database of its own."""

    address: str
    database: str
    log: Path
    region: str
    environment: dict[str, str]
    used: bool = False

    def set_clock(self, moment: datetime | None) -> None:
        """Let the server live at a moment, where time then stands still; None gives it the present back."""
        clock = Path(self.environment["SONGHE_VAR"]) / "clock"
        clock.unlink(missing_ok=True)
        if moment is not None:
            clock.write_text(moment.isoformat())

    def work(self) -> None:
        """Run the jobs that wait, as the worker does."""
        subprocess.run([sys.executable, "-W", "ignore", "-m", "tests.clocked"], env=self.environment, check=True)

    def change(self, statement: str, *arguments: object) -> None:
        """Change what no page changes, as the database's administrator."""
        with psycopg.connect(server().conninfo(dbname=self.database)) as connection:
            connection.execute(statement.encode(), arguments)

    def one(self, query: str, *arguments: object) -> object:
        """Return one value from the database, asked as its administrator."""
        with psycopg.connect(server().conninfo(dbname=self.database)) as connection:
            row = connection.execute(query.encode(), arguments).fetchone()
        assert row is not None, f"没有找到：{query} {arguments}"
        return row[0]


@dataclass
class Visitor:
    """One browser window; errors of its pages are gathered, whatever the test looks at."""

    site: Site
    context: BrowserContext
    page: Page
    errors: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, site: Site, browser: Browser, *, width: int) -> "Visitor":
        """Open an empty window of one width."""
        context = browser.new_context(
            viewport={"width": width, "height": HEIGHTS.get(width, 900)},
            has_touch=width < 800,
            is_mobile=width < 800,
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            base_url=site.address,
        )
        context.set_default_timeout(15_000)
        visitor = cls(site, context, context.new_page())
        visitor.page.on("console", visitor._console)
        visitor.page.on("pageerror", lambda error: visitor.errors.append(f"{visitor.page.url}: {error}"))
        visitor.page.on("response", visitor._response)
        return visitor

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not _NO_FAULT.search(message.text):
            self.errors.append(f"{self.page.url}: {message.text} ({message.location.get('url', '')})")

    def _response(self, response: Response) -> None:
        if response.status >= 500:
            self.errors.append(f"{response.url}: {response.status}\n{self.site.log.read_text()[-3000:]}")

    def goto(self, path: str) -> Page:
        """Open a page of the site; it must be there."""
        answer = self.page.goto(path)
        assert answer is not None and answer.ok, f"{path}: {answer and answer.status}"
        return self.page

    def sign_in(self, username: str) -> None:
        """Sign in with one click, as the demonstration allows; a phone and a desk alike."""
        pk = self.site.one("SELECT id FROM accounts_user WHERE username = %s", username)
        self.goto("/accounts/login/")
        form = self.page.locator(f'form[action$="/accounts/demo/{pk}/"], button[formaction$="/accounts/demo/{pk}/"]')
        with self.page.expect_navigation():
            form.first.evaluate(
                "element => (element.form || element).requestSubmit(element.form ? element : undefined)"
            )
        assert "/accounts/login" not in self.page.url, "没有登录成功"

    @contextmanager
    def narrowed(self) -> Iterator[None]:
        """Make a desk's window as narrow as a phone for a while, without loading the page again."""
        before = self.page.viewport_size
        assert before is not None
        self.page.set_viewport_size({"width": 390, "height": HEIGHTS[390]})
        try:
            yield
        finally:
            self.page.set_viewport_size(before)

    def field(self, label: str) -> Locator:
        """Return the field of that label, required or not, in the dialog if one is open."""
        place = self.page.locator("dialog[open]") if self.page.locator("dialog[open]").count() else self.page
        return place.get_by_label(re.compile(rf"^\s*{re.escape(label)}\s*\*?\s*$")).first

    def fill(self, **values: object) -> None:
        """Fill in a form by its labels: text, a day or moment, a choice by its words, a box to tick, a file."""
        for label, value in values.items():
            field = self.field(label)
            kind = str(field.evaluate("field => field.getAttribute('role') || field.type"))
            if kind == "combobox":
                self._look_up(field, str(value))
            elif kind == "select-one":
                field.select_option(label=str(value))
            elif kind == "checkbox":
                field.set_checked(bool(value))
            elif kind == "file":
                field.set_input_files(str(value))
            else:
                field.fill(str(value))

    def _look_up(self, field: Locator, text: str) -> None:
        field.fill(text)
        option = self.page.locator(".lookup-list:not([hidden]) [role=option]").filter(has_text=text).first
        option.click()

    def press(self, name: str) -> None:
        """Press the button or link of that name and see the page it leads to."""
        place = self.page.locator("dialog[open]") if self.page.locator("dialog[open]").count() else self.page
        with self.page.expect_navigation():
            place.locator("button, a").filter(has_text=re.compile(rf"^\s*{re.escape(name)}\s*$")).first.click()

    def step(self, name: str, /, **values: object) -> None:
        """Take a step from a record's page: press its button, fill in what it asks, and confirm."""
        self.ask(name)
        self.fill(**values)
        with self.page.expect_navigation():
            self.page.locator("dialog[open] .sheet-foot [type=submit]").click()

    def ask(self, name: str) -> None:
        """Press the button of a step and see what it asks, unfolding the menu of further buttons if it is there."""
        button = self.page.locator(".page-head-actions a").filter(has_text=re.compile(rf"^\s*{re.escape(name)}\s*$"))
        if not button.first.is_visible():
            self.page.get_by_role("button", name="更多").click()
        button.first.click()
        self.page.locator("dialog[open] .sheet-foot").wait_for()

    def picture(self, name: str) -> None:
        """Keep a picture of the window for the documentation, if pictures are wanted (``SONGHE_PICTURES=folder``)."""
        folder = os.environ.get("SONGHE_PICTURES")
        if folder:
            self.page.evaluate("document.activeElement && document.activeElement.blur()")
            shot = Image.open(BytesIO(self.page.screenshot(animations="disabled")))
            # 128 colours are as good to the eye and a third of the size.
            shot.convert("RGB").quantize(128).save(Path(folder) / f"{name}.png", optimize=True)

    def axe(self, part: str | None = None) -> None:
        """Find no barrier on the page as it stands, or in the part of it that a selector names."""
        axe = Axe()
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(axe.axe_script)
        results = AxeResults(self.page.evaluate(_RUN_AXE, part))
        assert results.violations_count == 0, f"{self.page.url}\n{results.generate_report()}"

    def fits(self) -> None:
        """The page is not wider than the window, and no field's hint wider than the field."""
        assert not self.page.evaluate(_WIDER), f"{self.page.url} 比窗口宽"
        cut = self.page.evaluate(_CUT)
        assert cut == [], f"{self.page.url} 的提示语没有显示完整：{'、'.join(cut)}"

    def sound(self) -> None:
        """Find no barrier, no overflow and no error on the page as it stands."""
        self.page.wait_for_load_state("networkidle")
        self.fits()
        self.axe()
        assert self.errors == [], "\n".join(self.errors)
