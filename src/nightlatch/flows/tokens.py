"""Tokens in the hands of clients: refresh them, revoke them, and let a signed-in page have one."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from nightlatch.errors import InvalidCredentials, InvalidToken
from nightlatch.flows.core import Core
from nightlatch.flows.outcome import Granted
from nightlatch.primitives.opaque import OpaqueToken
from nightlatch.primitives.secret import Secret
from nightlatch.records import Session, TokenFamily, User
from nightlatch.services.client import Client
from nightlatch.services.gate import Assurance

__all__ = ["Tokens"]

_ROUNDS = 3


class Tokens:
    """Refresh and revoke.

    Args:
        core: what flows stand on.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    def recognise(self, token: Secret | str) -> Session:
        """Tell whose session an access token belongs to.

        Raises:
            InvalidToken: it is not good, or its session has ended.
        """
        return self._core.tokens.recognise(token)

    def issue(self, session: Session, refresh: Secret | None = None) -> Granted:
        """Return an access token for a living session, with the refresh token that was begun with it, if one was."""
        access = self._core.tokens.access(session)
        return Granted(access=access.token, life=access.life, refresh=refresh)

    def refresh(self, client: Client, token: Secret) -> Granted:
        """Spend a refresh token for the next one and an access token.

        A secret of 256 bits cannot be guessed: nothing is throttled, and a stranger's costs one indexed read.

        Args:
            client: who is asking.
            token: the refresh token.

        Returns:
            the new ones; the same again where the answer to the first was lost a moment ago.

        Raises:
            InvalidToken: unknown, expired, spent; or its session has ended, or policy asks for more by now. Any use of
                a spent token ends the family: one of the two who hold it is not who it was given to.
        """
        core = self._core
        presented = core.tokens.parse(token)
        for _ in range(_ROUNDS):
            family = core.tokens.family(presented)
            session = core.tokens.session_of(family)
            newest = core.tokens.is_newest(family, presented)
            if newest:
                self._admit(family, session)
                successor = core.tokens.rotate(family, presented, client)
                if successor is None:
                    continue  # another use was first: look again at what the family waits for now
            else:
                successor = core.tokens.replayed(family, presented, client)
                if successor is None:
                    self._end(client, family)
                    raise InvalidToken("a spent refresh token was used: its family has ended")
            core.sessions.touch(session)
            return self.issue(session, successor)
        raise InvalidToken("spent many times at once")  # pragma: no cover - the second look finds it spent

    def _admit(self, family: TokenFamily, session: Session) -> None:
        """Ask the gate anew: what held at sign-in may hold no longer (adversary 63, 64)."""
        core = self._core
        user = core.store.get(User, family.user_id)
        if user is None or user.epoch != family.epoch:
            raise InvalidToken("user removed, suspended or reset")
        try:
            granted = core.gate.decide(user, session.evidence, core.users.authenticators(user.id))
        except InvalidCredentials as refusal:
            raise InvalidToken(refusal.reason) from None
        if not isinstance(granted, Assurance):
            raise InvalidToken("policy asks for more than this session has proven")
        if granted.enrol_by is not None and user.enrolment_asked_at is None:
            with core.transaction():
                core.note_enrolment_asked(granted)

    def _end(self, client: Client, family: TokenFamily) -> None:
        # In a transaction that commits before anything is raised: its own error must not undo it (supabase #1312).
        core = self._core
        with core.transaction():
            if core.tokens.end(family):
                core.audit.done(
                    "authn_token_reuse",
                    client,
                    user_id=family.user_id,
                    session_id=family.session_id,
                    details={"generation": family.generation},
                )

    def revoke(self, client: Client, token: Secret) -> None:
        """End the session that a refresh or access token belongs to (RFC 7009). What is no token is as good as revoked.

        Args:
            client: who is asking.
            token: of either kind.
        """
        core = self._core
        try:
            if token.reveal().startswith("nlr_"):
                self._revoke_family(client, core.tokens.parse(token))
            elif token.reveal().startswith("nlk_"):
                self._revoke_key(client, token)
            else:
                session = core.tokens.recognise(token)
                self._log_out(client, session)
        except InvalidToken:
            return

    def _revoke_key(self, client: Client, token: Secret) -> None:
        # Whoever found it may end it, a secret scanner too: it was lost already.
        core = self._core
        key = core.api_keys.find(token.reveal())
        with core.transaction():
            if core.api_keys.end(key.id, key.user_id):
                core.audit.done("api_key_revoked", client, user_id=key.user_id, details={"key": str(key.id)})

    def ended(self, session_ids: Sequence[UUID]) -> list[UUID]:
        """Tell a service that only verifies which of these sessions have ended, or never were.

        Anybody may ask: an id cannot be guessed, and says nothing of whose it is.
        """
        return self._core.tokens.ended(session_ids)

    def _revoke_family(self, client: Client, presented: OpaqueToken) -> None:
        # Whichever of the family's tokens it is: who gives a spent one back means the family.
        core = self._core
        family = core.tokens.family(presented)
        with core.transaction():
            if core.tokens.end(family):
                core.audit.done("authn_logout", client, user_id=family.user_id, session_id=family.session_id)

    def _log_out(self, client: Client, session: Session) -> None:
        core = self._core
        with core.transaction():
            if core.sessions.end(session.id, session.user_id):
                core.audit.done("authn_logout", client, user_id=session.user_id, session_id=session.id)
