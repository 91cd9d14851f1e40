"""Everything that an import takes, written back: users, what they are found by, and their password hashes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Any

from nightlatch.flows.core import Core
from nightlatch.ports import after, any_of
from nightlatch.primitives.hashing import HashUnusable
from nightlatch.records import Authenticator, Identifier, User
from nightlatch.services.client import NOBODY

__all__ = ["ExportUsers"]

_PAGE = 500
_BEFORE_ALL = datetime(1, 1, 2, tzinfo=UTC)


class ExportUsers:
    """Read all users, page by page.

    Args:
        core: what flows stand on.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    def rows(self) -> Iterator[dict[str, Any]]:
        """Return a row for each user, oldest first, as an import reads it. It holds the hash."""
        with self._core.transaction():
            self._core.audit.done("users_exported", NOBODY, details={"by": "operator"})
        for users in self._pages():
            ids = any_of(tuple(user.id for user in users))
            proven = {
                (each.user_id, each.kind, each.value) for each in self._core.store.find(Identifier, {"user_id": ids})
            }
            passwords = self._passwords(users)
            for user in users:
                yield _row(user, proven, passwords.get(user.id))

    def schemes(self) -> dict[str, Counter[str]]:
        """Count the stored password hashes: by verdict (``good``, ``weak``, ``unusable``) and scheme (ASVS 11.4.1)."""
        found: dict[str, Counter[str]] = {"good": Counter(), "weak": Counter(), "unusable": Counter()}
        for users in self._pages():
            for each in self._passwords(users).values():
                try:
                    stored = self._core.password.read(each.password_hash or "")
                except HashUnusable as reason:
                    found["unusable"][str(reason)] += 1
                else:
                    found["weak" if stored.weak else "good"][stored.scheme] += 1
        return found

    def _passwords(self, users: list[User]) -> dict[Any, Authenticator]:
        ids = any_of(tuple(user.id for user in users))
        found = self._core.store.find(Authenticator, {"user_id": ids, "kind": "password"})
        return {each.user_id: each for each in found if each.confirmed_at is not None}

    def _pages(self) -> Iterator[list[User]]:
        """Return users in the order they were made. Those of one time come together, however many there are."""
        store, last = self._core.store, _BEFORE_ALL
        while page := store.find(User, {"created_at": after(last)}, order_by="created_at", limit=_PAGE):
            last = page[-1].created_at
            if len(page) == _PAGE:
                # The page may end among them.
                page = [user for user in page if user.created_at != last]
                page += store.find(User, {"created_at": last})
            page.sort(key=lambda user: (user.created_at, user.id))
            for start in range(0, len(page), _PAGE):
                yield page[start : start + _PAGE]


def _row(user: User, proven: AbstractSet[tuple[Any, str, str]], password: Authenticator | None) -> dict[str, Any]:
    row: dict[str, Any] = {"id": str(user.id)}
    if user.email is not None:
        row["email"] = user.email
        row["email_verified"] = (user.id, "email", user.email) in proven
    for name in ("username", "name", "external_id"):
        if getattr(user, name) is not None:
            row[name] = getattr(user, name)
    row["roles"] = user.roles
    row["status"] = "active" if user.status == "active" else "suspended"
    row["created_at"] = user.created_at.isoformat()
    if password is not None and password.password_hash is not None:
        row["password_hash"] = password.password_hash
        row["must_change_password"] = password.must_change
        row["password_stands_alone"] = password.stands_alone
    return row
