"""Who cannot get back in: an operator starts a recovery, and never finishes it.

It waits 72 hours, told to every address with a link that stops it. Then a link leads the person, and nobody else, to a
new password: mailed to an address that was proven at least a week ago, or handed over in person (NIST SP 800-63B-4
4.2.1.2, 4.2.2.2; ASVS 6.4.6: the operator neither sets nor sees a password). Other authenticators stay, and one of them
is asked for, unless everything is lost. Where settings ask for two operators, one requests it and another confirms.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from nightlatch.errors import AttemptInvalid, Forbidden, InvalidInput, LinkInvalid, NotFound
from nightlatch.flows.core import Core
from nightlatch.flows.operating import CONSOLE, By, actor_of, name_of, see_that_it_is_an_operator
from nightlatch.flows.outcome import More
from nightlatch.flows.recover import Recover
from nightlatch.pages.account_mails import OperatorRecoveryMail, RecoverByOperatorMail, RecoveryStoppedMail
from nightlatch.primitives.secret import Secret
from nightlatch.records import Attempt, Identifier, OneTimeSecret, User
from nightlatch.services.attempts import Claims
from nightlatch.services.client import NOBODY, Client

__all__ = ["CANCEL", "PURPOSE", "OperatorRecovery"]

PURPOSE, CANCEL = "operator_recovery", "cancel_recovery"
_REQUESTED = "operator_recovery_request"

_OLD_ENOUGH = timedelta(days=7)
_GOOD_FOR = timedelta(hours=24)
"""How long the link works once its time has come (NIST SP 800-63B-4 4.2.1.2: by mail 24 hours)."""
_CONFIRM_WITHIN = timedelta(hours=24)


class _Started(Claims, frozen=True, kw_only=True, omit_defaults=True):
    lost: bool = False
    """The other authenticators are lost too."""
    to: str | None = None
    by: str = ""


class OperatorRecovery:
    """Start, stop and redeem such recoveries.

    Args:
        core: what flows stand on.
        recover: goes on where the link is pressed.
    """

    def __init__(self, core: Core, recover: Recover) -> None:
        self._core = core
        self._recover = recover

    def start(
        self, user: User, *, to: str | None, lost_everything: bool = False, by: By = CONSOLE
    ) -> tuple[datetime, Secret | None]:
        """Start a recovery. Every address of the account is told, with a link that stops it.

        Args:
            user: who cannot get back in.
            to: the address to mail the link to when its time has come; None: it is returned, to be handed over.
            lost_everything: the other authenticators are lost too: they go when the new password is set. Otherwise
                they stay, and one of them is proven before it is set.
            by: the operator.

        Returns:
            from when on the link works, and the link's secret where it is handed over.

        Raises:
            InvalidInput: the address is not the user's, or was proven less than a week ago; the user is suspended.
            Forbidden: settings ask for two operators: `request`, then `confirm`; or the session is no administrator's.
            ReauthenticationRequired: the session's proof is not fresh, or a password alone.
        """
        see_that_it_is_an_operator(self._core, by)
        if self._core.settings.accounts.recovery_operators > 1:
            raise Forbidden("settings ask for two operators", message="Two operators start a recovery here.")
        asked = self._asked(user, to, lost_everything, by)
        with self._core.transaction():
            return self._begin(user, asked, by)

    def request(self, user: User, *, to: str | None, lost_everything: bool = False, by: By = CONSOLE) -> datetime:
        """Ask for a recovery that a second operator confirms. Nothing begins, and nobody is told.

        Args:
            user: who cannot get back in.
            to: as for `start`.
            lost_everything: as for `start`.
            by: the operator.

        Returns:
            until when it can be confirmed.

        Raises:
            InvalidInput, Forbidden, ReauthenticationRequired: as `start`.
        """
        core = self._core
        see_that_it_is_an_operator(core, by)
        asked = self._asked(user, to, lost_everything, by)
        with core.transaction():
            attempt, _ = core.attempts.open(
                _REQUESTED,
                NOBODY,
                life=_CONFIRM_WITHIN,
                claims=asked,
                user_id=user.id,
                epoch=user.epoch,
                step="wait",
            )
            self._note("authn_operator_recovery_requested", user, asked, by)
        return attempt.expires_at

    def confirm(self, user: User, *, by: By) -> tuple[datetime, Secret | None]:
        """Start the recovery that another operator asked for.

        Returns:
            as `start`.

        Raises:
            NotFound: nobody asked for one in the last day, or the account changed since.
            Forbidden: the same operator did, or the session is no administrator's.
            ReauthenticationRequired: the session's proof is not fresh, or a password alone.
        """
        core = self._core
        see_that_it_is_an_operator(core, by)
        waiting = core.store.find(Attempt, {"user_id": user.id, "purpose": _REQUESTED, "status": "open"})
        living = [each for each in waiting if each.expires_at > core.clock.now() and each.epoch == user.epoch]
        if not living:
            raise NotFound("no recovery was asked for")
        found = next(((each, asked) for each in living if (asked := self._claims(each)).by != name_of(by)), None)
        if found is None:
            raise Forbidden("the same operator", message="Another operator than the one who asked confirms it.")
        request, asked = found
        with core.transaction():
            core.attempts.finish(request)
            return self._begin(user, asked, by)

    def _claims(self, attempt: Attempt) -> _Started:
        return self._core.attempts.claims(attempt, _Started)

    def _asked(self, user: User, to: str | None, lost: bool, by: By) -> _Started:  # noqa: FBT001
        if user.status != "active":
            raise InvalidInput(fields={"user": f"The user is {user.status}. Restore them first."})
        if actor_of(by) == user.id:
            raise Forbidden("an operator's own account", message="Another operator does that for you.")
        chosen = None if to is None else self._chosen(self._addresses(user), to).value
        return _Started(email=chosen or user.email or user.username, to=chosen, lost=lost, by=name_of(by))

    def _begin(self, user: User, asked: _Started, by: By) -> tuple[datetime, Secret | None]:
        core = self._core
        delay = core.settings.accounts.operator_recovery_delay
        works_at = core.clock.now() + delay
        core.users.hold(user)
        attempt, _ = core.attempts.open(
            PURPOSE,
            NOBODY,
            life=delay + _GOOD_FOR,
            claims=asked,
            user_id=user.id,
            epoch=user.epoch,
            step="wait",
        )
        link = self._issue(PURPOSE, attempt, user)
        for each in self._addresses(user):
            told = OperatorRecoveryMail(
                service_name=core.settings.service_name,
                link=core.link("stop", self._issue(CANCEL, attempt, user)),
                at=core.clock.now(),
                works_at=works_at,
                lost=asked.lost,
            )
            core.outbox.enqueue(told, to=each.value, user_id=user.id)
        if asked.to is not None:
            mail = RecoverByOperatorMail(
                service_name=core.settings.service_name,
                link=core.link("verify", link),
                hours=int(_GOOD_FOR.total_seconds() // 3600),
                lost=asked.lost,
            )
            core.outbox.enqueue(mail, to=asked.to, user_id=user.id, expires_at=attempt.expires_at, due_at=works_at)
        self._note("authn_operator_recovery_begun", user, asked, by)
        return works_at, None if asked.to else link

    def _note(self, action: str, user: User, asked: _Started, by: By) -> None:
        details = {"by": name_of(by), "handed_over": asked.to is None, "lost_everything": asked.lost}
        if asked.by != name_of(by):
            details["asked_by"] = asked.by
        self._core.audit.done(action, NOBODY, user_id=user.id, actor_id=actor_of(by), details=details)

    def _addresses(self, user: User) -> list[Identifier]:
        return self._core.store.find(Identifier, {"user_id": user.id, "kind": "email"}, order_by="created_at")

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
            lost = self._claims(origin).lost
            core.attempts.finish(origin)
            return self._recover.fork_started(client, redeemed, origin, lost=lost)

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
            for each in self._addresses(user):
                stopped = RecoveryStoppedMail(service_name=core.settings.service_name, at=core.clock.now())
                core.outbox.enqueue(stopped, to=each.value, user_id=user.id)
