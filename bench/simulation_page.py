"""A draft that raises a place's amounts, simulated on its page by a policy officer, against the limit of 15 seconds.

    python -m bench.simulation_page [wuhan [1000000 [times]]]

Makes a place of its own in ``var/`` (once; some minutes for a million), serves it with its worker, and works as the
officer does, in Chromium: a draft, every amount raised by a fifth in the editor, the simulation asked for, its progress
watched, its cost read off the page. The clock runs from the click to the figures; the processor time is that of the
servers, the worker and the database, which is what counts while others use the machine. Then the cost is held against
single decisions: over the whole of a random sample of the roll and of those whose amount changes, to the fen.
"""

import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    import psutil
    from playwright.sync_api import Page

ROOT = Path(__file__).parent.parent
LIMIT_SECONDS_A_MILLION = 15
RAISED_PERCENT = 120
SAMPLE = 500


def main(place: str, elders: int, times: int) -> None:
    """Make the place if need be, simulate so many times on the page, and print what each took."""
    var = ROOT / "var" / f"bench-{place}-{elders}"
    os.environ |= {"SONGHE_VAR": str(var), "SONGHE_PACK": place, "SONGHE_DEMO": "1"}
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "songhe.config.settings")
    _make(var, place, elders)
    with _served() as (address, serving):
        import django

        django.setup()
        _simulate(address, serving, times)


def _make(var: Path, place: str, elders: int) -> None:
    """Set the place up and fill its roll; a roll that was cut short has nobody in it and is filled again."""
    var.mkdir(parents=True, exist_ok=True)
    for shared in ("tools", "chromium"):
        if not (var / shared).exists():
            (var / shared).symlink_to(Path("..") / shared)
    from songhe.config.commands import holding
    from songhe.config.commands.setting_up import as_system, set_up

    set_up(demo=False)
    if as_system("SELECT NOT EXISTS (SELECT 1 FROM elders_elder)")[0][0]:
        code = (
            "import django; django.setup(); from songhe.demo.staffing import enroll_place, staff_place; "
            f"staff_place({place!r}); enroll_place({place!r}, {elders})"
        )
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, env={**os.environ, "SONGHE_AS": "owner"}, check=True
        )
    holding.release()


@contextmanager
def _served() -> Iterator[tuple[str, "psutil.Process"]]:
    """Serve the place as ``make run`` does; give the address and the process above server and worker."""
    import psutil

    from songhe.config.commands.up import free_port

    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "songhe", "up"]
    up = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "SONGHE_PORT": str(port)}, stdout=subprocess.PIPE)
    try:
        assert up.stdout is not None
        for line in up.stdout:
            if "Ctrl-C" in line.decode():
                break
        else:
            sys.exit("服务没有启动。")
        yield f"http://127.0.0.1:{port}", psutil.Process(up.pid)
    finally:
        up.terminate()
        up.wait()


def _simulate(address: str, serving: "psutil.Process", times: int) -> None:
    from playwright.sync_api import sync_playwright

    from songhe.config.browser import ARGUMENTS, browser_environment, chromium_path

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(chromium_path()), args=list(ARGUMENTS), env=dict(browser_environment())
        )
        page = browser.new_context(locale="zh-CN", base_url=address).new_page()
        page.set_default_timeout(120_000)
        draft = _drafted(page)
        _rest()
        for number in range(times):
            _measured(page, draft, serving, "cold" if number == 0 else "warm")
        found = page.locator("main").inner_text()
        browser.close()
    _compare(draft, found)


def _one(query: str, *arguments: object) -> Any:
    import psycopg

    from songhe.config import database

    with psycopg.connect(database.server().conninfo()) as connection:
        row = connection.execute(query.encode(), arguments).fetchone()
    return row[0] if row else None


