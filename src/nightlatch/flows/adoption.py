"""Adoption: users of a host application's own table, each with a row here, and what that table says followed.

The host's table stays as it is. What it says of somebody is believed as the host's own code would be: a password hash
written there, a user switched off there. What it says of an address is not, unless settings vouch for it: whoever
typed it need not own it (USENIX Security 2022, pre-hijacking).
"""

from __future__ import annotations

import hashlib
from uuid import UUID

import msgspec

from nightlatch.errors import Conflict, InvalidInput
from nightlatch.flows.core import Core
from nightlatch.flows.names import clean_name
from nightlatch.primitives.identifiers import Username, normalise_email, normalise_username
from nightlatch.records import Event, Identifier, User
from nightlatch.services.client import NOBODY
from nightlatch.services.users import Claim

__all__ = ["Adopted", "Adoption", "HostUser"]


class HostUser(msgspec.Struct, frozen=True, kw_only=True):
    """What a host's table says of one of its users."""

    key: str
    """Its primary key, as text."""
    username: str | None
    email: str | None
    vouched: bool
    """Whether the address counts as proven."""
    name: str | None
    password_hash: str | None
    """In any form that `primitives.hashing` verifies; None where nobody could sign in with one."""
    active: bool


class Adopted(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    user: User
    new: bool
    left_out: tuple[str, ...] = ()
    """Identifiers that could not be taken over, each with the reason."""


class Adoption:
    """Give users of a host's own table a row, and follow what changes there.

    Args:
        core: what flows stand on.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    def find(self, key: str) -> User | None:
        """Return the user of a row in the host's table."""
        found = self._core.store.find(User, {"external_id": key}, limit=1)
        return found[0] if found else None

    def adopt(self, host: HostUser) -> Adopted:
        """Give a user of the host's table a row here, if there is none yet."""
        core = self._core
        known = self.find(host.key)
        if known is not None:
            return Adopted(user=known, new=False)
        try:
            with core.transaction():
                return self._adopt(host)
        except Conflict:
            known = self.find(host.key)  # another process was first
            if known is None:
                raise
            return Adopted(user=known, new=False)

    def _adopt(self, host: HostUser) -> Adopted:
        core = self._core
        now = core.clock.now()
        claims, left_out = self._claims(host, None)
        if not claims and not left_out:
            left_out = ("nothing to sign in by: no user name that settings ask for, no address they vouch for",)
        user = core.users.create(claims=claims, name=clean_name((host.name or "")[:200]), roles=(), proven_at=now)
        core.store.update(User, {"id": user.id}, {"external_id": host.key})
        if host.password_hash is not None:
            self._bind(user.id, host.password_hash)
        core.audit.done("user_adopted", NOBODY, user_id=user.id)
        self.follow_status(user, active=host.active)
        return Adopted(user=core.store.get(User, user.id) or user, new=True, left_out=left_out)

    def _claims(self, host: HostUser, user_id: UUID | None) -> tuple[list[Claim], tuple[str, ...]]:
        """Read the identifiers of a row; who was first keeps a name that two rows come to."""
        settings, left_out = self._core.settings, []
        email = host.email or (host.username if host.username and "@" in host.username else None)
        claims = []
        for kind, text, read in (
            ("email", email if settings.asks_email and host.vouched else None, normalise_email),
            ("username", host.username if settings.asks_username else None, _username),
        ):
            if not text or (kind == "username" and "@" in text):  # a user name that is an address is read as one
                continue
            try:
                found = read(text)
            except InvalidInput as error:
                left_out.append(f"{kind}: {' '.join(error.fields.values())}")
            else:
                claims.append(Claim(kind, found.value, found.key))
        free = []
        for claim in claims:
            taken = self._core.users.identifier(claim.kind, claim.key)
            if taken is None or taken.user_id == user_id:
                free.append(claim)
            else:
                left_out.append(f"another user has that {claim.kind}")
        return free, tuple(left_out)

    def _bind(self, user_id: UUID, stored: str) -> None:
        core = self._core
        core.password.unbind(user_id)
        core.password.bind(user_id, stored, at=core.clock.now(), details=_remembered(stored))

    # --- following --------------------------------------------------------------------------------------------------

    def follow(self, user: User, host: HostUser) -> bool:
        """Take over what the host has changed: a new password ends every session, and so does switching off.

        Returns:
            whether what was granted to the user before still stands.
        """
        core = self._core
        with core.transaction():
            same = self._same_password(user.id, host.password_hash)
            if not same:
                self._take_password(user.id, host.password_hash)
                core.users.end_access(user.id)
                core.one_time.void_for(user.id)
            return self.follow_status(user, active=host.active) and same

    def follow_status(self, user: User, *, active: bool) -> bool:
        """Take over whether the host lets somebody in; switching off ends every session.

        Returns:
            whether the user may be here.
        """
        core = self._core
        if active == (user.status == "active") or user.status == "closing":
            return active
        if active and not self._switched_off_by_host(user.id):
            return False  # an operator of ours has suspended them: saving the host's row undoes nothing
        with core.transaction():
            core.store.update(User, {"id": user.id}, {"status": "active" if active else "suspended"})
            core.users.end_access(user.id)
            core.one_time.void_for(user.id)
            core.audit.done(
                "user_restored" if active else "user_suspended", NOBODY, user_id=user.id, details={"by": "host"}
            )
        return active

    def _switched_off_by_host(self, user_id: UUID) -> bool:
        where = {"user_id": user_id, "action": "user_suspended"}
        newest = self._core.store.find(Event, where, order_by="-at", limit=1)
        return bool(newest) and msgspec.json.decode(newest[0].details).get("by") == "host"

    def claim(self, user_id: UUID, key: str) -> bool:
        """Tie a user to the row that the host has made for them, in the transaction that is open; once.

        Returns:
            False where they have one already.
        """
        return bool(self._core.store.update(User, {"id": user_id, "external_id": None}, {"external_id": key}))

    def _same_password(self, user_id: UUID, stored: str | None) -> bool:
        record = self._core.password.of(self._core.users.authenticators(user_id))
        if record is None or stored is None:
            return record is None and stored is None
        return record.details == _remembered(stored)

    def _take_password(self, user_id: UUID, stored: str | None) -> None:
        if stored is None:
            self._core.password.unbind(user_id)
        else:
            self._bind(user_id, stored)
        self._core.audit.done("authn_password_change", NOBODY, user_id=user_id, details={"by": "host"})

    def rename(self, user: User, host: HostUser) -> tuple[str, ...]:
        """Let the identifiers follow the host's: one that is gone there leads nowhere any longer.

        Returns:
            what could not be taken over, each with the reason.
        """
        core = self._core
        claims, left_out = self._claims(host, user.id)
        wanted = {claim.kind: claim for claim in claims}
        now = core.clock.now()
        with core.transaction():
            for each in core.store.find(Identifier, {"user_id": user.id}):
                claim = wanted.get(each.kind)
                if claim is not None and claim.key == each.key:
                    wanted.pop(each.kind)
                elif each.kind == "username" or (each.kind == "email" and host.vouched):
                    core.store.delete(Identifier, {"id": each.id})
            core.users.add_identifiers(user.id, list(wanted.values()), proven_at=now)
            if wanted:
                names = {kind: claim.value for kind, claim in wanted.items()}
                core.users.change(user.id, **names)
                core.audit.done("user_updated", NOBODY, user_id=user.id, details={"by": "host"})
        return left_out


def _username(text: str) -> Username:
    # A name that speaks for the service is refused to strangers; the host has given it to somebody.
    return normalise_username(text, reserved=False)


def _remembered(stored: str) -> str:
    """Return what is kept of the host's text: enough to see that it is another, when ours was hashed anew since."""
    digest = hashlib.sha256(f"nightlatch adopted {stored}".encode()).hexdigest()
    return msgspec.json.encode({"adopted": digest}).decode()
