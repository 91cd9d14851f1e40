"""What binding any authenticator has in common: who may, what ends, and what comes with the first one.

A user's first second factor raises what that user's sign-ins need, and ends every other session, token and remembered
device: whoever was in before it by a stolen password is out (design, section 3). A further one ends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nightlatch.errors import AttemptInvalid, InvalidCredentials, NotAuthenticated
from nightlatch.flows.core import Core
from nightlatch.flows.fresh import see_that_it_is_fresh
from nightlatch.flows.notices import tell_authenticators_changed
from nightlatch.flows.outcome import Complete, Outcome
from nightlatch.primitives.assurance import condensed
from nightlatch.primitives.secret import Secret
from nightlatch.records import Attempt, Authenticator, Evidence, Session, User
from nightlatch.services.client import Client
from nightlatch.services.gate import Missing, needed_by

__all__ = ["Binding", "Bound"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """An authenticator that now counts.

    Args:
        outcome: the session that was rotated or started; or what the sign-in waits for still.
        authenticator: what was bound.
        recovery_codes: made with the first one, and shown this once.
    """

    outcome: Outcome
    authenticator: Authenticator
    recovery_codes: tuple[Secret, ...] = ()

    @property
    def complete(self) -> Complete:
        """The session, where no more is waited for.

        Raises:
            AttemptInvalid: policy asks for more still.
        """
        if not isinstance(self.outcome, Complete):
            raise AttemptInvalid("policy asks for more still")
        return self.outcome


class Binding:
    """Bind authenticators, of whatever kind.

    Args:
        core: what flows stand on.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    def fresh(self, session: Session) -> User:
        """Return the session's user, if its proof is fresh and of the level that their sign-ins need (ASVS 7.5.1).

        Raises:
            NotAuthenticated: the user is gone or suspended.
            ReauthenticationRequired: the proof is not fresh, or not of that level.
        """
        user = self._core.store.get(User, session.user_id)
        if user is None or user.status != "active":
            raise NotAuthenticated("user is gone or suspended")
        see_that_it_is_fresh(self._core, session)
        return user

    def enrolling(self, attempt: Attempt, kind: str) -> User:
        """Return the user whose sign-in waits for an authenticator of a kind to be bound.

        Raises:
            AttemptInvalid: it waits for something else.
        """
        user = self._core.store.get(User, attempt.user_id) if attempt.user_id else None
        if attempt.step != "enrol" or not attempt.proven or user is None or user.epoch != attempt.epoch:
            # A stolen password alone must not bind a factor: on a device not known a mailed code comes first.
            raise AttemptInvalid("this attempt does not wait for an enrolment")
        try:
            missing = self._core.gate.admit(user, attempt.evidence, self._core.users.authenticators(user.id))
        except InvalidCredentials as refusal:
            raise AttemptInvalid(refusal.reason) from None
        if not isinstance(missing, Missing) or kind not in missing.enrol:
            raise AttemptInvalid(f"this attempt does not wait for {kind}")
        return user

    def in_session(
        self,
        client: Client,
        session: Session,
        user: User,
        record: Authenticator,
        proof: Evidence,
        confirm: Callable[[], None],
    ) -> Bound:
        """Let an authenticator count for who is signed in.

        Args:
            client: who is asking.
            session: the acting one: it is rotated, and holds what was proven.
            user: its user, as `fresh` returned it.
            record: the authenticator as it will be.
            proof: what the enrolment proved.
            confirm: writes the record, in the transaction.
        """
        core = self._core
        with core.transaction():
            core.users.hold(user)
            before = core.users.authenticators(user.id)
            confirm()
            if needed_by(before) == 1:
                core.users.end_access(user.id, keep=session.id)
            codes = self._codes(user, before)
            outcome = self.rotate(session, (*session.evidence, proof))
            self.note(client, user, session, "authenticator_added", record)
            tell_authenticators_changed(core, client, user, "added", record.kind)
        return Bound(outcome=outcome, authenticator=record, recovery_codes=codes)

    def in_attempt(
        self,
        client: Client,
        attempt: Attempt,
        user: User,
        record: Authenticator,
        proof: Evidence,
        confirm: Callable[[], None],
    ) -> Bound:
        """Let the authenticator count that a sign-in waits for, and go on with the sign-in.

        Raises:
            AttemptInvalid: another answer was first.
        """
        core = self._core
        with core.transaction():
            core.users.hold(user)
            before = core.users.authenticators(user.id)
            confirm()
            core.users.end_access(user.id)
            codes = self._codes(user, before)
            fresh, evidence = core.store.get(User, user.id) or user, (*attempt.evidence, proof)
            granted = core.gate.admit(fresh, evidence, core.users.authenticators(user.id))
            core.attempts.finish(attempt)
            outcome: Outcome
            if isinstance(granted, Missing):
                # Policy has a sequence, and this was not the last of it.
                outcome = core.lead_through(
                    client, fresh, evidence, granted, return_to=attempt.return_to, deliver=attempt.deliver
                )
            else:
                outcome = core.welcome(client, granted, return_to=attempt.return_to, deliver=attempt.deliver)
            session = outcome.session if isinstance(outcome, Complete) else None
            self.note(client, user, session, "authenticator_added", record)
            tell_authenticators_changed(core, client, user, "added", record.kind)
        return Bound(outcome=outcome, authenticator=record, recovery_codes=codes)

    def _codes(self, user: User, before: Sequence[Authenticator]) -> tuple[Secret, ...]:
        """Make recovery codes with the first authenticator, and where none are left."""
        codes = self._core.recovery_codes
        return () if codes.of(before) else codes.replace(user.id)

    def rotate(self, session: Session, evidence: tuple[Evidence, ...]) -> Complete:
        """Give a session a new secret and other evidence, in the transaction that is open."""
        core = self._core
        fresh = core.store.get(User, session.user_id)
        if fresh is None:
            raise NotAuthenticated("user is gone")
        granted = core.gate.reweigh(fresh, condensed(evidence))
        return core.renew(fresh, session, epoch=fresh.epoch, assurance=granted)

    def note(self, client: Client, user: User, session: Session | None, action: str, record: Authenticator) -> None:
        """Write the event of a change, in the transaction that is open."""
        details = {"kind": record.kind}
        session_id = session.id if session else None
        self._core.audit.done(action, client, user_id=user.id, session_id=session_id, details=details)
