"""Make a passkey of one's own: while signed in, or where a sign-in waits for one."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from msgspec.structs import replace

from nightlatch.authenticators.passkey import Passkey
from nightlatch.errors import Forbidden, NotFound
from nightlatch.flows.binding import Binding, Bound
from nightlatch.flows.core import Core
from nightlatch.flows.names import clean_name
from nightlatch.flows.passkey_proposal import PasskeyProposal
from nightlatch.flows.sign_up_by_passkey import SignUpByPasskey
from nightlatch.primitives.secret import Secret
from nightlatch.records import Authenticator, Session, User
from nightlatch.services.client import Client

__all__ = ["Accepted", "BindPasskey", "Unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A passkey that nobody has here: its holder's browser need not offer it again (Level 3, 5.1.10).

    Args:
        rp_id: whom it was made for.
        credential_id: in base64url.
    """

    rp_id: str
    credential_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A user's passkeys, so that browsers can forget those that were removed and rename the others (Level 3, 5.1.10).

    Args:
        rp_id: whom they were made for.
        user_handle: of all of them, in base64url.
        credential_ids: in base64url.
        user_name: what browsers show, and what people know the account by.
        display_name: what the person is called.
    """

    rp_id: str
    user_handle: str
    credential_ids: tuple[str, ...]
    user_name: str
    display_name: str


class BindPasskey:
    """Bind a passkey. Until it is confirmed it counts for nothing, and who stops half-way is locked out of nothing.

    Args:
        core: what flows stand on.
        binding: what binding any authenticator has in common.
        sign_up: where a passkey stands in for a new account's password.
    """

    def __init__(self, core: Core, binding: Binding, sign_up: SignUpByPasskey) -> None:
        self._core = core
        self._binding = binding
        self._sign_up = sign_up

    @property
    def offered(self) -> bool:
        """Whether users may make one."""
        return self._core.passkey.offered

    def is_worth_offering(self, session: Session) -> bool:
        """Tell whether to offer one to who has just signed in: they may make one, and have none."""
        return self.offered and not self._core.passkey.of(self._core.users.authenticators(session.user_id))

    def accepted(self, session: Session) -> Accepted | None:
        """Tell what a browser should know of the user's passkeys; None where there are none."""
        core = self._core
        user = core.store.get(User, session.user_id)
        found = core.passkey.known(core.users.authenticators(session.user_id))
        if user is None or found is None:
            return None
        handle, ids = found
        shown = user.email or user.username or ""
        return Accepted(
            rp_id=core.passkey.rp_id,
            user_handle=handle,
            credential_ids=ids,
            user_name=shown,
            display_name=user.name or shown,
        )

    def unknown(self, credential: object) -> Unknown | None:
        """Tell which passkey nobody has, if that is why a credential was refused."""
        passkey = self._core.passkey
        found = passkey.unknown_id(credential)
        return None if found is None else Unknown(rp_id=passkey.rp_id, credential_id=found)

    def begin(self, client: Client, session: Session, *, name: str | None = None) -> PasskeyProposal:
        """Begin to make one, while signed in.

        Raises:
            ReauthenticationRequired: the session's proof is not fresh, or not of the user's own level.
            Forbidden: passkeys are switched off, or this site's address is a number.
            InvalidInput: the name is too long.
            Throttled: too many calls.
        """
        return self._propose(client, self._binding.fresh(session), name)

    def begin_in(self, client: Client, attempt: Secret, *, name: str | None = None) -> PasskeyProposal:
        """Begin to make one that a sign-in waits for, or a sign-up in place of a password.

        Raises:
            AttemptInvalid: it waits for something else.
            Forbidden: passkeys are switched off, or this site's address is a number.
        """
        found = self._core.attempts.find(attempt)
        if found.purpose == "sign_up":
            self._see_that_it_is_offered()
            self._core.spend_call(client)
            return self._sign_up.begin(found)
        return self._propose(client, self._binding.enrolling(found, Passkey.kind), name)

    def confirm(
        self,
        client: Client,
        session: Session,
        id: UUID,  # noqa: A002
        credential: object,
        *,
        name: str | None = None,
    ) -> Bound:
        """Bind what the browser made: from now on it counts.

        Raises:
            ReauthenticationRequired: the session's proof is not fresh.
            NotFound: no such proposal.
            InvalidCredentials: the credential does not hold.
            InvalidInput: the name is too long.
            Throttled: too many calls.
        """
        user = self._binding.fresh(session)
        made = self._made(client, user, id, credential, name)
        proof = self._core.passkey.proof_of(made)
        return self._binding.in_session(client, session, user, made, proof, lambda: self._core.passkey.bind(made))

    def confirm_in(
        self,
        client: Client,
        attempt: Secret,
        id: UUID,  # noqa: A002
        credential: object,
        *,
        name: str | None = None,
    ) -> Bound:
        """Bind the one that a sign-in or sign-up waits for, and end it.

        Raises:
            AttemptInvalid: it waits for something else, or policy asks for more still.
            NotFound: no such proposal.
            InvalidCredentials: the credential does not hold.
            Forbidden: policy asks for a password as well.
        """
        found = self._core.attempts.find(attempt)
        if found.purpose == "sign_up":
            self._core.spend_call(client)
            made = self._answered(self._sign_up.proposed(found), id, credential, name)
            return self._sign_up.confirm(client, found, made, self._core.passkey.proof_of(made))
        user = self._binding.enrolling(found, Passkey.kind)
        made = self._made(client, user, id, credential, name)
        proof = self._core.passkey.proof_of(made)
        return self._binding.in_attempt(client, found, user, made, proof, lambda: self._core.passkey.bind(made))

    def _propose(self, client: Client, user: User, name: str | None) -> PasskeyProposal:
        core = self._core
        self._see_that_it_is_offered()
        self._core.spend_call(client)
        cleaned = clean_name(name)
        with core.transaction():
            # One that was not finished makes room: it never counted.
            core.store.delete(Authenticator, {"user_id": user.id, "kind": Passkey.kind, "confirmed_at": None})
            record, options = core.passkey.propose(user, core.users.authenticators(user.id), name=cleaned)
        return PasskeyProposal(id=record.id, options=options)

    def _made(self, client: Client, user: User, id: UUID, credential: object, name: str | None) -> Authenticator:  # noqa: A002
        self._core.spend_call(client)
        record = self._core.store.get(Authenticator, id)
        if record is None or record.user_id != user.id or record.kind != Passkey.kind or record.confirmed_at:
            raise NotFound("no such proposal of this user")
        return self._answered(record, id, credential, name)

    def _answered(self, record: Authenticator, id: UUID, credential: object, name: str | None) -> Authenticator:  # noqa: A002
        if record.id != id:
            raise NotFound("another proposal")
        cleaned = clean_name(name)
        made = self._core.passkey.made(record, credential)
        return made if cleaned is None else replace(made, name=cleaned)

    def _see_that_it_is_offered(self) -> None:
        if not self.offered:
            raise Forbidden("passkeys are switched off, or base_url has no name for an RP ID")
