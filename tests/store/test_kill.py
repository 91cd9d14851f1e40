"""What was acknowledged is there, whatever happens to the process."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from nightlatch.records import Session, User
from nightlatch.storage.sql import SqlStore, migrate
from nightlatch.storage.steps import STEPS

pytestmark = pytest.mark.slow

WRITER = """
import sys
from nightlatch.storage.sql import SqlStore
from nightlatch.testing.rows import a_session, a_user

store = SqlStore.open(sys.argv[1], durable=sys.argv[2] == "durable")
while True:
    user = a_user()
    with store.transaction():
        store.insert(user)
        store.insert(a_session(user))
    print(user.id, flush=True)
"""


@pytest.mark.parametrize("durability", ["durable", "not durable"])
def test_every_acknowledged_write_survives_kill_9(tmp_path: Path, durability: str) -> None:
    """Three writers are killed, one after the other: no acknowledged row is lost, no transaction is half there."""
    path = tmp_path / "killed.db"
    url = f"sqlite:///{path}"
    migrate(url)
    acknowledged: list[UUID] = []
    for rows in (1, 50, 200):
        words = [sys.executable, "-c", WRITER, url, durability]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            acknowledged += [UUID(writer.stdout.readline().strip()) for _ in range(rows)]
            writer.send_signal(signal.SIGKILL)
            # A line cut short was never read as an acknowledgement: 36 characters and the line's end are.
            acknowledged += [UUID(line.strip()) for line in writer.stdout if len(line) == 37]

    store = SqlStore.open(url)
    assert all(store.get(User, each) for each in acknowledged)
    for user in store.find(User, {"epoch": 1}):
        assert len(store.find(Session, {"user_id": user.id})) == 1
    store.close()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_a_migration_killed_halfway_left_nothing(tmp_path: Path) -> None:
    """The process dies while it makes the tables: the next one makes them all."""
    path = tmp_path / "halfway.db"
    dying = f"""
import os, signal
import sqlalchemy as sa
from nightlatch.storage.sql import migrate

engine = sa.create_engine("sqlite:///{path}")

@sa.event.listens_for(engine, "before_cursor_execute")
def die(connection, cursor, statement, *_):
    if "CREATE TABLE nightlatch_session" in statement:
        os.kill(os.getpid(), signal.SIGKILL)

migrate(engine)
"""
    died = subprocess.run([sys.executable, "-c", dying], check=False)
    assert died.returncode == -signal.SIGKILL
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    connection.close()
    assert migrate(f"sqlite:///{path}") == list(STEPS.items())
