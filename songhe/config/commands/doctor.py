"""Looking at the machine and the installation, and saying in words what is missing or wrong."""

import shutil
import stat
import sys
from collections.abc import Callable

import psycopg

from songhe.config import database
from songhe.config.paths import KEYRING, VAR, VENDOR

Finding = str | None


def run() -> int:
    """Print each check with its finding; return 1 if anything is wrong."""
    wrong = 0
    for label, check in CHECKS.items():
        try:
            finding = check()
        except psycopg.Error as error:
            finding = f"数据库不能访问：{error}".strip()
        wrong += finding is not None
        print(f"{'✗' if finding else '✓'} {label}{'：' + finding if finding else ''}")
    print("一切正常。" if not wrong else f"有 {wrong} 处需要处理。")
    return 1 if wrong else 0


def _python() -> Finding:
    if (3, 11) <= sys.version_info < (3, 14):
        return None
    return f"需要 Python 3.11 至 3.13，现在是 {sys.version.split()[0]}。"


def _disk() -> Finding:
    free = shutil.disk_usage(VAR if VAR.exists() else VAR.parent).free
    return None if free > 2 * 1024**3 else f"磁盘只剩 {free / 1024**3:.1f} GB，请至少留出 2 GB。"


def _frontend() -> Finding:
    return None if (VENDOR / "tabler").exists() else "没有前端文件，请运行 make run。"


def _keyring() -> Finding:
    if not KEYRING.exists():
        return None
    mode = stat.S_IMODE(KEYRING.stat().st_mode)
    return None if not mode & 0o077 else f"密钥环 {KEYRING.name} 的权限是 {mode:o}，其他人能读，请改为 600。"


def _server() -> Finding:
    if database.is_embedded():
        database.start_embedded()
    with psycopg.connect(database.server().conninfo(dbname="postgres"), autocommit=True) as connection:
        version = connection.info.server_version
    return None if version >= 160000 else f"需要 PostgreSQL 16 或更新，现在是 {version // 10000}。"


def _schema() -> Finding:
    name = database.server().name
    if not database.database_exists(name):
        return f"还没有数据库“{name}”，请运行 make run。"
    with psycopg.connect(database.server().conninfo(dbname=name), autocommit=True) as connection:
        have = {row[0] for row in connection.execute("SELECT extname FROM pg_extension").fetchall()}
        missing = [each for each in database.EXTENSIONS if each not in have]
        if missing:
            return f"缺少扩展 {'、'.join(missing)}。"
        open_tables = connection.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = 'public' AND c.relkind = 'r' AND c.relrowsecurity AND NOT c.relforcerowsecurity"
        ).fetchall()
    return None if not open_tables else f"这些表没有强制行级权限：{'、'.join(row[0] for row in open_tables)}。"


def _leakproof() -> Finding:
    with psycopg.connect(database.server().conninfo(dbname="postgres"), autocommit=True) as connection:
        slow = connection.execute(
            "SELECT proname FROM pg_proc WHERE proname = ANY(%s) AND NOT proleakproof",
            ([signature.split("(")[0] for signature in database.LEAKPROOF],),
        ).fetchall()
    return None if not slow else "数据库没有超级用户权限，姓名搜索会变慢，结果不变。"


CHECKS: dict[str, Callable[[], Finding]] = {
    "Python": _python,
    "磁盘": _disk,
    "前端文件": _frontend,
    "密钥环": _keyring,
    "数据库服务": _server,
    "数据库结构": _schema,
    "搜索索引": _leakproof,
}
