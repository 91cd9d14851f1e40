"""How many users an import writes a second: ``python -m bench.import_rate [users]``.

JSON Lines with Django's hashes go into a new SQLite database on disk, as `nightlatch users import` does it. Reading and
validating the lines is timed alone as well, so that what is left of the whole is the store's.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from nightlatch.cli.user_files import read_lines
from nightlatch.flows.import_rows import Reader
from nightlatch.flows.import_users import ImportOptions, Line
from nightlatch.storage.sql import SqlStore, migrate
from nightlatch.testing.household import Household

__all__ = ["import_rate"]

_HASH = "pbkdf2_sha256$1000000$ZuD6nBFzljZEM5wHnhRbyk$" + "A" * 43 + "="


def import_rate(users: int) -> tuple[float, float]:
    """Return users a second: of the whole import, and of what comes after parsing.

    Args:
        users: how many to import.
    """
    command = [sys.executable, "-m", "bench.import_rate", "worker", str(users)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    whole, written = json.loads(done.stdout)
    return whole, written


def _file(users: int) -> bytes:
    rows = (
        {
            "email": f"user{number * 7919 % users}@example.org",  # in no order, as addresses come
            "name": f"User {number}",
            "roles": ["customer"],
            "external_id": number,
            "created_at": "2020-01-01T10:00:00Z",
            "password_hash": _HASH,
        }
        for number in range(users)
    )
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def _lines(text: bytes) -> Iterator[Line]:
    return read_lines(BytesIO(text), "jsonl")


def _work(users: int) -> None:
    text = _file(users)
    with tempfile.TemporaryDirectory() as folder:
        store = SqlStore.open(f"sqlite:///{Path(folder) / 'import.db'}")
        migrate(store.engine)
        house = Household(store)
        auth = house.auth
        reader, now = Reader(auth.settings, auth.hashing.read, trust_addresses=True), auth.clock.now()
        began = time.perf_counter()
        for line in _lines(text):
            reader.read(line.fields or {}, now)
        parsed = time.perf_counter() - began
        began = time.perf_counter()
        created = sum(
            each.kind == "created" for each in auth.import_users.run(_lines(text), ImportOptions(trust_addresses=True))
        )
        took = time.perf_counter() - began
        auth.close()
    assert created == users
    print(json.dumps([users / took, users / (took - parsed)]))


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        _work(int(sys.argv[2]))
    else:
        print("{:.0f} users/s, {:.0f}/s after parsing".format(*import_rate(int((sys.argv[1:] or ["20000"])[0]))))
