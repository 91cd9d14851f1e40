"""API keys of somebody who is signed in: make one, see them, revoke one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from nightlatch.errors import InvalidInput, NotAuthenticated, NotFound, ReauthenticationRequired
from nightlatch.flows.core import Core
from nightlatch.flows.notices import tell_api_key_created
from nightlatch.primitives.assurance import meets
from nightlatch.primitives.secret import Secret
from nightlatch.records import ApiKey, Session, User
from nightlatch.services.api_keys import Delegated
from nightlatch.services.client import Client
from nightlatch.services.gate import needed_by

__all__ = ["ApiKeys"]

_FRESH = timedelta(minutes=10)
_SCOPE = re.compile(r"[A-Za-z0-9_.:/-]{1,64}")
_MOST_SCOPES = 32
_LONGEST_NAME = 100


class ApiKeys:
    """Manage one's own keys, and tell for whom one acts.

    Args:
        core: what flows stand on.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    def recognise(self, text: str) -> Delegated:
        """Tell for whom a key acts.

        Raises:
            InvalidToken: it is none, has expired or was revoked; or its owner may not be acted for.
            Throttled: the key is used more often than it may be.
        """
        core = self._core
        delegated = core.api_keys.recognise(text)
        if core.api_keys.has_touches:
            core.background.wake()
        return delegated

    def create(
        self,
        client: Client,
        session: Session,
        *,
        name: str,
        scopes: Sequence[str] = (),
        life: timedelta | None = None,
    ) -> tuple[ApiKey, Secret]:
        """Make a key.

        Args:
            client: who is asking.
            session: the acting one: its proof must be fresh, at the level that it has reached.
            name: what the owner calls it.
            scopes: what it is for; none: everything that asks neither for a scope nor for a proof.
            life: how long it is good; None: until it is revoked, where settings allow that.

        Returns:
            the key, and its text: the only time it is seen.

        Raises:
            ReauthenticationRequired: the proof is not fresh enough.
            InvalidInput: a name, scope or life that cannot be.
            Forbidden: there are too many.
            NotAuthenticated: the user is gone.
        """
        core, now = self._core, self._core.clock.now()
        if not self.may_create(session):
            # What it gives lasts longer than a session: a stolen cookie alone must not (ASVS 7.5.1).
            raise ReauthenticationRequired("an API key needs a fresh proof", aal=self._level(session), max_age=_FRESH)
        called = " ".join(name.split())
        longest = core.settings.api_keys.longest_life
        fields: dict[str, str] = {}
        if not called or len(called) > _LONGEST_NAME or not called.isprintable():
            fields["name"] = f"Please give it a name of 1 to {_LONGEST_NAME} characters."
        if len(scopes) > _MOST_SCOPES or not all(_SCOPE.fullmatch(each) for each in scopes):
            fields["scopes"] = "A scope is a word of letters, digits and _ . : / -"
        if life is not None and not timedelta(0) < life <= longest:
            fields["expires_in"] = f"At most {longest.days} days."
        if fields:
            raise InvalidInput(fields=fields)
        user = core.store.get(User, session.user_id)
        if user is None or user.epoch != session.epoch:
            raise NotAuthenticated("user is gone or was reset")
        core.gate.delegate(user)
        with core.transaction():
            key, text = core.api_keys.issue(
                user, name=called, scopes=tuple(sorted(set(scopes))), expires_at=now + (life or longest)
            )
            core.audit.done(
                "api_key_created",
                client,
                user_id=user.id,
                session_id=session.id,
                details={"key": str(key.id), "scopes": key.scopes},
            )
            tell_api_key_created(core, client, user, key)
        return key, text

    def may_create(self, session: Session) -> bool:
        """Tell whether a session's proof is fresh enough to make a key with."""
        return meets(session.evidence, aal=self._level(session), max_age=_FRESH, now=self._core.clock.now())

    def _level(self, session: Session) -> int:
        # The user's own, where the session is of less: binding goes by the same (adversary 47).
        return max(session.aal, needed_by(self._core.users.authenticators(session.user_id)))

    def list(self, session: Session) -> Sequence[ApiKey]:
        """Return one's keys, the newest first."""
        return self._core.api_keys.of_user(session.user_id)

    def revoke(self, client: Client, session: Session, id: UUID) -> None:  # noqa: A002 - the field is called id
        """End one of one's keys.

        Raises:
            NotFound: there is none by that id, or it is somebody else's.
        """
        core = self._core
        with core.transaction():
            if not core.api_keys.end(id, session.user_id):
                raise NotFound("no such API key of this user")
            core.audit.done(
                "api_key_revoked", client, user_id=session.user_id, session_id=session.id, details={"key": str(id)}
            )
