"""Sign in: an identifier and a proof; then the gate."""

from __future__ import annotations

from typing import Literal

from nightlatch.authenticators.base import Proof
from nightlatch.errors import InvalidInput
from nightlatch.flows.core import Core
from nightlatch.flows.outcome import Complete, More, Outcome
from nightlatch.flows.prove import Prove
from nightlatch.primitives.secret import Secret
from nightlatch.services.challenges import CHALLENGE_LIFE
from nightlatch.services.client import Client
from nightlatch.services.gate import Assurance
from nightlatch.services.throttle import Charge

__all__ = ["SignIn"]


class SignIn:
    """Let a person in who has an account.

    Args:
        core: what flows stand on.
        prove: verifies the first proof.
    """

    def __init__(self, core: Core, prove: Prove) -> None:
        self._core = core
        self._prove = prove

    def begin(
        self,
        client: Client,
        *,
        identifier: str | None,
        password: Secret | None = None,
        return_to: str | None = None,
        deliver: Literal["cookie", "tokens"] = "cookie",
    ) -> Outcome:
        """Begin a sign-in, and end it at once where a password is enough.

        Args:
            client: who is asking.
            identifier: an address or a user name, as typed; None: a passkey alone will tell who it is.
            password: as typed; without it the answer says what could be proven, which depends on settings alone.
            return_to: where the person wanted to go.
            deliver: a cookie session or tokens.

        Returns:
            a session, or what more is needed.

        Raises:
            InvalidCredentials: identifier and password do not belong together, whatever the cause.
            InvalidInput: neither an identifier was given, nor are passkeys offered.
            Throttled: too many tries.
            Busy: the hashing pool is full; nothing was verified.
        """
        core = self._core
        if identifier is None and password is None:
            return self._by_passkey(client, return_to, deliver)
        if identifier is None:
            raise InvalidInput(fields={"identifier": "Please fill this in."})
        if password is not None:
            with core.place(client, password):
                claim = core.users.claim(identifier)
                return self._prove.first(
                    client, claim, identifier, Proof(password=password), return_to=return_to, deliver=deliver
                )
        claim = core.users.claim(identifier)
        core.spend_call(client)
        with core.transaction():
            attempt, secret = core.attempts.open(
                "sign_in",
                client,
                life=core.settings.attempts.sign_in_life,
                identifier_kind=claim.kind if claim else None,
                identifier_key=claim.key if claim else None,
                return_to=return_to,
                deliver=deliver,
            )
        return self._prove.more_of(attempt, secret)

    def _by_passkey(self, client: Client, return_to: str | None, deliver: Literal["cookie", "tokens"]) -> More:
        """Begin a sign-in that a passkey alone will tell whose it is. Every sign-in page asks for one as it loads."""
        core = self._core
        if not core.passkey.offered:
            raise InvalidInput(fields={"identifier": "Please fill this in."})
        budget = core.settings.throttle.passkey_asked_per_address
        core.throttle.spend([Charge(budget, f"passkey:address:{client.address}")])
        with core.transaction():
            attempt, secret = core.attempts.open(
                "sign_in",
                client,
                life=CHALLENGE_LIFE,
                identifier_kind=core.passkey.kind,
                return_to=return_to,
                deliver=deliver,
            )
        return self._prove.ask_passkey(client, attempt, secret)

    # --- in two steps, for frameworks that ask first and sign in afterwards (Django's `authenticate` and `login`) ----

    def prove(self, client: Client, *, identifier: str, password: Secret) -> Assurance:
        """Verify a password that must be enough by itself; nobody is signed in yet.

        Args:
            client: who is asking.
            identifier: an address or a user name, as typed.
            password: as typed.

        Returns:
            the gate's word, from which `start` makes a session.

        Raises:
            InvalidCredentials: they do not belong together, or this user needs more than a password.
            Throttled: too many tries.
            Busy: the hashing pool is full; nothing was verified.
        """
        core = self._core
        with core.place(client, password):
            return self._prove.alone(client, core.users.claim(identifier), identifier, Proof(password=password))

    def start(self, client: Client, assurance: Assurance) -> Complete:
        """Start a session from the gate's word.

        Raises:
            AttemptInvalid: it was given too long ago, or the user was suspended, reset or removed since.
        """
        return self._prove.start(client, assurance)
