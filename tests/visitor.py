"""A person's browser window on a served Songhe, and what no page may do to them."""

from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response

from songhe.config.database import server

HEIGHTS = {1440: 900, 390: 844}
# Boxes that scroll by themselves may be wider than the window.
_WIDER = "document.scrollingElement.scrollWidth > window.innerWidth + 1"


@dataclass
class Site:
    """A server on a database of its own."""

    address: str
    database: str
    log: Path
    region: str
    used: bool = False

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
        visitor = cls(site, context, context.new_page())
        visitor.page.on("console", visitor._console)
        visitor.page.on("pageerror", lambda error: visitor.errors.append(f"{visitor.page.url}: {error}"))
        visitor.page.on("response", visitor._response)
        return visitor

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
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

    def axe(self) -> None:
        """Find no barrier on the page as it stands."""
        results = Axe().run(self.page)
        assert results.violations_count == 0, f"{self.page.url}\n{results.generate_report()}"

    def fits(self) -> None:
        """The page is not wider than the window."""
        assert not self.page.evaluate(_WIDER), f"{self.page.url} 比窗口宽"

    def sound(self) -> None:
        """Find no barrier, no overflow and no error on the page as it stands."""
        self.page.wait_for_load_state("networkidle")
        self.fits()
        self.axe()
        assert self.errors == [], "\n".join(self.errors)
