"""API keys: a program acts for its owner, within scopes, until it is told to stop.

A key is a delegation and no authentication: what rides on one has no level and no proof, so it never meets a demand
for either, and our own API does not take it.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta
from typing import final
from uuid import UUID

from nightlatch.errors import Forbidden, InvalidCredentials, InvalidToken, StoreError, Throttled
from nightlatch.ports import Clock, Store, before
from nightlatch.primitives.ids import uuid7
from nightlatch.primitives.opaque import Kind, MalformedToken, issue, parse, secret_hash, verify
from nightlatch.primitives.secret import Secret
from nightlatch.records import ApiKey, Session, User
from nightlatch.services.gate import Gate
from nightlatch.services.users import Users
from nightlatch.settings import ApiKeys as Limits

__all__ = ["ApiKeys", "Delegated"]

_NEVER = datetime(9999, 12, 31, tzinfo=UTC)
_TOUCH_EVERY = timedelta(minutes=1)
_MOST_COUNTED = 10_000


@final
class Delegated(Session, frozen=True, kw_only=True, gc=False):
    """What a request rides on that brings an API key: its owner's names and roles, and nothing that was proven.

    It is never stored. ``id`` is the key's; ``aal`` is 0, and there is no evidence.
    """

    scopes: tuple[str, ...] = ()
    """What the key is for; without any it reaches all that asks neither for a scope nor for a proof."""


class ApiKeys:
    """Issue, recognise and end keys.

    Args:
        store: where they are.
        clock: tells the time.
        users: for the guard on the owner's row.
        gate: says whether an owner may have somebody act for them.
        limits: how many, how long, how often.
    """

    def __init__(self, store: Store, clock: Clock, users: Users, gate: Gate, limits: Limits) -> None:
        self._store = store
        self._clock = clock
        self._users = users
        self._gate = gate
        self._limits = limits
        self._touched: deque[tuple[UUID, datetime]] = deque(maxlen=10_000)
        self._uses: dict[UUID, tuple[datetime, int]] = {}

    def issue(
        self, user: User, *, name: str, scopes: tuple[str, ...], expires_at: datetime | None
    ) -> tuple[ApiKey, Secret]:
        """Write a key in the transaction that is open.

        Returns:
            the key, and its text: the only time it is seen.

        Raises:
            AttemptInvalid: the owner was suspended, reset or changed in between.
            Forbidden: the owner has as many as anybody may.
        """
        self._users.hold(user)
        if len(self.of_user(user.id)) >= self._limits.max_per_user:
            raise Forbidden("too many API keys", message="You have as many API keys as anybody may. Revoke one first.")
        now = self._clock.now()
        token = issue(Kind.API_KEY)
        key = ApiKey(
            id=uuid7(now),
            selector=token.selector,
            secret_hash=secret_hash(token),
            user_id=user.id,
            name=name,
            scopes=scopes,
            created_at=now,
            expires_at=expires_at,
        )
        self._store.insert(key)
        return key, Secret(token.text())

    def find(self, text: str) -> ApiKey:
        """Return the key that a text is, expired or not.

        Raises:
            InvalidToken: it is none.
        """
        try:
            presented = parse(Kind.API_KEY, text)
            found = self._store.find(ApiKey, {"selector": presented.selector}, limit=1)
            if not found:
                raise InvalidToken("unknown API key")
            verify(presented, found[0].secret_hash)
        except MalformedToken:
            raise InvalidToken("malformed API key") from None
        return found[0]

    def recognise(self, text: str) -> Delegated:
        """Tell for whom a key acts: two indexed reads, the key and its owner as they are now.

        Raises:
            InvalidToken: it is none, or has expired; or its owner may not be acted for.
            Throttled: the key is used more often than it may be.
        """
        key, now = self.find(text), self._clock.now()
        if key.expires_at is not None and key.expires_at <= now:
            raise InvalidToken("API key expired")
        owner = self._store.get(User, key.user_id)
        if owner is None:
            raise InvalidToken("owner is gone")
        try:
            self._gate.delegate(owner)
        except InvalidCredentials as refusal:
            raise InvalidToken(refusal.reason) from None
        self._count(key, now)
        if key.last_used_at is None or now - key.last_used_at >= _TOUCH_EVERY:
            self._touched.append((key.id, now))
        return Delegated(
            id=key.id,
            selector="",
            secret_hash=b"",
            user_id=owner.id,
            epoch=owner.epoch,
            deliver="tokens",
            aal=0,
            amr=(),
            evidence=(),
            authenticated_at=key.created_at,
            username=owner.username,
            email=owner.email,
            roles=owner.roles,
            created_at=key.created_at,
            last_seen_at=now,
            expires_at=key.expires_at or _NEVER,
            scopes=key.scopes,
        )

    def _count(self, key: ApiKey, now: datetime) -> None:
        """Bound how often a key is used, in each process: it is traffic that is bounded here, nothing is guessed."""
        budget = self._limits.uses
        since, count = self._uses.get(key.id, (now, 0))
        if now - since >= budget.per:
            since, count = now, 0
        if count >= budget.limit:
            raise Throttled("API key used too often", retry_after=since + budget.per - now)
        if key.id not in self._uses and len(self._uses) >= _MOST_COUNTED:
            self._uses.clear()
        self._uses[key.id] = (since, count + 1)

    def of_user(self, user_id: UUID) -> list[ApiKey]:
        """Return a user's keys, the newest first, expired ones too."""
        return self._store.find(ApiKey, {"user_id": user_id}, order_by="-created_at")

    def end(self, key_id: UUID, user_id: UUID) -> bool:
        """End one key; ownership is part of the condition (adversary 60, 72)."""
        return bool(self._store.delete(ApiKey, {"id": key_id, "user_id": user_id}))

    @property
    def has_touches(self) -> bool:
        """Whether anything waits to be written."""
        return bool(self._touched)

    def write_touches(self) -> int:
        """Write when keys were used last: that column alone, so that a key that was deleted stays so (adversary 72)."""
        used: dict[UUID, datetime] = {}
        while self._touched:
            key_id, at = self._touched.popleft()
            used[key_id] = at
        for key_id, at in used.items():
            try:
                self._store.update(ApiKey, {"id": key_id}, {"last_used_at": at})
            except StoreError:
                return 0
        return len(used)

    def sweep(self, *, grace: timedelta = timedelta(days=30), limit: int = 500) -> int:
        """Delete keys that expired a month ago."""
        until = self._clock.now() - grace
        old = self._store.find(ApiKey, {"expires_at": before(until)}, order_by="expires_at", limit=limit)
        return sum(self._store.delete(ApiKey, {"id": each.id}) for each in old)
