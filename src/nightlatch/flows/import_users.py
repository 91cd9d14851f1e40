"""Bring the accounts of another application in: in batches, each in a transaction, and as often as one likes.

A row is the account whose id, external id or identifier it names. Where that is there, nothing is written unless it is
asked for: a password least of all, since its owner may have changed it here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Literal, TypeVar
from uuid import UUID

import msgspec

from nightlatch.errors import Conflict
from nightlatch.flows.core import Core
from nightlatch.flows.import_rows import Reader, RowRefused, Wanted
from nightlatch.ports import Store, any_of
from nightlatch.primitives.ids import uuid7
from nightlatch.records import Authenticator, Identifier, Record, User
from nightlatch.services.client import NOBODY

__all__ = ["ImportOptions", "ImportUsers", "Line", "Outcome"]

R = TypeVar("R", bound=Record)

_BATCH = 500
"""Rows in one transaction: on SQLite others wait for it, some 30 ms."""

_Kind = Literal["created", "unchanged", "differs", "updated", "refused"]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file: its number, and its fields or why it has none."""

    number: int
    fields: dict[str, Any] | None
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a line.

    Args:
        number: of the line.
        kind: what became of it.
        reason: why it was refused.
        fields: what differs, or was updated.
        notes: what of it was left out.
        scheme: of its password hash.
        weak: whether that hash is cheap to guess.
    """

    number: int
    kind: _Kind
    reason: str = ""
    fields: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    scheme: str | None = None
    weak: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How to import.

    Args:
        trust_addresses: whether an address counts as proven where its row does not say.
        update: whether name, roles and external id of accounts that are there are changed to what the row says.
        overwrite_passwords: whether their passwords are, too; that ends their sessions.
        dry_run: write nothing.
    """

    trust_addresses: bool = False
    update: bool = False
    overwrite_passwords: bool = False
    dry_run: bool = False


@dataclass(slots=True)
class _There:
    """The accounts that the rows of a batch name, by what they are named by."""

    by_key: dict[tuple[str, str], UUID] = field(default_factory=dict)
    users: dict[UUID, User] = field(default_factory=dict)
    passwords: dict[UUID, Authenticator] = field(default_factory=dict)

    def add(self, user: User, claims: Iterable[tuple[str, str]], password: Authenticator | None) -> None:
        self.users[user.id] = user
        self.by_key[("id", str(user.id))] = user.id
        if user.external_id is not None:
            self.by_key[("external_id", user.external_id)] = user.id
        for each in claims:
            self.by_key[each] = user.id
        if password is not None:
            self.passwords[user.id] = password


