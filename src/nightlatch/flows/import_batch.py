"""The rows of an import that are written together: the accounts that they name, and the records that are to be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar
from uuid import UUID

from nightlatch.flows.core import Core
from nightlatch.flows.import_rows import Wanted
from nightlatch.ports import InsertsMany, Store, any_of
from nightlatch.records import Authenticator, Identifier, Record, User

__all__ = ["Batch"]

R = TypeVar("R", bound=Record)


class Batch:
    """Look up, in the transaction that is open, whom rows name, and gather what is new.

    Args:
        core: what flows stand on.
        rows: of the batch.
    """

    def __init__(self, core: Core, rows: Sequence[Wanted]) -> None:
        self._store = core.store
        self.by_key: dict[tuple[str, str], UUID] = {}
        """Accounts by what names them: ``id``, ``external_id``, ``email`` or ``username``, and its text."""
        self.users: dict[UUID, User] = {}
        self.passwords: dict[UUID, Authenticator] = {}
        self._new: tuple[list[User], list[Identifier], list[Authenticator]] = ([], [], [])
        self._look_up(rows)

    def named_by(self, wanted: Wanted) -> list[User]:
        """Return the accounts that a row names: none, one, or where its names belong to different ones, several."""
        ids = {self.by_key[key] for key in _keys(wanted) if key in self.by_key}
        return [self.users[each] for each in ids]

    def add(self, user: User, identifiers: Sequence[Identifier], password: Authenticator | None) -> None:
        """Gather a new account; later rows of the batch may name it."""
        users, names, passwords = self._new
        users.append(user)
        names += identifiers
        if password is not None:
            passwords.append(password)
            self.passwords[user.id] = password
        self._know(user)
        for each in identifiers:
            self.by_key[each.kind, each.key] = user.id

    def write(self) -> None:
        """Write what was gathered.

        Raises:
            Conflict: somebody else was faster.
        """
        records: list[Record] = [each for kind in self._new for each in kind]
        self._new = ([], [], [])
        if isinstance(self._store, InsertsMany):
            self._store.insert_many(records)
            return
        for each in records:
            self._store.insert(each)

    def _know(self, user: User) -> None:
        self.users[user.id] = user
        self.by_key["id", str(user.id)] = user.id
        if user.external_id is not None:
            self.by_key["external_id", user.external_id] = user.id

    def _look_up(self, rows: Sequence[Wanted]) -> None:
        keys: dict[str, list[str]] = {}
        for row in rows:
            for kind, key in _keys(row):
                keys.setdefault(kind, []).append(key)
        store = self._store
        identifiers: list[Identifier] = []
        for kind in ("email", "username"):
            if kind in keys:
                identifiers += store.find(Identifier, {"kind": kind, "key": any_of(tuple(keys[kind]))})
        ids = {each.user_id for each in identifiers} | {UUID(text) for text in keys.get("id", ())}
        for user in _all(store, User, "id", sorted(ids)) + _all(
            store, User, "external_id", keys.get("external_id", ())
        ):
            self._know(user)
        for each in identifiers:
            self.by_key[each.kind, each.key] = each.user_id
        for bound in _all(store, Authenticator, "user_id", sorted(self.users)):
            if bound.kind == "password":
                self.passwords[bound.user_id] = bound


def _all(store: Store, kind: type[R], name: str, values: Sequence[Any]) -> list[R]:
    return store.find(kind, {name: any_of(tuple(values))}) if values else []


def _keys(wanted: Wanted) -> Iterator[tuple[str, str]]:
    """Return what may name an account that is there."""
    if wanted.id is not None:
        yield "id", str(wanted.id)
    if wanted.external_id is not None:
        yield "external_id", wanted.external_id
    for claim in wanted.claims:
        yield claim.kind, claim.key
