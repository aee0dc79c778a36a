"""Make ``.venv`` with exactly the locked packages, then hand over to ``songhe`` inside it.

Runs under whatever Python the machine has, before any package exists, so it uses the standard library alone:
``python -P songhe/config/environment.py <songhe's arguments>``.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
TOOLS = Path(os.environ.get("SONGHE_VAR", ROOT / "var")) / "tools"
STAMP = VENV / "songhe.lock"
# The embedded PostgreSQL is published for these.
SUPPORTED = ((3, 11), (3, 12), (3, 13))
WANTED = "3.13"

Command = list[str]


class CannotPrepare(Exception):
    """The environment cannot be made; the message says what to do."""


def say(text: str) -> None:
    """Print one line of progress with the seconds since the start."""
    seconds = time.time() - float(os.environ["SONGHE_STARTED"])
    sys.stdout.write(f"[{seconds:6.1f} 秒] {text}\n")
    sys.stdout.flush()


def fingerprint() -> str:
    """Digest what decides the environment: the lock and our own declaration of scripts."""
    digest = hashlib.sha256()
    for path in (LOCK, ROOT / "pyproject.toml"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def venv_python() -> Path:
    """Return the interpreter inside ``.venv``."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def is_ready() -> bool:
    """Tell whether ``.venv`` works and holds what the lock says."""
    if not (STAMP.exists() and STAMP.read_text() == fingerprint()):
        return False
    return subprocess.run([venv_python(), "-c", "import django"], capture_output=True, check=False).returncode == 0


def works(command: Command) -> bool:
    """Run a command quietly and tell whether it succeeded."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def pip_settings() -> dict[str, str]:
    """Return pip's own settings of mirror and certificate as uv's, so that a mirror configured once serves both."""
    answer = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    names = {"index-url": "UV_DEFAULT_INDEX", "cert": "SSL_CERT_FILE", "trusted-host": "UV_INSECURE_HOST"}
    settings: dict[str, str] = {}
    for line in answer.stdout.splitlines():
        key, _, value = line.partition("=")
        name = names.get(key.rpartition(".")[2])
        if name and name not in os.environ:
            settings[name] = value.strip("'\"")
    return settings


def find_uv() -> Command | None:
    """Return a command that runs uv, fetching it into var/ where the machine has none; None if that fails."""
    private = str(TOOLS / "bin" / ("uv.exe" if os.name == "nt" else "uv"))
    for candidate in ("uv", private):
        if works([candidate, "pip", "install", "--help"]):
            return [candidate]
    if works([sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--target", str(TOOLS), "uv"]):
        return [private]
    return None


def make_venv(uv: Command | None) -> None:
    """Create an empty ``.venv`` on a Python that every locked package supports."""
    suits = f"import sys; raise SystemExit(sys.version_info[:2] not in {SUPPORTED})"
    if works([str(venv_python()), "-c", suits]):
        return
    shutil.rmtree(VENV, ignore_errors=True)
    supported = sys.version_info[:2] in SUPPORTED
    if uv:
        say("建立 Python 环境")
        python = sys.executable if supported else WANTED
        if works([*uv, "venv", "--quiet", "--python", python, str(VENV)]):
            return
    if not supported:
        raise CannotPrepare(
            f"本机 Python 是 {sys.version_info[0]}.{sys.version_info[1]}，内置数据库只支持 3.11、3.12、3.13；"
            "请安装其中之一，或用 SONGHE_PYTHON=路径 指明。"
        )
    if not works([sys.executable, "-m", "venv", str(VENV)]):
        raise CannotPrepare(
            "无法建立 Python 环境：请安装系统的 venv 组件（例如 Debian、Ubuntu 的 python3-venv）后再试。"
        )


def install(uv: Command | None) -> None:
    """Install the lock with its hashes, and Songhe itself as a link to this folder."""
    count = sum("==" in line for line in LOCK.read_text().splitlines())
    python = str(venv_python())
    own = ["--no-deps", "--no-build-isolation", "--quiet", "--editable", str(ROOT)]
    if uv:
        say(f"安装 {count} 个锁定的软件包")
        target = ["--python", python]
        locked = [*uv, "pip", "install", *target, "--require-hashes", "--quiet", "-r", str(LOCK)]
        environment = {**os.environ, **pip_settings(), "UV_HTTP_TIMEOUT": "180"}
        if (
            subprocess.run(locked, env=environment, check=False).returncode == 0
            and subprocess.run([*uv, "pip", "install", *target, *own], env=environment, check=False).returncode == 0
        ):
            return
        say("uv 未能完成，改用 pip")
    else:
        say(f"用 pip 安装 {count} 个锁定的软件包，需要几分钟")
    works([python, "-m", "ensurepip"])  # uv leaves pip out
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check"]
    for command in ([*pip, "--quiet", "--require-hashes", "-r", str(LOCK)], [*pip, *own]):
        if subprocess.run(command, check=False).returncode != 0:
            raise CannotPrepare(
                "软件包安装失败：请检查到软件包源的网络（pip config list 可看所用的源），然后再运行一次。"
            )


def main() -> None:
    """Make what is missing and become ``songhe``."""
    os.environ.setdefault("SONGHE_STARTED", str(time.time()))
    os.chdir(ROOT)
    try:
        if not is_ready():
            uv = find_uv()
            make_venv(uv)
            install(uv)
            STAMP.write_text(fingerprint())
            say("Python 环境就绪")
    except CannotPrepare as refusal:
        sys.exit(str(refusal))
    except KeyboardInterrupt:
        sys.exit(130)
    command = [str(venv_python()), "-m", "songhe", *sys.argv[1:]]
    if os.name == "nt":
        sys.exit(subprocess.run(command, check=False).returncode)
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
