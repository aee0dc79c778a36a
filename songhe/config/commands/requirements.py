"""The rows of docs/requirements.md with what the last test run said of each."""

import json
import re
from collections.abc import Iterator

from songhe.config.paths import ROOT, VAR

RESULTS = VAR / "requirements.json"
_ROW = re.compile(r"^\| ([A-Z]{2}-\d{2}) \| (.+?) \|")
_WORDS = {"passed": "通过", "failed": "失败", "skipped": "跳过"}


def rows() -> Iterator[str]:
    """Yield a line for each row: id, state, what."""
    results: dict[str, str] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    counts: dict[str, int] = {}
    for line in (ROOT / "docs" / "requirements.md").read_text(encoding="utf-8").splitlines():
        if found := _ROW.match(line):
            state = _WORDS.get(results.get(found[1], ""), "没有测试")
            counts[state] = counts.get(state, 0) + 1
            yield f"{found[1]}  {state:<4}  {found[2]}"
    yield "，".join(f"{state} {count}" for state, count in counts.items())
