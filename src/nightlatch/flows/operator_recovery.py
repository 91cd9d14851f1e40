"""Who lost everything: an operator starts a recovery, and never finishes it.

It waits 72 hours, told to every address with a link that stops it. Then a link leads the person, and nobody else, to a
new password: mailed to an address that was proven at least a week ago, or handed over in person (NIST SP 800-63B-4
4.2.1.2, 4.2.2.2; ASVS 6.4.6: the operator neither sets nor sees a password).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from nightlatch.errors import AttemptInvalid, InvalidInput, LinkInvalid
from nightlatch.flows.core import Core
from nightlatch.flows.outcome import More
from nightlatch.flows.recover import Recover
from nightlatch.pages.account_mails import OperatorRecoveryMail, RecoverByOperatorMail, RecoveryStoppedMail
from nightlatch.primitives.secret import Secret
from nightlatch.records import Attempt, Identifier, OneTimeSecret, User
from nightlatch.services.attempts import Claims
from nightlatch.services.client import NOBODY, Client

__all__ = ["CANCEL", "PURPOSE", "OperatorRecovery"]

PURPOSE, CANCEL = "operator_recovery", "cancel_recovery"

_OLD_ENOUGH = timedelta(days=7)
_GOOD_FOR = timedelta(hours=24)
"""How long the link works once its time has come (NIST SP 800-63B-4 4.2.1.2: by mail 24 hours)."""


class OperatorRecovery:
    """Start, stop and redeem such recoveries.

    Args:
        core: what flows stand on.
        recover: goes on where the link is pressed.
    """

    def __init__(self, core: Core, recover: Recover) -> None:
        self._core = core
        self._recover = recover

    def start(self, user: User, *, to: str | None) -> tuple[datetime, Secret | None]:
        """Start a recovery. Every address of the account is told, with a link that stops it.

        Args:
            user: who lost everything.
            to: the address to mail the link to when its time has come; None: it is returned, to be handed over.

        Returns:
            from when on the link works, and the link's secret where it is handed over.

        Raises:
            InvalidInput: the address is not the user's, or was proven less than a week ago; the user is suspended.
        """
        core = self._core
        if user.status != "active":
            raise InvalidInput(fields={"user": f"The user is {user.status}. Restore them first."})
        addresses = core.store.find(Identifier, {"user_id": user.id, "kind": "email"}, order_by="created_at")
        chosen = None if to is None else self._chosen(addresses, to)
        delay = core.settings.accounts.operator_recovery_delay
        works_at = core.clock.now() + delay
        with core.transaction():
            core.users.hold(user)
            attempt, _ = core.attempts.open(
                PURPOSE,
                NOBODY,
                life=delay + _GOOD_FOR,
                claims=Claims(email=(chosen.value if chosen else None) or user.email or user.username),
                user_id=user.id,
                epoch=user.epoch,
                step="wait",
            )
            link = self._issue(PURPOSE, attempt, user)
            for each in addresses:
                stop = core.link("stop", self._issue(CANCEL, attempt, user))
                told = OperatorRecoveryMail(
                    service_name=core.settings.service_name, link=stop, at=core.clock.now(), works_at=works_at
                )
                core.outbox.enqueue(told, to=each.value, user_id=user.id)
            if chosen is not None:
                mail = RecoverByOperatorMail(
                    service_name=core.settings.service_name,
                    link=core.link("verify", link),
                    hours=int(_GOOD_FOR.total_seconds() // 3600),
                )
                core.outbox.enqueue(
                    mail, to=chosen.value, user_id=user.id, expires_at=attempt.expires_at, due_at=works_at
                )
            details = {"by": "operator", "handed_over": chosen is None}
            core.audit.done("authn_operator_recovery_begun", NOBODY, user_id=user.id, details=details)
        return works_at, None if chosen else link

    def _issue(self, purpose: str, attempt: Attempt, user: User) -> Secret:
        life = attempt.expires_at - attempt.created_at
        # Filed under the attempt: a recovery by mail that somebody tries meanwhile uses none of these up.
        key = f"{purpose}:{attempt.id}"
        return self._core.one_time.issue(
            purpose, destination_key=key, life=life, attempt=attempt, user_id=user.id, with_code=False
        ).link

    def _chosen(self, addresses: list[Identifier], to: str) -> Identifier:
        claim = self._core.users.claim(to)
        found = next((each for each in addresses if claim is not None and each.key == claim.key), None)
        if found is None:
            raise InvalidInput(fields={"to": "That is no address of this user."})
        if self._core.clock.now() - found.proven_at < _OLD_ENOUGH:
            raise InvalidInput(fields={"to": "That address was proven less than seven days ago. Hand the link over."})
        return found

    # --- the link ---------------------------------------------------------------------------------------------------

    def see_that_it_is_time(self, origin: Attempt) -> None:
        """Let a link pass whose waiting time is over.

        Raises:
            LinkInvalid: it is not, and the message says from when on it works.
        """
        works_at = origin.expires_at - _GOOD_FOR
        if self._core.clock.now() < works_at or origin.status != "open":
            at = works_at.strftime("%Y-%m-%d %H:%M UTC")
            raise LinkInvalid("not yet, or stopped", message=f"This link works from {at} on, unless it was stopped.")

    def fork(self, client: Client, redeemed: OneTimeSecret, origin: Attempt) -> More:
        """Go on to a new password where the link was pressed."""
        self.see_that_it_is_time(origin)
        core = self._core
        with core.transaction():
            core.attempts.finish(origin)
            return self._recover.fork_lost(client, redeemed, origin)

    def stop(self, client: Client, link: OneTimeSecret) -> None:
        """Stop a recovery, from any address of the account.

        Raises:
            AttemptInvalid: it was used or stopped.
            InvalidCode: the link was used in between.
        """
        core = self._core
        user = core.store.get(User, link.user_id) if link.user_id else None
        if user is None:
            raise AttemptInvalid("user is gone")
        with core.transaction():
            core.one_time.redeem(link)
            if not core.store.update(Attempt, {"id": link.attempt_id, "status": "open"}, {"status": "dead"}):
                raise AttemptInvalid("used or stopped")
            core.store.update(OneTimeSecret, {"attempt_id": link.attempt_id}, {"used_at": core.clock.now()})
            core.audit.done("authn_operator_recovery_stopped", client, user_id=user.id)
            for each in core.store.find(Identifier, {"user_id": user.id, "kind": "email"}):
                stopped = RecoveryStoppedMail(service_name=core.settings.service_name, at=core.clock.now())
                core.outbox.enqueue(stopped, to=each.value, user_id=user.id)
