"""Reauthenticate: confirm that it is still you, before something sensitive."""

from __future__ import annotations

from nightlatch.errors import NotAuthenticated
from nightlatch.flows.core import Core
from nightlatch.flows.fresh import see_that_it_is_fresh
from nightlatch.flows.outcome import More
from nightlatch.flows.prove import Prove
from nightlatch.records import Session, User
from nightlatch.services.client import Client

__all__ = ["Reauthenticate"]


class Reauthenticate:
    """Begin an attempt that is bound to a living session and its user.

    Args:
        core: what flows stand on.
        prove: tells what would help.
    """

    def __init__(self, core: Core, prove: Prove) -> None:
        self._core = core
        self._prove = prove

    def begin(
        self,
        client: Client,
        session: Session,
        *,
        aal: int = 1,
        phishing_resistant: bool = False,
        return_to: str | None = None,
    ) -> More:
        """Begin a reauthentication. Answering it rotates the session's token.

        Where the user's own authenticators do not reach what is asked for, it ends at what they reach, and `enrol`
        says what to bind then.

        Args:
            client: who is asking.
            session: the acting one.
            aal: the level to be proven anew.
            phishing_resistant: whether a proof that cannot be phished must be among those given.
            return_to: where the person wanted to go.

        Raises:
            NotAuthenticated: the session's user is gone.
            Throttled: too many calls.
        """
        core = self._core
        core.spend_call(client)
        user = core.store.get(User, session.user_id)
        if user is None or user.status != "active":
            raise NotAuthenticated("user is gone or suspended")
        with core.transaction():
            attempt, secret = core.attempts.open(
                "reauthenticate",
                client,
                life=core.settings.attempts.sign_in_life,
                user_id=user.id,
                epoch=user.epoch,
                session_id=session.id,
                required_aal=aal,
                required_phishing_resistant=phishing_resistant,
                return_to=return_to,
            )
        return self._prove.more_of(attempt, secret)

    def ways(self, session: Session) -> tuple[str, ...]:
        """Return the kinds that a reauthentication can begin with."""
        return self._prove.first_of(session.user_id)

    def require(self, session: Session) -> None:
        """Let a session pass that needs no reauthentication yet, for what changes or ends an account.

        Raises:
            ReauthenticationRequired: its proof is not fresh.
        """
        see_that_it_is_fresh(self._core, session)
