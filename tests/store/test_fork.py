"""A forked child goes on with connections of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nightlatch.storage.sql import migrate

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="there is no fork"),
]

# A process of its own: to fork one that runs threads, as a test runner does, is not safe.
FAMILY = """
import os, sys
from nightlatch.errors import StoreUnavailable
from nightlatch.records import User
from nightlatch.storage.sql import SqlStore
from nightlatch.testing.rows import a_user

store = SqlStore.open(sys.argv[1])
before = a_user(name="before")
store.insert(before)

def write(name):
    for number in range(100):
        store.insert(a_user(name=name))
        assert store.get(User, before.id) == before

def ended_well(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

if not (child := os.fork()):
    write("child")
    store.close()
    os._exit(0)
write("parent")
assert ended_well(child)
assert [len(store.find(User, {"name": name})) for name in ("child", "parent")] == [100, 100]

try:
    with store.transaction():
        store.insert(a_user(name="within"))
        if not (child := os.fork()):
            try:
                store.insert(a_user(name="stray"))
            except StoreUnavailable:
                pass
        else:
            assert ended_well(child)
            store.insert(a_user(name="within"))
except StoreUnavailable:
    assert not child, "the parent's transaction is its own"
    assert store.get(User, before.id) == before
    store.close()
    os._exit(0)
assert child, "the child's transaction did not end well"
assert [len(store.find(User, {"name": name})) for name in ("within", "stray")] == [2, 0]
store.close()
print("well")
"""


def live(url: str) -> str:
    """Run the family on a database and return what it says at the end."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FAMILY, url], check=False, capture_output=True, text=True, timeout=60
    )
    return done.stdout + done.stderr


def test_fork_on_sqlite(tmp_path: Path) -> None:
    """Parent and child write at once; a transaction open at the fork stays the parent's."""
    url = f"sqlite:///{tmp_path / 'family.db'}"
    migrate(url)
    assert live(url) == "well\n"


@pytest.mark.parametrize("database", ["postgresql_url", "mariadb_url"])
def test_fork_on_servers(request: pytest.FixtureRequest, database: str) -> None:
    """The same where a shared connection would mix up both their answers."""
    import sqlalchemy as sa

    import databases

    url = request.getfixturevalue(database)
    databases.empty(sa.create_engine(url, poolclass=sa.NullPool))
    assert live(url) == "well\n"
