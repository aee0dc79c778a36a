"""The database server, its roles and the sign-in each process uses.

Two sign-ins reach a Songhe database. ``songhe_owner`` owns the tables and is used by set-up, migrations and the
command line. ``songhe_app`` is what the server and its workers use: it owns nothing, and by itself it may read only
the anteroom (sessions, users, jobs). Everything else it reaches by taking, for one transaction, one of the scope roles
(see ``songhe.core.scope``).
"""

import os
import secrets
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg
from psycopg import sql

from songhe.config.paths import PGDATA, VAR

OWNER = "songhe_owner"
APP = "songhe_app"
SCOPE_ROLES = ("songhe_area", "songhe_inspect", "songhe_provider", "songhe_person", "songhe_system")
EXTENSIONS = ("pg_trgm", "btree_gist")

# Their only errors concern the pattern, never the row, so the planner may use an index under row-level security.
LEAKPROOF = ("textlike(text,text)", "texticlike(text,text)", "starts_with(text,text)")

EMBEDDED_SETTINGS = {
    "shared_buffers": "512MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "512MB",
    "effective_cache_size": "4GB",
    "max_connections": "200",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "timezone": "Asia/Shanghai",
}


@dataclass(frozen=True)
class Server:
    """Where the server listens and how its administrator signs in."""

    host: str
    port: str
    admin: str
    admin_password: str
    name: str

    def conninfo(self, *, user: str | None = None, dbname: str | None = None, password: str | None = None) -> str:
        """Return a libpq connection string for one sign-in (the administrator's unless told)."""
        return psycopg.conninfo.make_conninfo(
            host=self.host,
            port=self.port,
            user=user or self.admin,
            password=(password if user else self.admin_password) or None,
            dbname=dbname or self.name,
        )


def is_embedded() -> bool:
    """Tell whether Songhe runs its own PostgreSQL (no DATABASE_URL given)."""
    return not os.environ.get("DATABASE_URL")


