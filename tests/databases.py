"""PostgreSQL and MariaDB of our own: started from the installed binaries on free loopback ports, for one test run."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from free_ports import free_port
from nightlatch.storage.sql import migrate
from nightlatch.storage.sql.tables import metadata

__all__ = ["described", "empty", "fresh", "mariadb", "mariadb_url", "postgresql", "postgresql_url"]

_PATIENCE = 60.0


@contextmanager
def postgresql() -> Iterator[str]:
    """Run PostgreSQL and give its address; its database sorts as English does, which our columns must not."""
    initdb = _binary("PostgreSQL", "initdb", *Path("/usr/lib/postgresql").glob("*/bin"))
    server = initdb.with_name("postgres")
    with _folder("postgres") as folder:
        data, port = folder / "data", free_port()
        sorting = ["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"]
        _run("postgres", [initdb, "-D", data, "-U", "nightlatch", "-A", "trust", "-E", "UTF8", "--no-sync", *sorting])
        options: dict[str, Any] = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": ""}
        options |= {"fsync": "off", "deadlock_timeout": "100ms"}
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with _server("postgres", [server, "-D", data, *words], folder):
            url = f"postgresql+psycopg://nightlatch@127.0.0.1:{port}/postgres"
            _await(url)
            yield url


@contextmanager
def mariadb() -> Iterator[str]:
    """Run MariaDB and give its address."""
    server = _binary("MariaDB", "mariadbd", Path("/usr/sbin"))
    install = _binary("MariaDB", "mariadb-install-db", Path("/usr/bin"))
    with _folder("mysql") as folder:
        data, port = folder / "data", free_port()
        # In /tmp two of them that start at once delete one another's temporary tables.
        root, own = "--auth-root-authentication-method=normal", f"--tmpdir={folder}"
        _run("mysql", [install, "--no-defaults", f"--datadir={data}", "--skip-test-db", root, own])
        options = [f"--datadir={data}", f"--port={port}", "--bind-address=127.0.0.1", f"--socket={folder / 'socket'}"]
        options.append(own)
        fast = ["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M"]
        with _server("mysql", [server, "--no-defaults", *options, *fast], folder):
            _await(f"mariadb+pymysql://root@127.0.0.1:{port}/")
            engine = sa.create_engine(f"mariadb+pymysql://root@127.0.0.1:{port}/", poolclass=sa.NullPool)
            with engine.begin() as connection:
                # A collation that takes a for A and for á: our columns must not.
                connection.exec_driver_sql("CREATE DATABASE nightlatch COLLATE utf8mb4_general_ci")
            yield f"mariadb+pymysql://root@127.0.0.1:{port}/nightlatch"


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """Return the address of a PostgreSQL of our own."""
    with postgresql() as url:
        yield url


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    """Return the address of a MariaDB of our own."""
    with mariadb() as url:
        yield url


def empty(engine: sa.Engine) -> None:
    """Make the tables if they are not there, and leave nothing in them but which steps are done."""
    migrate(engine)
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            if table.name != "nightlatch_schema_step":
                connection.execute(sa.delete(table))


@contextmanager
def fresh(server: str) -> Iterator[str]:
    """Make a database on a server, give its address, and drop it."""
    name = f"fresh_{uuid4().hex}"
    outside = sa.create_engine(server, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with outside.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        try:
            yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
        finally:
            connection.exec_driver_sql(f"DROP DATABASE {name}")


def described(url: str, table: str) -> dict[str, Any]:
    """Return what a database says of a table: columns with types and collations, keys, unique constraints, indexes."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    inspector = sa.inspect(engine)
    columns = inspector.get_columns(table)
    return {
        # By name: where a column stands depends on whether a later step added it, and nobody goes by it.
        "columns": sorted(
            (each["name"], repr(each["type"]), each["nullable"], each["default"], _computed(each)) for each in columns
        ),
        "primary key": inspector.get_pk_constraint(table),
        "foreign keys": [{**each, "referred_schema": None} for each in inspector.get_foreign_keys(table)],
        "unique": sorted(map(str, inspector.get_unique_constraints(table))),
        "indexes": sorted(map(str, inspector.get_indexes(table))),
    }


def _computed(column: Any) -> str | None:
    # SQLite adds columns on one line, and SQLAlchemy reads that line to its last parenthesis.
    text: str | None = column.get("computed", {}).get("sqltext")
    return None if text is None else text.split(") VIRTUAL, ")[0]


def _binary(product: str, name: str, *folders: Path) -> Path:
    for folder in sorted(folders, reverse=True):
        if (folder / name).exists():
            return folder / name
    found = shutil.which(name)
    if found:
        return Path(found)
    if os.environ.get("CI") == "true":
        pytest.fail(f"{product} is not installed")
    pytest.skip(f"{product} is not installed: {name} was not found")


def _identity(user: str) -> dict[str, Any]:
    # Neither server runs as root; anybody else runs them as themselves.
    return {"user": user, "group": user} if os.geteuid() == 0 else {}


@contextmanager
def _folder(user: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="nightlatch-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, user, user)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(user: str, words: list[str | Path]) -> None:
    done = subprocess.run(
        words, cwd="/", check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **_identity(user)
    )
    assert done.returncode == 0, done.stdout


@contextmanager
def _server(user: str, words: list[str | Path], folder: Path) -> Iterator[None]:
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(words, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, **_identity(user)) as server,
    ):
        try:
            yield
        finally:
            server.terminate()
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                server.kill()


def _await(url: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            with engine.connect():
                return
        except sa.exc.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
