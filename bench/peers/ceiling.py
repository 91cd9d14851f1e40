"""The bare ceiling: only what a session check cannot avoid, on the same HTTP server. No product, no features.

A cookie, SHA-256 of its token, one SQLite join by primary key, JSON. ``python ceiling.py <database> <users> <cookies>``
fills the database and writes the cookies; Granian serves `application`.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

_QUERY = (
    "SELECT user.id, user.email, user.name, session.expires_at FROM session"
    " JOIN user ON user.id = session.user_id WHERE session.token_hash = ?"
)
_local = threading.local()


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=20)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA mmap_size=268435456")
    return connection


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Tell whose session a cookie is."""
    connection = getattr(_local, "connection", None)
    if connection is None:
        connection = _local.connection = _connect(os.environ["BENCH_DATABASE"])
    token = environ.get("HTTP_COOKIE", "")[8:]
    row = connection.execute(_QUERY, (hashlib.sha256(token.encode()).digest(),)).fetchone()
    if row is None or row[3] < time.time():
        start_response("401 Unauthorized", [("Content-Type", "application/json"), ("Content-Length", "2")])
        return [b"{}"]
    body = json.dumps({"id": row[0], "email": row[1], "name": row[2]}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def seed(path: str, users: int, cookies: str) -> None:
    """Fill the database and write one cookie per user."""
    connection = _connect(path)
    connection.execute("CREATE TABLE user (id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT)")
    connection.execute(
        "CREATE TABLE session (token_hash BLOB PRIMARY KEY, user_id INTEGER, expires_at INTEGER) WITHOUT ROWID"
    )
    later = int(time.time()) + 30 * 86400
    tokens = [hashlib.sha256(b"ceiling %d" % number).hexdigest() for number in range(1, users + 1)]
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO user VALUES (?, ?, ?)",
        ((number, f"user{number}@example.org", f"User {number}") for number in range(1, users + 1)),
    )
    connection.executemany(
        "INSERT INTO session VALUES (?, ?, ?)",
        ((hashlib.sha256(token.encode()).digest(), number, later) for number, token in enumerate(tokens, 1)),
    )
    connection.execute("COMMIT")
    Path(cookies).write_text("".join(f"session={token}\n" for token in tokens))


if __name__ == "__main__":
    seed(sys.argv[1], int(sys.argv[2]), sys.argv[3])