def server() -> Server:
    """Describe the configured server without starting it."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        return Server(host=str(_socket_dir()), port="5432", admin="postgres", admin_password="", name="songhe")
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    return Server(
        host=parts.hostname or query.get("host", [""])[0],
        port=str(parts.port or 5432),
        admin=unquote(parts.username or "postgres"),
        admin_password=unquote(parts.password or ""),
        name=parts.path.lstrip("/") or "songhe",
    )


def _socket_dir() -> Path:
    from pgserver.postgres_server import PostgresServer
    from pgserver.utils import find_suitable_socket_dir

    return Path(find_suitable_socket_dir(PGDATA, PostgresServer.runtime_path))


def start_embedded() -> None:
    """Start the embedded PostgreSQL if it is not running; on its first start, tune it for one machine."""
    import pgserver

    PGDATA.mkdir(parents=True, exist_ok=True)
    tuned = PGDATA / "songhe.tuned"
    _await_recovery()
    try:
        instance = pgserver.get_server(PGDATA, cleanup_mode=None)
    except subprocess.TimeoutExpired:
        # The package waits ten seconds; after a power cut a large database reads its log for minutes.
        _await_recovery()
        instance = pgserver.get_server(PGDATA, cleanup_mode=None)
    if tuned.exists():
        return
    with psycopg.connect(server().conninfo(dbname="postgres"), autocommit=True) as connection:
        for name, value in EMBEDDED_SETTINGS.items():
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
    pgserver.pg_ctl(["-w", "-m", "fast", "restart"], pgdata=PGDATA, user=instance.system_user)
    tuned.touch()


def _await_recovery() -> None:
    """Wait while a server that has been started is not ready yet; one that gives up is left for the caller to meet."""
    from pgserver.postgres_server import PostmasterInfo

    while True:
        # What is half written cannot be read, and will be whole in a moment.
        with suppress(AssertionError, IndexError, ValueError):
            info = PostmasterInfo.read_from_pgdata(PGDATA)
            if info is None or not info.is_running() or info.status == "ready":
                return
        time.sleep(0.5)


def stop_embedded() -> None:
    """Stop the embedded PostgreSQL, letting open transactions roll back."""
    import pgserver

    if not (PGDATA / "postmaster.pid").exists():
        return
    user = "pgserver" if os.name != "nt" and os.geteuid() == 0 else None
    pgserver.pg_ctl(["-w", "-m", "fast", "stop"], pgdata=PGDATA, user=user)


def role_password(role: str) -> str:
    """Return the password of one of our roles, making and keeping it on first use."""
    path = VAR / "database-passwords" / role
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(secrets.token_urlsafe(24))
        path.chmod(0o600)
    return path.read_text()


def prepare_server() -> list[str]:
    """Create our roles where they are missing; return warnings in words for what the server would not allow."""
    warnings: list[str] = []
    with psycopg.connect(server().conninfo(dbname="postgres"), autocommit=True) as connection:
        have = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles").fetchall()}
        for role in (OWNER, APP):
            verb = "ALTER" if role in have else "CREATE"
            connection.execute(
                sql.SQL(f"{verb} ROLE {{}} LOGIN NOINHERIT PASSWORD {{}}").format(
                    sql.Identifier(role), sql.Literal(role_password(role))
                )
            )
        for role in SCOPE_ROLES:
            if role not in have:
                connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
            for login in (APP, OWNER):
                connection.execute(
                    sql.SQL("GRANT {} TO {} WITH INHERIT FALSE, SET TRUE").format(
                        sql.Identifier(role), sql.Identifier(login)
                    )
                )
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(OWNER), sql.Identifier(server().admin)))
        # The owner copies a template into each test database.
        connection.execute(sql.SQL("ALTER ROLE {} CREATEDB").format(sql.Identifier(OWNER)))
    return warnings


def create_database(name: str) -> list[str]:
    """Create one empty database with extensions, owned by ``songhe_owner``; return warnings in words."""
    warnings: list[str] = []
    with psycopg.connect(server().conninfo(dbname="postgres"), autocommit=True) as connection:
        version = connection.info.server_version
        locale = (
            "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'" if version >= 170000 else "LOCALE 'C.UTF-8'"
        )
        connection.execute(
            sql.SQL(f"CREATE DATABASE {{}} OWNER {{}} ENCODING 'UTF8' {locale} TEMPLATE template0").format(
                sql.Identifier(name), sql.Identifier(OWNER)
            )
        )
    with psycopg.connect(server().conninfo(dbname=name), autocommit=True) as connection:
        for extension in EXTENSIONS:
            connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension)))
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        connection.execute(sql.SQL("GRANT ALL ON SCHEMA public TO {}").format(sql.Identifier(OWNER)))
        for signature in LEAKPROOF:
            try:
                connection.execute(f"ALTER FUNCTION pg_catalog.{signature} LEAKPROOF")
            except psycopg.errors.InsufficientPrivilege:
                warnings.append(
                    f"数据库管理员没有超级用户权限，{signature} 未标记 LEAKPROOF：姓名搜索会变慢，但结果不变。"
                )
    return warnings


def database_exists(name: str) -> bool:
    """Tell whether the server has a database of this name."""
    with psycopg.connect(server().conninfo(dbname="postgres"), autocommit=True) as connection:
        return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is not None


def django_database(*, owner: bool = False) -> dict[str, object]:
    """Return Django's settings for the sign-in of this process."""
    here = server()
    role = OWNER if owner else APP
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ.get("SONGHE_DB", here.name),
        "USER": role,
        "PASSWORD": role_password(role),
        "HOST": here.host,
        "PORT": here.port,
        "CONN_MAX_AGE": 300,
        "CONN_HEALTH_CHECKS": True,
        # Walls say CURRENT_DATE: their day is the region's, not UTC's, which begins eight hours later.
        "TIME_ZONE": "Asia/Shanghai",
        "OPTIONS": {"options": "-c lock_timeout=5000 -c idle_in_transaction_session_timeout=60000"},
        "ATOMIC_REQUESTS": False,
        "DISABLE_SERVER_SIDE_CURSORS": False,
    }
