"""Backup and restore: the database by PostgreSQL's own tools, the uploaded files beside it.

The keyring is not in the backup: whoever holds both can read everything. Keep it apart, and keep it.
"""

import shutil
import subprocess
from pathlib import Path

from songhe.config import database
from songhe.config.paths import FILES


def _tool(name: str) -> str:
    import pgserver

    bundled = Path(pgserver.__file__).parent / "pginstall" / "bin" / name
    return str(bundled) if bundled.exists() else name


def backup(path: Path) -> None:
    """Write ``database.dump`` and ``files/`` into a new folder."""
    if database.is_embedded():
        database.start_embedded()
    path.mkdir(parents=True, exist_ok=False)
    target = path / "database.dump"
    subprocess.run([_tool("pg_dump"), "--format=custom", f"--file={target}", database.server().conninfo()], check=True)
    if FILES.exists():
        shutil.copytree(FILES, path / "files")
    print(f"已备份到 {path}。密钥环不在备份里，请另行保管。")


def restore(path: Path) -> None:
    """Read a backup into this installation's database, which must not exist yet."""
    if database.is_embedded():
        database.start_embedded()
    database.prepare_server()
    name = database.server().name
    if database.database_exists(name):
        raise SystemExit(f"数据库“{name}”已存在。恢复只写入新的数据库，请先改名或删除它。")
    database.create_database(name)
    subprocess.run(
        [
            _tool("pg_restore"),
            "--exit-on-error",
            f"--dbname={database.server().conninfo()}",
            str(path / "database.dump"),
        ],
        check=True,
    )
    if (path / "files").exists():
        shutil.copytree(path / "files", FILES, dirs_exist_ok=True)
    print("已恢复。请运行 songhe ledger verify 和 songhe journal verify 核对。")
