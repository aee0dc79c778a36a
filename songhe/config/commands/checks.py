"""Every check of the project, in the order of what fails fastest: what ``make test`` does."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from songhe.config import database
from songhe.config.commands import holding
from songhe.config.commands.progress import say
from songhe.config.paths import ROOT

BIN = Path(sys.executable).parent
WORKERS = "2"


@dataclass(frozen=True)
class Check:
    """One step: what it is called, the command, additions to the environment, what to do if it fails."""

    label: str
    command: list[str]
    remedy: str = ""
    environment: dict[str, str] = field(default_factory=dict)


CHECKS = (
    Check("格式", [str(BIN / "ruff"), "format", "--check", "--quiet", "."], "运行 .venv/bin/ruff format ."),
    Check("规则", [str(BIN / "ruff"), "check", "--quiet", "."], "运行 .venv/bin/ruff check --fix . 或按提示修改"),
    Check("页面模板", [str(BIN / "djlint"), "songhe", "--lint", "--quiet"]),
    Check("分层", [str(BIN / "lint-imports")], "楼层与房间的次序见 docs/architecture.md"),
    Check("类型", [str(BIN / "mypy"), "songhe"]),
    Check(
        "迁移",
        [sys.executable, "-W", "ignore", "manage.py", "makemigrations", "--check", "--dry-run"],
        "运行 .venv/bin/python manage.py makemigrations",
        {"SONGHE_AS": "owner", "SONGHE_DB": "postgres"},
    ),
    Check("政策包", [sys.executable, "-W", "ignore", "-m", "songhe", "pack", "check"]),
)


def run(arguments: list[str]) -> int:
    """Run the checks, stop at the first that fails, and return its code; pytest's closing line comes last.

    Further arguments narrow pytest down.
    """
    _frontend()
    try:
        holding.hold()
        database.prepare_server()
        for check in CHECKS:
            if code := _run(check):
                return code
        say(f"测试：pytest，{WORKERS} 路并行 …")
        parallel = ["-n", WORKERS, "--dist", "loadfile", "--no-loadscope-reorder"]
        pytest = [sys.executable, "-m", "pytest", "-q", *parallel, *arguments]
        return subprocess.run(pytest, cwd=ROOT, env=_environment({}), check=False).returncode
    finally:
        holding.release()


def _frontend() -> None:
    from songhe.config.frontend import install, is_installed

    if not is_installed(for_tests=True):
        say("前端文件与测试用浏览器：下载 …")
        install(for_tests=True)


def _run(check: Check) -> int:
    began = time.monotonic()
    done = subprocess.run(
        check.command,
        cwd=ROOT,
        env=_environment(check.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - began
    if done.returncode:
        sys.stdout.write(done.stdout)
        say(f"{check.label}：没有通过（{seconds:.1f} 秒）。{check.remedy}")
    else:
        say(f"{check.label}：通过（{seconds:.1f} 秒）")
    return done.returncode


def _environment(more: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "SONGHE_DEMO": "1", **more}
