"""For pytest: notes how each test marked ``@pytest.mark.requirement("AQ-10")`` ended, for ``songhe requirements``."""

import json
from typing import Any

import pytest

from songhe.config.commands.requirements import RESULTS, rows

_outcomes: dict[str, dict[str, Any]] = {}
_PROPERTY = "requirement"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Carry the rows with each test's report, across processes too; a row that does not exist stops the run."""
    known: set[str] = set()
    for item in items:
        for marker in item.iter_markers("requirement"):
            known = known or {row.id for row in rows()}
            if unknown := [row for row in marker.args if row not in known]:
                raise pytest.UsageError(f"{item.nodeid}: docs/requirements.md 里没有 {'、'.join(unknown)}")
            item.user_properties.extend((_PROPERTY, row) for row in marker.args)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note the test's outcome: any phase that fails fails it."""
    named = [str(value) for name, value in report.user_properties if name == _PROPERTY]
    if not named:
        return
    if report.when == "call" or report.outcome != "passed":
        before = _outcomes.get(report.nodeid)
        if before is None or before["outcome"] == "passed":
            _outcomes[report.nodeid] = {"rows": named, "outcome": report.outcome}


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Add this run's outcomes to those of earlier runs; only the first process writes."""
    if hasattr(session.config, "workerinput") or not _outcomes:
        return
    files = {test.split("::")[0] for test in _outcomes}
    narrowed = bool(session.config.option.keyword or any("::" in each for each in session.config.args))
    before = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    # A test that was renamed is forgotten when its whole file has run.
    kept = {test: noted for test, noted in before.items() if narrowed or test.split("::")[0] not in files}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**kept, **_outcomes}, ensure_ascii=False, indent=1, sort_keys=True)
    RESULTS.write_text(text, encoding="utf-8")
