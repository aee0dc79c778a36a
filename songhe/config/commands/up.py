"""Setting up what is missing, then serving: what ``make run`` does."""

import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from songhe.config.commands import children, holding, tasks
from songhe.config.commands.children import Child
from songhe.config.commands.progress import elapsed, say
from songhe.config.commands.setting_up import as_system, set_up
from songhe.config.paths import VAR

FIRST_PORT, LAST_PORT = 8000, 8099


class CannotStart(Exception):
    """Set-up or start failed; the message says why and what to do."""


def run(*, elders: int | None) -> int:
    """Set up and serve until Ctrl-C; return the exit code. Everything started here is ended here."""
    VAR.mkdir(parents=True, exist_ok=True)
    children.interrupt_on_signals()
    serving: list[Child] = []
    try:
        port = free_port()
        with _frontend():
            set_up(demo=_is_demo(), elders=elders)
        serving = _start(port)
        _welcome(port)
        children.watch(serving)
    except KeyboardInterrupt:
        return 0
    except (CannotStart, tasks.Failed, holding.DatabaseNotReady, psycopg.Error) as error:
        say(f"没有成功：{error}")
        return 1
    finally:
        children.ignore_signals()
        if serving:
            say("正在停止 …")
        children.end(serving)
        if holding.release():
            say("内置数据库已停止")
        say("已停止")
    return 0


def free_port() -> int:
    """Return SONGHE_PORT, or the first free port from 8000 on.

    Raises:
        CannotStart: the port asked for, or every port up to 8099, is taken.
    """
    wanted = os.environ.get("SONGHE_PORT")
    candidates = [int(wanted)] if wanted else range(FIRST_PORT, LAST_PORT + 1)
    for candidate in candidates:
        if _is_free(candidate):
            return candidate
    taken = f"端口 {wanted} " if wanted else f"{FIRST_PORT} 到 {LAST_PORT} 端口都"
    raise CannotStart(f"{taken}被占用，请用 SONGHE_PORT=端口 指定一个空闲的。")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_host(), port))
        except OSError:
            return False
    return True


def _host() -> str:
    return os.environ.get("SONGHE_BIND", "127.0.0.1")


def _is_demo() -> bool:
    return os.environ.get("SONGHE_DEMO") == "1"


# --- set-up ----------------------------------------------------------------------------------------------------


@contextmanager
def _frontend() -> Iterator[None]:
    """Fetch the front-end files, where they are missing, while the block runs; both are done after it."""
    from songhe.config.frontend import is_installed

    if is_installed():
        yield
        return
    say("前端文件：同时下载 …")
    fetching = tasks.start("-m", "songhe", "frontend")
    try:
        yield
        tasks.finish(fetching)
    finally:
        tasks.stop(fetching)
    say("前端文件：完成")


# --- serving ---------------------------------------------------------------------------------------------------


def server_command(port: int) -> list[str]:
    """Return the command line of the server that answers on a port."""
    serve = [sys.executable, "-W", "ignore", "-m", "granian", "--interface", "wsgi"]
    serve += ["--host", _host(), "--port", str(port)]
    serve += ["--workers", os.environ.get("SONGHE_WORKERS", "2"), "--respawn-failed-workers"]
    serve += ["--blocking-threads", os.environ.get("SONGHE_THREADS", "8"), "--blocking-threads-idle-timeout", "600"]
    serve += ["--no-access-log", "--log-level", "warning", "songhe.config.wsgi:application"]
    return serve


def _start(port: int) -> list[Child]:
    environment = {key: value for key, value in os.environ.items() if key != "SONGHE_AS"}
    work = [sys.executable, "-W", "ignore", "manage.py", "procrastinate", "worker", "--shutdown-graceful-timeout", "10"]
    started = [
        Child("server", "网页服务", server_command(port), environment),
        Child("worker", "后台任务", work, environment),
    ]
    try:
        started[0].start()
        _wait_for(port, started[0])
        # Only now: on two cores the page that people wait for comes first.
        started[1].start()
    except BaseException:
        children.end(started)
        raise
    return started


def _wait_for(port: int, server: Child) -> None:
    """Wait until the sign-in page can be read, which needs server, database and templates alike."""
    request = urllib.request.Request(_address(port) + "accounts/login/", headers={"Host": "localhost"})  # noqa: S310
    deadline = elapsed() + 60
    while True:
        if server.died():
            raise CannotStart(f"网页服务没有启动。它最后的话：\n{server.last_words()}")
        try:
            with urllib.request.urlopen(request, timeout=30):  # noqa: S310
                return
        except urllib.error.HTTPError as error:
            raise CannotStart(f"登录页出错（{error.code}）。服务最后的话：\n{server.last_words()}") from error
        except OSError as error:
            if elapsed() > deadline:
                raise CannotStart(f"网页服务 60 秒内没有响应，请看 {server.log}。") from error
            time.sleep(0.1)


def _address(port: int) -> str:
    host = _host()
    return f"http://{'localhost' if host in ('127.0.0.1', '0.0.0.0') else host}:{port}/"  # noqa: S104


def _welcome(port: int) -> None:
    say()
    say(f"松鹤已就绪：{_address(port)}")
    if _is_demo():
        say("演示账号在登录页上一键进入：")
        for label, names in _demo_people():
            say(f"  {label}：{names}")
    say(f"日志在 {children.LOGS}；按 Ctrl-C 停止")


def _demo_people() -> list[tuple[str, str]]:
    from songhe.core.accounts.roles import Role

    by_role: dict[str, list[str]] = {}
    query = "SELECT role, display_name FROM accounts_user WHERE is_demo AND is_active ORDER BY username"
    for role, name in as_system(query):
        by_role.setdefault(str(role), []).append(str(name))
    return [(str(role.label), "、".join(by_role[role])) for role in Role if role in by_role]
