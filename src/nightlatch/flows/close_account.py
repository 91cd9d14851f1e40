"""Close one's account, with time to think it over; or erase it at once."""

from __future__ import annotations

from datetime import datetime

from nightlatch.errors import AttemptInvalid, NotAuthenticated
from nightlatch.flows.core import Core
from nightlatch.flows.erase import erase
from nightlatch.flows.fresh import see_that_it_is_fresh, see_that_it_is_ours
from nightlatch.pages.account_mails import AccountClosedMail, AccountErasedMail, AccountKeptMail
from nightlatch.pages.devices import device_words
from nightlatch.ports import before
from nightlatch.records import Attempt, Identifier, OneTimeSecret, Session, User
from nightlatch.services.client import NOBODY, Client

__all__ = ["CloseAccount"]

PURPOSE = "close_account"
"""Of the attempt that waits for the end of the grace period, and of the link that calls it off."""


class CloseAccount:
    """Close, keep after all, erase.

    Args:
        core: what flows stand on.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    def close(self, client: Client, session: Session) -> datetime:
        """Close the account: nobody signs in to it any longer, and it is erased when the grace period ends.

        Every address is mailed a link that calls it off.

        Returns:
            when it is erased.

        Raises:
            ReauthenticationRequired: the session's proof is not fresh.
            Forbidden: the application keeps this account.
            AttemptInvalid: the account changed in between.
        """
        core = self._core
        user = self._user(session)
        addresses = self._addresses(user)
        grace = core.settings.accounts.grace
        with core.transaction():
            core.users.hold(user)
            core.users.end_access(user.id)
            core.one_time.void_for(user.id)
            core.store.update(User, {"id": user.id}, {"status": "closing"})
            attempt, _ = core.attempts.open(
                PURPOSE, client, life=grace, user_id=user.id, epoch=user.epoch + 1, step="wait"
            )
            for each in addresses:
                issued = core.one_time.issue(
                    PURPOSE, destination_key=each.key, life=grace, attempt=attempt, user_id=user.id, with_code=False
                )
                mail = AccountClosedMail(
                    service_name=core.settings.service_name,
                    link=core.link("stop", issued.link),
                    device=device_words(client.user_agent),
                    place=client.ip,
                    at=core.clock.now(),
                    erased_at=attempt.expires_at,
                )
                core.outbox.enqueue(mail, to=each.value, user_id=user.id)
            core.audit.done("user_closed", client, user_id=user.id, session_id=session.id)
        return attempt.expires_at

    def keep(self, client: Client, link: OneTimeSecret) -> None:
        """Call a closing off: the account is as it was, and nobody is signed in.

        Raises:
            AttemptInvalid: it was erased, or an operator was first.
            InvalidCode: the link was used in between.
        """
        core = self._core
        user = core.store.get(User, link.user_id) if link.user_id else None
        attempt = core.store.get(Attempt, link.attempt_id) if link.attempt_id else None
        if user is None or attempt is None:
            raise AttemptInvalid("erased in between")
        with core.transaction():
            core.one_time.redeem(link)
            core.attempts.finish(attempt)
            guard = {"id": user.id, "status": "closing", "epoch": attempt.epoch}
            if not core.store.update(User, guard, {"status": "active", "updated_at": core.clock.now()}):
                raise AttemptInvalid("restored or suspended in between")
            core.one_time.void_for(user.id)
            core.audit.done("user_kept", client, user_id=user.id)
            for each in self._addresses(user):
                kept = AccountKeptMail(service_name=core.settings.service_name, at=core.clock.now())
                core.outbox.enqueue(kept, to=each.value, user_id=user.id)

    def erase(self, client: Client, session: Session) -> None:
        """Erase the account at once. There is no way back.

        Raises:
            ReauthenticationRequired: the session's proof is not fresh.
            Forbidden: the application keeps this account.
            AttemptInvalid: the account changed in between.
        """
        core = self._core
        user = self._user(session)
        addresses = self._addresses(user)
        with core.transaction():
            if not erase(core, user):
                raise AttemptInvalid("user changed in between")
            self._tell_erased(client, user, addresses)

    def erase_due(self, limit: int = 100) -> int:
        """Erase the accounts whose grace period is over, in a small batch."""
        core = self._core
        due = {"purpose": PURPOSE, "status": "open", "expires_at": before(core.clock.now())}
        return sum(self._erase_one(each) for each in core.store.find(Attempt, due, order_by="expires_at", limit=limit))

    def _erase_one(self, attempt: Attempt) -> bool:
        core = self._core
        user = core.store.get(User, attempt.user_id) if attempt.user_id else None
        if user is None or user.status != "closing" or user.epoch != attempt.epoch:
            return False  # an operator restored or suspended them: this closing is over
        addresses = self._addresses(user)
        with core.transaction():
            erased = erase(core, user)
            if erased:
                self._tell_erased(NOBODY, user, addresses)
        return erased

    def _tell_erased(self, client: Client, user: User, addresses: list[Identifier]) -> None:
        core = self._core
        core.audit.done("user_deleted", client, user_id=user.id, details={"by": "user"})
        for each in addresses:
            # Without the user's id: it is the last that is written, and goes with the outbox.
            core.outbox.enqueue(AccountErasedMail(service_name=core.settings.service_name), to=each.value)

    def _addresses(self, user: User) -> list[Identifier]:
        return self._core.store.find(Identifier, {"user_id": user.id, "kind": "email"}, order_by="created_at")

    def _user(self, session: Session) -> User:
        see_that_it_is_fresh(self._core, session)
        user = self._core.store.get(User, session.user_id)
        if user is None:
            raise NotAuthenticated("user is gone")
        see_that_it_is_ours(user)
        return user
