"""Bring the accounts of another application in: in batches, each in a transaction, and as often as one likes.

A row is the account whose id, external id or identifier it names. Where that is there, nothing is written unless it is
asked for: a password least of all, since its owner may have changed it here.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Literal

import msgspec

from nightlatch.errors import Conflict
from nightlatch.flows.administrators import ADMINISTRATOR, had_administrator, note_administrator
from nightlatch.flows.core import Core
from nightlatch.flows.import_batch import Batch
from nightlatch.flows.import_rows import Reader, RowRefused, Wanted
from nightlatch.primitives.ids import uuid7
from nightlatch.records import Authenticator, User
from nightlatch.services.client import NOBODY

__all__ = ["ImportOptions", "ImportUsers", "Line", "Outcome"]

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
        batch: rows in one transaction. On SQLite others wait for it, a tenth of a second for 2000; of smaller ones the
            commits, each of them durable, take most of the time.
    """

    trust_addresses: bool = False
    update: bool = False
    overwrite_passwords: bool = False
    dry_run: bool = False
    batch: int = 2000


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
        while batch := list(islice(lines, options.batch)):
            yield from self._batch(batch, reader, options)

    def _batch(self, batch: Sequence[Line], reader: Reader, options: ImportOptions) -> Iterator[Outcome]:
        with _collector_waiting():
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
            batch = Batch(core, rows)
            return [self._one(wanted, batch, options) for wanted in rows]
        with core.transaction():
            batch = Batch(core, rows)
            done = [self._one(wanted, batch, options) for wanted in rows]
            batch.write()
            created = sum(kind == "created" for kind, _, _ in done)
            if created:
                # One event for a batch: as many events as accounts would say no more, and cost a quarter of the time.
                core.audit.done("users_imported", NOBODY, details={"by": "operator", "created": created})
            made = any(
                ADMINISTRATOR in (each.roles or ()) for each, it in zip(rows, done, strict=True) if _gives_roles(it)
            )
            if made and not had_administrator(core):
                note_administrator(core)
        return done

    def _one(self, wanted: Wanted, batch: Batch, options: ImportOptions) -> _Done:
        found = batch.named_by(wanted)
        if len(found) > 1:
            return "refused", (), "it names two accounts that are there"
        if found:
            return self._meet(found.pop(), wanted, batch, options)
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
        identifiers = self._core.users.identifiers(user.id, wanted.claims, proven_at=now)
        batch.add(user, identifiers, self._password(user, wanted) if wanted.password_hash is not None else None)
        return "created", (), ""

    def _meet(self, user: User, wanted: Wanted, batch: Batch, options: ImportOptions) -> _Done:
        """Compare an account that is there with what its row says, and change what was asked for."""
        changes = _differences(user, wanted)
        differing = [*changes, *_fixed(user, wanted, batch)]
        updated: list[str] = []
        if options.update and changes:
            updated += changes
            if not options.dry_run:
                self._change(user, changes, batch)
            batch.users[user.id] = msgspec.structs.replace(user, **changes)
        if options.overwrite_passwords and wanted.password_hash is not None:
            password = batch.passwords.get(user.id)
            if password is None or password.password_hash != wanted.password_hash:
                updated.append("password")
                batch.passwords[user.id] = new = self._password(user, wanted)
                if not options.dry_run:
                    self._overwrite(password, new, batch)
        if updated:
            return "updated", tuple(updated), ""
        return ("differs", tuple(differing), "") if differing else ("unchanged", (), "")

    def _change(self, user: User, changes: dict[str, Any], batch: Batch) -> None:
        batch.write()
        self._core.users.change(user.id, **changes)
        action = "privilege_permissions_changed" if "roles" in changes else "user_updated"
        details = {"by": "operator", "fields": sorted(changes)}
        self._core.audit.done(action, NOBODY, user_id=user.id, details=details)

    def _overwrite(self, old: Authenticator | None, new: Authenticator, batch: Batch) -> None:
        batch.write()
        core = self._core
        if old is not None:
            core.store.delete(Authenticator, {"id": old.id})
        core.store.insert(new)
        core.users.end_access(new.user_id)
        core.one_time.void_for(new.user_id)
        core.audit.done("authn_password_change", NOBODY, user_id=new.user_id, details={"by": "operator"})

    def _password(self, user: User, wanted: Wanted) -> Authenticator:
        return self._core.password.record(
            user.id,
            wanted.password_hash or "",
            at=self._core.clock.now(),
            stands_alone=wanted.stands_alone,
            must_change=wanted.must_change,
        )


@contextmanager
def _collector_waiting() -> Iterator[None]:
    """Keep the garbage collector from looking at a batch over and over while it grows: a fifth of the time.

    Nothing in a batch refers to itself, and all of it goes when the next one comes.
    """
    if not gc.isenabled():  # the application's own choice stays
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _read(line: Line, reader: Reader, now: datetime) -> Wanted | str:
    """Return what a line asks for, or why it cannot be."""
    if line.fields is None:
        return line.refusal
    try:
        return reader.read(line.fields, now)
    except RowRefused as refusal:
        return str(refusal)


_Done = tuple[_Kind, tuple[str, ...], str]


def _differences(user: User, wanted: Wanted) -> dict[str, Any]:
    """Return what an import may change."""
    asked = {"name": wanted.name, "roles": wanted.roles, "external_id": wanted.external_id}
    return {name: value for name, value in asked.items() if value is not None and value != getattr(user, name)}


def _fixed(user: User, wanted: Wanted, batch: Batch) -> list[str]:
    """Return what differs and is not an import's to change."""
    differing = [claim.kind for claim in wanted.claims if batch.by_key.get((claim.kind, claim.key)) != user.id]
    return [*differing, "status"] if wanted.status is not None and wanted.status != user.status else differing


def _gives_roles(done: _Done) -> bool:
    kind, fields, _ = done
    return kind == "created" or (kind == "updated" and "roles" in fields)
