"""The database crashes under load, the server is killed while money moves: nothing is lost, nothing doubled."""

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from stdnum.cn import ric

from tests.faults.town import Town, Visitor, hidden

pytestmark = pytest.mark.slow

CLERKS = 2
STATE_AND_POSTINGS = """
    SELECT (SELECT state FROM settlement_statement WHERE id = %s) || (SELECT count(*) FROM ledger_posting)
"""
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'ledger_posting'::regclass"
SAID = ("系统出错", "请稍候再试")


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    # Not below pytest's own folder, which every other run of pytest closes to the database's user.
    with tempfile.TemporaryDirectory(prefix="songhe-town-") as folder:
        found = Town(Path(folder))
        try:
            found.start(elders=400)
            yield found
        finally:
            found.stop()


def number_of(order: int) -> str:
    body = f"3408021950010{1 + order // 1000:01d}{order % 1000:03d}"
    return body + ric.calc_check_digit(body + "0")


class Clerk(threading.Thread):
    """Enters one elder after another; presses the button again until the page says that it is done."""

    def __init__(self, town: Town, first: int, stop: threading.Event) -> None:
        super().__init__()
        self.visitor = Visitor(town, "community")
        self.area = str(town.one("SELECT area_id FROM accounts_user WHERE username = 'community'"))
        self.stop, self.order = stop, first
        self.entered: list[str] = []
        self.troubles: list[tuple[int, str]] = []

    def run(self) -> None:
        while not self.stop.is_set():
            self.enter(f"事故{self.order:04d}")
            self.order += 1

    def enter(self, name: str) -> None:
        path = "/console/elders/elder/new/"
        form = self.until(lambda: self.visitor.get(path), 200)
        data = {
            **hidden(form.text), "name": name, "id_kind": "resident", "id_number": number_of(self.order),
            "area": self.area, "registered_area": self.area, "living_situation": "alone",
        }  # fmt: skip
        self.until(lambda: self.visitor.post(path, data), 302, 303)
        self.entered.append(name)

    def until(self, ask, *wanted: int) -> requests.Response:
        deadline = time.monotonic() + 90
        while True:
            try:
                answer = ask()
            except requests.ConnectionError:
                self.troubles.append((0, ""))
            else:
                if answer.status_code in wanted:
                    return answer
                self.troubles.append((answer.status_code, answer.text))
            assert time.monotonic() < deadline, self.troubles[-1]
            time.sleep(0.2)


def test_the_database_crashes_under_load(town):
    stop = threading.Event()
    clerks = [Clerk(town, 1 + 300 * each, stop) for each in range(CLERKS)]
    for clerk in clerks:
        clerk.start()
    deadline = time.monotonic() + 60
    while any(len(clerk.entered) < 2 for clerk in clerks) and time.monotonic() < deadline:
        time.sleep(0.1)
    before = sum(len(clerk.entered) for clerk in clerks)
    town.crash_database()
    deadline = time.monotonic() + 60
    goal = [len(clerk.entered) + 2 for clerk in clerks]
    while any(len(c.entered) < wanted for c, wanted in zip(clerks, goal, strict=True)) and time.monotonic() < deadline:
        time.sleep(0.1)
    stop.set()
    for clerk in clerks:
        clerk.join(100)
    entered = sorted(name for clerk in clerks for name in clerk.entered)
    assert len(entered) > before
    with town.connect() as connection:
        rows = connection.execute("SELECT name FROM elders_elder WHERE name LIKE '事故%%' ORDER BY name").fetchall()
    assert [name for (name,) in rows] == entered
    troubles = [trouble for clerk in clerks for trouble in clerk.troubles]
    # The control: without trouble met, this test would have shown nothing.
    assert troubles
    for code, text in troubles:
        assert code in (0, 500, 503), (code, text[:2000])
        assert not text or any(said in text for said in SAID), text[:2000]


def test_the_server_is_killed_while_a_statement_is_approved(town):
    statement = town.one("SELECT id FROM settlement_statement WHERE state = 'confirmed' ORDER BY id LIMIT 1")
    path = f"/console/settlement/statement/{statement}/step/"
    checker, approver = Visitor(town, "checker"), Visitor(town, "approver")
    assert checker.post(path + "review/", hidden(checker.get(path + "review/").text)).status_code == 303
    before = town.one(STATE_AND_POSTINGS, statement)
    form = hidden(approver.get(path + "approve/").text)
    answers: list[object] = []

    def approve() -> None:
        try:
            answers.append(approver.post(path + "approve/", form).status_code)
        except requests.ConnectionError as error:
            answers.append(error)

    with town.connect() as connection, connection.transaction():
        # Approval writes its entry, then waits here for its postings: half of it is done when the server dies.
        connection.execute("LOCK TABLE ledger_posting IN EXCLUSIVE MODE")
        pressing = threading.Thread(target=approve)
        pressing.start()
        deadline = time.monotonic() + 30
        while connection.execute(WAITING).fetchone() == (0,) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert connection.execute(WAITING).fetchone() == (1,)
        for process in [*town.children("granian"), *town.children("procrastinate")]:
            process.kill()
        pressing.join(60)
    assert len(answers) == 1 and isinstance(answers[0], requests.ConnectionError)
    again = when_back(town, "approver")
    assert town.one(STATE_AND_POSTINGS, statement) == before
    # The same press again, with the form as it stood open, counts; one more is told that the step is taken.
    form["csrfmiddlewaretoken"] = again.session.cookies["csrftoken"]
    assert [again.post(path + "approve/", form).status_code for _ in range(2)] == [303, 409]
    assert town.one("SELECT count(*) FROM ledger_entry WHERE kind = 'approve' AND source_id = %s", statement) == 1


def when_back(town: Town, username: str) -> Visitor:
    """Sign in as soon as the server is there again."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return Visitor(town, username)
        except (requests.ConnectionError, AssertionError):
            assert time.monotonic() < deadline
            time.sleep(0.3)


def test_the_books_and_the_journal_are_whole_afterwards(town, tmp_path: Path):
    for records in ("ledger", "journal"):
        print(town.command(records, "verify"))
    books = tmp_path / "books.beancount"
    town.command("ledger", "export", str(books))
    check = subprocess.run(
        [str(Path(sys.executable).parent / "bean-check"), str(books)], capture_output=True, text=True
    )
    assert check.returncode == 0, check.stdout + check.stderr
    assert books.read_text(encoding="utf-8").count("\n") > 1000


def test_ctrl_c_leaves_no_process(town):
    town.stop()
    assert not (town.var / "pg" / "postmaster.pid").exists()
