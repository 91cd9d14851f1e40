"""Sessions: opaque, hashed, revocable; one indexed read says who and how sure."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from nightlatch.errors import AttemptInvalid, NotAuthenticated, StoreError
from nightlatch.ports import Clock, Store, after, before
from nightlatch.primitives.ids import uuid7
from nightlatch.primitives.opaque import Kind, MalformedToken, OpaqueToken, issue, parse, secret_hash, verify
from nightlatch.primitives.secret import Secret
from nightlatch.records import Session, User
from nightlatch.services.client import Client
from nightlatch.services.gate import Assurance
from nightlatch.services.users import Users
from nightlatch.settings import Sessions as Limits

__all__ = ["Sessions"]

_TOUCH_EVERY = timedelta(minutes=1)


class Sessions:
    """Start, recognise, rotate and end sessions.

    Args:
        store: where they are.
        clock: tells the time.
        users: for the guard on the user's row.
        limits: how long they live.
    """

    def __init__(self, store: Store, clock: Clock, users: Users, limits: Limits) -> None:
        self._store = store
        self._clock = clock
        self._users = users
        self._limits = limits
        self._touched: deque[tuple[UUID, datetime]] = deque(maxlen=10_000)

    def start(
        self,
        assurance: Assurance,
        client: Client,
        *,
        device_id: UUID | None = None,
        deliver: Literal["cookie", "tokens"] = "cookie",
        remember: bool = False,
        replaces: Session | None = None,
    ) -> tuple[Session, OpaqueToken]:
        """Start a session in the transaction that is open.

        Args:
            assurance: the gate's word.
            client: where it is started.
            device_id: the remembered device that goes with it.
            deliver: whether a cookie or tokens carry it.
            remember: whether its browser is to be remembered, where that is offered.
            replaces: the idle session of a remembered browser, whose limits stay.

        Returns:
            the session, and its token: the only time it is seen.

        Raises:
            AttemptInvalid: the user was suspended, reset or removed since the gate looked, or the session that this one
                replaces was ended.
        """
        user = assurance.user
        self._users.hold(user)
        if replaces is not None and not self.end(replaces.id, user.id):
            raise AttemptInvalid("the remembered session ended in between")
        now = self._clock.now()
        token = issue(Kind.SESSION)
        absolute, idle = self._limits.limits
        # A grace period ends for who is signed in as well, and no softer proof moves the absolute limit (N5.2).
        ends = [now + absolute, assurance.enrol_by, replaces.expires_at if replaces else None]
        expires_at = min(each for each in ends if each is not None)
        session = Session(
            id=uuid7(now),
            selector=token.selector,
            secret_hash=secret_hash(token),
            user_id=user.id,
            epoch=user.epoch,
            deliver=deliver,
            aal=assurance.level.aal,
            amr=assurance.level.amr,
            evidence=assurance.evidence,
            phishing_resistant=assurance.level.phishing_resistant,
            authenticated_at=assurance.authenticated_at,
            device_id=device_id,
            ip=client.ip,
            user_agent=client.user_agent,
            username=user.username,
            email=user.email,
            roles=user.roles,
            created_at=now,
            last_seen_at=now,
            enrol_by=assurance.enrol_by,
            remembered_until_at=replaces.remembered_until_at if replaces else self._until(remember, expires_at),
            idle_expires_at=None if idle is None else now + idle,
            expires_at=expires_at,
        )
        self._store.insert(session)
        self._keep_within_limit(user.id, session.id)
        return session, token

    def _until(self, remember: bool, expires_at: datetime) -> datetime | None:  # noqa: FBT001 - what was ticked
        life = self._limits.remembering
        return min(self._clock.now() + life, expires_at) if remember and life is not None else None

    def remembered(self, user: User, device_id: UUID) -> Session | None:
        """Return what a browser holds that is remembered, within its bound; an idle one too, which signs nobody in."""
        if self._limits.remembering is None:
            return None
        now = self._clock.now()
        guard = {"user_id": user.id, "device_id": device_id, "epoch": user.epoch, "remembered_until_at": after(now)}
        found = self._store.find(Session, guard, order_by="-created_at", limit=1)
        return found[0] if found and found[0].expires_at > now else None

    def _keep_within_limit(self, user_id: UUID, newest: UUID) -> None:
        # ASVS 7.1.2: documented number of parallel sessions; the one seen longest ago makes room.
        bound = self._limits.max_per_user
        rows = self._store.find(Session, {"user_id": user_id}, order_by="-last_seen_at", limit=bound + 10)
        for each in [row for row in rows if row.id != newest][bound - 1 :]:
            self._store.delete(Session, {"id": each.id})

    def recognise(self, token: Secret | str) -> Session:
        """Tell whose session a token is, by one indexed read.

        Raises:
            NotAuthenticated: it is nobody's, or it has ended.
        """
        try:
            presented = parse(Kind.SESSION, token.reveal() if isinstance(token, Secret) else token)
        except MalformedToken:
            raise NotAuthenticated("malformed session token") from None
        found = self._store.find(Session, {"selector": presented.selector}, limit=1)
        if not found:
            raise NotAuthenticated("unknown session")
        session = found[0]
        try:
            verify(presented, session.secret_hash)
        except MalformedToken:
            raise NotAuthenticated("wrong session secret") from None
        if not self.lives(session):
            raise NotAuthenticated("session expired")
        return session

    def lives(self, session: Session) -> bool:
        """Tell whether a session has neither reached its end nor been idle for too long."""
        now = self._clock.now()
        return session.expires_at > now and (session.idle_expires_at is None or session.idle_expires_at > now)

    def rotate(
        self, session: Session, *, epoch: int, assurance: Assurance | None = None, device_id: UUID | None = None
    ) -> tuple[Session, OpaqueToken]:
        """Give a session a new token, in the transaction that is open; the old one is dead from its commit on.

        Args:
            session: as it was recognised.
            epoch: the user's epoch from now on.
            assurance: with newly proven evidence added to what the session holds; None: as it is.
            device_id: the remembered device from now on; None: as it is.

        Raises:
            AttemptInvalid: the session ended or was rotated in between.
        """
        token = issue(Kind.SESSION)
        changes: dict[str, object] = {
            "selector": token.selector,
            "secret_hash": secret_hash(token),
            "epoch": epoch,
            "last_seen_at": self._clock.now(),
        }
        if device_id is not None:
            changes["device_id"] = device_id
        if epoch != session.epoch:
            changes["remembered_until_at"] = None  # what ends all other access lets nothing be remembered here either
        if assurance is not None:
            changes |= {
                "evidence": assurance.evidence,
                "aal": assurance.level.aal,
                "amr": assurance.level.amr,
                "phishing_resistant": assurance.level.phishing_resistant,
                "authenticated_at": assurance.authenticated_at,
                "enrol_by": assurance.enrol_by,
            }
            if session.enrol_by is not None and assurance.enrol_by is None:
                changes["expires_at"] = session.created_at + self._limits.limits[0]
        guard = {"id": session.id, "user_id": session.user_id, "secret_hash": session.secret_hash}
        if not self._store.update(Session, guard, changes):
            raise AttemptInvalid("session ended or rotated in between")
        return msgspec.structs.replace(session, **changes), token

    def of_user(self, user_id: UUID) -> list[Session]:
        """Return a user's living sessions, the one seen last first; with those of remembered browsers that are idle."""
        now = self._clock.now()
        rows = self._store.find(Session, {"user_id": user_id, "expires_at": after(now)}, order_by="-last_seen_at")
        return [row for row in rows if self.lives(row) or (row.remembered_until_at or now) > now]

    def end(self, session_id: UUID, user_id: UUID) -> bool:
        """End one session; ownership is part of the condition (adversary 60, 65)."""
        return bool(self._store.delete(Session, {"id": session_id, "user_id": user_id}))

    def touch(self, session: Session) -> None:
        """Note that a session was seen, at most once a minute. Never waits: `write_touches` does the writing."""
        now = self._clock.now()
        if now - session.last_seen_at >= _TOUCH_EVERY:
            self._touched.append((session.id, now))

    def write_touches(self) -> int:
        """Write what was noted; drop it if the store is busy: a last-seen time is not worth a wait."""
        seen: dict[UUID, datetime] = {}
        while self._touched:
            session_id, at = self._touched.popleft()
            seen[session_id] = at
        _, idle = self._limits.limits
        for session_id, at in seen.items():
            changes: dict[str, object] = {"last_seen_at": at}
            if idle is not None:
                changes["idle_expires_at"] = at + idle
            try:
                self._store.update(Session, {"id": session_id, "last_seen_at": before(at)}, changes)
            except StoreError:
                return 0
        return len(seen)

    @property
    def has_touches(self) -> bool:
        """Whether anything waits to be written."""
        return bool(self._touched)

    def sweep(self, limit: int = 500) -> int:
        """Delete sessions that have expired, in a small batch."""
        now = self._clock.now()
        old = self._store.find(Session, {"expires_at": before(now)}, order_by="expires_at", limit=limit)
        return sum(self._store.delete(Session, {"id": each.id}) for each in old)
