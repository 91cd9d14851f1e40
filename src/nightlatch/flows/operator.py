"""What the people who run an installation do: look, suspend, restore, delete, revoke. The command line calls this."""

from __future__ import annotations

from uuid import UUID

from nightlatch.errors import NotFound
from nightlatch.flows.administrators import ADMINISTRATOR, note_administrator
from nightlatch.flows.core import Core
from nightlatch.flows.erase import erase
from nightlatch.flows.names import valid_role
from nightlatch.ports import after, plus
from nightlatch.records import ApiKey, Authenticator, Identifier, Session, SigningKey, User
from nightlatch.services.client import NOBODY

__all__ = ["Operator"]


class Operator:
    """Run the accounts of an installation. Every act is an audit event.

    Args:
        core: what flows stand on.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    def users(self, *, limit: int = 100, after_id: UUID | None = None) -> list[User]:
        """Return users in the order they were made, from the one after `after_id` on."""
        where: dict[str, object] = {"epoch": after(-1)}
        if after_id is not None:
            last = self._get(after_id)
            where = {"created_at": after(last.created_at)}
        return self._core.store.find(User, where, order_by="created_at", limit=limit)

    def find_user(self, identifier_or_id: str) -> User:
        """Return the user with this id, address or user name.

        Raises:
            NotFound: there is none.
        """
        try:
            return self._get(UUID(identifier_or_id))
        except ValueError:
            pass
        claim = self._core.users.claim(identifier_or_id)
        user = self._core.users.find(claim.kind, claim.key) if claim else None
        if user is None:
            raise NotFound("no such user")
        return user

    def identifiers(self, user_id: UUID) -> list[Identifier]:
        """Return what a user is found by."""
        return self._core.store.find(Identifier, {"user_id": user_id}, order_by="created_at")

    def authenticators(self, user_id: UUID) -> list[Authenticator]:
        """Return what a user has bound."""
        return self._core.users.authenticators(user_id)

    def suspend(self, user_id: UUID) -> User:
        """Suspend a user: every session, token, device, code and link ends at once (ASVS 7.4.2, adversary 63).

        Raises:
            NotFound: there is none.
        """
        return self._set_status(user_id, "suspended", "user_suspended")

    def restore(self, user_id: UUID) -> User:
        """Let a user sign in again who was suspended, or whose password was refused after too many failures.

        What was ended stays ended.

        Raises:
            NotFound: there is none.
        """
        return self._set_status(user_id, "active", "user_restored")

    def _set_status(self, user_id: UUID, status: str, action: str) -> User:
        core = self._core
        with core.transaction():
            if not core.store.update(User, {"id": user_id}, {"status": status}):
                raise NotFound("no such user")
            core.users.end_access(user_id)
            core.one_time.void_for(user_id)
            if status == "active":
                core.password.forgive(user_id)
            core.audit.done(action, NOBODY, user_id=user_id, details={"by": "operator"})
        return self._get(user_id)

    def delete(self, user_id: UUID) -> None:
        """Delete a user and all that is theirs; audit events keep the id, which is never used again.

        Raises:
            NotFound: there is none.
        """
        core = self._core
        with core.transaction():
            if not erase(core, self._get(user_id)):
                raise NotFound("user changed in between")
            core.audit.done("user_deleted", NOBODY, user_id=user_id, details={"by": "operator"})

    def set_roles(self, user_id: UUID, roles: tuple[str, ...]) -> User:
        """Set a user's roles; living sessions carry them from their next request on (ASVS 8.3.2).

        Sessions that have not proven what policy asks of the new roles end: signing in anew leads through it.

        Raises:
            NotFound: there is none.
            InvalidInput: a role is not a word of letters, digits, ``-``, ``_``, ``:`` or ``.``.
        """
        core = self._core
        chosen = tuple(sorted({valid_role(role) for role in roles}))
        with core.transaction():
            if not core.store.update(User, {"id": user_id}, {"epoch": plus(0)}):
                raise NotFound("no such user")
            core.users.change(user_id, roles=chosen)
            if ADMINISTRATOR in chosen:
                note_administrator(core)  # a link for the first one that is still about is worth nothing from now on
            self._end_what_falls_short(user_id)
            core.audit.done("privilege_permissions_changed", NOBODY, user_id=user_id, details={"roles": chosen})
        return self._get(user_id)

    def require(self, user_id: UUID, aal: int) -> User:
        """Say what a user's sign-ins must reach, whatever policy says of everyone and of roles; 1 lifts it.

        Sessions that have not proven it end: signing in anew leads through it.

        Raises:
            NotFound: there is none.
            InvalidInput: nobody can reach that here.
        """
        core = self._core
        core.gate.see_reachable(aal)
        with core.transaction():
            if not core.store.update(User, {"id": user_id}, {"required_aal": aal if aal > 1 else None}):
                raise NotFound("no such user")
            self._end_what_falls_short(user_id)
            core.audit.done("policy_required", NOBODY, user_id=user_id, details={"aal": aal})
        return self._get(user_id)

    def _end_what_falls_short(self, user_id: UUID) -> None:
        core, user = self._core, self._get(user_id)
        for each in core.store.find(Session, {"user_id": user_id}):
            if core.gate.unmet(user, each.evidence) is not None:
                core.sessions.end(each.id, user_id)

    def sessions(self, *, user_id: UUID | None = None, limit: int = 100) -> list[Session]:
        """Return living sessions, of one user or of all, the one seen last first."""
        where: dict[str, object] = {"expires_at": after(self._core.clock.now())}
        if user_id is not None:
            where["user_id"] = user_id
        return self._core.store.find(Session, where, order_by="-last_seen_at", limit=limit)

    def revoke_session(self, session_id: UUID) -> None:
        """End one session.

        Raises:
            NotFound: there is none.
        """
        core = self._core
        with core.transaction():
            session = core.store.get(Session, session_id)
            if session is None or not core.sessions.end(session_id, session.user_id):
                raise NotFound("no such session")
            core.audit.done(
                "session_revoked", NOBODY, user_id=session.user_id, session_id=session_id, details={"by": "operator"}
            )

    def revoke_sessions(self, user_id: UUID) -> int:
        """End all of a user's sessions.

        Returns:
            how many ended.
        """
        core = self._core
        with core.transaction():
            ended = core.users.end_access(user_id)
            core.audit.done("sessions_revoked", NOBODY, user_id=user_id, details={"by": "operator", "ended": ended})
        return ended

    # --- API keys ---------------------------------------------------------------------------------------------------

    def api_keys(self, user_id: UUID) -> list[ApiKey]:
        """Return a user's API keys, the newest first."""
        return self._core.api_keys.of_user(user_id)

    def revoke_api_key(self, key_id: UUID) -> None:
        """End an API key.

        Raises:
            NotFound: there is none.
        """
        core = self._core
        with core.transaction():
            key = core.store.get(ApiKey, key_id)
            if key is None or not core.api_keys.end(key_id, key.user_id):
                raise NotFound("no such API key")
            core.audit.done(
                "api_key_revoked", NOBODY, user_id=key.user_id, details={"by": "operator", "key": str(key_id)}
            )

    # --- signing keys -----------------------------------------------------------------------------------------------

    def signing_keys(self) -> list[tuple[SigningKey, str]]:
        """Return the keys of access tokens, the newest first, each with what it is for now."""
        keys = self._core.tokens.keys
        return [(key, keys.state(key)) for key in keys.every()]

    def rotate_signing_key(self) -> SigningKey:
        """Let the next key sign, as soon as every cache has it; nobody is signed out.

        Returns:
            the key, with the time from which it signs.
        """
        key = self._core.tokens.keys.rotate()
        self._note_key("crypto_key_rotated", key)
        return key

    def revoke_signing_key(self, kid: str) -> SigningKey:
        """Stop believing a key: every access token that it signed dies, and clients refresh.

        Raises:
            NotFound: there is none by that name, or it is revoked already.
        """
        key = self._core.tokens.keys.revoke(kid)
        self._note_key("crypto_key_revoked", key)
        return key

    def _note_key(self, action: str, key: SigningKey) -> None:
        with self._core.transaction():
            self._core.audit.done(action, NOBODY, details={"by": "operator", "kid": key.kid})

    def _get(self, user_id: UUID) -> User:
        user = self._core.store.get(User, user_id)
        if user is None:
            raise NotFound("no such user")
        return user
