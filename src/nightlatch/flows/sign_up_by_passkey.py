"""Sign up without a password: a passkey is the whole sign-in, and recovery codes get back in when it is lost."""

from __future__ import annotations

from msgspec.structs import replace

from nightlatch.errors import AttemptInvalid, Forbidden, InvalidCredentials, NotFound
from nightlatch.flows.binding import Bound
from nightlatch.flows.core import Core
from nightlatch.flows.outcome import Complete
from nightlatch.flows.passkey_proposal import PasskeyProposal
from nightlatch.flows.sign_up import SignUp
from nightlatch.records import Attempt, Authenticator, Evidence, User
from nightlatch.services.client import Client

__all__ = ["SignUpByPasskey"]


class SignUpByPasskey:
    """Bind a passkey in place of the password that a proven sign-up waits for.

    Args:
        core: what flows stand on.
        sign_up: makes the account.
    """

    def __init__(self, core: Core, sign_up: SignUp) -> None:
        self._core = core
        self._sign_up = sign_up

    def begin(self, attempt: Attempt) -> PasskeyProposal:
        """Begin to make one. Nothing exists until it is confirmed: what is being made lies sealed in the attempt.

        Raises:
            AttemptInvalid: the address is not proven, or a user name is missing.
        """
        core, claims = self._core, self._core.attempts.claims(attempt)
        if not attempt.proven or attempt.step != "set" or (core.settings.asks_username and not claims.username_key):
            raise AttemptInvalid("this sign-up does not wait for a passkey")
        draft = core.passkey.draft(attempt.id)
        shown = claims.email or claims.username or ""
        with core.transaction():
            core.attempts.keep(attempt, replace(claims, passkey=draft))
            # Alone it stands for two factors, so it must see that it is its owner (NIST SP 800-63B-4 appendix B).
            options = core.passkey.options(
                draft, user_name=shown, display_name=claims.name or shown, user_id=None, verification="required"
            )
        return PasskeyProposal(id=draft.id, options=options)

    def confirm(self, client: Client, attempt: Attempt, made: Authenticator, proof: Evidence) -> Bound:
        """Make the account with it, and its recovery codes; then sign in.

        Raises:
            InvalidCredentials: it did not see its owner.
            Forbidden: policy asks for a password as well.
            LinkInvalid: somebody proved the address a moment before. UsernameTaken: likewise.
        """
        core, claims = self._core, self._core.attempts.claims(attempt)
        if not proof.user_verified:
            raise InvalidCredentials("the only authenticator must see that it is its owner")

        def bind(user: User) -> tuple[Authenticator, Evidence]:
            record = replace(made, user_id=user.id)
            core.passkey.write(record)
            return record, proof

        with core.transaction():
            complete = self._sign_up.create(
                client,
                attempt,
                claims,
                bind,
                proof=attempt.evidence[-1],
                return_to=attempt.return_to,
                deliver=attempt.deliver,
            )
            if not isinstance(complete, Complete):
                raise Forbidden("policy asks for more than a passkey", message=_MORE)
            codes = core.recovery_codes.replace(complete.user.id)
        record = replace(made, user_id=complete.user.id)
        return Bound(outcome=complete, authenticator=record, recovery_codes=codes)

    def proposed(self, attempt: Attempt) -> Authenticator:
        """Return what `begin` began.

        Raises:
            NotFound: nothing.
        """
        draft = self._core.attempts.claims(attempt).passkey
        if draft is None or not attempt.proven:
            raise NotFound("no passkey is being made in this sign-up")
        return draft


_MORE = "This service asks for a password as well. Please choose one here; a passkey can be added afterwards."