class ImportUsers:
    """Import users.

    Args:
        core: what flows stand on.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    def run(self, lines: Iterable[Line], options: ImportOptions) -> Iterator[Outcome]:
        """Import lines, and say what became of each once it is so. Memory is bounded by a batch.

        Args:
            lines: of a file.
            options: how.
        """
        reader = Reader(self._core.settings, self._core.password.read, trust_addresses=options.trust_addresses)
        lines = iter(lines)
        while batch := list(islice(lines, _BATCH)):
            yield from self._batch(batch, reader, options)

    def _batch(self, batch: Sequence[Line], reader: Reader, options: ImportOptions) -> Iterator[Outcome]:
        now = self._core.clock.now()
        read = [_read(line, reader, now) for line in batch]
        done = iter(self._written([each for each in read if isinstance(each, Wanted)], options))
        for line, each in zip(batch, read, strict=True):
            if isinstance(each, Wanted):
                kind, fields, reason = next(done)
                scheme, weak = (each.stored.scheme, each.stored.weak) if each.stored else (None, False)
                yield Outcome(line.number, kind, reason, fields, each.notes, scheme, weak)
            else:
                yield Outcome(line.number, "refused", each)

    # --- writing ----------------------------------------------------------------------------------------------------

    def _written(self, rows: Sequence[Wanted], options: ImportOptions) -> list[_Done]:
        try:
            return self._together(rows, options)
        except Conflict:
            # Somebody signed up meanwhile by a name that a row has: each by itself, so that only that one is refused.
            return [self._alone(row, options) for row in rows]

    def _alone(self, row: Wanted, options: ImportOptions) -> _Done:
        try:
            return self._together([row], options)[0]
        except Conflict:
            return "refused", (), "somebody else took one of its names meanwhile"

    def _together(self, rows: Sequence[Wanted], options: ImportOptions) -> list[_Done]:
        core = self._core
        if options.dry_run or not rows:
            there = self._there(rows)
            return [self._one(wanted, there, options) for wanted in rows]
        with core.transaction():
            there = self._there(rows)
            done = [self._one(wanted, there, options) for wanted in rows]
            created = sum(kind == "created" for kind, _, _ in done)
            if created:
                # One event for a batch: as many events as accounts would say no more, and cost a quarter of the time.
                core.audit.done("users_imported", NOBODY, details={"by": "operator", "created": created})
        return done

    def _one(self, wanted: Wanted, there: _There, options: ImportOptions) -> _Done:
        found = {there.by_key[key] for key in _keys(wanted) if key in there.by_key}
        if len(found) > 1:
            return "refused", (), "it names two accounts that are there"
        if found:
            return self._meet(there.users[found.pop()], wanted, there, options)
        user, password = self._create(wanted, write=not options.dry_run)
        there.add(user, ((claim.kind, claim.key) for claim in wanted.claims), password)
        return "created", (), ""

    def _create(self, wanted: Wanted, *, write: bool) -> tuple[User, Authenticator | None]:
        now = self._core.clock.now()
        values = {claim.kind: claim.value for claim in wanted.claims}
        user = User(
            id=wanted.id or uuid7(now),
            status=wanted.status or "active",
            username=values.get("username"),
            email=values.get("email"),
            name=wanted.name,
            roles=wanted.roles or (),
            external_id=wanted.external_id,
            created_at=wanted.created_at or now,
            updated_at=now,
        )
        if not write:
            return user, None
        self._core.store.insert(user)
        self._core.users.add_identifiers(user.id, wanted.claims, proven_at=now)
        return user, self._bind(user.id, wanted) if wanted.password_hash is not None else None

    def _meet(self, user: User, wanted: Wanted, there: _There, options: ImportOptions) -> _Done:
        """Compare an account that is there with what its row says, and change what was asked for."""
        changes = _differences(user, wanted)
        differing = [*changes, *self._fixed(user, wanted, there)]
        updated: list[str] = []
        if options.update and changes:
            updated += changes
            there.users[user.id] = msgspec.structs.replace(user, **changes)
            if not options.dry_run:
                self._core.users.change(user.id, **changes)
                action = "privilege_permissions_changed" if "roles" in changes else "user_updated"
                details = {"by": "operator", "fields": sorted(changes)}
                self._core.audit.done(action, NOBODY, user_id=user.id, details=details)
        if options.overwrite_passwords and wanted.password_hash is not None:
            password = there.passwords.get(user.id)
            if password is None or password.password_hash != wanted.password_hash:
                updated.append("password")
                if not options.dry_run:
                    there.passwords[user.id] = self._overwrite(user, password, wanted)
        if updated:
            return "updated", tuple(updated), ""
        return ("differs", tuple(differing), "") if differing else ("unchanged", (), "")

    def _overwrite(self, user: User, password: Authenticator | None, wanted: Wanted) -> Authenticator:
        core = self._core
        if password is not None:
            core.store.delete(Authenticator, {"id": password.id})
        bound = self._bind(user.id, wanted)
        core.users.end_access(user.id)
        core.one_time.void_for(user.id)
        core.audit.done("authn_password_change", NOBODY, user_id=user.id, details={"by": "operator"})
        return bound

    def _bind(self, user_id: UUID, wanted: Wanted) -> Authenticator:
        return self._core.password.bind(
            user_id,
            wanted.password_hash or "",
            at=self._core.clock.now(),
            stands_alone=wanted.stands_alone,
            must_change=wanted.must_change,
        )

    # --- looking ----------------------------------------------------------------------------------------------------

    def _fixed(self, user: User, wanted: Wanted, there: _There) -> list[str]:
        """Return what differs and is not an import's to change."""
        differing = [claim.kind for claim in wanted.claims if there.by_key.get((claim.kind, claim.key)) != user.id]
        if wanted.status is not None and wanted.status != user.status:
            differing.append("status")
        return differing

    def _there(self, rows: Sequence[Wanted]) -> _There:
        keys: dict[str, list[str]] = {}
        for each in rows:
            for kind, key in _keys(each):
                keys.setdefault(kind, []).append(key)
        store, there = self._core.store, _There()
        identifiers: list[Identifier] = []
        for kind in ("email", "username"):
            if kind in keys:
                identifiers += store.find(Identifier, {"kind": kind, "key": any_of(tuple(keys[kind]))})
        ids = {each.user_id for each in identifiers} | {UUID(text) for text in keys.get("id", ())}
        users: list[User] = _all(store, User, "id", sorted(ids))
        users += _all(store, User, "external_id", keys.get("external_id", ()))
        if not users:
            return there
        passwords = {
            each.user_id: each
            for each in _all(store, Authenticator, "user_id", sorted({user.id for user in users}))
            if each.kind == "password"
        }
        for user in users:
            there.add(user, (), passwords.get(user.id))
        there.by_key |= {(each.kind, each.key): each.user_id for each in identifiers}
        return there


def _read(line: Line, reader: Reader, now: datetime) -> Wanted | str:
    """Return what a line asks for, or why it cannot be."""
    if line.fields is None:
        return line.refusal
    try:
        return reader.read(line.fields, now)
    except RowRefused as refusal:
        return str(refusal)


_Done = tuple[_Kind, tuple[str, ...], str]


def _keys(wanted: Wanted) -> Iterator[tuple[str, str]]:
    """Return what may name an account that is there."""
    if wanted.id is not None:
        yield "id", str(wanted.id)
    if wanted.external_id is not None:
        yield "external_id", wanted.external_id
    for claim in wanted.claims:
        yield claim.kind, claim.key


def _differences(user: User, wanted: Wanted) -> dict[str, Any]:
    """Return what an import may change."""
    asked = {"name": wanted.name, "roles": wanted.roles, "external_id": wanted.external_id}
    return {name: value for name, value in asked.items() if value is not None and value != getattr(user, name)}


def _all(store: Store, kind: type[R], name: str, values: Sequence[Any]) -> list[R]:
    return store.find(kind, {name: any_of(tuple(values))}) if values else []
