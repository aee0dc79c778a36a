"""A whole Songhe of its own, as ``make run`` brings it up, for tests that break it."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path

import psutil
import psycopg
import requests

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 420
_TOKEN = re.compile(r'name="(csrfmiddlewaretoken|form_token|version)" value="([^"]*)"')


@dataclass
class Town:
    """A running Songhe: its processes, its folder, its database."""

    var: Path
    process: subprocess.Popen[str] | None = None
    address: str = ""
    lines: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of its processes: nothing of the tests' own."""
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("SONGHE_", "DATABASE_", "DJANGO_"))
        }
        return kept | {"SONGHE_VAR": str(self.var), "SONGHE_DEMO": "1", "PYTHONUNBUFFERED": "1"}

    def start(self, *, elders: int) -> None:
        """Bring it up and wait until it serves."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "songhe", "up", "--elders", str(elders)],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        deadline = time.monotonic() + PATIENCE
        for line in self.process.stdout:
            self.lines.append(line)
            if found := re.search(r"松鹤已就绪：(\S+)", line):
                self.address = found[1].rstrip("/")
                return
            assert time.monotonic() < deadline, "".join(self.lines)
        raise AssertionError("没有启动：" + "".join(self.lines))

    def stop(self) -> None:
        """End it as Ctrl-C does; nothing of it may stay behind."""
        if self.process is None or self.process.poll() is not None:
            return
        family = psutil.Process(self.process.pid).children(recursive=True)
        assert family
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        _gone, left = psutil.wait_procs(family, timeout=5)
        assert [each for each in left if each.status() != psutil.STATUS_ZOMBIE] == []

    def children(self, word: str) -> list[psutil.Process]:
        """Return those of its processes that have a word in their command."""
        assert self.process is not None
        found = psutil.Process(self.process.pid).children(recursive=True)
        return [each for each in found if each.is_running() and any(word in part for part in each.cmdline())]

    def connect(self) -> psycopg.Connection:
        """Sign in to its database as the administrator."""
        return psycopg.connect(host=str(self.var / "pg"), user="postgres", dbname="songhe", autocommit=True)

    def one(self, query: str, *arguments: object) -> object:
        """Return one value from its database."""
        with self.connect() as connection:
            row = connection.execute(query.encode(), arguments).fetchone()
        assert row is not None
        return row[0]

    def crash_database(self) -> None:
        """Kill the database outright, as a power cut does, and start it again."""
        number = int((self.var / "pg" / "postmaster.pid").read_text().splitlines()[0])
        server = psutil.Process(number)
        family = server.children(recursive=True)
        for each in (server, *family):
            each.kill()
        psutil.wait_procs([server, *family], timeout=20)
        code = "from songhe.config.commands import holding; holding.hold()"
        subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, env=self.environment, check=True)

    def command(self, *arguments: str) -> str:
        """Run one of Songhe's commands against it; it must succeed. Return what it said."""
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "songhe", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"songhe {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        return done.stdout


class Visitor:
    """A person's browser without its window: cookies, forms with their hidden fields, answers as they come."""

    def __init__(self, town: Town, username: str) -> None:
        self.town = town
        self.session = requests.Session()
        pk = town.one("SELECT id FROM accounts_user WHERE username = %s", username)
        page = self.get("/accounts/login/").text
        answer = self.post(f"/accounts/demo/{pk}/", hidden(page))
        assert answer.status_code == 302, answer.text[:500]

    def get(self, path: str) -> requests.Response:
        """Open a page."""
        return self.session.get(self.town.address + path, timeout=60)

    def post(self, path: str, data: dict[str, str]) -> requests.Response:
        """Send a form; where it leads is not followed."""
        headers = {"Referer": self.town.address + path}
        return self.session.post(
            self.town.address + path, data=data, headers=headers, timeout=60, allow_redirects=False
        )


def hidden(page: str) -> dict[str, str]:
    """Return the hidden fields that a page's form carries."""
    return {name: unescape(value) for name, value in _TOKEN.findall(page)}
