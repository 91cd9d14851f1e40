"""Access and refresh tokens: issued in a session, and never good for longer than it.

Refresh tokens rotate. The successor of each is derived from it (an HMAC under a purpose key), so that nothing but the
hash of the newest one is stored, and a client whose answer was lost is given the very same successor again: within ten
seconds, by the same client, while the successor has not been used (RFC 9700 4.14.2; adversary 69).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from nightlatch.errors import InvalidToken
from nightlatch.ports import Clock, Store, any_of, before
from nightlatch.primitives.ids import uuid7
from nightlatch.primitives.keyring import Keyring
from nightlatch.primitives.opaque import Kind, MalformedToken, OpaqueToken, derived, issue, parse, secret_hash, verify
from nightlatch.primitives.secret import Secret
from nightlatch.records import Session, TokenFamily
from nightlatch.services.client import Client
from nightlatch.services.sessions import Sessions
from nightlatch.services.signing_keys import SigningKeys
from nightlatch.settings import Settings
from nightlatch.verify import InvalidToken as NotVerified
from nightlatch.verify import SharedSecrets, Verifier
from nightlatch.verify.keys import ASSERTION

__all__ = ["Access", "Tokens"]

_REPLAY = timedelta(seconds=10)
_ASSERTION_LIFE = timedelta(minutes=1)
CLIENT_ID = "first-party"
"""RFC 9068 2.2 asks who a token was issued to: the application's own clients, which have no registration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """An access token.

    Args:
        token: a JWT.
        life: how long it is good.
    """

    token: Secret
    life: timedelta


class Tokens:
    """Issue, verify, rotate and end tokens.

    Args:
        store: where the families are.
        clock: tells the time.
        keyring: derives successors.
        sessions: what every token belongs to.
        keys: sign access tokens.
        settings: who issues, for whom, for how long.
    """

    def __init__(
        self, store: Store, clock: Clock, keyring: Keyring, sessions: Sessions, keys: SigningKeys, settings: Settings
    ) -> None:
        self._store = store
        self._clock = clock
        self._keyring = keyring
        self._sessions = sessions
        self.keys = keys
        self._limits = settings.tokens
        self.issuer = settings.base_url + settings.mount
        self.audience = settings.tokens.audience or settings.base_url
        shared = [each.reveal() for each in settings.tokens.allow_hs256_single_application]
        self._shared = SharedSecrets(shared) if shared else None
        self._verifier = Verifier(
            issuer=self.issuer,
            audience=self.audience,
            # One kind or the other, never both: no token is ever looked at under the wrong one.
            keys=self._shared or keys,
            now=lambda: clock.now().timestamp(),
        )

    # --- access tokens ----------------------------------------------------------------------------------------------

    def access(self, session: Session) -> Access:
        """Issue an access token (RFC 9068 2.2). Call it outside transactions: the first one may make a key."""
        now = self._clock.now()
        # No token outlives its session; and `auth_time` says when somebody proved something, not when it was refreshed.
        expires_at = min(now + self._limits.access_life, session.expires_at)
        issued = int(now.timestamp())
        claims = {
            "iss": self.issuer,
            "sub": str(session.user_id),
            "aud": self.audience,
            "client_id": CLIENT_ID,
            "exp": int(expires_at.timestamp()),
            "iat": issued,
            "jti": str(uuid7(now)),
            "sid": str(session.id),
            "auth_time": int(session.authenticated_at.timestamp()),
            "acr": f"aal{session.aal}",
            "amr": session.amr,
            "roles": session.roles,
        }
        signing = self._shared.signing if self._shared else self.keys.signing()
        return Access(token=Secret(signing.sign(claims)), life=expires_at - now)

    def assertion(self, session: Session, host: str) -> Secret:
        """Issue the assertion of who stands behind one request to an application, by its host. Good for a minute."""
        now = self._clock.now()
        claims = {
            "iss": self.issuer,
            "sub": str(session.user_id),
            "aud": host,
            "exp": int(min(now + _ASSERTION_LIFE, session.expires_at).timestamp()),
            "iat": int(now.timestamp()),
            "jti": str(uuid7(now)),
            "sid": str(session.id),
            "auth_time": int(session.authenticated_at.timestamp()),
            "acr": f"aal{session.aal}",
            "amr": session.amr,
            "roles": session.roles,
            "email": session.email,
            "username": session.username,
        }
        return Secret(self.keys.signing().sign(claims, ASSERTION))

    def recognise(self, token: Secret | str) -> Session:
        """Tell whose session an access token belongs to: its signature, and one read by ``sid``.

        Raises:
            InvalidToken: it is not good, or its session has ended.
        """
        try:
            verified = self._verifier.verify(token.reveal() if isinstance(token, Secret) else token)
        except NotVerified as refusal:
            raise InvalidToken(refusal.reason) from None
        session = self._store.get(Session, UUID(verified.session_id))
        if session is None or str(session.user_id) != verified.subject:
            raise InvalidToken("session ended")
        self._living(session)
        return session

    def _living(self, session: Session) -> None:
        if not self._sessions.lives(session):
            raise InvalidToken("session expired")

    def ended(self, session_ids: Sequence[UUID]) -> list[UUID]:
        """Return which of these sessions have ended, or never were: by one indexed read."""
        found = self._store.find(Session, {"id": any_of(tuple(session_ids))})
        living = {each.id for each in found if self._sessions.lives(each)}
        return [each for each in session_ids if each not in living]

    # --- refresh tokens ---------------------------------------------------------------------------------------------

    def begin(self, session: Session) -> Secret:
        """Begin a family, in the transaction that is open; earlier ones of the session end.

        Returns:
            its first refresh token.
        """
        now = self._clock.now()
        self._store.delete(TokenFamily, {"session_id": session.id})
        token = issue(Kind.REFRESH)
        family = TokenFamily(
            id=uuid7(now),
            selector=token.selector,
            session_id=session.id,
            user_id=session.user_id,
            epoch=session.epoch,
            secret_hash=secret_hash(token),
            created_at=now,
            expires_at=session.expires_at,
        )
        self._store.insert(family)
        return Secret(token.text())

    def parse(self, token: Secret) -> OpaqueToken:
        """Take a refresh token apart.

        Raises:
            InvalidToken: it is none.
        """
        try:
            return parse(Kind.REFRESH, token.reveal())
        except MalformedToken:
            raise InvalidToken("malformed refresh token") from None

    def family(self, token: OpaqueToken) -> TokenFamily:
        """Return the living family that a token is of, whichever of its tokens it is.

        Raises:
            InvalidToken: there is none, or it was idle for too long.
        """
        found = self._store.find(TokenFamily, {"selector": token.selector}, limit=1)
        if not found or found[0].revoked_at is not None:
            raise InvalidToken("unknown or ended family")
        family, now = found[0], self._clock.now()
        idle_until = (family.rotated_at or family.created_at) + self._limits.refresh_idle
        if min(family.expires_at, idle_until) <= now:
            raise InvalidToken("refresh token expired")
        return family

    def session_of(self, family: TokenFamily) -> Session:
        """Return the living session of a family.

        Raises:
            InvalidToken: it has ended.
        """
        session = self._store.get(Session, family.session_id)
        if session is None:
            raise InvalidToken("session ended")
        self._living(session)
        return session

    def is_newest(self, family: TokenFamily, token: OpaqueToken) -> bool:
        """Tell whether a token is the one that its family waits for."""
        try:
            verify(token, family.secret_hash)
        except MalformedToken:
            return False
        return True

    def rotate(self, family: TokenFamily, token: OpaqueToken, client: Client) -> Secret | None:
        """Spend the newest token of a family, by one guarded update.

        Returns:
            its successor; None where another use of the same token was first.
        """
        generation = family.generation + 1
        successor = self._successors(family, token, generation, client)[0]
        guard = {"id": family.id, "secret_hash": family.secret_hash, "revoked_at": None}
        changes = {
            "secret_hash": secret_hash(successor),
            "generation": generation,
            "rotated_at": self._clock.now(),
        }
        return Secret(successor.text()) if self._store.update(TokenFamily, guard, changes) else None

    def replayed(self, family: TokenFamily, token: OpaqueToken, client: Client) -> Secret | None:
        """Return the successor again, for a client whose answer was lost; None for any other use of a spent token.

        That the successor is what the family waits for says three things at once: the token is the last one spent, the
        same client spent it, and the successor has not been used.
        """
        if family.rotated_at is None or self._clock.now() - family.rotated_at > _REPLAY:
            return None
        for successor in self._successors(family, token, family.generation, client):
            if self.is_newest(family, successor):
                return Secret(successor.text())
        return None

    def end(self, family: TokenFamily) -> bool:
        """End a family and its session, in the transaction that is open; every access token dies with it."""
        self._store.delete(TokenFamily, {"id": family.id})
        return self._sessions.end(family.session_id, family.user_id)

    def _successors(
        self, family: TokenFamily, token: OpaqueToken, generation: int, client: Client
    ) -> list[OpaqueToken]:
        # The client is told by what it calls itself alone: a telephone that lost the answer on the way from one network
        # to the next has another address when it asks again.
        parts = (str(family.id), str(generation), token.secret, client.user_agent or "")
        return [derived(token, mac) for mac in self._keyring.macs("refresh", *parts)]

    def sweep(self, limit: int = 500) -> int:
        """Delete families that have expired, in a small batch."""
        until = self._clock.now()
        old = self._store.find(TokenFamily, {"expires_at": before(until)}, order_by="expires_at", limit=limit)
        return sum(self._store.delete(TokenFamily, {"id": each.id}) for each in old)
