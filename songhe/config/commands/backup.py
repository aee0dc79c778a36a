"""Backup and restore: the database by PostgreSQL's own tools, the uploaded files beside it.

The keyring is not in the backup: whoever holds both can read everything. Keep it apart, and keep it.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from psycopg.conninfo import conninfo_to_dict

from songhe.config import database
from songhe.config.commands import holding
from songhe.config.commands.progress import say, step
from songhe.config.paths import FILES, KEYRING, VAR

DUMP, UPLOADS, MANIFEST = "database.dump", "files.tar", "backup.json"


class Unusable(Exception):
    """The folder, the backup or the tools do not allow it; the message says why."""


def backup(folder: Path | None) -> int:
    """Write database, files and a manifest with their digests into a new folder; return the exit code."""
    folder = folder or VAR / "backups" / _now().strftime("%Y%m%d-%H%M%S")
    if folder.exists():
        say(f"{folder} 已存在，请换一个新文件夹。")
        return 1
    holding.hold()
    try:
        # Readable by nobody else: even without the keyring it holds names and addresses.
        folder.mkdir(parents=True, mode=0o700)
        with step("数据库"):
            _run("pg_dump", "--format=custom", f"--file={folder / DUMP}")
        with step("上传的文件"), tarfile.open(folder / UPLOADS, "w") as archive:
            if FILES.exists():
                archive.add(FILES, arcname="files")
        digests = {name: _digest(folder / name) for name in (DUMP, UPLOADS)}
        manifest = {"made_at": _now().isoformat(), "sha256": digests, "keys": _key_numbers()}
        (folder / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1))
    except Unusable as error:
        shutil.rmtree(folder, ignore_errors=True)
        say(str(error))
        return 1
    finally:
        holding.release()
    say(f"已备份到 {folder}")
    say(f"备份里没有密钥环（{KEYRING}）。请另行保管：没有它，证件号码、电话都无法再读出。")
    return 0


def restore(folder: Path) -> int:
    """Read a backup into this installation, whose database must not exist yet; return the exit code."""
    holding.hold()
    try:
        _check(folder)
        name = database.server().name
        if database.database_exists(name):
            raise Unusable(f"数据库“{name}”已存在。恢复只写入新的数据库，请先改名或删除它。")
        database.prepare_server()
        for warning in database.create_database(name):
            say(f"  {warning}")
        with step("数据库"):
            _run("pg_restore", "--exit-on-error", f"--dbname={_without_password()}", str(folder / DUMP))
        with step("上传的文件"), tarfile.open(folder / UPLOADS) as archive:
            archive.extractall(FILES.parent, filter="data")
    except Unusable as error:
        say(str(error))
        return 1
    finally:
        holding.release()
    say("已恢复。请运行 songhe ledger verify 和 songhe journal verify 核对。")
    return 0


def _check(folder: Path) -> None:
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise Unusable(f"{folder} 里没有可用的 {MANIFEST}，不是一份备份。") from error
    for name, digest in manifest["sha256"].items():
        if not (folder / name).exists() or _digest(folder / name) != digest:
            raise Unusable(f"{name} 与备份时不一致，可能已损坏。")
    if missing := set(manifest["keys"]) - set(_key_numbers()):
        raise Unusable(
            f"密钥环缺少第 {'、'.join(map(str, sorted(missing)))} 号密钥：请先把原来的密钥环放回 {KEYRING}。"
        )


def _key_numbers() -> list[int]:
    text = os.environ.get("SONGHE_KEYRING_JSON") or (KEYRING.read_text() if KEYRING.exists() else '{"seal": {}}')
    return sorted(int(number) for number in json.loads(text)["seal"])


def _now() -> datetime:
    return datetime.now(ZoneInfo("Asia/Shanghai"))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _run(name: str, *arguments: str) -> None:
    if name == "pg_dump":
        arguments = (*arguments, _without_password())
    # The password goes by the environment: a command line is visible to everybody on the machine.
    password = str(conninfo_to_dict(database.server().conninfo()).get("password") or "")
    environment = {**os.environ, **({"PGPASSWORD": password} if password else {})}
    done = subprocess.run([_tool(name), *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unusable(f"{name} 没有成功：{done.stderr.strip()[-2000:]}")


def _without_password() -> str:
    parts = conninfo_to_dict(database.server().conninfo())
    return " ".join(f"{key}='{value}'" for key, value in parts.items() if key != "password")


def _tool(name: str) -> str:
    import pgserver

    bundled = Path(pgserver.__file__).parent / "pginstall" / "bin" / name
    return str(bundled) if bundled.exists() else name
