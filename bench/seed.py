"""Fill Nightlatch's own schema fast: users with one password each, and a session each whose token is known.

``python -m bench.seed <database> <users> <cookies> <bodies>``. Rows go through the store's own prepared statements, so
that they are exactly what the product writes; only the transaction and the pragmas differ.
"""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa

from nightlatch.primitives.hashing import PROFILES, hash_password
from nightlatch.primitives.opaque import Kind, OpaqueToken, secret_hash
from nightlatch.primitives.secret import Secret
from nightlatch.records import Authenticator, Evidence, Identifier, Record, Session, User
from nightlatch.storage.sql.schema import migrate
from nightlatch.storage.sql.statements import Statements

__all__ = ["PASSWORD", "seed"]

PASSWORD = "correct horse battery staple of the benchmark"
_BATCH = 20_000
_MOST_LINES = 20_000
"""Cookies and bodies written for the load tool: a sample of the users."""
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _text(number: int, what: str, length: int) -> str:
    digest = hashlib.sha512(f"{what} {number}".encode()).digest()
    return "".join(_ALPHABET[each % 62] for each in digest[:length])


def token_of(number: int) -> OpaqueToken:
    """Return the session token of the user with this number."""
    return OpaqueToken(Kind.SESSION, _text(number, "selector", 22), _text(number, "secret", 43))


class _Rows:
    """Makes the records of one user after the other."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)
        self.password_hash = hash_password(Secret(PASSWORD), PROFILES["owasp_minimum"])
        self._random = random.Random(2026)

    def _id(self, number: int) -> UUID:
        # UUIDv7 as it would be had the users come one a millisecond: time first, then randomness (RFC 9562 5.7).
        milliseconds = int(self.now.timestamp() * 1000) - 10_000_000 + number
        return UUID(int=milliseconds << 80 | 0x7 << 76 | 0b10 << 62 | self._random.getrandbits(62))

    def of(self, number: int) -> tuple[User, Identifier, Authenticator, Session]:
        """Return the rows of a user."""
        now, email, token = self.now, f"user{number}@example.org", token_of(number)
        user_id, password_id = self._id(number), self._id(number)
        evidence = Evidence(
            authenticator="password",
            authenticator_id=password_id,
            factors=("knowledge",),
            amr=("pwd",),
            verified_at=now,
        )
        return (
            User(id=user_id, email=email, name=f"User {number}", created_at=now, updated_at=now),
            Identifier(
                id=self._id(number),
                user_id=user_id,
                kind="email",
                value=email,
                key=email,
                primary=True,
                proven_at=now,
                created_at=now,
            ),
            Authenticator(
                id=password_id,
                user_id=user_id,
                kind="password",
                lookup=f"password:{user_id}",
                password_hash=self.password_hash,
                confirmed_at=now,
                created_at=now,
            ),
            Session(
                id=self._id(number),
                selector=token.selector,
                secret_hash=secret_hash(token),
                user_id=user_id,
                epoch=1,
                aal=1,
                amr=("pwd",),
                evidence=(evidence,),
                authenticated_at=now,
                ip="127.0.0.1",
                email=email,
                created_at=now,
                last_seen_at=now,
                expires_at=now + timedelta(days=30),
            ),
        )


def _batches(users: int) -> Iterator[range]:
    for first in range(1, users + 1, _BATCH):
        yield range(first, min(users, first + _BATCH - 1) + 1)


def seed(path: str, users: int, cookies: str, bodies: str, *, cookie_name: str = "session") -> None:
    """Fill a new SQLite database, and write what the load tool sends.

    Args:
        path: of the database; must not exist.
        users: how many.
        cookies: file for one ``Cookie`` value a line.
        bodies: file for one sign-in body a line.
        cookie_name: as settings name the session cookie.
    """
    engine = sa.create_engine(f"sqlite:///{path}")
    migrate(engine)
    statements, rows = Statements(engine.dialect), _Rows()
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1000000", "foreign_keys=OFF"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("BEGIN")
    for batch in _batches(users):
        for records in zip(*(rows.of(number) for number in batch), strict=True):
            _insert(connection, statements, records)
    connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("ANALYZE")
    connection.close()
    engine.dispose()
    sample = random.Random(1).sample(range(1, users + 1), min(users, _MOST_LINES))
    Path(cookies).write_text("".join(f"{cookie_name}={token_of(each).text()}\n" for each in sample))
    lines = (json.dumps({"identifier": f"user{each}@example.org", "password": PASSWORD}) for each in sample)
    Path(bodies).write_text("".join(f"{line}\n" for line in lines))


def _insert(connection: sqlite3.Connection, statements: Statements, records: tuple[Record, ...]) -> None:
    prepared, _ = statements.insert(records[0])
    connection.executemany(prepared.sql, (prepared.arguments(statements.insert(each)[1]) for each in records))


if __name__ == "__main__":
    seed(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
