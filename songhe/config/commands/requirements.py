"""The rows of docs/requirements.md with what the last test runs said of each."""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from songhe.config.paths import ROOT, VAR

RESULTS = VAR / "requirements.json"
DOCUMENT = ROOT / "docs" / "requirements.md"
PASSED, FAILED, SKIPPED, NONE = "通过", "失败", "跳过", "没有测试"
_ROW = re.compile(r"^\| ([A-Z]{2}-\d{2}) \| (.+?) \|")
_PLACE = re.compile(r"^## (.+)")
_MARK = {PASSED: "✓", FAILED: "✗", SKIPPED: "-", NONE: "·"}


@dataclass(frozen=True)
class Row:
    """One thing that a place did, planned or promised."""

    id: str
    what: str
    place: str


def rows() -> Iterator[Row]:
    """Yield the rows of the document in its order."""
    place = ""
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        if heading := _PLACE.match(line):
            place = heading[1]
        elif found := _ROW.match(line):
            yield Row(found[1], found[2], place)


def results() -> dict[str, dict[str, str]]:
    """Return, for each row's id, its tests and how each ended when it last ran."""
    if not RESULTS.exists():
        return {}
    found: dict[str, dict[str, str]] = {}
    for test, noted in json.loads(RESULTS.read_text(encoding="utf-8")).items():
        if (ROOT / test.split("::")[0]).exists():
            for row in noted["rows"]:
                found.setdefault(row, {})[test] = noted["outcome"]
    return found


def state(tests: dict[str, str]) -> str:
    """Return a row's state from its tests' outcomes; one failure fails the row."""
    outcomes = set(tests.values())
    if not outcomes:
        return NONE
    if "failed" in outcomes:
        return FAILED
    return PASSED if "passed" in outcomes else SKIPPED


def report(*, details: bool = False) -> Iterator[str]:
    """Yield a line for each row with its state, by place, and a line of totals."""
    tests, place, counts = results(), "", Counter[str]()
    for row in rows():
        if row.place != place:
            place = row.place
            yield f"\n{place}"
        found = state(tests.get(row.id, {}))
        counts[found] += 1
        yield f"  {_MARK[found]} {row.id}  {found}  {row.what}"
        if details:
            yield from (f"        {test}（{outcome}）" for test, outcome in sorted(tests.get(row.id, {}).items()))
    totals = "，".join(f"{each} {counts[each]}" for each in _MARK if counts[each])
    yield f"\n共 {counts.total()} 条：{totals}"


def run_marked() -> int:
    """Run the tests that name a row; return pytest's code."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "requirement"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode
