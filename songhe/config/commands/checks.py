"""Every check of the project, in the order of what fails fastest: what ``make test`` does."""

import os
import subprocess
import sys
import time
from pathlib import Path

from songhe.config import database
from songhe.config.paths import ROOT

BIN = Path(sys.executable).parent


def run(pytest: list[str]) -> int:
    """Run the checks, stop at the first that fails, and return its code; pytest's closing line comes last."""
    from songhe.config.frontend import install

    began = time.monotonic()
    install(for_tests=True)
    ours = database.is_embedded() and not (database.PGDATA / "postmaster.pid").exists()
    if database.is_embedded():
        database.start_embedded()
    database.prepare_server()
    steps: list[tuple[str, list[str]]] = [
        ("格式", [str(BIN / "ruff"), "format", "--check", "."]),
        ("规则", [str(BIN / "ruff"), "check", "."]),
        ("分层", [str(BIN / "lint-imports")]),
        ("类型", [str(BIN / "mypy"), "songhe/engines", "songhe/packs"]),
        ("迁移", [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"]),
        ("政策包", [sys.executable, "-m", "songhe", "pack", "check"]),
        ("测试", [sys.executable, "-m", "pytest", "-q", *(pytest or [])]),
    ]
    try:
        for label, command in steps:
            start = time.monotonic()
            print(f"== {label}", flush=True)
            code = subprocess.run(command, cwd=ROOT, env=_environment(label), check=False).returncode
            if code:
                print(f"== {label}没有通过（{time.monotonic() - start:.0f} 秒）", flush=True)
                return code
            if label != "测试":
                print(
                    f"== {label}通过（{time.monotonic() - start:.0f} 秒，累计 {time.monotonic() - began:.0f} 秒）",
                    flush=True,
                )
        return 0
    finally:
        if ours:
            database.stop_embedded()


def _environment(label: str) -> dict[str, str]:
    environment = {**os.environ, "SONGHE_DEMO": "1", "PYTHONWARNINGS": ""}
    if label == "迁移":
        environment["SONGHE_AS"] = "owner"
        environment["SONGHE_DB"] = "postgres"
    return environment