def _drafted(page: "Page") -> UUID:
    """Draft a version with raised amounts through the editor, of the policy in force that has most of them."""
    officer = _one("SELECT id FROM accounts_user WHERE username = 'policy'")
    page.goto("/accounts/login/")
    way_in = page.locator(f'form[action$="/accounts/demo/{officer}/"], button[formaction$="/accounts/demo/{officer}/"]')
    with page.expect_navigation():
        way_in.first.evaluate("it => (it.form || it).requestSubmit(it.form ? it : undefined)")
    law = _one(
        "SELECT row_to_json(v) FROM policy_policyversion v JOIN policy_policy p ON p.id = v.policy_id "
        "WHERE p.subject = 'elder' AND p.form IN ('credit', 'voucher', 'cash') AND v.state = 'in_force' "
        "ORDER BY p.area_id DESC, jsonb_array_length(v.parameters) DESC LIMIT 1"
    )
    of_an_earlier_run = _one(
        "SELECT id FROM policy_policyversion WHERE policy_id = %s AND state = 'draft' LIMIT 1", law["policy_id"]
    )
    if of_an_earlier_run:
        page.goto(f"/console/policy/policy-version/{of_an_earlier_run}/editor/")
    else:
        page.goto(f"/console/policy/policy-version/{law['id']}/draft/")
        page.get_by_label("修改说明").fill("各档标准提高两成")
        page.get_by_role("button", name="开始起草").click()
    page.wait_for_selector("html[data-editor=ready]")
    amounts = {row["name"]: int(row["value"]) for row in law["parameters"] if row["unit"] == "分"}
    for row in page.locator("#figures tbody tr").all():
        cells = row.locator("input")
        if (was := amounts.get(cells.nth(0).input_value())) is not None:
            cells.nth(1).fill(str(was * RAISED_PERCENT // 100))
    page.get_by_role("button", name="保存草案").click()
    page.get_by_text("草案已保存").first.wait_for()
    return UUID(page.url.rstrip("/").split("/")[-2])


def _rest() -> None:
    """Wait until the worker has nothing else to do: a new roll's journal is sealed first, a million lines at once."""
    while _one(
        "SELECT EXISTS (SELECT 1 FROM procrastinate_jobs "
        "WHERE status = 'doing' OR status = 'todo' AND COALESCE(scheduled_at, now()) <= now())"
    ):
        time.sleep(1)


def _measured(page: "Page", draft: UUID, serving: "psutil.Process", name: str) -> None:
    """Ask for the simulation on its page, watch it, and print how long its figures took and what was seen meanwhile."""
    page.goto(f"/console/policy/simulation/new/?policy_version={draft}")
    seen: list[tuple[float, str]] = []
    wall, cpu = time.perf_counter(), _processor(serving)
    page.get_by_role("button", name="开始测算").click()
    _watch(page, lambda text: seen.append((time.perf_counter() - wall, text)))
    wall, cpu = time.perf_counter() - wall, _processor(serving) - cpu
    people = int(re.search(r"在册 ([\d,]+) 人", page.locator("main").inner_text())[1].replace(",", ""))
    limit = LIMIT_SECONDS_A_MILLION * people / 1_000_000
    print(
        f"{name}: {people:,} people, from the click to the figures {wall:.1f} s "
        f"(processor {cpu:.1f} s), limit {limit:.1f} s, ratio {wall / limit:.2f}"
    )
    print("  seen on the page: " + "; ".join(f"{text} at {at:.1f} s" for at, text in seen))


def _watch(page: "Page", note: Callable[[str], None]) -> None:
    from playwright.sync_api import Error

    last = ""
    while not page.get_by_text("分年度").is_visible():
        try:
            text = "".join(page.locator("p[role=status]").all_text_contents())
        except Error:
            # The words are gone with the page as soon as the figures are there.
            continue
        if text and text != last:
            note(text)
            last = text
        if page.locator("main .alert-danger[role=alert]").count():
            sys.exit(page.locator("main .alert-danger[role=alert]").first.inner_text())
        time.sleep(0.05)


def _processor(serving: "psutil.Process") -> float:
    """Return the processor seconds so far of servers, worker and database."""
    import psutil

    from songhe.config.paths import PGDATA

    postmaster = psutil.Process(int((PGDATA / "postmaster.pid").read_text().split()[0]))
    total = 0.0
    for top in (serving, postmaster):
        for process in (top, *top.children(recursive=True)):
            spent = process.cpu_times()
            total += spent.user + spent.system + spent.children_user + spent.children_system
    return total


def _compare(draft: UUID, page: str) -> None:
    """Hold the cost on the page and the kept rows against single decisions, to the fen."""
    from songhe.core.scope.services import Scope, use
    from songhe.registers.elders.models import Elder
    from songhe.rights.policy.models import PolicyVersion, Simulation

    with use(Scope.system()):
        version = PolicyVersion.objects.get(pk=draft)
        simulation = Simulation.objects.filter(policy_version=version).latest("created_at")
        total = simulation.results["total"]
        shown = re.search(r"每月 ([\d,.]+) 元 → ([\d,.]+) 元", page)
        assert shown is not None, "no cost on the page"
        was, now = (int(re.sub(r"[,.]", "", text)) for text in shown.groups())
        kept = {change.elder_id: (change.was_fen, change.now_fen) for change in simulation.changes.all()}
        gained = sum(after - before for before, after in kept.values())
        print(
            f"  a month: {shown[1]} -> {shown[2]} yuan on the page; {len(kept):,} kept rows add {gained} fen, "
            f"equal: {(was, now, now - was) == (total['was_fen'], total['now_fen'], gained)}"
        )
        dice = random.Random(SAMPLE)
        for name, ids in (
            ("of the roll", dice.sample(list(Elder.objects.values_list("pk", flat=True)), SAMPLE)),
            ("of those who change", dice.sample(sorted(kept), min(SAMPLE, len(kept)))),
        ):
            _compare_sample(name, ids, simulation, kept)


def _compare_sample(name: str, ids: list[UUID], simulation: Any, kept: dict[UUID, tuple[int, int]]) -> None:
    from songhe.registers.elders.models import Elder
    from songhe.registers.elders.selectors import facts_for_policy
    from songhe.rights.policy.selectors import rulebook_on

    law = rulebook_on(simulation.on)
    draft = rulebook_on(simulation.on, instead=simulation.policy_version)
    policy = simulation.policy_version.policy_id
    single, rows, different = 0, 0, 0
    for elder in Elder.objects.filter(pk__in=ids).prefetch_related("difficulties"):
        facts = facts_for_policy(elder, simulation.on)
        was, now = (book.judge(facts, policy)[policy].monthly_fen for book in (law, draft))
        before, after = kept.get(elder.pk, (was, was))
        single, rows, different = single + now, rows + after, different + ((was, now) != (before, after))
    print(
        f"  {len(ids)} {name}: single decisions {single} fen, simulation {rows} fen, persons that differ: {different}"
    )


if __name__ == "__main__":
    given = sys.argv[1:]
    main(
        given[0] if given else "wuhan",
        int(given[1]) if len(given) > 1 else 1_000_000,
        int(given[2]) if len(given) > 2 else 2,
    )
