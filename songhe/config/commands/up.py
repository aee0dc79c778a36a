"""Setting up what is missing, then serving: what ``make run`` does."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from songhe.config import database
from songhe.config.paths import ROOT, VAR

PACK = os.environ.get("SONGHE_PACK", "anqing")
WORKERS = "2"
THREADS = "8"


def run(*, elders: int | None) -> int:
    """Set up and serve; return the exit code. Everything started here is stopped here."""
    began = time.monotonic()
    VAR.mkdir(parents=True, exist_ok=True)
    with _step("前端文件"):
        from songhe.config.frontend import install

        install()
    # A database that was running before us (for other work) is left running after us.
    ours = database.is_embedded() and not _is_running()
    try:
        with _step("数据库"):
            if database.is_embedded():
                database.start_embedded()
            for warning in database.prepare_server():
                print(f"  {warning}")
            if not database.database_exists(database.server().name):
                for warning in database.create_database(database.server().name):
                    print(f"  {warning}")
        _migrate_and_load()
        _demo(elders)
        return _serve(began)
    except KeyboardInterrupt:
        return 0
    finally:
        if ours:
            database.stop_embedded()
            print("数据库已停止。")


def _is_running() -> bool:
    pid = database.PGDATA / "postmaster.pid"
    if not pid.exists():
        return False
    try:
        os.kill(int(pid.read_text().splitlines()[0]), 0)
    except (ProcessLookupError, ValueError, IndexError):
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def _step(label: str) -> Iterator[None]:
    start = time.monotonic()
    print(f"{label} …", flush=True)
    yield
    print(f"{label}：完成（{time.monotonic() - start:.1f} 秒）", flush=True)


def _stamp(name: str, patterns: tuple[str, ...]) -> tuple[Path, str]:
    digest = hashlib.sha256(database.server().name.encode() + str(database.server().host).encode())
    for pattern in patterns:
        for path in sorted(ROOT.glob(pattern)):
            if path.is_file():
                digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return VAR / f"{name}.stamp", digest.hexdigest()


def _owner(*arguments: str) -> None:
    """Run one of our commands in a process that signs in as the owner of the tables."""
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, env={**os.environ, "SONGHE_AS": "owner"}, check=False)
    if done.returncode:
        raise SystemExit(f"命令失败：{' '.join(arguments)}")


def _migrate_and_load() -> None:
    schema = ("songhe/**/migrations/*.py", "songhe/**/models*.py", "songhe/core/scope/*.py")
    stamp, digest = _stamp("migrated", schema)
    if not stamp.exists() or stamp.read_text() != digest:
        with _step("建表（首次约一两分钟）"):
            _owner("manage.py", "migrate", "--verbosity", "0")
        stamp.write_text(digest)
    stamp, digest = _stamp("pack", ("songhe/packs/**/*", "songhe/**/packs.py"))
    if not stamp.exists() or stamp.read_text() != digest:
        with _step(f"政策包 {PACK}"):
            _owner("-m", "songhe", "pack", "load", PACK)
        stamp.write_text(digest)


def _demo(elders: int | None) -> None:
    if os.environ.get("SONGHE_DEMO") != "1":
        return
    stamp = VAR / "demo.stamp"
    if stamp.exists():
        return
    with _step("演示数据"):
        _owner("-m", "songhe", "demo", "--elders", str(elders or 30_000))
    stamp.touch()


def free_port() -> int:
    """Return SONGHE_PORT, or the first free port from 8000 on."""
    if port := os.environ.get("SONGHE_PORT"):
        return int(port)
    for candidate in range(8000, 8100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", candidate)):
                return candidate
    raise SystemExit("8000 到 8099 端口都被占用，请用 SONGHE_PORT 指定一个。")


def _serve(began: float) -> int:
    port = free_port()
    host = os.environ.get("SONGHE_BIND", "127.0.0.1")
    environment = {key: value for key, value in os.environ.items() if key != "SONGHE_AS"}
    server = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port)]
    server += ["--workers", WORKERS, "--blocking-threads", THREADS, "--no-access-log", "--log-level", "warning"]
    started = [
        subprocess.Popen([*server, "songhe.config.wsgi:application"], cwd=ROOT, env=environment),
        subprocess.Popen([sys.executable, "manage.py", "procrastinate", "worker"], cwd=ROOT, env=environment),
    ]
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    try:
        _wait_for(host, port, started[0])
        _welcome(host, port, time.monotonic() - began)
        return started[0].wait()
    except KeyboardInterrupt:
        print("\n正在停止 …")
        return 0
    finally:
        for process in started:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for process in started:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(host: str, port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if server.poll() is not None:
            raise SystemExit("服务没有启动成功，请运行 songhe doctor 查看原因。")
        with socket.socket() as probe:
            if probe.connect_ex((host, port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("服务 30 秒内没有响应，请运行 songhe doctor 查看原因。")


def _welcome(host: str, port: int, seconds: float) -> None:
    print(f"\n松鹤已就绪（{seconds:.1f} 秒）：http://{'localhost' if host == '127.0.0.1' else host}:{port}/")
    if os.environ.get("SONGHE_DEMO") == "1":
        print("演示账号在登录页上一键进入：社区网格员、12349 坐席、护理员、评估员、服务商、财务、局领导 …")
    print("按 Ctrl-C 停止。", flush=True)
